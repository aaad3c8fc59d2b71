"""Rules for normal laws and matrices keep values in 200 random models each; spoilt twins are caught."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import (
    BOUND,
    GAUSS,
    A,
    B,
    Gaussian,
    Sample,
    Stranger,
    T,
    a,
    assert_caught,
    assert_sound,
    b,
    bend,
    c,
    context,
    eps,
    families,
    gauss_world,
    numbers,
    probe,
    replacing,
    spoilt_rules,
    t,
    u,
    v,
    w,
    without,
    x,
    z,
)

from derivations import notation
from derivations.kernel.domain import POSITIVE, UNIT, Domain
from derivations.kernel.rules import gaussian, matrices, reparameterization
from derivations.kernel.rules.base import Rule
from derivations.kernel.rules.equations import given
from derivations.kernel.rules.gaussian import composition, density, identify, moments
from derivations.kernel.rules.matrices import cofactors, entries, trace_algebra
from derivations.kernel.rules.probability import linearity
from derivations.kernel.rules.reparameterization import jacobian, push_forward, reparameterize
from derivations.kernel.terms import (
    DIM,
    KL,
    AffineImage,
    BernoulliProduct,
    Coord,
    DiagonalNormal,
    Entry,
    Expect,
    FullNormal,
    Inner,
    LogDensity,
    LogDet,
    Mean,
    Norm2,
    Normal,
    Quadratic,
    SumTo,
    Trace,
    Variance,
    vector,
)
from derivations.refutation import laws
from derivations.refutation.laws import mp
from derivations.refutation.worlds import World

spread = vector("spread")
SPREAD = Domain({**GAUSS.intervals, "spread": POSITIVE}, GAUSS.indices)
SIZED = Domain(GAUSS.intervals, GAUSS.indices, sizes={"A": 2, "B": 2})


def world(rng: Random, d: int = 0) -> World:
    drawn = gauss_world(rng.randrange(10**6), d)
    drawn.coordinates = {"spread": POSITIVE}
    return drawn


# --- what the rules are given -----------------------------------------------------------------------------------------


def averages(rng: Random) -> Sample:
    make = Gaussian(rng)
    term = make.term(rng.choice([1, 2, 2, 3]))
    if rng.random() < 0.5:
        law = make.law(z)
        factors = [quadratic(rng, z) for _ in range(rng.choice([1, 1, 2]))]
        term = Expect(law, sp.Mul(make.coefficient(), *factors) + make.leaf(z))
    if rng.random() < 0.1:
        law = Normal(z, make.vector(), make.variance())
        term = Inner(Mean(law), v) * Variance(law) + term
    return Sample(context(GAUSS), [world(rng)], (term,))


def quadratic(rng: Random, random: Any) -> Any:
    make = Gaussian(rng)
    word = rng.choice([A, B, A**-1, A * B, A**-1 * B])
    return Quadratic(make.vector(random), word, rng.choice([make.vector(random), random, bend(random), u]))


def densities(rng: Random) -> Sample:
    make, i = Gaussian(rng), BOUND[2]
    law = make.law(z, index=i)
    chances = BernoulliProduct(z, i, 1 / (2 + Coord(u, i) ** 2), DIM)
    term = rng.choice([LogDensity(law), LogDensity(chances), a * LogDensity(law) ** 2 + make.leaf()])
    return Sample(context(GAUSS), [world(rng)], (term,))


def changes(rng: Random) -> Sample:
    """Averages whose body hides the variable: in an inner average, under the noise's own name, in another member."""
    make = Gaussian(rng)
    if rng.random() < 0.3:
        return chain_change(rng)
    inner = Normal(rng.choice([w, z, eps, u]), make.vector(z), make.variance())
    awkward = [
        Expect(inner, make.leaf(z, inner.args[0])),
        KL(Normal(z, u, c), Normal(z, v, 1)),
        Inner(z, eps),
        Mean(inner),
    ]
    body = make.term(1, z) if rng.random() < 0.6 else rng.choice([*awkward[:3], Inner(awkward[3], z)]) + make.leaf(z)
    mean = rng.choice([u, make.vector(), w, eps, sp.S.Zero])
    if rng.random() < 0.3:
        i = BOUND[0]
        where, scale = rng.choice([(u, spread), (spread, spread), (u, v)])
        law: Any = DiagonalNormal(z, i, Coord(rng.choice([where, where, v]), i), Coord(scale, i) ** 2, DIM)
        return Sample(context(SPREAD), [world(rng)], (Expect(law, body),), args=(eps, where, scale))
    return Sample(context(SPREAD), [world(rng)], (Expect(Normal(z, mean, make.variance()), body),), args=(eps,))


