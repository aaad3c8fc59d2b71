"""Claims about rectangular matrices for the fuzzer: sizes, inverses, determinants, laws; half of them are wrong."""

from __future__ import annotations

from typing import Any

import sympy as sp
from fuzz_terms import Words
from fuzz_walks import Draft

from derivations.kernel.terms import DIM
from derivations.notation import k
from derivations.rules import (
    POSITIVE,
    REAL,
    Apply,
    Domain,
    Expect,
    FullNormal,
    Inner,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    Quadratic,
    Trace,
    algebra,
    covariance,
    density,
    determinant_turned,
    inverse_is,
    matrix,
    moments,
    scalar,
    through,
    trace_algebra,
    vector,
)

R, S = matrix("Fuzz_R"), covariance("Fuzz_S")
c = scalar("fuzz_noise")
u, z, b = vector("fuzz_seen"), vector("fuzz_code"), vector("fuzz_offset")


def _draft(words: Words, lhs: Any, rhs: Any, by: Any) -> Draft:
    sizes = words.one((DIM, k), (DIM, k), (DIM, k), (k, DIM), (DIM, DIM))
    known = Domain(
        {"fuzz_noise": words.one(POSITIVE, POSITIVE, POSITIVE, REAL)}, {k: (1, sp.oo)}, sizes={"Fuzz_R": sizes}
    )
    return Draft([(lhs, "=", algebra), (rhs, "=", by)], known, kind="linear maps")


def _matrix(words: Words) -> Any:
    """R or its transpose, with whatever stands before or behind it."""
    one = words.one(R, R.T, R, S * R)
    return words.one(one, one, one * words.one(S, R.T, R), c * one)


def products(words: Words) -> Draft:
    one, other = _matrix(words), _matrix(words)
    lhs, rhs = words.one(
        (Inner(u, Apply(one, z)), words.one(Quadratic(u, one, z), Quadratic(z, one, u), Quadratic(u, other, z))),
        (Norm2(Apply(R, z)), words.one(Quadratic(z, R.T * R, z), Quadratic(z, R * R.T, z), Norm2(z))),
        (Norm2(u - Apply(R, z)), Norm2(u) - words.one(1, 2) * Quadratic(u, R, z) + Quadratic(z, R.T * R, z)),
        (Trace(R * R.T, DIM), Trace(words.one(R.T * R, R * R.T, S), words.one(k, DIM))),
        (Trace(one * other, DIM), Trace(other * one, words.one(k, DIM))),
        (Quadratic(u, S + R * R.T, u), Quadratic(u, S, u) + words.one(Norm2(Apply(R.T, u)), Norm2(Apply(R, u)))),
    )
    return _draft(words, lhs, rhs, words.one(algebra, trace_algebra, trace_algebra))


def inverses(words: Words) -> Draft:
    whole = words.one(c + R * R.T, c + R * R.T, S + R * R.T, c - R * R.T, S - R * R.T, c**2 + R * R.T)
    other = words.one(c + R.T * R, c + R.T * R, c - R.T * R, c**2 + R.T * R)
    guess = (1 - R * other**-1 * R.T) / words.one(c, c, c**2, 1)
    lhs, rhs, by = words.one(
        (Quadratic(u, whole**-1, u), Quadratic(u, guess, u), inverse_is(whole, guess)),
        (Quadratic(u, whole * whole**-1, u), Norm2(u), trace_algebra),
        (Quadratic(u, whole**-1 * R * R.T, u), Norm2(u) - c * Quadratic(u, whole**-1, u), trace_algebra),
        (LogDet(whole), LogDet(other) + (DIM - words.one(k, DIM)) * sp.log(c), determinant_turned(R, R.T)),
        (LogDet(other), LogDet(whole) + (words.one(k, DIM) - DIM) * sp.log(c), determinant_turned(R.T, R)),
        (LogDet(c * whole), LogDet(whole) + words.one(DIM, k) * sp.log(c), trace_algebra),
    )
    return _draft(words, lhs, rhs, by)


def gaussians(words: Words) -> Draft:
    mean = Apply(R, z) + words.one(b, b, z, 0)
    first = words.one(Normal(z, 0, 1, k), Normal(z, 0, c, k), Normal(z, u, 1, k))
    spread = words.one(1, c) * R * R.T + words.one(c, 1, c**2)
    lhs, rhs, by = words.one(
        (
            Expect(first, sp.exp(LogDensity(Normal(u, mean, c)))),
            sp.exp(LogDensity(FullNormal(u, words.one(b, b, 0, mean), spread, DIM))),
            through,
        ),
        (
            Expect(first, Norm2(u - Apply(R, z))),
            Norm2(u) + words.one(1, c) * Trace(words.one(R.T * R, R * R.T), words.one(k, DIM)),
            [trace_algebra, moments, trace_algebra],
        ),
        (
            LogDensity(FullNormal(u, b, spread, DIM)),
            -DIM * sp.log(2 * sp.pi) / 2
            - LogDet(spread) / 2
            - Quadratic(u - b, spread**-1, u - b) / words.one(2, 2, 1),
            [density, trace_algebra],
        ),
    )
    return _draft(words, lhs, rhs, by)


MAPS = (products, inverses, gaussians)
