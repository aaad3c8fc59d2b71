"""Whatever is written, the judge says something about it and does not raise."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
import sympy as sp
from attack import Attack, one_statement

from derivations.kernel import terms
from derivations.kernel.claims import Chain
from derivations.kernel.judge import Judge
from derivations.notation import T, t, z
from derivations.rules import (
    AtMost,
    Block,
    Coord,
    Density,
    Domain,
    Equal,
    Hypothesis,
    Interval,
    Norm2,
    Normal,
    Rounded,
    SameLaw,
    Statement,
    SumTo,
    above,
    algebra,
    at_most,
    bayes,
    by_claim,
    draws,
    entries,
    gibbs,
    given,
    identify,
    induction,
    integration,
    interval_arithmetic,
    jensen,
    last_term,
    linear_sde,
    linearity,
    log_tangent,
    mass,
    moments,
    monotone,
    ordered_above,
    ordered_by,
    positivity,
    rate,
    rearrange,
    scalar,
    scaled,
    series,
    smoothness,
    squares,
    stein,
    stop_gradient,
    tangent,
    trace_algebra,
    vanishing_mean,
    vector,
    vector_calculus,
    vector_function,
    zero_divergence,
)

n = sp.Symbol("crash_n", integer=True)
a, u, net = scalar("crash_a"), vector("crash_u"), vector_function("crash_net")
linear = Hypothesis("linear decoder", "", net(z), a * z)
CASES: dict[str, tuple[Any, Any, Any, Domain, tuple[Hypothesis, ...]]] = {
    "a hypothesis about a network": (Norm2(net(z)), a**2 * Norm2(z) + 1, given(linear), Domain(), (linear,)),
    "a sum of vectors": (SumTo(t * u, t, 1, T), T * u, algebra, Domain(indices={T: (1, sp.oo)}), ()),
    "a coordinate": (Coord(z, 3), 0, algebra, Domain(), ()),
    "a range that may be empty": (SumTo(1, t, 1, T), T + 1, algebra, Domain(indices={t: (1, sp.oo), T: (t, 5)}), ()),
    "a float": (a, sp.Float("0.5") * a, algebra, Domain(), ()),
    "infinity": (a, sp.oo, algebra, Domain(), ()),
    "nothing at all": (sp.nan, sp.nan, algebra, Domain(), ()),
}


@pytest.mark.parametrize("name", CASES)
def test_the_judge_does_not_raise(name: str) -> None:
    from derivations.refutation.refute import refute

    lhs, rhs, by, domain, known = CASES[name]
    claim = one_statement(lhs, "=", rhs, domain, known, "crash")

    @claim.proves()
    def _(line: Chain) -> None:
        line(lhs)
        line(rhs, by=by)

    assert not Judge({}, refute).judge(claim).verdict


DECIDE = (
    *(positivity, jensen, mass, tangent, log_tangent, rearrange, vanishing_mean, interval_arithmetic, algebra),
    *(
        scaled(a),
        monotone(positivity),
        squares(positivity),
        gibbs,
        zero_divergence,
        induction(n, 1),
        ordered_by("none"),
    ),
    *(trace_algebra, moments, linearity, series, integration, stop_gradient, entries, vector_calculus, bayes, stein),
)
PAIRS = (
    ("iff", AtMost(a, 1), AtMost(1, a)),
    ("iff", Equal(a, 1), Equal(u, 0)),
    ("iff", Equal(a, 1), SameLaw(Density("q", z), Density("p", z))),
    ("=", u, 2 * u),
    ("<=", n, n - 1),
    (">", n, n + 1),
)


@pytest.mark.parametrize("which", range(len(PAIRS)))
def test_every_rule_says_why_it_does_not_apply(which: int) -> None:
    relation, lhs, rhs = PAIRS[which]
    for by in DECIDE:
        verdict = Attack(lhs, rhs, by, Domain(indices={n: (1, sp.oo)}), relation=relation).verdict()
        assert not verdict and "Error" not in verdict.reason, (by, verdict)


def test_every_statement_can_be_printed() -> None:
    assert Statement(sp.Rational(1, 3), "=", Rounded("0")).text() == "1/3 = 0"
    assert Statement(sp.Rational(1, 3), "=", Rounded("0")).latex()


def test_a_true_statement_by_a_hypothesis_about_a_network() -> None:
    claim = one_statement(Norm2(net(z)), "=", a**2 * Norm2(z), Domain(), (linear,), "linear")

    @claim.proves()
    def _(line: Chain) -> None:
        line(Norm2(net(z)))
        line(a**2 * Norm2(z), by=given(linear))

    assert Judge({}).judge(claim).verdict


ODD = (
    3,
    a,
    z,
    t,
    net,
    net(z),
    "q",
    None,
    Normal(z, u, 1),
    Density("q", z),
    sp.Tuple(a, z),
    sp.oo,
    0.5,
    [z],
    {},
    int,
    len,
)
MAKERS = (
    *terms.TERMS,
    *terms.LAWS,
    *terms.PROPOSITIONS,
    *(Block, Interval, Hypothesis, Statement, rate, smoothness, at_most, draws, vector, scalar),
    *(above, by_claim, identify, induction, last_term, linear_sde, monotone, ordered_above, ordered_by, squares),
)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_what_cannot_be_made_says_so(make: Any) -> None:
    """Of the wrong things no term is made: a ValueError or a TypeError says why, and nobody trips over them."""
    for count in (1, 2, 3, 4):
        for args in itertools.islice(itertools.product(ODD[: 17 if count < 3 else 8], repeat=count), 600):
            with contextlib.suppress(ValueError, TypeError):
                make(*args)