def chain_change(rng: Random) -> Sample:
    """The variable is x(t): other members of its family, with indices of sums, may be the same."""
    s = BOUND[0]
    bodies = [Norm2(x(t)), Inner(x(t), x(T)), SumTo(Inner(x(s), x(t)), s, 1, T), Inner(x(t - 1), x(t))]
    inner = Expect(Normal(x(t - 1), u, 1), Inner(x(t), x(t - 1)))
    body = rng.choice([*bodies, inner, Expect(Normal(x(T), x(t), 1), Norm2(x(T) - x(t)))])
    mean = rng.choice([u, x(t - 1), x(0), x(T)])
    drawn = world(rng, 1)
    drawn.numbers |= {"T": 2, "t": rng.choice([1, 2])}
    domain = Domain(SPREAD.intervals, {**GAUSS.indices, T: (1, sp.oo), t: (1, T)})
    return Sample(context(domain), [drawn], (Expect(Normal(x(t), mean, c), body),), args=(eps,))


def images(rng: Random) -> Sample:
    """z = shift + spread * noise, coordinate by coordinate, averaged over or with its density asked for."""
    make, i = Gaussian(rng), BOUND[0]
    base = DiagonalNormal(eps, i, rng.choice([sp.S.Zero, a, Coord(v, i)]), rng.choice([sp.S.One, c]), DIM)
    shift = rng.choice([Coord(u, i), Coord(u, i), a * Coord(v, i)])
    law = AffineImage(z, i, shift, rng.choice([Coord(spread, i), Coord(spread, i), c]), base, DIM)
    body = rng.choice([make.term(1, z), Inner(z, eps), Expect(Normal(u, z, 1), Inner(u, z)), make.leaf(z)])
    return Sample(context(SPREAD), [world(rng)], (Expect(law, body) + a * LogDensity(law),))


def compositions(rng: Random) -> Sample:
    """E over z ~ N(m, w I) of N(y; alpha z + rest, v I), where y, rest or v may depend on z after all."""
    make = Gaussian(rng)
    mean = make.coefficient() * z + rng.choice([sp.S.Zero, u, make.vector(), z - u])
    spread_of_z = [Coord(z, 1) ** 2 + 1] if rng.random() < 0.1 else []
    inside = Normal(v, mean, rng.choice([make.variance(), *spread_of_z * 3]))
    term = Expect(Normal(z, make.vector(), make.variance()), sp.exp(LogDensity(inside)))
    return Sample(context(GAUSS), [world(rng, 1)], (a + b * term,))


def forward_chain(rng: Random) -> Sample:
    """A law of the forward chain for its normal, at indices where the hypothesis speaks, and elsewhere."""
    schedule = Domain({"alpha": UNIT, "abar": UNIT}, {T: (1, sp.oo), t: (1, T)}, {"abar": "alpha"})
    n = rng.choice([t, t, T, sp.S.One, sp.S(2)])
    law = notation.q(x(n), x(n - 1) if rng.random() < 0.8 else x(0))
    normal = rng.choice(
        [notation.kernel(n)] * 3 + [notation.marginal(n), Normal(x(n - 1), x(n), 1 - notation.alpha(n))]
    )
    body = rng.choice([Norm2(x(n)), Inner(x(n), x(0)), Norm2(x(n) - x(n - 1))])
    term = rng.choice([Expect(law, body), LogDensity(law), Expect(law, Norm2(x(n))) * a, Inner(Mean(law), u)])
    drawn = World(1, rng.randrange(10**6), {"T": 2, "t": rng.choice([1, 2]), **numbers(rng)}, families(1))
    alphas = [mp.mpf(rng.randint(1, 19)) / 20 for _ in range(2)]
    drawn.families["alpha"] = lambda m: alphas[int(m) - 1]
    drawn.families["abar"] = lambda m: mp.fprod(alphas[: int(m)])
    drawn.laws["q"] = laws.GaussianChain(alphas, 1)
    because = given(notation.gaussian_forward, **({} if rng.random() < 0.3 else {"t": n}))
    return Sample(context(schedule, notation.gaussian_forward), [drawn], (term,), args=(law, normal, because))


def words(rng: Random) -> Any:
    return sp.Mul(*[rng.choice([A, B, A**-1, B**-1, A**2]) for _ in range(rng.choice([1, 2, 3, 4]))])


def matrix_terms(rng: Random) -> Sample:
    make = Gaussian(rng)
    sums = words(rng) + rng.choice([0, a]) * words(rng)
    choices = [Trace(sums, DIM), LogDet(words(rng)), Quadratic(make.vector(), sums, make.vector())]
    choices += [Trace(words(rng), DIM) * Quadratic(u, words(rng), v), Quadratic(u - v, words(rng), bend(u))]
    return Sample(context(GAUSS), [world(rng, 2)], (rng.choice(choices) + make.leaf(),))


