"""Rules for rectangular matrices keep values in 200 random models each, of any two sizes; spoilt twins are caught."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import Sample, assert_caught, assert_sound, context, spoilt_rules, without

from derivations.kernel.domain import POSITIVE, Domain
from derivations.kernel.rules import linear_maps, matrices
from derivations.kernel.rules.base import StepFails
from derivations.kernel.rules.gaussian import density, moments
from derivations.kernel.rules.linear_maps import determinant_turned, inverse_is, through
from derivations.kernel.rules.matrices import trace_algebra
from derivations.kernel.terms import (
    DIM,
    Apply,
    Coord,
    Expect,
    FullNormal,
    Inner,
    LogDensity,
    LogDet,
    Malformed,
    Norm2,
    Normal,
    Quadratic,
    Trace,
    Transposed,
    covariance,
    matrix,
    scalar,
    vector,
)
from derivations.kernel.words import inverse, words
from derivations.notation import k
from derivations.refutation.arithmetic import surely
from derivations.refutation.sampling import sample_for

R, P, Q = matrix("Maps_R"), covariance("Maps_P"), covariance("Maps_Q")  # R: R^k -> R^d, P on R^d, Q on R^k
u, v = vector("maps_u"), vector("maps_v")  # of R^d
y, z = vector("maps_y"), vector("maps_z")  # of R^k
c, e = scalar("maps_c"), scalar("maps_e")
DOMAIN = Domain({"maps_c": POSITIVE, "maps_e": POSITIVE}, {k: (1, sp.oo)}, sizes={"Maps_R": (DIM, k)})
HERE = sp.Tuple(Apply(R, z), Quadratic(u, P, v), Quadratic(u, R, y), Quadratic(z, Q, y), c, e)  # who lives where


def on(space: str, rng: Random) -> Any:
    """A square matrix with an inverse, on R^d or on R^k."""
    one = [P, c + R * R.T, P + c * R * Q * R.T, c * P + e] if space == "d" else [Q, c + R.T * R, e * Q + R.T * P * R]
    return rng.choice(one) ** rng.choice([1, 1, -1, -1])


def word(left: str, right: str, rng: Random, most: int = 3) -> Any:
    """A product of matrices from one space to another."""
    made, at = sp.S.One, left
    for _ in range(rng.randint(0, most)):
        if rng.random() < 0.5:
            made = made * on(at, rng)
        else:
            made, at = made * (R if at == "d" else R.T), "k" if at == "d" else "d"
    return made if at == right else made * (R if at == "d" else R.T)


def sample(term: Any, rng: Random, *args: Any) -> Sample:
    world = sample_for([term, *HERE], DOMAIN, (), f"maps {rng.random()}", rng.randrange(8))
    return Sample(
        context(DOMAIN), [world], (term,), args=args, same=lambda one, other: surely("=", one, other) is not False
    )


def terms(rng: Random) -> Sample:
    one, other = rng.choice([(u, "d"), (u - c * v, "d"), (z, "k")]), rng.choice([(v, "d"), (y + z, "k")])
    square, size = rng.choice([("d", DIM), ("k", k)])
    inside = word(one[1], other[1], rng) + rng.choice([0, c]) * word(one[1], other[1], rng)
    term = rng.choice(
        [
            Quadratic(one[0], inside, other[0]),
            Inner(one[0], Apply(inside, other[0])),
            Norm2(u - Apply(word("d", "k", rng, 2), z - y)),
            Trace(word(square, square, rng) + c * word(square, square, rng), size),
            LogDet(rng.choice([1, c]) * on(square, rng) * on(square, rng)),
            Coord(Apply(word("d", other[1], rng), other[0]) + v, 1),
        ]
    )
    return sample(e + term, rng)


def law(variable: Any, mean: Any, space: str, rng: Random) -> Any:
    dim, cov = (DIM, rng.choice([P, e + R * R.T])) if space == "d" else (k, rng.choice([Q, c + R.T * P * R]))
    return Normal(variable, mean, c, dim) if rng.random() < 0.5 else FullNormal(variable, mean, cov, dim)


def drawn(rng: Random) -> Sample:
    shift = rng.choice([sp.S.Zero, v, Apply(R, y), Apply(R, z)])
    noise = law(u, c * Apply(rng.choice([R, P * R, R * Q]), z) + shift, "d", rng)
    return sample(Expect(law(z, rng.choice([sp.S.Zero, y, 2 * y]), "k", rng), sp.exp(LogDensity(noise))), rng)


def averages(rng: Random) -> Sample:
    body = rng.choice(
        [
            Norm2(u - Apply(R, z)),
            Quadratic(z, word("k", "k", rng, 2), z - y),
            Quadratic(u, word("d", "k", rng, 2), z) * e,
            Inner(Apply(R, z - y), v),
        ]
    )
    return sample(Expect(law(z, rng.choice([sp.S.Zero, y]), "k", rng), body), rng)


def densities(rng: Random) -> Sample:
    return sample(LogDensity(rng.choice([law(u, Apply(R, z), "d", rng), law(z, Apply(R.T, u), "k", rng)])), rng)


INVERSES = (
    (c + R * R.T, (1 - R * (c + R.T * R) ** -1 * R.T) / c),
    (c + R.T * R, (1 - R.T * (c + R * R.T) ** -1 * R) / c),
    (P + R * Q * R.T, P**-1 - P**-1 * R * (Q**-1 + R.T * P**-1 * R) ** -1 * R.T * P**-1),
    (P + e, P**-1 - e * P**-1 * (P + e) ** -1),
    (c + R * R.T, (1 - R * R.T) / c),  # to first order only
    (P + e, P**-1),
    (c + R * R.T, (1 - R * (c + R.T * R) ** -1 * R.T)),
)


def inverses(rng: Random) -> Sample:
    whole, other = rng.choice(INVERSES)
    on_d = whole != c + R.T * R
    one, two, size = (u, v, DIM) if on_d else (z, y, k)
    term = rng.choice([Quadratic(one, whole**-1, two), Trace(whole**-1, size), Coord(Apply(whole**-2, two), 1)])
    return sample(e + term, rng, whole, other)


def determinants(rng: Random) -> Sample:
    left, right = rng.choice(
        [(R, R.T), (R.T, R), (c * R, R.T), (R * Q, R.T), (P * R, Q * R.T), (P, R * R.T), (R, e * R.T)]
    )
    number = rng.choice([c, c + e, sp.S(2)])
    return sample(e * LogDet(number + left * right), rng, left, right)


def sorted_letters(found: Any) -> Any:
    return {tuple(sorted(w, key=str)): a for w, a in found.items()}


only_one_side = (linear_maps, "_check_inverse", lambda *_: None)
not_transposed = (matrices, "turned", lambda w: tuple(reversed(w)))
noise_lost = (linear_maps, "Transposed", lambda m: m)

CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "trace_algebra": (
        trace_algebra,
        terms,
        [
            without(trace_algebra, (matrices, "reduced", sorted_letters)),
            without(trace_algebra, (matrices, "turned", lambda w: w)),
            without(trace_algebra, (matrices, "spelled", lambda found: sum(sp.Mul(*w) for w in found))),
        ],
    ),
    "through": (
        through,
        drawn,
        [
            without(through, (linear_maps, "Apply", lambda _, mean: mean * 0 + v)),
            without(through, (linear_maps, "added", lambda *sums: sums[-1])),
        ],
    ),
    "moments": (moments, averages, [without(moments, (matrices, "Trace", lambda m, n: n * c))]),
    "density": (density, densities, [without(density, (matrices, "inverse", lambda m: words(m)))]),
    "inverse": (inverse_is, inverses, [without(inverse_is, only_one_side)]),
    "determinant": (
        determinant_turned,
        determinants,
        [without(determinant_turned, (linear_maps, "added", lambda *_: {(): c}))],
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", CASES)
def test_the_value_is_the_same_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)


def test_the_models_have_fewer_rows_than_columns_and_more() -> None:
    drawn_shapes = {(w.size, w.width) for n in range(200) for w in [terms(Random(n)).worlds[0].matrices["Maps_R"]]}
    assert any(rows < columns for rows, columns in drawn_shapes)
    assert any(rows > columns for rows, columns in drawn_shapes)


# --- edges ------------------------------------------------------------------------------------------------------------


def test_a_matrix_transposed_twice_is_itself() -> None:
    assert Transposed(R.T) == R


def test_what_is_drawn_through_a_number_is_left_to_another_rule() -> None:
    term = Expect(Normal(u, 0, 1, DIM), sp.exp(LogDensity(Normal(v, 2 * u, 1, DIM))))
    assert through.rewrite(term, context(DOMAIN)) == term


REFUSALS = {
    "a covariance has its inverse": (inverse_is(P, P), Quadratic(u, P**-1, u), "is no sum of matrices"),
    "a vector is no matrix": (inverse_is(u, P), Quadratic(u, P**-1, u), "is a vector, and no matrix"),
    "a difference may have none": (inverse_is(P - Q, P), Quadratic(u, (P - Q) ** -1, u), "may mean nothing"),
    "another has another": (inverse_is(P + e, P), Quadratic(u, (P + e) ** -1, u), "is not known to be the identity"),
    "nobody counts the rows": (trace_algebra, LogDet(c * P), "does not give the size"),
    "nobody counts the columns": (determinant_turned(P, Q), LogDet(c + P * Q), "does not say how many rows"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_rule_says_what_it_lacks(name: str) -> None:
    rule, term, because = REFUSALS[name]
    with pytest.raises(StepFails, match=because):
        rule.rewrite(term, context(DOMAIN))


def test_a_long_product_is_not_multiplied_out() -> None:
    with pytest.raises(Malformed, match="multiplied out"):
        words((P + Q) ** 12)


def test_a_product_that_may_have_no_inverse_keeps_its_own() -> None:
    assert list(inverse(R * R.T)) == [((R * R.T) ** -1,)]
