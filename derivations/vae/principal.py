"""What a linear autoencoder finds: the best projection of rank k, of any data in any dimension.

In the coordinates of the principal axes the covariance is diagonal, with variances lambda_1 >= lambda_2 >= ...; of an
orthogonal projection no more is used than its diagonal there: shares p_i between 0 and 1 that add up to its rank.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.notation import i, obs
from derivations.refutation.matrices import Matrix
from derivations.refutation.worlds import World
from derivations.rules import (
    CLOSED_UNIT,
    POSITIVE,
    REAL,
    Chain,
    Claim,
    Coord,
    DiagonalNormal,
    Domain,
    Entry,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Quadratic,
    Statement,
    SumTo,
    above,
    at_most,
    constant_vector,
    given,
    induction_hypothesis,
    last_term,
    matrix,
    moments,
    monotone,
    positivity,
    scalar,
    scalar_function,
    trace_algebra,
)

rank, size = (sp.Symbol(name, integer=True, positive=True) for name in ("k_a", "N_a"))
m, n, tail = (sp.Symbol(name, integer=True, positive=True) for name in ("m_a", "o_a", "r_a"))
own, kept = scalar_function("own_variance_of", r"\lambda", positive=True), scalar_function("kept_share_of", "p")
seen, foot, made = (
    constant_vector("one_picture", "a"),
    constant_vector("foot_of_picture", "a_0"),
    constant_vector("reconstruction", r"\hat a"),
)
projection, level = matrix("P_a", "P"), scalar("variance_level", r"\nu")
right_angle = Hypothesis(
    "foot of the perpendicular",
    "what the decoder makes lies in the span of its columns, and a stands at right angles on it at its foot a_0",
    Inner(seen - foot, foot - made),
    sp.S.Zero,
)
of_rank = Hypothesis(
    "rank of the projection",
    "the shares of a projection of rank k add up to k: what is lost of the first k axes is kept of the others",
    SumTo(kept(m), m, rank + 1, size),
    SumTo(1 - kept(m), m, 1, rank),
)
SHARES = {"own_variance_of": POSITIVE, "kept_share_of": CLOSED_UNIT}
axes = DiagonalNormal(obs, i, 0, own(i), size)


def lost(m: sp.Expr) -> sp.Expr:
    return own(m) * (1 - kept(m))


def others(count: sp.Expr) -> sp.Expr:
    return SumTo(lost(m), m, rank + 1, count)


first = SumTo(lost(m), m, 1, rank)
least = SumTo(own(m), m, rank + 1, size)
excess = SumTo((own(m) - level) * (1 - kept(m)), m, 1, rank) + SumTo((level - own(m)) * kept(m), m, rank + 1, size)


def some_axes(rng: Random, seed: int) -> World:
    """Falling variances, and shares of a projection of rank 1 to 3."""
    k, e = 1 + seed % 3, 1 + seed % 2
    variances = sorted((Fraction(rng.randint(1, 24), 4) for _ in range(k + e)), reverse=True)
    low = [Fraction(rng.randint(0, 4), 8 * e) for _ in range(k)]
    shares = [1 - part * e / k for part in low] + [sum(low, Fraction(0)) / k] * e
    if seed % 4 == 3:  # all alike, and the first axis is not kept
        k, e, variances, shares = 1, 2, [variances[0]] * 3, [Fraction(0), Fraction(1, 2), Fraction(1, 2)]
    if seed % 8 == 6:  # shares of no projection of rank k
        shares[0] = shares[0] / 2 + Fraction(1, 8)
    families: dict[str, Any] = {
        "own_variance_of": lambda q: dict(enumerate(variances, 1)).get(int(q), Fraction(1, 8)),
        "kept_share_of": lambda q: dict(enumerate(shares, 1)).get(int(q), Fraction(1)),
    }
    a, b = Fraction(rng.randint(1, 8), 4), Fraction(rng.randint(1, 8), 4)
    vectors = {
        ("one_picture",): (a, b + 1),
        ("foot_of_picture",): (a, Fraction(1, 2)),
        ("reconstruction",): (a + b, Fraction(1, 1 if seed % 8 == 5 else 2)),
    }
    numbers = {"k_a": k, "N_a": k + e, "r_a": e, "variance_level": Fraction(rng.randint(1, 24), 8)}
    world = World(2, seed=seed, numbers=numbers, vectors=vectors, families=families)
    world.matrices = {"P_a": Matrix.of([[Fraction(rng.randint(-8, 8), 4) for _ in range(k + e)] for _ in range(k + e)])}
    return world


pca = Claim(
    id="ae.linear.pca",
    title="The best linear autoencoder keeps the principal subspace",
    chapter="The linear VAE",
    kind="inequality",
    says=(
        Statement(
            Norm2(seen - made),
            "=",
            Norm2(seen - foot) + Norm2(foot - made),
            name="encoder",
            words="whatever the decoder is, the best encoder leads to the foot of a on the span of its columns: so the "
            "two together are a projection at best",
        ),
        Statement(
            Expect(axes, Norm2(obs) - Quadratic(obs, projection, obs)),
            "=",
            SumTo(own(m) * (1 - Entry(projection, m, m)), m, 1, size),
            name="loss",
            words="what a projection P loses, |x|^2 - <x, P x>, is on average each axis's variance times the share "
            "that P does not keep of the axis",
        ),
        Statement(
            SumTo(lost(m), m, 1, rank + tail),
            "=",
            first + others(rank + tail),
            name="apart",
            words="the first k axes and the others",
            domain=Domain(SHARES, {rank: (sp.S.One, sp.oo), tail: (sp.S.One, sp.oo), size: (rank + 1, sp.oo)}),
        ),
        Statement(
            SumTo(lost(m), m, 1, size),
            "=",
            least + excess,
            name="excess",
            words="that is the variance of all axes but the first k; and what else is lost by keeping less of an axis "
            "with more variance than nu, or anything of one with less: neither is negative if nu lies "
            "between lambda_{k+1} and lambda_k",
        ),
        Statement(
            least,
            "<=",
            SumTo(lost(m), m, 1, size),
            name="least",
            words="so no linear autoencoder of k codes does better than the first k principal axes, which lose this",
        ),
        Statement(
            Expect(DiagonalNormal(obs, i, 10, 1, 1), Coord(obs, 1) ** 2),
            "=",
            101,
            name="not centred, the axis",
            words="the data must be centred: for the variances 4 and 1 about the mean (0, 10), one code that keeps the "
            "first axis loses 101",
        ),
        Statement(
            Expect(DiagonalNormal(obs, i, 0, 4, 1), Coord(obs, 1) ** 2),
            "=",
            4,
            name="not centred, the mean",
            words="and the one that is found keeps the second, where the mean lies, and loses 4",
        ),
    ),
    domain=Domain(
        {**SHARES, "variance_level": REAL},
        {rank: (sp.S.One, sp.oo), size: (rank + 1, sp.oo)},
        sizes={"P_a": (size, size)},
        conditions=(at_most(own(n), own(m), {n: (sp.S.One, size), m: (sp.S.One, n)}),),
    ),
    hypotheses=(right_angle, of_rank),
    worlds=(some_axes,),
    scope="any dimension N and any number k < N of codes, any linear encoder and decoder, any centred data with "
    "second moments: no more of their law is used, though it is written as a Gaussian. In the principal axes: that "
    "there are such axes, and that a projection of rank k keeps of each a share in [0, 1], and k in all, is linear "
    "algebra that is used here, not proved; a decoder of smaller rank leaves out more. By the excess, only the "
    "projection on the first k axes reaches this if lambda_k > lambda_{k+1}. Whether training gets there is "
    "no part of it",
    sources=("notes, 1.1", "Baldi and Hornik 1989"),
    words="The code itself may be turned and sheared at will; only the span is found.",
)


@pca.proves("encoder")
def _(line: Chain) -> None:
    line(Norm2(seen - made))
    line(
        Norm2(seen - foot) + Norm2(foot - made) + 2 * Inner(seen - foot, foot - made),
        why="the square of a sum of two differences",
    )
    line(Norm2(seen - foot) + Norm2(foot - made), by=given(right_angle))


@pca.proves("loss")
def _(line: Chain) -> None:
    line(Expect(axes, Norm2(obs) - Quadratic(obs, projection, obs)))
    line(
        SumTo(own(m) * (1 - Entry(projection, m, m)), m, 1, size),
        by=[trace_algebra, moments, trace_algebra],
        why="coordinates along the axes are uncorrelated",
    )


@pca.proves("apart", induction_on=tail)
def _(base: Chain, step: Chain) -> None:
    base(SumTo(lost(m), m, 1, rank + 1))
    base(first + lost(rank + 1), by=last_term(rank + 1))
    base(first + others(rank + 1), why="a sum of one term")
    step(SumTo(lost(m), m, 1, rank + tail + 1))
    step(SumTo(lost(m), m, 1, rank + tail) + lost(rank + tail + 1), by=last_term(rank + tail + 1))
    step(first + others(rank + tail) + lost(rank + tail + 1), by=induction_hypothesis)
    step(first + others(rank + tail + 1), by=last_term(rank + tail + 1))


@pca.proves("excess")
def _(line: Chain) -> None:
    line(SumTo(lost(m), m, 1, size))
    line(first + others(size), by=above("apart", at={tail: size - rank}))
    line(
        least + excess + level * (SumTo(1 - kept(m), m, 1, rank) - SumTo(kept(m), m, rank + 1, size)),
        why="nu is taken off every variance, and put back",
    )
    line(least + excess, by=given(of_rank))


@pca.proves("least")
def _(line: Chain) -> None:
    below = own(rank) * kept(m)
    line(least)
    line(
        others(size) + SumTo(own(m) * kept(m), m, rank + 1, size),
        why="what is lost of these axes, and what is kept of them",
    )
    line.le(
        others(size) + SumTo(below, m, rank + 1, size),
        by=monotone(positivity),
        why="none of these variances is above the k-th",
    )
    line(others(size) + own(rank) * SumTo(kept(m), m, rank + 1, size), why="the k-th variance comes out of the sum")
    line(
        others(size) + own(rank) * SumTo(1 - kept(m), m, 1, rank),
        by=given(of_rank),
        why="as much as is kept of these axes is lost of the first k",
    )
    line(others(size) + SumTo(own(rank) * (1 - kept(m)), m, 1, rank), why="and goes into this one")
    line.le(others(size) + first, by=monotone(positivity), why="none of theirs is below the k-th")
    line(SumTo(lost(m), m, 1, size), by=above("apart", at={tail: size - rank}))


@pca.proves("not centred, the axis")
def _(line: Chain) -> None:
    line(Expect(DiagonalNormal(obs, i, 10, 1, 1), Coord(obs, 1) ** 2))
    line(101, by=moments, why="the variance, and the square of the mean")


@pca.proves("not centred, the mean")
def _(line: Chain) -> None:
    line(Expect(DiagonalNormal(obs, i, 0, 4, 1), Coord(obs, 1) ** 2))
    line(4, by=moments, why="the variance of the other axis")
