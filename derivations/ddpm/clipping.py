"""What is cut off: prices below a floor, and pixels beyond their range."""

from __future__ import annotations

import sympy as sp

from derivations.notation import abar, alpha, integrable, obs, q, schedule, t
from derivations.rules import (
    NONNEGATIVE,
    REAL,
    Chain,
    Claim,
    Domain,
    Expect,
    Interval,
    Statement,
    SumTo,
    at_most,
    define,
    definition,
    monotone,
    positivity,
    scalar,
    scalar_function,
)

# --- prices below a floor ---------------------------------------------------------------------------------------------

a, b = scalar("one_number", "a"), scalar("other_number", "b")
larger = define("larger_of", r"\mathrm{larger}", lambda u, v: (u + v + sp.Abs(u - v)) / 2, notation=False)
fit = scalar("fit_of", "R")
groups, g = (sp.Symbol(name, integer=True, positive=True) for name in ("groups", "group"))
lesser, beyond, missing = (
    scalar_function("lesser_price", "m"),  # the smaller of price and floor
    scalar_function("beyond_floor", "p"),  # by how much the price is above it
    scalar_function("below_floor", "f"),  # and the floor
)
price = define("group_price", "K", lambda n, at: lesser(n, at) + beyond(n, at), notation=False)
floored = define("floored_price", "M", lambda n, at: lesser(n, at) + beyond(n, at) + missing(n, at), notation=False)
floor = define("floor_of_price", r"\lambda", lambda n, at: lesser(n, at) + missing(n, at), notation=False)
data = q(obs)
charged, paid = SumTo(floored(g, obs), g, 1, groups), SumTo(price(g, obs), g, 1, groups)
PRICES = {"lesser_price": NONNEGATIVE, "beyond_floor": NONNEGATIVE, "below_floor": NONNEGATIVE, "fit_of": REAL}

free_bits = Claim(
    id="vae.free_bits",
    title="Free bits: still a bound, and no push below the floor",
    chapter="Evidence lower bound",
    kind="inequality",
    says=(
        Statement(
            larger(a, b),
            "=",
            b,
            name="larger",
            domain=Domain({"one_number": REAL, "other_number": REAL}, conditions=(at_most(a, b),)),
            words="a price that is below the floor is charged as the floor, whatever it is: nothing is gained by "
            "lowering it further",
        ),
        Statement(
            fit - charged,
            "=",
            fit - paid - SumTo(missing(g, obs), g, 1, groups),
            name="bound",
            words="what is charged is the price, and what it lacks to the floor: never less, so this is a lower bound "
            "if the ELBO is one",
        ),
        Statement(
            fit - charged,
            "=",
            fit - paid - SumTo(floor(g, obs), g, 1, groups) + SumTo(lesser(g, obs), g, 1, groups),
            name="loss",
            words="and it is at most one floor a group below the ELBO: by the floors, less the smaller ones of floor "
            "and price",
        ),
        Statement(
            Expect(data, floor(g, obs)),
            "<=",
            Expect(data, floored(g, obs)),
            name="average floor",
            words="charged for each datum, the mean charge is not below the floor",
        ),
        Statement(
            Expect(data, price(g, obs)),
            "<=",
            Expect(data, floored(g, obs)),
            name="average price",
            words="nor below the mean price: so to charge the larger of the floor and the mean price, over a batch, "
            "is the tighter bound",
        ),
    ),
    domain=Domain(PRICES, {groups: (sp.S.One, sp.oo), g: (sp.S.One, groups)}),
    hypotheses=(integrable,),
    scope="any number of groups of latents, any prices >= 0 with finite means, any floor; m is the smaller one of "
    "price and floor, m + p the price, m + f the floor, m + p + f the larger one",
    sources=("Kingma et al. 2016 (IAF), appendix C.8", "derived here"),
    words="The first lambda nats of every group are free: they cost what they would cost anyway.",
)


@free_bits.proves("larger")
def _(line: Chain) -> None:
    line(larger(a, b))
    line((a + b + sp.Abs(a - b)) / 2, by=definition)
    line(b, why="a - b is not positive, so |a - b| = b - a")