def written_out(rng: Random) -> Sample:
    make, i, j = Gaussian(rng), BOUND[0], BOUND[1]
    size = rng.choice([sp.S(2), sp.S(2), DIM])
    inside = Entry(A**-1, i, j) * Entry(words(rng), i, j) * Coord(make.vector(), i)
    choices = [Trace(words(rng), size), Quadratic(make.vector(), words(rng), make.vector()), Entry(words(rng), 1, 2)]
    term = rng.choice([*choices, SumTo(SumTo(inside, i, 1, 2), j, 1, 2), SumTo(Entry(A, i, 1), i, 1, DIM)])
    return Sample(context(SIZED), [world(rng, 2)], (term + rng.choice([0, a]),))


def inverses(rng: Random) -> Sample:
    row, column = rng.randint(1, 2), rng.randint(1, 2)
    term = Entry(A**-1, row, column) * rng.choice([1, a, Entry(A, 1, 2), Entry(B**-1, 1, 1)])
    return Sample(context(SIZED), [world(rng, 2)], (term,), args=(A,))


# --- spoilt rules -----------------------------------------------------------------------------------------------------

exact_name = (gaussian, "may_touch", lambda e, variables, *_: e in variables)
never = (reparameterization, "may_touch", lambda *_: False)
free_of_it = (gaussian, "may_touch", lambda *_: False)
anywhere = (reparameterization, "_moved", lambda body, z, image, *_: body.xreplace({z: image}))


def second_moment_without_variance(factors: list[Any], law: Any) -> Any:
    return sp.Mul(*[f.xreplace({law.args[0]: law.args[1]}) for f in factors]) if law.args[1] != 0 else None


def without_normaliser(law: Any) -> Any:
    return -Norm2(law.args[0] - law.args[1]) / (2 * law.args[2]) if isinstance(law, Normal) else None


def lost_scale(e: Any) -> Any:
    law = e.args[0]
    if not isinstance(law, AffineImage):
        return e
    z, i, shift, scale, base, dim = law.args
    noise = (Coord(z, i) - shift) / scale
    return SumTo(gaussian.normal_log_density(noise, *base.args[2:4]), i, 1, dim)


def any_normal(law: Any, normal: Any, because: Rule) -> Stranger:
    return Stranger("identify without a reason", lambda e, _: e.xreplace({law: normal}))


def commuting_letters(found: Any) -> Any:
    return {tuple(sorted(word, key=str)): coefficient for word, coefficient in found.items()}


transposed = replacing("entries of the wrong letter", Entry, lambda e: Entry(e.args[0] ** -1, *e.args[1:]))


def determinant_forgotten(symbol: Any) -> Stranger:
    inverse = matrices._table(symbol, 2).adjugate()
    table = {Entry(symbol**-1, r + 1, s + 1): inverse[r, s] for r in range(2) for s in range(2)}
    return Stranger("adjugate for inverse", lambda e, _: e.xreplace(table))


def power_of_the_mean(node: Any) -> Any:
    base, power = node.args[1].as_base_exp()
    return Expect(node.args[0], base) ** power


named_only = without(moments, exact_name)
lost_variance = without(moments, (gaussian, "_normal_moment", second_moment_without_variance))
lost_normaliser = without(density, (gaussian, "log_density_of", without_normaliser))
commuting = without(trace_algebra, (matrices, "reduced", commuting_letters))

CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "moments": (moments, averages, [named_only, lost_variance]),
    "linearity": (linearity, averages, [replacing("E of a power, to the power", Expect, power_of_the_mean)]),
    "density": (density, densities, [lost_normaliser]),
    "reparameterize": (reparameterize, changes, [without(reparameterize, never), without(reparameterize, anywhere)]),
    "push_forward": (push_forward, images, [without(push_forward, never), without(push_forward, anywhere)]),
    "jacobian": (jacobian, images, [replacing("lost scale", LogDensity, lost_scale)]),
    "composition": (composition, compositions, [without(composition, free_of_it)]),
    "identify": (identify, forward_chain, [any_normal]),
    "trace_algebra": (trace_algebra, matrix_terms, [commuting]),
    "entries": (entries, written_out, [transposed]),
    "cofactors": (cofactors, inverses, [determinant_forgotten]),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", CASES)
def test_the_value_is_the_same_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)


def test_every_normal_law_and_dimension_occurs() -> None:
    drawn = [averages(Random(n)).lines[0] for n in range(300)]
    for law in (Normal, DiagonalNormal, FullNormal):
        assert sum(term.has(law) for term in drawn) >= 50
    assert sum(gauss_world(n).d == 2 for n in range(100)) == 20
    assert sum(term.has(probe) for term in drawn) >= 20
