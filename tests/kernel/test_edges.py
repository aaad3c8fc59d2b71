"""The kernel's small decisions, each counted out: ranges that touch, ends of intervals, relations that add up."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import product

import pytest
import sympy as sp

import derivations
from derivations.kernel.algebra import Algebra
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.dependence import is_member, may_touch, outside
from derivations.kernel.domain import NONZERO, REAL, UNIT, Domain, Interval
from derivations.kernel.judge import Judge
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.rules.calculus import differentiation
from derivations.kernel.rules.gaussian import moments
from derivations.kernel.rules.matrices import trace_algebra
from derivations.kernel.rules.order import enclosure, induction, interval_arithmetic, positivity
from derivations.kernel.rules.reparameterization import jacobian, reparameterize
from derivations.kernel.signs import polynomial_sign
from derivations.kernel.sorts import sort
from derivations.kernel.terms import (
    KL,
    AffineImage,
    Block,
    Coord,
    D,
    Density,
    DiagonalNormal,
    Equal,
    Expect,
    Inner,
    LogDensity,
    Malformed,
    Normal,
    Rounded,
    SameLaw,
    SumTo,
    Trace,
    covariance,
    scalar,
    variable_set,
    vector,
    vector_function,
)
from derivations.notation import abar, alpha, beta, integrable
from derivations.printing import latex
from derivations.rules import zero_divergence

a, b = scalar("a"), scalar("b")
x = vector_function("x", "x")
z, eps, m, u = (vector(name) for name in ("z", "eps", "m", "u"))
T, j = (sp.Symbol(name, integer=True, positive=True) for name in ("T", "j"))
i = sp.Symbol("i", integer=True, positive=True)
SPANS = [(lo, hi) for lo in range(1, 5) for hi in range(lo, 5)]


# --- who depends on what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0, T], ids=["numbers", "up to T"])
@pytest.mark.parametrize(("one", "other"), [*product(SPANS, SPANS)])
def test_blocks_touch_where_they_share_a_member_and_nowhere_else(shift, one, other):
    (lo, hi), (first, last) = one, other
    e, v = Block(x, lo + shift, hi + shift), Block(x, first + shift, last + shift)
    domain = Domain({}, {T: (1, sp.oo)})
    common = set(range(lo, hi + 1)) & set(range(first, last + 1))
    assert may_touch(e, [v], domain) == bool(common)
    if lo == hi:
        assert may_touch(x(lo + shift), [v], domain) == may_touch(v, [x(lo + shift)], domain) == bool(common)
    assert not may_touch(e, [Block(vector_function("y"), first, last), z], domain)
    inside = first <= lo and hi <= last
    assert is_member(e, [v], domain) is (True if inside else None if common else False)
    left = outside(e, [v], domain)
    if inside:
        assert left == ()
    elif lo < first <= hi + 1 <= last + 1:
        assert sp.Tuple(*left) == variable_set([Block(x, lo + shift, first + shift - 1)])
    else:
        assert left == (e,)  # a part that cannot be taken out as one block stays


def test_members_of_which_nothing_is_known_may_be_the_same():
    assert may_touch(x(j), [x(T)], Domain({}, {T: (1, sp.oo), j: (1, T)}))
    assert is_member(x(j), [x(T)], Domain({}, {T: (1, sp.oo), j: (1, T)})) is None
    assert not may_touch(x(j), [x(T + 1)], Domain({}, {T: (1, sp.oo), j: (1, T)}))
    assert may_touch(x(j), [x(T + 1)], Domain({}, {T: (1, sp.oo), j: (1, T + 1)}))


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("open_lo", [True, False])
@pytest.mark.parametrize("open_hi", [True, False])
@pytest.mark.parametrize("nonzero", [True, False])
def test_an_interval_holds_the_numbers_between_its_ends_and_those_that_are_closed(open_lo, open_hi, nonzero):
    interval = Interval(sp.S(-1), sp.S(1), open_lo, open_hi, nonzero)
    held = {sp.S(-1): not open_lo, sp.S(1): not open_hi, sp.S(0): not nonzero, sp.S(2): False, sp.S(-2): False}
    held |= {sp.Rational(1, 2): True, sp.Rational(-1, 2): True}
    for value, expected in held.items():
        assert interval.contains(value) is expected


@pytest.mark.parametrize(
    ("polynomial", "interval", "sign"),
    [
        (a, UNIT, "+"),
        (-a, UNIT, "-"),
        (a, Interval(sp.S(0), sp.S(1), False, True), "0+"),
        (-a, Interval(sp.S(0), sp.S(1), False, True), "0-"),
        (1 - a, Interval(sp.S(0), sp.S(1), True, False), "0+"),
        (1 - a, Interval(sp.S(0), sp.S(1), False, False), "0+"),
        (a - 1, Interval(sp.S(1)), "+"),
        (a - 1, Interval(sp.S(1), open_lo=False), "0+"),
        (1 - a, Interval(hi=sp.S(1)), "+"),
        (a - 1, Interval(hi=sp.S(1), open_hi=False), "0-"),
        (a + 2, Interval(sp.S(-2), sp.S(3)), "+"),
        (a - 3, Interval(sp.S(-2), sp.S(3)), "-"),
        (a, Interval(sp.S(-2), sp.S(3)), None),
        (a**2, REAL, "0+"),
        (a**2, NONZERO, "+"),
        (a**2 + 1, REAL, "+"),
        (-(a**4) - a**2, REAL, "0-"),
        (a**3, NONZERO, None),
        (a**2 - 1, REAL, None),
    ],
)
def test_the_sign_of_a_polynomial_is_strict_exactly_where_it_cannot_vanish(polynomial, interval, sign):
    assert polynomial_sign(polynomial, {a: interval}) == sign


def test_the_sign_of_a_number_is_its_sign():
    assert [polynomial_sign(sp.S(n), {}) for n in (-2, 0, 3)] == ["-", "0", "+"]


@pytest.mark.parametrize("first", range(-2, 3))
@pytest.mark.parametrize("shift", range(-2, 3))
def test_an_index_is_positive_where_its_lower_bound_is(first, shift):
    n, r = (sp.Symbol(name, integer=True) for name in ("n", "r"))
    domain = Domain({}, {n: (first, sp.oo), r: (n + shift, sp.oo)})
    positive = first + shift >= 1
    assert domain.interval(r) == (Interval(1, open_lo=False) if positive else REAL)
    assert positivity.decide(">=", r, sp.S.One, Context(domain)) is positive


# --- a term of a sum --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lo", "hi"), [(1, T), (1, T - 1), (2, T), (0, T + 3)])
@pytest.mark.parametrize(("first", "last"), [(1, T), (2, T), (1, T + 1), (2, T - 1)])
def test_only_a_coordinate_in_the_range_of_a_sum_has_its_derivative_there(lo, hi, first, last):
    domain = Domain({}, {T: (3, sp.oo), j: (first, last)})
    slope = D(SumTo(Coord(z, i) ** 2, i, lo, hi), Coord(z, j))
    if lo <= first and sp.expand(hi - last) >= 0:
        assert sp.expand(differentiation.rewrite(slope, Context(domain)) - 2 * Coord(z, j)) == 0
    else:
        with pytest.raises(StepFails, match="not known to lie in"):
            differentiation.rewrite(slope, Context(domain))


# --- traces -----------------------------------------------------------------------------------------------------------

A, B, C = (covariance(f"Edge_{name}") for name in "ABC")


@pytest.mark.parametrize(
    "word", [(A, B, A), (A, B, C, A**-1), (C, A, B, C, C), (A, B, A, C, A, A), (B, A, C, A, B**2, C)], ids=str
)
def test_a_trace_has_one_form_wherever_its_cycle_is_cut_and_whichever_way_it_is_read(word):
    cut = [way[n:] + way[:n] for way in (word, word[::-1]) for n in range(len(word))]
    assert len({trace_algebra.rewrite(Trace(sp.Mul(*letters), T), Context(Domain())) for letters in cut}) == 1


# --- change of variable -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [sp.S.Zero, m])
@pytest.mark.parametrize("variance", [sp.S.One, sp.S(4), a])
def test_every_normal_law_but_the_standard_one_is_rewritten(mean, variance):
    average = Expect(Normal(z, mean, variance), Inner(z, u))
    standard = mean == 0 and variance == 1
    moved = Expect(Normal(eps, 0, 1), Inner(mean + sp.sqrt(variance) * eps, u))
    assert reparameterize(eps).rewrite(average, Context(Domain({"a": UNIT}))) == (average if standard else moved)


# --- relations --------------------------------------------------------------------------------------------------------

STEPS = {"=": (0, 0), "<=": (0, 1), "<": (1, 1)}  # the least and the largest growth, counted in steps of a > 0


def chain_of(relations, goal, up):
    """A claim 0 `goal` e_n with one line for each relation; each step is true, and of the kind that it says."""
    domain = Domain({"a": UNIT, "b": Interval(sp.S(0), sp.S(1), False, True)})
    growth = {"=": sp.S.Zero, "<=": b, "<": a}
    sign = 1 if up else -1
    last = sign * sum((growth[r] for r in relations), sp.S.Zero)
    claim = Claim("edge", "edge", "edges", "inequality", (Statement(0, goal, last),), "", (), domain)

    def write(line):
        total = sp.S.Zero
        line(total)
        for relation in relations:
            total += sign * growth[relation]
            if relation == "=":
                line(total)
            elif relation == "<":
                (line.lt if up else line.gt)(total, by=positivity)
            else:
                (line.le if up else line.ge)(total, by=positivity)

    claim.proves()(write)
    return claim


@pytest.mark.parametrize("up", [True, False], ids=["rising", "falling"])
@pytest.mark.parametrize("relations", [r for n in (1, 2) for r in product(STEPS, repeat=n)], ids="".join)
def test_a_chain_shows_the_weakest_of_its_relations_that_all_steps_share(relations, up):
    """= shows =, <= and >=; one strict step makes the whole strict; no step shows the other direction."""
    turned = {"<": ">", "<=": ">=", "=": "="}
    same, other = ("<", "<=") if up else (">", ">="), (">", ">=") if up else ("<", "<=")
    everything_equal, strict = set(relations) == {"="}, "<" in relations
    shown = {"=": everything_equal, same[0]: strict, same[1]: True, other[0]: False, other[1]: everything_equal}
    assert set(shown) == {"=", *turned, *turned.values()}
    for goal, expected in shown.items():
        claim = chain_of(relations, goal, up)
        assert bool(Judge({claim.id: claim}).judge(claim).verdict) is expected, goal


def test_both_directions_in_one_chain_show_nothing():
    domain = Domain({"a": UNIT, "b": UNIT})
    for goal in ("=", "<", "<=", ">", ">="):
        claim = Claim("edge", "edge", "edges", "inequality", (Statement(0, goal, a - b),), "", (), domain)

        def write(line):
            line(0)
            line.lt(a, by=positivity)
            line.gt(a - b, by=positivity)

        claim.proves()(write)
        part = Judge({claim.id: claim}).judge(claim).parts[0]
        assert not part.verdict and "do not add up" in part.verdict.reason


@pytest.mark.parametrize("gap", [Fraction(-1), Fraction(0), Fraction(1)])
@pytest.mark.parametrize("relation", ["<", "<=", ">", ">="])
def test_a_sign_proves_the_relations_of_numbers(gap, relation):
    true = {"<": gap > 0, "<=": gap >= 0, ">": gap < 0, ">=": gap <= 0}[relation]
    assert positivity.decide(relation, sp.S(2), sp.S(2) + sp.Rational(gap), Context(Domain())) is true


# --- what is refused, and what is not ---------------------------------------------------------------------------------


def test_a_division_by_the_last_factor_takes_it_out_of_the_product():
    domain = Domain({"alpha": UNIT, "abar": UNIT}, {T: (1, sp.oo), j: (1, T)}, {"abar": "alpha"})
    assert domain.unroll(abar(j) / alpha(j)) == abar(j - 1)
    assert domain.unroll(abar(j + 2) / alpha(j + 2)) == abar(j + 1)
    assert domain.unroll(abar(3) / alpha(2)) == alpha(1) * alpha(3)


@pytest.mark.parametrize(("index", "size", "known"), [(i, T, True), (j, T, True), (i, T + 1, False), (j, j, False)])
def test_the_base_of_an_image_has_its_dimension_and_any_index(index, size, known):
    image = AffineImage(z, i, Coord(m, i), Coord(u, i), DiagonalNormal(eps, index, 0, 1, size), T)
    if known:
        assert jacobian.rewrite(LogDensity(image), Context(Domain())).func is SumTo
    else:
        with pytest.raises(StepFails, match="of the same size"):
            jacobian.rewrite(LogDensity(image), Context(Domain()))


@pytest.mark.parametrize(("one", "other"), [(z, u), (u, z)])
def test_a_divergence_compares_laws_of_the_same_variables(one, other):
    with pytest.raises(Malformed, match="different variables"):
        KL(Density("p", one), Density("q", other))
    assert KL(Density("p", one), Density("q", one)).args[0].variables == sp.Tuple(one)


@pytest.mark.parametrize(
    "body",
    [
        Inner(z, u) * sp.sqrt(Inner(z, m)),
        Inner(z, u) / Inner(z, m),
        sp.sqrt(Inner(z, u)),
        Inner(z, u) * Inner(z, m) ** 2,
        Inner(z, z) ** 2,
        Inner(z, z) * Inner(z, u),
    ],
    ids=str,
)
def test_only_products_of_at_most_two_linear_forms_have_a_moment_in_closed_form(body):
    """Such a term keeps its expectation, for which it must be integrable."""
    average = Expect(Normal(z, eps, 1), body)
    assert moments.rewrite(average, Context(Domain(), {"integrable": integrable})) == average
    with pytest.raises(StepFails, match="integrable"):
        moments.rewrite(average, Context(Domain()))


def test_induction_looks_into_exponentials_and_averages_of_one_law():
    domain, half = Context(Domain({}, {T: (1, sp.oo)})), T * (T + 1) / 2
    total, law = SumTo(i, i, 1, T), Density("p", z)
    decide = induction(T, 1).decide
    assert decide("=", total, half, domain)
    assert decide("=", sp.exp(total), sp.exp(half), domain)
    assert decide("=", Expect(law, sp.exp(total)), Expect(law, sp.exp(half)), domain)
    assert not decide("=", sp.exp(total), sp.exp(half + 1), domain)
    assert not decide("=", Expect(law, total), Expect(Density("q", z), half), domain)


@pytest.mark.parametrize("term", [SumTo(i, i, 1, T), SumTo(i, i, T, 4), T, sp.sqrt(2) ** T], ids=str)
def test_only_a_closed_number_has_an_enclosure(term):
    with pytest.raises(StepFails, match="not a closed number"):
        enclosure(term)


@pytest.mark.parametrize("function", [sp.sqrt, sp.log])
def test_roots_and_logarithms_of_opposite_numbers_are_not_the_same(function):
    algebra = Algebra(Domain({"a": REAL, "b": REAL}))
    for argument in (a, a * b, 2 * a, a + b, 3 * a**3 if function is sp.log else 3 * a * b):
        assert not algebra.is_zero(function(-argument) - function(argument))
        assert algebra.is_zero(function(-sp.expand(argument)) - function(-argument))


def test_a_vanishing_divergence_is_an_equivalence_and_needs_its_lemma():
    law, same = Normal(z, 0, 1), SameLaw(Normal(z, 0, 1), Normal(z, m, 1))
    nothing = Equal(KL(law, Normal(z, m, 1)), 0)
    proved = Context(Domain(), lemma=lambda claim_id: derivations.judge(claim_id).theorems)
    assert zero_divergence.decide("iff", nothing, same, proved)
    assert zero_divergence.decide("iff", Equal(0, nothing.args[0]), same, proved)
    assert not zero_divergence.decide("iff", Equal(nothing.args[0], 1), same, proved)
    for relation, conclusion in (("=", same), ("<=", same), ("iff", nothing)):
        with pytest.raises(StepFails, match="compares KL = 0"):
            zero_divergence.decide(relation, nothing, conclusion, proved)
    with pytest.raises(StepFails, match="cannot be used here"):
        zero_divergence.decide("iff", nothing, same, Context(Domain()))


@pytest.mark.parametrize(("base", "exponent"), [(z, sp.S(2)), (z, a), (a, z), (z, z), (sp.S(2), m)])
def test_a_vector_has_no_power_and_is_none(base, exponent):
    with pytest.raises(Malformed, match="only numbers have such powers"):
        sort(sp.Pow(base, exponent, evaluate=False))


@pytest.mark.parametrize("term", [z * u, a * z * u, z * covariance("A"), covariance("A") * u, z * u * m], ids=str)
def test_vectors_are_multiplied_by_numbers_only(term):
    with pytest.raises(Malformed, match="multiplies vectors"):
        sort(term)
    assert sort(a * z) == sort(a * b * z) == "vector" and sort(a * covariance("A")) == "matrix"


@pytest.mark.parametrize(
    ("digits", "centre", "half"),
    [
        ("0.919", Fraction(919, 1000), Fraction(1, 2000)),
        ("1.05", Fraction(105, 100), Fraction(1, 200)),
        ("3", Fraction(3), Fraction(1, 2)),
        ("4.04e-5", Fraction(404, 10**7), Fraction(1, 2 * 10**7)),
        ("1.5e3", Fraction(1500), Fraction(50)),
        ("-2.0", Fraction(-2), Fraction(1, 20)),
    ],
)
def test_a_rounded_value_is_known_to_half_a_unit_of_its_last_digit(digits, centre, half):
    assert [Fraction(int(q.p), int(q.q)) for q in Rounded(digits).args] == [centre, half]
    least, decide = sp.Rational(1, 10**30), interval_arithmetic.decide
    for sign in (1, -1):
        edge = sp.Rational(centre) + sign * (sp.Rational(half) - least)
        assert decide("=", edge, Rounded(digits), Context(Domain()))
        assert not decide("=", edge + 2 * sign * least, Rounded(digits), Context(Domain()))


@pytest.mark.parametrize("variable", [a, alpha(j), Coord(z, 1), Coord(z, i), Coord(x(j), 1)], ids=str)
def test_one_differentiates_by_a_variable(variable):
    assert D(variable**2, variable).args[1] == variable


@pytest.mark.parametrize(
    "wrt",
    [2 * a, a + b, a**2, beta(j), T, j, z, x(j), z - u, Coord(2 * z, 1), Coord(z - u, i), Inner(z, z), 1],
    ids=str,
)
def test_one_differentiates_by_nothing_else(wrt):
    """The derivative of a^2 by 2 a would be 0, since 2 a does not occur in it; an integer does not move at all."""
    with pytest.raises(Malformed, match="it is not a variable"):
        D(a**2, wrt)


# --- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [scalar, vector, covariance], ids=lambda make: make.__name__)
def test_a_symbol_is_shown_by_its_latex_and_by_its_name_where_it_has_none(make):
    name = f"edge_{make.__name__}"
    assert latex(make(name, r"\eta")) == r"\eta"
    assert latex(make(f"{name}_plain")) == f"{name}_plain"


def test_a_judgement_tells_how_long_it_took():
    claim = Claim("edge", "edge", "edges", "identity", (Statement(a, "=", a),), "", ())
    started = time.perf_counter()
    seconds = Judge({}).judge(claim).seconds
    assert 0 < seconds <= time.perf_counter() - started