@free_bits.proves("bound")
def _(line: Chain) -> None:
    line(fit - charged)
    line(fit - paid - SumTo(missing(g, obs), g, 1, groups), by=definition)


@free_bits.proves("loss")
def _(line: Chain) -> None:
    line(fit - charged)
    line(fit - paid - SumTo(floor(g, obs), g, 1, groups) + SumTo(lesser(g, obs), g, 1, groups), by=definition)


@free_bits.proves("average floor")
def _(line: Chain) -> None:
    line(Expect(data, floor(g, obs)))
    line(Expect(data, lesser(g, obs) + missing(g, obs)), by=definition)
    line.le(Expect(data, lesser(g, obs) + missing(g, obs) + beyond(g, obs)), by=monotone(positivity))
    line(Expect(data, floored(g, obs)), by=definition)


@free_bits.proves("average price")
def _(line: Chain) -> None:
    line(Expect(data, price(g, obs)))
    line(Expect(data, lesser(g, obs) + beyond(g, obs)), by=definition)
    line.le(Expect(data, lesser(g, obs) + missing(g, obs) + beyond(g, obs)), by=monotone(positivity))
    line(Expect(data, floored(g, obs)), by=definition)


# --- a picture beyond its range ---------------------------------------------------------------------------------------

said, true, excess = scalar("said_pixel", r"\hat v"), scalar("true_pixel", "v"), scalar("excess", "e")
cut = define("clipped", r"\mathrm{cut}", lambda v: (sp.Abs(v + 1) - sp.Abs(v - 1)) / 2, notation=False)
PIXEL = Interval(-sp.S.One, sp.S.One, False, False)
TOO_LIGHT, TOO_DARK = Interval(sp.S.One, sp.oo, False), Interval(-sp.oo, -sp.S.One, True, False)
HERE = Domain({"said_pixel": REAL})
LIGHT, DARK = Domain({"said_pixel": TOO_LIGHT}), Domain({"said_pixel": TOO_DARK})
BEYOND = Domain({"excess": NONNEGATIVE, "true_pixel": PIXEL})
WITHIN = Domain({"said_pixel": PIXEL})
seen, told = scalar("seen_pixel", "x"), scalar("told_noise", r"\hat\epsilon")
datum = (seen - sp.sqrt(1 - abar(t)) * told) / sp.sqrt(abar(t))  # what the noise says the pixel is
PIXELS = schedule(2, said_pixel=REAL, seen_pixel=REAL, told_noise=REAL)
landing = define(
    "landing_mean",
    r"\tilde\mu",
    lambda n, at, clean: (
        sp.sqrt(abar(n - 1)) * (1 - alpha(n)) / (1 - abar(n)) * clean
        + sp.sqrt(alpha(n)) * (1 - abar(n - 1)) / (1 - abar(n)) * at
    ),
)

clip = Claim(
    id="ddpm.sampling.clip_x0",
    title="Clipping the estimate: nearer to every picture there is",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(cut(said), "=", said, name="within", domain=WITHIN, words="within the range nothing is done"),
        Statement(
            (1 + excess - true) ** 2 - (cut(1 + excess) - true) ** 2,
            "=",
            excess**2 + 2 * excess * (1 - true),
            name="light",
            domain=BEYOND,
            words="an estimate that is too light by e becomes 1, and its squared error falls by this much: never less "
            "than e^2, for no picture is lighter than 1",
        ),
        Statement(
            (-1 - excess - true) ** 2 - (cut(-1 - excess) - true) ** 2,
            "=",
            excess**2 + 2 * excess * (1 + true),
            name="dark",
            domain=BEYOND,
            words="one that is too dark becomes -1",
        ),
        Statement(
            landing(t, seen, cut(datum)),
            "=",
            landing(t, seen, datum) + sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t)) * (cut(datum) - datum),
            name="step",
            domain=PIXELS,
            words="a step moves by as much less as its weight on the data makes of the cut: where nothing is cut it "
            "is the step from the noise",
        ),
        Statement(
            (seen - sp.sqrt(abar(t)) * cut(datum)) / sp.sqrt(1 - abar(t)),
            "=",
            told + sp.sqrt(abar(t)) / sp.sqrt(1 - abar(t)) * (datum - cut(datum)),
            name="noise",
            domain=PIXELS,
            words="and the noise that goes with a clipped estimate is another one than the network's",
        ),
    ),
    domain=HERE,
    scope="every pixel for itself, any pictures with values in [-1, 1], any estimate, any schedule; t >= 2 in the last "
    "two statements",
    sources=("slides, sampling loop", "Ho et al. 2020, appendix B", "Saharia et al. 2022 (Imagen), section 2.3"),
    words="Clipping can only help the estimate of data that lie in the range. For data beyond it, such as latents, it "
    "is wrong.",
)


