"""A refutation is as strict as a proof: what is true, undefined, or under an unmet hypothesis is never called false.

Each case that must stay without a verdict stands beside a false neighbour that must be refuted.
"""

import time
from fractions import Fraction

import pytest
import sympy as sp

from derivations.kernel.claims import Claim, Statement
from derivations.notation import T, abar, alpha, beta, integrable, p, q, s, schedule, t, x, z
from derivations.refutation.arithmetic import Floating, mp
from derivations.refutation.enclosures import surely_apart, working
from derivations.refutation.jets import Jet
from derivations.refutation.refute import refute, search
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    At,
    Coord,
    D,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Interval,
    LogDensity,
    Norm2,
    Normal,
    ProductTo,
    Ratio,
    Rounded,
    SumTo,
    covariance,
    log_p,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b, c, u, v = scalar("refute_a"), scalar("refute_b"), scalar("refute_c"), vector("refute_u"), vector("refute_v")
f, net = scalar_function("refute_f"), vector_function("refute_net")
step = vector_function("refute_step")
n = sp.Symbol("refute_n", integer=True, positive=True)
ALL = {"refute_a": REAL, "refute_b": REAL, "refute_c": REAL}


def claim(lhs, relation, rhs, domain=None, hypotheses=()):
    says = (Statement(lhs, relation, rhs),)
    return Claim("refute", "", "", "identity", says, "", (), domain or Domain(ALL), tuple(hypotheses))


def supposing(*equations):
    return tuple(Hypothesis(f"h{m}", "", *sides) for m, sides in enumerate(equations))


