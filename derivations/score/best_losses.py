"""The best losses on Gaussian data, what reversing one step of the chain needs, and convex costs of a flow."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.flow.matching import marginal_velocity, of_path
from derivations.flow.paths import PATH, level, signal
from derivations.notation import abar, d, eps, integrable, schedule, t
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Normal,
    Statement,
    constant_vector,
    given,
    inner_mean,
    linearity,
    moments,
    scalar,
    scalar_function,
    tower,
    vector_function,
)
from derivations.score.functions import clean, law
from derivations.score.marginal import joint, posterior

# --- Gaussian data ----------------------------------------------------------------------------------------------------

width, gain = scalar("own_variance", r"\lambda", positive=True), scalar("answer_gain", "g")
of_data, of_noise = scalar("target_data", "b"), scalar("target_noise", "c")
centre = constant_vector("middle_of_data", "m")
power = signal**2 * width + level**2
mixed = signal * clean + level * eps
target = of_data * clean + of_noise * eps
answer = of_data * centre + gain * (mixed - signal * centre)
best = (of_data * signal * width + of_noise * level) / power


def drawn(body: sp.Expr) -> sp.Expr:
    return Expect(Normal(clean, centre, width), Expect(Normal(eps, 0, 1), body))


best_gaussian = Claim(
    id="loss.best_gaussian",
    title="The best loss of each target on Gaussian data",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            drawn(Norm2(target - answer)) / d,
            "=",
            width * (of_data * level - of_noise * signal) ** 2 / power + power * (gain - best) ** 2,
            name="loss",
            words="for the target b x_0 + c eps: the first part no gain can lower, the second one vanishes at the best",
        ),
    ),
    domain=Domain(
        {**PATH, "own_variance": POSITIVE, "answer_gain": REAL, "target_data": REAL, "target_noise": REAL},
    ),
    scope="data N(m, lambda I) in any dimension d, and so any Gaussian direction by direction; any path, any target, "
    "any affine answer, among which is the conditional mean. Data b = 1, c = 0: sigma^2; noise 0, 1: a^2; v -sigma, a: "
    "(a^2 + sigma^2)^2; eps - x_0: (a + sigma)^2; score 0, -1/sigma: a^2/sigma^2, each times lambda/(a^2 lambda + "
    "sigma^2)",
    sources=("derived here", "Karras et al. 2022 (EDM)"),
    words="No target has a loss that is equally hard everywhere. What remains at the best is a property of the data, "
    "not of the network.",
)


@best_gaussian.proves("loss")
def _(line: Chain) -> None:
    along = of_data - gain * signal
    across = of_noise - gain * level
    line(drawn(Norm2(target - answer)) / d)
    line(
        drawn(Norm2(along * (clean - centre) + across * eps)) / d,
        why="sort by the data about their mean m, and by the noise",
    )
    line(Expect(Normal(clean, centre, width), along**2 * Norm2(clean - centre) + across**2 * d) / d, by=moments)
    line(along**2 * width + across**2, by=moments)
    line(
        power * gain**2 - 2 * gain * (of_data * signal * width + of_noise * level) + of_data**2 * width + of_noise**2,
        why="square both, and sort by powers of g",
    )
    line(
        width * (of_data * level - of_noise * signal) ** 2 / power + power * (gain - best) ** 2,
        why="complete the square in g; lambda b^2 + c^2 less what the square takes is the first term",
    )


point = sp.sqrt(abar(t)) * clean + sp.sqrt(1 - abar(t)) * eps


def standard(body: sp.Expr) -> sp.Expr:
    return Expect(Normal(clean, 0, 1), Expect(Normal(eps, 0, 1), body))


scale = Claim(
    id="ddpm.parameterization.eps_target_scale",
    title="A target of constant scale is not one of constant difficulty",
    chapter="Losses",
    kind="identity",
    says=(
        Statement(
            standard(Norm2(eps - sp.sqrt(1 - abar(t)) * point)) / d,
            "=",
            abar(t),
            name="noise",
            words="on standard normal data the best guess of the noise misses it by abar a dimension",
        ),
        Statement(
            standard(Norm2(clean - sp.sqrt(abar(t)) * point)) / d,
            "=",
            1 - abar(t),
            name="data",
            words="and the best guess of the data by 1 - abar: the mirror image",
        ),
    ),
    domain=schedule(),
    scope="data N(0, I) in any dimension d, any schedule, any t",
    sources=("staircase, Two ways to say the same thing",),
    words="Noise and data both have the scale 1 at every t. How well they can be told from x_t is another matter: it "
    "runs from everything to nothing along the chain.",
)


@scale.proves("noise")
def _(line: Chain) -> None:
    line(standard(Norm2(eps - sp.sqrt(1 - abar(t)) * point)) / d)
    line(
        standard(Norm2(abar(t) * eps - sp.sqrt(abar(t)) * sp.sqrt(1 - abar(t)) * clean)) / d,
        why="1 - (1 - abar_t) = abar_t of the noise is left",
    )
    line(
        Expect(Normal(clean, 0, 1), abar(t) * (1 - abar(t)) * Norm2(clean) + abar(t) ** 2 * d) / d,
        by=moments,
    )
    line(abar(t), by=moments)


@scale.proves("data")
def _(line: Chain) -> None:
    line(standard(Norm2(clean - sp.sqrt(abar(t)) * point)) / d)
    line(
        standard(Norm2((1 - abar(t)) * clean - sp.sqrt(abar(t)) * sp.sqrt(1 - abar(t)) * eps)) / d,
        why="1 - abar_t of the data is left",
    )
    line(
        Expect(Normal(clean, 0, 1), (1 - abar(t)) ** 2 * Norm2(clean) + abar(t) * (1 - abar(t)) * d) / d,
        by=moments,
    )
    line(1 - abar(t), by=moments)


# --- convex costs -----------------------------------------------------------------------------------------------------

cost, support = scalar_function("cost_of_velocity", "c"), vector_function("cost_slope", "g")
above_tangent = scalar_function("above_tangent", "B")
along_tangent = Inner(support(marginal_velocity), of_path - marginal_velocity)
convex = Hypothesis(
    "above its tangent",
    "the cost of a velocity is that of the mean, what its slope adds, and B >= 0 more",
    above_tangent(of_path, marginal_velocity),
    cost(of_path) - cost(marginal_velocity) - along_tangent,
)
excess = Expect(joint, above_tangent(of_path, marginal_velocity))


def few_paths(rng: Random, n: int) -> World:
    """Two data, two points that paths lead through, and a cost that grows with the square of the velocity."""
    d, steep, tilt = 1 + n % 2, Fraction(rng.randint(1, 9), 4), Fraction(rng.randint(-9, 9), 4)
    weights = [rng.randint(1, 9) for _ in range(4)]
    places = [(Fraction(0),) * d, (Fraction(1),) * d]
    table: dict[Any, Any] = {
        (places[i], places[j]): Fraction(weights[2 * i + j], sum(weights)) for i in range(2) for j in range(2)
    }
    families: dict[str, Any] = {
        "cost_of_velocity": lambda v: sum(steep * c * c + tilt * c for c in v),
        "cost_slope": lambda v: tuple(2 * steep * c + tilt for c in v),
        "above_tangent": lambda v, w: sum(steep * (a - b) ** 2 for a, b in zip(v, w, strict=True)),
    }
    law = FiniteJoint((("clean",), ("noisy_point",)), table)
    return World(d, seed=n, laws={"q": law}, families=families, finite=frozenset({"clean", "noisy_point"}))


rectified = Claim(
    id="flow.rectified",
    title="A flow costs at most what its paths cost, for every convex cost",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            Expect(joint, cost(of_path)),
            "=",
            Expect(law, cost(marginal_velocity)) + excess,
            name="cost",
            words="the paths cost as much more as they lie above the tangent at their mean: never less, if c is convex",
        ),
    ),
    domain=Domain({"above_tangent": NONNEGATIVE}),
    hypotheses=(convex, integrable),
    worlds=(few_paths,),
    scope="any dimension d, any coupling, any velocities of the paths through x at one time, any convex cost, smooth "
    "or not, with a slope g at the mean",
    sources=("Liu, Gong and Liu 2023, theorem 3.5",),
    words="Where paths cross, the flow takes their mean, and a mean costs less. So rectifying does not raise any "
    "convex cost of transport; it need not end in the cheapest one.",
)


@rectified.proves("cost")
def _(line: Chain) -> None:
    costs = Expect(law, cost(marginal_velocity))
    line(Expect(joint, cost(of_path)))
    above = cost(of_path) - cost(marginal_velocity) - along_tangent
    line(costs + Expect(joint, above) + Expect(joint, along_tangent), by=(linearity, tower))
    line(costs + Expect(joint, above) + Expect(law, Expect(posterior, along_tangent)), by=tower)
    line(
        costs
        + Expect(joint, above)
        + Expect(law, Inner(support(marginal_velocity), Expect(posterior, of_path - marginal_velocity))),
        by=inner_mean,
    )
    line(costs + Expect(joint, above), by=linearity, why="the deviation from a mean has mean zero")
    line(costs + excess, by=given(convex))