@clip.proves("within")
def _(line: Chain) -> None:
    line(cut(said))
    line(said, by=definition, why="|v + 1| = v + 1, and |v - 1| = 1 - v")


@clip.proves("light")
def _(line: Chain) -> None:
    line((1 + excess - true) ** 2 - (cut(1 + excess) - true) ** 2)
    line((1 + excess - true) ** 2 - (1 - true) ** 2, by=definition, why="|2 + e| - |e| = 2")
    line(excess**2 + 2 * excess * (1 - true), why="a difference of squares")


@clip.proves("dark")
def _(line: Chain) -> None:
    line((-1 - excess - true) ** 2 - (cut(-1 - excess) - true) ** 2)
    line((-1 - excess - true) ** 2 - (-1 - true) ** 2, by=definition, why="|-e| - |-2 - e| = -2")
    line(excess**2 + 2 * excess * (1 + true), why="a difference of squares")


@clip.proves("step")
def _(line: Chain) -> None:
    share = sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t))
    line(landing(t, seen, cut(datum)))
    line(landing(t, seen, datum) + share * (cut(datum) - datum), by=definition, why="a step is affine in the datum")


@clip.proves("noise")
def _(line: Chain) -> None:
    line((seen - sp.sqrt(abar(t)) * cut(datum)) / sp.sqrt(1 - abar(t)))
    line(
        told + sp.sqrt(abar(t)) / sp.sqrt(1 - abar(t)) * (datum - cut(datum)),
        why="x_t is sqrt(abar) of the estimate and sqrt(1 - abar) of the noise",
    )


rescale = Claim(
    id="ddpm.sampling.rescale",
    title="Only a clipped answer is a picture",
    chapter="Algorithms",
    kind="inequality",
    says=(
        Statement(0, "<=", (said + 1) / 2, name="not black", domain=WITHIN, words="from [-1, 1] to [0, 1]"),
        Statement((said + 1) / 2, "<=", 1, name="not white", domain=WITHIN),
        Statement(
            (cut(said) + 1) / 2, "=", 1, name="white", domain=LIGHT, words="what is too light is clipped to white"
        ),
        Statement((cut(said) + 1) / 2, "=", 0, name="black", domain=DARK, words="and what is too dark to black"),
        Statement(
            1,
            "<",
            (said + 1) / 2,
            name="beyond",
            domain=Domain({"said_pixel": Interval(sp.S.One, sp.oo)}),
            words="without the clip it leaves the range: 1.4 becomes 1.2",
        ),
    ),
    domain=HERE,
    scope="every pixel for itself",
    sources=("slides, sampling loop", "Ho et al. 2020, section 3.3"),
    words="A sampler's answer is a sum with noise in it, and no range is known for it.",
)


@rescale.proves("not black")
def _(line: Chain) -> None:
    line(0)
    line.le((said + 1) / 2, by=positivity)


@rescale.proves("not white")
def _(line: Chain) -> None:
    line((said + 1) / 2)
    line.le(1, by=positivity)


@rescale.proves("white")
def _(line: Chain) -> None:
    line((cut(said) + 1) / 2)
    line(1, by=definition, why="|v + 1| - |v - 1| = 2")


@rescale.proves("black")
def _(line: Chain) -> None:
    line((cut(said) + 1) / 2)
    line(0, by=definition, why="|v + 1| - |v - 1| = -2")


@rescale.proves("beyond")
def _(line: Chain) -> None:
    line(1)
    line.lt((said + 1) / 2, by=positivity)
