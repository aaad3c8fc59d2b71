"""Rules on gradients, divergences and means keep values in 200 Gaussian models each; spoilt twins are caught.

The worlds are those of the refuter, exact or enclosed: a derivative is the coefficient of an infinitesimal in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import sympy as sp

from derivations.kernel.domain import POSITIVE, REAL, Domain
from derivations.kernel.hypotheses import ASSUMPTIONS, Hypothesis
from derivations.kernel.rules import fields, gradients
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.rules.fields import by_parts, inner_mean, mean_derivative, stein
from derivations.kernel.rules.gradients import vector_calculus
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    DIM,
    D,
    Density,
    Div,
    Expect,
    Grad,
    Hadamard,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Malformed,
    Norm2,
    Normal,
    Vjp,
    log_p,
    scalar,
    scalar_function,
    vector,
    vector_function,
)
from derivations.refutation.arithmetic import surely
from derivations.refutation.evaluate import evaluate
from derivations.refutation.sampling import sample_for
from derivations.refutation.undefined import Undefined
from derivations.rules import algebra

ENOUGH = 200
z, y, u, w = (vector(f"sound_{n}") for n in "zyuw")
a, b, c = scalar("sound_a"), scalar("sound_b"), scalar("sound_c", positive=True)
V, W = scalar_function("sound_V"), scalar_function("sound_W")
f, g = vector_function("sound_f"), vector_function("sound_g")
DOMAIN = Domain({"sound_a": REAL, "sound_b": REAL, "sound_c": POSITIVE})
SUPPOSED = tuple(Hypothesis(name, ASSUMPTIONS[name]) for name in ("integrable", "interchange", "smooth", "decay"))


def context(domain: Domain = DOMAIN, supposed: tuple[Hypothesis, ...] = SUPPOSED) -> Context:
    return Context(domain, {h.name: h for h in supposed})


# --- what the rules are given -----------------------------------------------------------------------------------------


@dataclass
class Terms:
    """Random scalars and vectors that depend on z: smooth everywhere, and polynomials of bounded degree."""

    rng: Random

    def one(self, *choices: Any) -> Any:
        return self.rng.choice(choices)

    def number(self, depth: int = 1) -> Any:
        leaf = self.one(V(z), W(z), Norm2(z), Inner(z, u), a, V(a * z + u), V(u), Inner(f(z), g(z)), c, Inner(f(y), z))
        if depth == 0:
            return leaf
        rest = self.number(depth - 1)
        quotient = rest / (1 + Norm2(z))
        inverse = 1 / (c + Norm2(z - u))
        return self.one(
            leaf + rest, leaf * rest, a * leaf - rest, rest**2, quotient, leaf * inverse, sp.log(c + Norm2(z))
        )

    def vector(self, depth: int = 1) -> Any:
        leaf = self.one(z, u, f(z), g(z), y, a * z, z - u)
        if depth == 0:
            return leaf
        rest = self.vector(depth - 1)
        return self.one(leaf + rest, self.number(0) * leaf, Hadamard(leaf, rest), leaf, Grad(V(z), z), rest - b * leaf)

    def direction(self) -> Any:
        return self.one(u, w, z, u + a * w, f(z))


def differentiated(rng: Random) -> Any:
    t = Terms(rng)
    return t.one(
        lambda: Inner(Grad(t.number(), z), w),
        lambda: Div(t.vector(), z),
        lambda: Laplacian(t.number(), z),
        lambda: Inner(Jvp(t.vector(), z, t.direction()), w),
        lambda: Inner(Vjp(t.vector(), z, t.direction()), w),
        lambda: Jvp(t.number(), z, t.direction()),
        lambda: Div(t.one(Jvp, Vjp)(t.one(f(y), g(u)), t.one(y, u), t.one(z, a * z)), z),
        lambda: Inner(Grad(Inner(t.vector(0), t.one(Jvp, Vjp)(f(y), y, t.one(z, u + z))), z), w),
        lambda: Inner(t.direction(), t.one(Jvp, Vjp)(f(z), z, t.direction())),
        lambda: Inner(Laplacian(t.vector(), z), w),
        lambda: Inner(Grad(LogDensity(Normal(z, t.one(u, a * y), c)), z), w),
        lambda: Inner(Grad(LogDensity(Normal(y, t.one(z, f(z), a * z), c)), z), w),
    )()


def polynomial(rng: Random) -> Any:
    """(number, vector), polynomials of z and y of degree two at most."""
    t = Terms(rng)
    number = t.one(Inner(z, u), Norm2(z), Inner(z, y), a + Inner(y, u), sp.S.One, Inner(f(u), z))
    return number, t.one(z, y, u, z + a * y, a * z - u)


def laws(rng: Random) -> Any:
    """A law of z, whose score is asked."""
    return rng.choice(
        [
            Normal(z, u, c),
            Normal(z, a * u, 1),
            Density("p", z),
            Density("p", z, y),
            Density("p", [z, y]),
            Normal(z, 0, c),
        ]
    )


def with_scores(rng: Random) -> Any:
    law = laws(rng)
    slope, (number, v) = Grad(LogDensity(law), z), polynomial(rng)
    other = Grad(LogDensity(rng.choice([law, law, Normal(z, u, 2 * c)])), z)
    body = rng.choice(
        [Inner(v, slope), number * Inner(u, slope), Inner(v, slope) + number, Inner(slope, other), a * Inner(other, u)]
    )
    return Expect(law, body)


def gaussian_with_scores(rng: Random) -> Any:
    law = rng.choice([Normal(z, u, c), Normal(z, a * u, 1), Normal(z, 0, c)])
    slope, (number, v) = Grad(LogDensity(law), z), polynomial(rng)
    return Expect(law, rng.choice([Inner(v, slope), number * Inner(u, slope), Inner(v, slope) + number]))


def of_means(rng: Random) -> Any:
    law = rng.choice(
        [Density("p", y, z), Density("p", y, z), Normal(y, z, c), Normal(y, a * z + u, 1), Normal(y, u, c)]
    )
    number, v = polynomial(rng)
    return rng.choice(
        [
            Inner(Grad(Expect(law, number), z), w),
            Div(Expect(law, v), z),
            Jvp(Expect(law, number), z, rng.choice([u, w, z])),
            Inner(Jvp(Expect(law, v), z, rng.choice([u, z])), w),
            Inner(Vjp(Expect(law, v), z, rng.choice([u, z])), w),
            D(Expect(Normal(y, a * z, c), number), a),
        ]
    )


def inner_products(rng: Random) -> Any:
    law = rng.choice([Density("p", y, z), Density("p", y), Normal(y, z, c)])
    fixed = rng.choice([u, z, f(z), Expect(law, y), u - a * Expect(law, y)])
    moving = rng.choice([y, f(y), y - u, Inner(y, u) * y])
    term = Inner(fixed, Expect(law, moving))
    outer = rng.choice([Density("q", z), Density("q", [z, y])])
    return rng.choice([term, a * term + 1, Expect(outer, term * Inner(z, u))])


# --- the mill ---------------------------------------------------------------------------------------------------------


def compared(rule: Any, make: Callable[[Random], Any], name: str, enough: int) -> tuple[int, list[str]]:
    """(worlds in which the rule's answer was compared, those where it was wrong)."""
    count, wrong, tried = 0, [], 0
    while count < enough and tried < 20 * enough and not (wrong and enough > ENOUGH):
        tried += 1
        term = core(make(Random(f"{name} {tried}")))
        try:
            after = rule.rewrite(term, context())
        except (StepFails, Malformed):
            continue
        if after == term:
            continue
        try:
            world = sample_for((term, after), DOMAIN, SUPPOSED, name, tried)
            told = surely("=", evaluate(term, world), evaluate(after, world))
        except Undefined:
            continue
        if told is None:
            continue
        count += 1
        if not told:
            wrong.append(f"{term} is not {after}")
    return count, wrong


CASES = {
    "vector calculus": (vector_calculus, differentiated),
    "integration by parts": (by_parts, with_scores),
    "Stein": (stein, gaussian_with_scores),
    "derivative of a mean": (mean_derivative, of_means),
    "inner products": (inner_mean, inner_products),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", CASES)
def test_the_value_is_the_same_in_every_model(name: str) -> None:
    count, wrong = compared(*CASES[name], name, ENOUGH)
    assert not wrong, wrong[0]
    assert count >= ENOUGH, f"only {count} could be compared"


def _no_rotation(e: Any, x: Any, w: Any, _: Context) -> Any:
    return Jvp(e, x, w) if e != x else w


def _half_a_product(e: Any, x: Any, dim: Any, known: Context) -> Any:
    if isinstance(e, sp.Mul):
        scale, v = gradients._scaled(e)
        return scale * gradients.div(v, x, dim, known)
    return DIVERGENCE(e, x, dim, known)


DIVERGENCE = gradients.div
SPOILT = {
    "nothing depends on the variable": ("vector calculus", "may_touch", lambda *_: False),
    "the Jacobian for its transpose": ("vector calculus", "vjp", _no_rotation),
    "half the product rule": ("vector calculus", "div", _half_a_product),
    "any score is the law's own": (
        "integration by parts",
        "_is_own_score",
        lambda g, *_: isinstance(g.args[0], LogDensity),
    ),
    "parts without the sign": ("integration by parts", "_negative_mean", lambda d, law, _: Expect(law, d)),
    "Stein without the sign": ("Stein", "_negative_mean", lambda d, law, _: Expect(law, d)),
    "a law that does not move": ("derivative of a mean", "_law_varies", lambda *_: False),
    "the law's slope forgotten": ("derivative of a mean", "_slope_of_law", lambda *_: sp.S.Zero),
    "whatever stands beside a mean is fixed": ("inner products", "may_depend", lambda *_: False),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_rule_without_its_condition_is_caught(name: str) -> None:
    case, attribute, replacement = SPOILT[name]
    rule, make = CASES[case]
    if name == "whatever stands beside a mean is fixed":
        make = beside_a_mean
    owner = gradients if case == "vector calculus" else fields
    with patch.object(owner, attribute, replacement), patch.object(gradients, "MADE", _made(attribute, replacement)):
        _, wrong = compared(rule, make, name, 5 * ENOUGH)
    assert wrong


def _made(attribute: str, replacement: Any) -> dict[Any, Any]:
    return {head: replacement if made.__name__ == attribute else made for head, made in gradients.MADE.items()}


def beside_a_mean(rng: Random) -> Any:
    law = Density("p", y, z)
    return Inner(rng.choice([y, f(y), y + u]), Expect(law, rng.choice([y, y - u])))


# --- conditions -------------------------------------------------------------------------------------------------------

slope = Grad(log_p("p", z), z)
ASKED = {
    "decay": (by_parts, Expect(Density("p", z), slope)),
    "integrable": (by_parts, Expect(Density("p", z), slope)),
    "interchange": (mean_derivative, Grad(Expect(Density("p", y, z), V(y)), z)),
}


@pytest.mark.parametrize("name", ASKED)
def test_the_named_hypothesis_is_asked_for(name: str) -> None:
    rule, term = ASKED[name]
    assert rule.rewrite(term, context()) != term
    with pytest.raises(StepFails, match=name):
        rule.rewrite(term, context(supposed=tuple(h for h in SUPPOSED if h.name != name)))


def test_what_has_no_derivative_is_not_integrated_by_parts() -> None:
    law = Density("p", z)
    for rough in (z / Norm2(z), sp.Abs(Inner(z, u)) * z, sp.sqrt(Norm2(z)) * u):
        with pytest.raises(StepFails, match="derivative everywhere"):
            by_parts.rewrite(Expect(law, Inner(rough, slope)), context())


def test_a_law_with_an_end_is_not_integrated_by_parts() -> None:
    term = Expect(Density("p", z), Inner(z, slope))
    ended = Domain({**DOMAIN.intervals, "sound_z": POSITIVE})
    assert by_parts.rewrite(term, context(ended)) == term


def test_stein_leaves_alone_what_is_no_polynomial() -> None:
    law = Normal(z, u, c)
    term = Expect(law, Inner(f(z), Grad(LogDensity(law), z)))
    assert stein.rewrite(term, context()) == term
    assert stein.rewrite(Expect(law, Inner(z, Grad(LogDensity(law), z))), context(supposed=())) == -DIM
    assert algebra.rewrite(term, context()) == term
