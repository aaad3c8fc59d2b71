"""Conditions and ends: cosines of NumPy, softmaxes of SciPy, rotations, solved flows, cubature, steps that shrink."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special, stats
from scipy.integrate import solve_ivp

from reference.gaussians import Gaussian
from threefold.witnesses.cases.conditioned import (
    Adapter,
    Adapters,
    CosineEnd,
    CosineEnds,
    Guided,
    GuidedOutputs,
    PairsOfPaths,
    SharpCode,
    SharpCodes,
    SmallStep,
    SmallSteps,
    TokenRow,
    TokenRows,
    TwoPaths,
)
from threefold.witnesses.cases.cuts import Cut, SomeCuts
from threefold.witnesses.cases.latents import Latent, Latents
from threefold.witnesses.numeric.latents import TURNED
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Order, Shape, Value, measured

NEAR_ZERO = "cosines near a right angle, which lose digits in proportion to the number of steps"
SOLVED = "a differential equation is solved to 1e-12 on the way"
WIDTHS = np.array([1 / 16, 1 / 32, 1 / 64])


@measured("schedule.cosine.clip", method="cosines of the angles, divided", cases=CosineEnds())
def _(s: CosineEnd) -> Iterator[Shape]:
    point, abars = s.point(), s.abars
    a, b = 2 * np.arctan(s.angle), 2 * np.arctan(s.step)
    yield Value(0, point, float(2 * np.sin(a) - np.sin(a - b) - np.sin(a + b)), because=TURNED, plus=8.0)
    betas = 1 - abars[1:] / abars[:-1]  # of t = 1..T
    now, before, last = float(betas[-s.j - 1]), float(betas[-s.j - 2]), float(betas[-1])
    plus = 32.0 * s.T
    yield Value(1, point, now, because=NEAR_ZERO, plus=plus)
    yield Value(2, point, last, because=NEAR_ZERO, plus=plus)
    bound = (s.j + 1) ** -2 * (2 * s.j + 1)
    yield Inequality(3, point, now, bound, because=NEAR_ZERO, size=plus)
    yield Inequality(4, point, bound, 0.75)
    yield Value(5, point, float(betas[-2]), because=NEAR_ZERO, plus=plus)
    yield Inequality(6, point, before, now, because=NEAR_ZERO, size=plus)
    yield Inequality(7, point, 0.0, (1 - s.clip) * float(abars[-2]), because=NEAR_ZERO, size=plus)


@measured("ldm.cross_attention", method="SciPy's softmax, of tokens put in another order", cases=TokenRows())
def _(s: TokenRow) -> Iterator[Shape]:
    point = s.point()
    logits = s.keys @ s.query / np.sqrt(len(s.query))
    weights, turned = special.softmax(logits), logits[s.turned]
    because, size = (
        "sums of exponentials",
        64.0 * (1 + float(np.exp(logits).sum())) * (1 + float(np.abs(s.values).max())),
    )
    yield Value(0, point, float(weights.sum()), because=because, size=64.0)
    shifted = special.softmax(logits + np.log(s.factor))
    yield Value(1, point, float(shifted[s.place - 1]), because=because, size=64.0)
    yield Value(2, point, float(np.exp(turned).sum()), because=because, size=size)
    yield Value(3, point, float(np.exp(turned) @ s.values[s.turned, 0]), because=because, size=size)
    mixed = float(special.softmax(turned) @ s.values[s.turned, 0])
    yield Value(4, point, mixed, because=because, size=64.0 * (1 + float(np.abs(s.values).max())))


@measured("controlnet.zero_convolution", method="gradients by the matrix of the chain rule", cases=Adapters())
def _(s: Adapter) -> Iterator[Shape]:
    point, start = s.point(), s.block(s.x)
    yield Value(0, point, start)
    moved = start + s.out * (s.way @ s.features)
    slope = 3 * moved**2 + 1
    yield Value(1, point, float(slope @ (s.way @ s.features)), because="sums of products", plus=64.0)
    inner = s.x + s.into * s.control
    upstream = 3 * (start + s.out * s.copy(inner)) ** 2 + 1
    through = np.diag(2 * inner) @ s.control
    yield Value(2, point, float(s.out * upstream @ through), because="sums of products", plus=64.0)


@measured("unclip.text_diff", method="angles by arctan, a rotation of the plane", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    omega, theta, before = 2 * np.arctan(s.half_angle), 2 * np.arctan(s.half_way), np.array([0.75, -0.5])
    direction = np.array([np.cos(omega), np.sin(omega)])
    vectors = {"picture_code": np.array([1.0, 0.0]), "text_before": before}
    numbers = {"texts_apart": s.length, "half_angle": s.half_angle, "half_way": s.half_way}
    point = Point(2, numbers, vectors={**vectors, "wanted_text": before + s.length * direction})
    turned = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]]) @ np.array([1.0, 0.0])
    plus = 256 * (1 + 1 / s.length) ** 2 / min(1.0, abs(float(np.sin(omega)))) ** 2
    yield Value(0, point, 1.0, because=TURNED, plus=plus)
    yield Value(1, point, float(turned @ turned), because=TURNED, plus=plus)
    yield Value(2, point, float(turned[0]), because=TURNED, plus=plus)
    yield Value(3, point, np.array([1.0, 0.0]))


@measured("ode.invertible", method="both trajectories by a solver of differential equations", cases=PairsOfPaths())
def _(s: TwoPaths) -> Iterator[Shape]:
    def solved(start: np.ndarray) -> np.ndarray:
        found = solve_ivp(lambda _, x: -(x**2), (0, s.time), 1 / start, rtol=1e-12, atol=1e-14, method="DOP853")
        return np.asarray(found.y[:, -1])

    point, x, y = s.point(), solved(s.one), solved(s.two)
    apart, drawn = float((x - y) @ (x - y)), float((x - y) @ (y**2 - x**2))
    plus = 2e3 * (1 + float(np.abs(x).max() + np.abs(y).max()) ** 3) * (1 + s.constant)
    yield Value(0, point, 2 * drawn, because=SOLVED, plus=plus)
    bound = (s.constant * float(s.gap @ s.gap) + float(s.pull @ s.pull) / s.constant) / 2
    yield Inequality(1, point, float(s.gap @ s.pull), bound)
    for constant in (s.constant, -s.constant):
        weight = np.exp(-2 * constant * s.time)
        found = weight * 2 * (drawn - constant * apart)
        yield Value(2, s.point(constant), float(found), because=SOLVED, plus=plus * float(weight))
    left = solve_ivp(lambda _, x: 2 * np.sqrt(x), (1, 1 + s.time), [1.0], rtol=1e-12, atol=1e-14, method="DOP853")
    later = Point(1, {**s.point().numbers, "flow_end": 1 + s.time})
    yield Value(3, later, float(2 * np.sqrt(left.y[0, -1])), because=SOLVED, plus=2e3 * (1 + s.time))
    yield Value(4, later, 0.0)


@measured("guidance.rescale", method="NumPy's mean and standard deviation", cases=GuidedOutputs())
def _(s: Guided) -> Iterator[Shape]:
    point = s.point()
    guided = s.free + s.scale * (s.conditional - s.free)
    large = 64.0 * len(guided) * (1 + float(np.abs(guided).max())) ** 2
    because, ratio = "squares less the square of a mean", float(s.conditional.std(ddof=1) / guided.std(ddof=1))
    yield Value(0, point, float((s.factor * guided).var(ddof=1)), because=because, plus=large * (1 + s.factor**2))
    yield Value(1, point, float((ratio * guided).var(ddof=1)), because=because, plus=large * (1 + ratio**2))
    mixed = s.share * ratio * guided + (1 - s.share) * guided
    yield Value(2, point, float(mixed.var(ddof=1)), because=because, plus=large * (1 + ratio**2))
    yield Value(3, point, float(mixed.mean()), because=because, plus=large * (1 + ratio))


@measured("guidance.dynamic_threshold", method="NumPy's clip, divided", cases=SomeCuts())
def _(s: Cut) -> Iterator[Shape]:
    limit, room, place = 1 + abs(s.said), s.excess, float(np.clip(s.true, -1, 1))
    numbers = {"threshold": limit, "threshold_room": room, "pixel_place": place}
    point = Point(1, {**numbers, "excess": s.excess, "said_pixel": s.said})

    def squeezed(v: float, at: float) -> float:
        return float(np.clip(v, -at, at)) / at

    found = (
        squeezed(limit * place, limit),
        squeezed(limit + s.excess, limit),
        squeezed(-limit - s.excess, limit),
        float(np.clip(s.said, -1, 1)),
        squeezed(1 + s.excess, 1 + s.excess + room),
        place - squeezed(place, 1 + room),
    )
    for part, value in enumerate(found):
        yield Value(part, point, value, because="differences of two sizes", plus=8.0)


@measured(
    "vae.reparameterization.nondifferentiable_sampling",
    method="cubature points of the encoder, and the moments of normal variables",
    cases=SharpCodes(),
)
def _(s: SharpCode) -> Iterator[Shape]:
    point, root = s.point(), float(np.sqrt(s.variance))
    codes = Gaussian(s.centre, root * np.eye(s.d))
    slope = s.bend * s.centre + s.linear
    size = 64.0 * (1 + float(np.abs(s.centre).max() + np.abs(s.way).max() + np.abs(s.linear).max())) ** 4 / s.variance
    because = "means of polynomials of the fourth degree over a variance"
    yield Value(0, point, 0.0)
    yield Value(1, point, slope, because=because, plus=size)
    yield Value(2, point, float(slope @ s.way), because=because, plus=size)
    mean = codes.expect_quadratic(lambda z: (z @ s.way) * ((z - s.centre) @ s.way) / s.variance)
    yield Value(3, point, float(mean), because=because, plus=size)
    along, level = float(s.way @ s.centre), float(np.linalg.norm(s.way)) * root
    moments = [stats.norm(scale=level).moment(n) for n in (2, 4)]  # of <u, z - m>
    spread = (along**2 * moments[0] + moments[1] - moments[0] ** 2) / s.variance**2
    yield Value(4, point, float(spread), because=because, plus=size)


@measured(
    "ddpm.reverse.small_step_gaussian",
    method="the log-density at falling step sizes, less its polynomial; SciPy's normal densities",
    cases=SmallSteps(),
)
def _(s: SmallStep) -> Iterator[Shape]:
    claim = "ddpm.reverse.small_step_gaussian"

    def back(h: float) -> float:
        there = s.x + h * s.away
        step = -float(np.sum((s.x - np.sqrt(1 - h**2) * there) ** 2)) / (2 * h**2)
        return step + float(s.log_density(there) - s.log_density(s.x))

    for part, order in ((0, 2), (1, 4)):
        errors = np.array([back(float(h)) - s.point(float(h)).rhs(claim, part) for h in WIDTHS])
        yield Order(part, WIDTHS, errors, order, slack=0.3)
    width = 0.5
    one, other = (
        float(stats.norm(sign * np.sqrt(1 - width**2) * s.datum, width).logpdf(s.x).sum()) for sign in (1, -1)
    )
    large = 64.0 * (1 + float(np.abs(s.x).max() + np.abs(s.datum).max())) ** 2 / width**2
    yield Value(2, s.point(width), one - other, because="squares over a variance, subtracted", plus=large)
