"""The vocabulary of derivations: everything a chapter needs to write claims and their calc chains, in one import."""

from derivations.kernel.claims import Claim, Statement, by_claim, given, induction_hypothesis
from derivations.kernel.domain import (
    CLOSED_UNIT,
    NONNEGATIVE,
    NONZERO,
    POSITIVE,
    REAL,
    UNIT,
    UNIT_WITH_ONE,
    Domain,
    Interval,
)
from derivations.kernel.rules.base import Hypothesis, algebra
from derivations.kernel.rules.calculus import differentiation, interchange
from derivations.kernel.rules.gaussian import composition, density, identify, jacobian, moments, reparameterize
from derivations.kernel.rules.matrices import LogDet, Quadratic, Trace, covariance, trace_algebra
from derivations.kernel.rules.order import At, ProductTo, Rounded, continuity, induction, interval_arithmetic, positivity
from derivations.kernel.rules.probability import (
    Entropy,
    Equal,
    SameLaw,
    bayes,
    definition,
    gibbs,
    importance,
    jensen,
    linearity,
    rearrange,
    tangent,
    total_probability,
    tower,
    vanishing_mean,
    zero_divergence,
)
from derivations.kernel.terms import (
    KL,
    AffineImage,
    BernoulliProduct,
    Block,
    Coord,
    D,
    Density,
    DiagonalNormal,
    Expect,
    FullNormal,
    Gradient,
    Hadamard,
    Inner,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Ratio,
    SumTo,
    Variance,
    define,
    log_p,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

__all__ = [
    name for name in dir() if not name.startswith("_") and name not in ("derivations",)
]
