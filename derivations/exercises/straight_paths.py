"""Exercises on straight paths and curved flows."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.flow.straightness import half, other, share, variance
from derivations.flow.times import shift, shifted
from derivations.flow.transport import R, best_map, m_1, m_2, x
from derivations.flow.units import spread
from derivations.notation import d
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Domain,
    Expect,
    FullNormal,
    Norm2,
    Statement,
    definition,
    moments,
    trace_algebra,
)

WIDTHS = Domain({"time_share": UNIT, "data_std": POSITIVE, "noise_std": POSITIVE})

# --- where it is narrowest --------------------------------------------------------------------------------------------

both = spread**2 + other**2
narrowest = spread**2 / both

waist = exercise(
    "straight_paths.waist",
    "Where the law is narrowest on its way",
    Statement(variance(share), "=", both * (share - narrowest) ** 2 + spread**2 * other**2 / both),
    domain=WIDTHS,
)


@waist.proves()
def _(line: Chain) -> None:
    line(variance(share))
    line(both * share**2 - 2 * spread**2 * share + spread**2, why="sort by powers of t")
    line(
        both * (share - narrowest) ** 2 + spread**2 - spread**4 / both,
        why="complete the square: least at the data's part of the two variances",
    )
    line(
        both * (share - narrowest) ** 2 + spread**2 * other**2 / both,
        why="sigma_data^2 - sigma_data^4/P = sigma_data^2 sigma_1^2/P, with P = sigma_data^2 + sigma_1^2",
    )


# --- between equals ---------------------------------------------------------------------------------------------------

equal_ends = exercise(
    "straight_paths.equal_ends",
    "Between two laws of one width",
    Statement(variance(share).xreplace({other: spread}), "=", spread**2 * (1 - 2 * share * (1 - share))),
    domain=Domain({"time_share": UNIT, "data_std": POSITIVE}),
)


@equal_ends.proves()
def _(line: Chain) -> None:
    line(variance(share).xreplace({other: spread}))
    line(spread**2 * ((1 - share) ** 2 + share**2), why="both ends have one variance")
    line(
        spread**2 * (1 - 2 * share * (1 - share)),
        why="the square of (1 - t) + t is 1; half of the variance is lost half-way",
    )


# --- where the middle goes --------------------------------------------------------------------------------------------

middle = exercise(
    "straight_paths.shifted_middle",
    "Where a shift takes the middle",
    Statement(shifted(shift, half), "=", shift / (shift + 1)),
    domain=Domain({"shift": POSITIVE}),
)


@middle.proves()
def _(line: Chain) -> None:
    line(shifted(shift, half))
    line(shift * half / (1 + (shift - 1) * half), by=definition)
    line(shift / (shift + 1), why="multiply both by 2")


# --- one covariance ---------------------------------------------------------------------------------------------------

moved = best_map(x, m_1, m_2, R, R**2)

one_covariance = exercise(
    "straight_paths.one_covariance",
    "Between two Gaussians of one covariance",
    Statement(moved, "=", x + m_2 - m_1, words="the map"),
    Statement(Expect(FullNormal(x, m_1, R**2, d), Norm2(x - moved)), "=", Norm2(m_1 - m_2), words="its cost"),
)


@one_covariance.proves(0)
def _(line: Chain) -> None:
    line(moved)
    line(x + m_2 - m_1, by=trace_algebra, why="R^-1 R^2 R^-1 is the identity")


@one_covariance.proves(1)
def _(line: Chain) -> None:
    line(Expect(FullNormal(x, m_1, R**2, d), Norm2(x - moved)))
    line(Norm2(m_1 - m_2), by=[trace_algebra, moments, trace_algebra], why="every point moves by as much")