normal = Normal(z, 0, 1)
square = Expect(normal, Coord(z, 1) ** 2)
wide = supposing((log_p("p", z), LogDensity(Normal(z, 0, 4))))
CASES = {
    # true, and a false neighbour
    "tiny numbers": (claim(sp.exp(-100), "<", sp.exp(-99)), claim(sp.exp(-99), "<", sp.exp(-100))),
    "equal tiny numbers": (claim(sp.exp(-100), "<=", sp.exp(-100)), claim(sp.exp(-100), "=", sp.exp(-101))),
    "digits beyond any float": (
        claim(sp.sqrt(2) + sp.sqrt(3), "=", sp.sqrt(5 + 2 * sp.sqrt(6))),
        claim(sp.sqrt(2) + sp.sqrt(3), "=", sp.sqrt(5 + 2 * sp.sqrt(6)) + sp.Rational(1, 10**30)),
    ),
    "a kink under a mean": (
        claim(Expect(normal, sp.Abs(Coord(z, 1))), "=", sp.sqrt(2 / sp.pi)),
        claim(square, "=", sp.sqrt(2 / sp.pi)),
    ),
    "an exponential under a mean": (
        claim(Expect(normal, sp.exp(a * Coord(z, 1))), "=", sp.exp(a**2 / 2)),
        claim(Expect(normal, sp.exp(a * Coord(z, 1))), "=", sp.exp(a**2)),
    ),
    "a product of symbolic length": (
        claim(ProductTo(a, n, 1, T), "=", a**T, Domain(ALL, {T: (1, sp.oo)})),
        claim(ProductTo(a, n, 1, T), "=", a * T, Domain(ALL, {T: (1, sp.oo)})),
    ),
    "a root of symbolic length": (
        claim(ProductTo(sp.sqrt(a), n, 1, T), "=", a ** (T / 2), Domain({"refute_a": POSITIVE}, {T: (1, sp.oo)})),
        claim(ProductTo(sp.sqrt(a), n, 1, T), "=", a**T, Domain({"refute_a": POSITIVE}, {T: (1, sp.oo)})),
    ),
    "a number tied to another": (
        claim(a**2, "=", b**2, hypotheses=supposing((a, b))),
        claim(a**2, "=", b**2 + 1, hypotheses=supposing((a, b))),
    ),
    "two numbers tied by a line": (
        claim((a + 2 * b) ** 2, "=", 9, hypotheses=supposing((a + 2 * b, 3))),
        claim(a + b, "=", 3, hypotheses=supposing((a + 2 * b, 3))),
    ),
    "numbers on a circle": (
        claim(a**2, "<=", 1, hypotheses=supposing((a**2 + b**2, 1))),
        claim(a + b, "=", 1, hypotheses=supposing((a**2 + b**2, 1))),
    ),
    "a chain of equations": (
        claim(a, "=", c, hypotheses=supposing((a, b), (b, c))),
        claim(a, "=", -c, hypotheses=supposing((a, b), (b, c))),
    ),
    "a network of one argument": (
        claim(Norm2(net(z)), "=", a**2 * Norm2(z), hypotheses=supposing((net(z), a * z))),
        claim(Norm2(net(z)), "=", a**2 * Norm2(z) + 1, hypotheses=supposing((net(z), a * z))),
    ),
    "that network at another place": (
        claim(net(u) - net(v), "=", a * (u - v), hypotheses=supposing((net(z), a * z))),
        claim(net(u) - net(v), "=", u - v, hypotheses=supposing((net(z), a * z))),
    ),
    "a function of a vector": (
        claim(f(u), "=", Norm2(u), hypotheses=supposing((f(z), Norm2(z)))),
        claim(f(u), "=", 2 * Norm2(u), hypotheses=supposing((f(z), Norm2(z)))),
    ),
    "a recursion": (
        claim(f(3), "=", f(1) + 2, hypotheses=(Hypothesis("h", "", f(n), f(n - 1) + 1, {n: (1, sp.oo)}),)),
        claim(f(3), "=", f(1) + 3, hypotheses=(Hypothesis("h", "", f(n), f(n - 1) + 1, {n: (1, sp.oo)}),)),
    ),
    "a law that a hypothesis gives": (
        claim(
            Expect(p(z), Coord(z, 1) ** 2), "=", 4, hypotheses=supposing((log_p("p", z), LogDensity(Normal(z, 0, 4))))
        ),
        claim(
            Expect(p(z), Coord(z, 1) ** 2), "=", 1, hypotheses=supposing((log_p("p", z), LogDensity(Normal(z, 0, 4))))
        ),
    ),
    "sums of vectors": (
        claim(SumTo(a * step(n), n, 1, 2), "=", a * step(1) + a * step(2)),
        claim(SumTo(step(n), n, 1, 2), "=", step(1) - step(2)),
    ),
    "a range that may be empty": (
        claim(SumTo(s, s, 1, t), "=", t * (t + 1) / 2, Domain(indices={T: (0, sp.oo), t: (1, T)})),
        claim(SumTo(s, s, 1, t), "=", t**2 + 1, Domain(indices={T: (0, sp.oo), t: (1, T)})),
    ),
    "a derivative": (claim(D(sp.log(a), a), "=", 1 / a, Domain({"refute_a": POSITIVE})), claim(D(a**3, a), "=", a**2)),
    "the schedule": (
        claim(abar(t), "<=", abar(t - 1), schedule()),
        claim(beta(t), "<=", beta(t - 1), schedule(2)),
    ),
    "digits": (claim(sp.pi, "=", Rounded("3.14")), claim(sp.pi, "=", Rounded("3.15"))),
    "digits in an order": (
        claim(sp.Rational(1, 3), "<", Rounded("0.5")),
        claim(sp.Rational(13, 25), "<", Rounded("0.5")),
    ),
    "masses with a hole": (
        claim(Expect(q(z), sp.exp(log_p("p", z) - log_p("q", z))), "<=", 1),
        claim(Expect(q(z), sp.exp(log_p("p", z) - log_p("q", z))), "=", 1),
    ),
}
NO_VERDICT = {
    # false or meaningless, but there is no ground to show numbers against it
    "a hypothesis in words": claim(a, "=", b, hypotheses=(Hypothesis("full moon", "the moon is full"),)),
    "a familiar name with other words": claim(a, "=", b, hypotheses=(Hypothesis("integrable", "all is well"),)),
    "hypotheses that contradict each other": claim(a, "=", b, hypotheses=supposing((a, 1), (a, 2))),
    "an equation without a real solution": claim(a, "=", b, hypotheses=supposing((a**2, -1))),
    "a solution outside the domain": claim(b, "=", 0, Domain({"refute_a": UNIT}), supposing((a, 2))),
    "a domain without a point": claim(n, "<", 1, Domain({"refute_n": Interval(sp.Rational(1, 3), sp.Rational(2, 3))})),
    "a range without a point": claim(t, "<", 1, Domain(indices={t: (5, 3)})),
    "a side without a value": claim(a, "=", sp.log(-(a**2) - 1)),
    "0/0": claim(Ratio(a - a, a - a), "=", 1),
    "an infinite limit": claim(At(1 / a, a, 0), "=", 1),
    "a coordinate that may not be there": claim(Coord(z, 7), "=", 1),
    "a million factors": claim(abar(10**7), "=", 0, schedule()),
    "a sum without end": claim(SumTo(s, s, 1, 10**9), "=", 0),
    "a power beyond memory": claim(sp.Pow(a, 10**12, evaluate=False), "=", 0),
    "an exponential beyond memory": claim(sp.exp(sp.Integer(10) ** 40), "=", 0),
    "a term of somebody else's": claim(sp.Function("refute_unknown")(a), "=", 0),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_true_is_not_refuted(name):
    assert search(CASES[name][0], 0).witness is None


@pytest.mark.parametrize("name", CASES)
def test_its_false_neighbour_is(name):
    found = search(CASES[name][1], 0)
    assert found.witness is not None, found.reason
    assert refute(CASES[name][1], 0) == found.witness


@pytest.mark.parametrize("name", NO_VERDICT)
def test_there_is_no_verdict_without_ground_nor_after_long(name):
    started = time.thread_time()
    found = search(NO_VERDICT[name], 0)
    assert found.witness is None
    assert found.reason
    assert time.thread_time() - started < 12


def test_the_reason_says_which_hypothesis_was_not_met():
    reason = search(NO_VERDICT["hypotheses that contradict each other"], 0).reason
    assert "'h1' does not hold" in reason or "'h0' does not hold" in reason
    assert "words only" in search(NO_VERDICT["a hypothesis in words"], 0).reason


def test_looking_ends_when_the_time_is_over():
    slow = claim(ProductTo(SumTo(s * t, s, 1, 4000), t, 1, 4000), "=", 0)
    started = time.thread_time()
    found = search(slow, 0, seconds=1.0)
    assert found.witness is None
    assert "1 s" in found.reason
    assert time.thread_time() - started < 3


def test_a_schedule_of_a_thousand_steps_is_read_in_time():
    assert refute(claim(abar(1000), "<", 1, schedule()), 0) is None
    assert refute(claim(abar(1000), ">", sp.Rational(1, 2), schedule()), 0) is not None


def test_it_does_not_depend_on_a_proof():
    false = claim(a, "=", a + 1)
    without = refute(false, 0)
    false.proves()(lambda line: (line(a), line(a + 1)))
    assert refute(false, 0) == without is not None


def test_the_numbers_of_a_witness_can_be_plugged_in():
    witness = refute(claim(a**2, "=", a), 0)
    (value,) = [sp.Rational(shown) for name, shown in witness.values if name == "refute_a"]
    assert float(witness.lhs) == pytest.approx(float(value**2), rel=1e-7)
    assert float(witness.rhs) == pytest.approx(float(value), rel=1e-7)


def test_where_matrices_may_be_equal_they_are_tried_equal():
    one, two = covariance("Refute_A"), covariance("Refute_B")
    from derivations.rules import Quadratic

    assert refute(claim(Quadratic(u, one, u), "=", Quadratic(u, two, u)), 0) is not None


def test_enclosures_contain_what_they_enclose_at_any_precision():
    from derivations.refutation import enclosures

    coarse = enclosures.log(enclosures.exactly(3))
    with working(400):
        fine = enclosures.log(enclosures.exactly(3))
    assert not surely_apart(coarse, fine)
    assert coarse.width > fine.width


def test_what_is_averaged_is_defined_where_it_is_finite():
    infinite = Expect(normal, sp.exp(Coord(z, 1) ** 2))
    assert "infinite" in search(claim(infinite, "=", 1), 0).reason
    finite = Expect(normal, sp.exp(Coord(z, 1) ** 2 / 4))
    assert search(claim(finite, "=", sp.sqrt(2)), 0).held == 8


def test_an_inner_product_is_no_product_of_norms():
    assert refute(claim(Inner(u, v) ** 2, "=", Norm2(u) * Norm2(v)), 0) is not None
    assert refute(claim(Inner(u, v) ** 2, "<=", Norm2(u) * Norm2(v)), 0) is None
    assert refute(claim(Norm2(x(1)), ">=", 0), 0) is None
    assert refute(claim(alpha(1), "<", 1, Domain({"alpha": UNIT})), 0) is None
    assert refute(claim(a, ">", 0, Domain({"refute_a": NONNEGATIVE}), (integrable,)), 0) is not None


def test_a_world_in_which_a_hypothesis_has_no_value_is_passed_over() -> None:
    """Tables with a zero in them: the log of a probability that a hypothesis speaks of does not exist there."""
    import derivations

    report = derivations.judge_mutants("ddpm.forward.snr_monotone")
    assert report.total > 0 and not report.survivors


@pytest.mark.parametrize("coefficients", [(2, 0, 1, 0, 3), (2, 0, 0, 0, 0), (1, 1, 0, 0, 0), (3, 0, 0, 1, 0)])
def test_series_of_floats_may_have_gaps(coefficients):
    """A coefficient that is missing is a fraction's 0, which mpmath does not take a float from."""
    series = Jet(10**9, 0, [mp.mpf(c) if c else Fraction(0) for c in coefficients])
    half = mp.mpf("-0.5")
    for made, of in (
        (Floating.exp(series), mp.exp),
        (Floating.log(series), mp.log),
        (Floating.power(series, half), lambda v: v**half),
        (series * series, lambda v: v * v),
        (series * mp.mpf(3), lambda v: 3 * v),
    ):
        known = mp.taylor(lambda x, of=of: of(mp.polyval(coefficients[::-1], x)), 0, 4)
        assert [float(c) for c in made.coefficients] == pytest.approx([float(c) for c in known], abs=1e-9)
        assert all(isinstance(c - c, mp.mpf) for c in made.coefficients)
