"""Two different terms print alike: whoever reads the one has judged the other."""

from __future__ import annotations

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations import printing
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.symbols import LATEX
from derivations.notation import T, alpha, beta, eps, i, j, k, q, standard_normal, x, z
from derivations.rules import (
    KL,
    POSITIVE,
    UNIT,
    AffineImage,
    At,
    Coord,
    D,
    Density,
    DiagonalNormal,
    Div,
    Domain,
    Entry,
    Expect,
    Grad,
    Hadamard,
    Hypothesis,
    Interval,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    ProductTo,
    Quadratic,
    Ratio,
    Rounded,
    SumTo,
    Trace,
    algebra,
    covariance,
    define,
    interval_arithmetic,
    positivity,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b, c = (scalar(f"reading_{name}") for name in "abc")
u, v, w = (vector(f"reading_{name}") for name in "uvw")
f, g, net = scalar_function("reading_f"), scalar_function("reading_g"), vector_function("reading_net")
A, B = covariance("Reading_A"), covariance("Reading_B")
n = sp.Symbol("reading_n", integer=True, positive=True)
m = sp.Symbol("reading_m", integer=True)
product, total = ProductTo(f(i), i, 1, T), SumTo(g(j), j, 1, T)


def image(noise):  # type: ignore[no-untyped-def]
    return AffineImage(z, i, Coord(u, i), 1, noise, k)


PAIRS = {
    "a derivative squared": (D(b, a) ** 2, D(b**2, a)),
    "a derivative times a number": (D(a, a) * SumTo(f(i), i, 1, T), D(a * SumTo(f(i), i, 1, T), a)),
    "a limit squared": (At(a, a, b) ** 2, At(a**2, a, b)),
    "a quotient squared": (Ratio(a, b) ** 2, Ratio(a, b**2)),
    "a number over a quotient": (c / Ratio(a, b), Ratio(c / a, b)),
    "a Laplacian of a product": (Laplacian(f(z) * g(z), z), Laplacian(f(z), z) * g(z)),
    "a Laplacian squared": (Laplacian(f(z), z) ** 2, Laplacian(f(z) ** 2, z)),
    "a divergence times a number": (f(z) * Div(net(z), z), Div(f(z) * net(z), z)),
    "a gradient of a square": (Grad(f(z) ** 2, z), 2 * f(z) * Grad(f(z), z)),
    "a log-density squared": (LogDensity(q(z)) ** 2, 2 * LogDensity(q(z))),
    "a product times a sum": (product * total, ProductTo(f(i) * total, i, 1, T)),
    "a product of vectors, then a sum": (Hadamard(u, v + w), Hadamard(u, v) + w),
    "nested products of vectors": (Hadamard(Hadamard(u, v), w), Hadamard(u, Hadamard(v, w))),
    "a quadratic form of a sum": (Quadratic(u, A + B, v), Quadratic(u, A, v) + Quadratic(u, B, v)),
    "a coordinate of a multiple": (Coord(-u, 1), -Coord(u, 1)),
    "a coordinate of a sum": (Coord(SumTo(x(i), i, 1, T), 1), SumTo(Coord(x(i), 1), i, 1, T)),
    "a coordinate of a derivative": (Coord(D(net(a), a), 1), D(Coord(net(a), 1), a)),
    "places of two digits": (Entry(A * B, 1, 11), Entry(A * B, 11, 1)),
    "places of one digit and of two": (Entry(A * B, 1, 12), Entry(A * B, 11, 2)),
    "two dimensions": (Expect(Normal(z, 0, 1, 2), Norm2(z)), Expect(Normal(z, 0, 1, 3), Norm2(z))),
    "two dimensions, coordinatewise": (LogDensity(standard_normal(z, 2)), LogDensity(standard_normal(z, k))),
    "two identities": (Trace(sp.S.One, 2), Trace(sp.S.One, 3)),
    "images of two laws": (
        LogDensity(image(standard_normal(eps, k))),
        LogDensity(image(DiagonalNormal(eps, i, 0, 4, k))),
    ),
}


@pytest.mark.parametrize("shown", [printing.text, printing.latex])
@pytest.mark.parametrize("name", PAIRS)
def test_they_print_apart(name, shown):
    one, other = PAIRS[name]
    assert shown(one) != shown(other)


def test_a_norm_under_a_power_is_tex():
    assert "^2^" not in printing.latex(Norm2(u) ** 2)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Rounded(0, 5), "0e1"), (Rounded("1e5"), "1e5"), (Rounded("-2.5e3"), "-25e2"), (Rounded("120"), "120")],
)
def test_a_rounded_value_shows_how_far_it_is_rounded(value, shown):
    assert printing.text(value) == shown


def test_a_half_is_nought_to_the_nearest_ten():
    claim = Attack(sp.Rational(27, 50), Rounded(0, 5), interval_arithmetic)
    assert claim.verdict()
    assert printing.relation_text(claim.lhs, "=", claim.rhs) == "27/50 = 0e1"


# --- names ------------------------------------------------------------------------------------------------------------


def below(name: str) -> Domain:
    return Domain({name: Interval(-2, -1), "alpha": UNIT})


NAMES = {
    "a number": lambda: Attack(scalar("2"), 3, positivity, Domain({"2": Interval(3)}), relation=">"),
    "a number in LaTeX": lambda: Attack(
        scalar("reading_two", "2"), 3, positivity, Domain({"reading_two": Interval(3)}), relation=">"
    ),
    "pi": lambda: Attack(scalar("pi"), 3, positivity, Domain({"pi": UNIT}), relation="<"),
    "pi in LaTeX": lambda: Attack(
        scalar("reading_pi", r"\pi"), 3, positivity, Domain({"reading_pi": UNIT}), relation="<"
    ),
    "a sum": lambda: Attack(scalar("a+b"), 0, positivity, Domain({"a+b": POSITIVE}), relation=">"),
    "a sum in LaTeX": lambda: Attack(
        scalar("reading_sum", "a+b"), 0, positivity, Domain({"reading_sum": POSITIVE}), relation=">"
    ),
    "a fraction in LaTeX": lambda: Attack(
        scalar("reading_over", r"\frac{a}{b}"), 0, positivity, Domain({"reading_over": POSITIVE}), relation=">"
    ),
    "nothing at all": lambda: Attack(scalar("reading_blank", r"\ "), a, algebra),
    "a family called exp": lambda: Attack(
        scalar_function("exp")(a), 2, positivity, Domain({"exp": Interval(3)}), relation=">"
    ),
    "an abbreviation called log": lambda: Attack(define("log", r"\log", lambda e: e)(a), a),
    "an abbreviation shown as log": lambda: Attack(define("reading_log", r"\mathrm{log}", lambda e: e)(a), a),
    "the letter of the mean": lambda: Attack(scalar("reading_mean", r"\mathbb{E}"), a),
    "a vector called 0": lambda: Attack(Norm2(vector("0")) + a, a + Norm2(vector("0"))),
    "a subscript and a member": lambda: Attack(
        scalar("beta_1", r"\beta_1"), beta(1), positivity, below("beta_1"), relation="<"
    ),
    "a member in LaTeX": lambda: Attack(
        scalar("reading_first", r"\alpha_1"), alpha(1), positivity, below("reading_first"), relation="<"
    ),
    "one letter in a terminal": lambda: Attack(
        Norm2(vector("mu")) * Norm2(vector("mu_of")), 0, positivity, relation=">="
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_reads_otherwise_is_refused(name):
    assert_refused(NAMES[name])


def test_two_laws_that_look_alike_are_refused():
    LATEX.setdefault("reading_q", "q")
    gap = KL(Density("reading_q", z), q(z))
    assert_refused(lambda: Attack(gap + a, a + gap))


FIELD = (
    r"\hat\epsilon^{v}",
    r"\mathbf{x}^{(i)}",
    "x'",
    r"\mathcal L^{\mathrm{simple}}",
    r"\pi_\theta",
    r"o_\varnothing",
)


@pytest.mark.parametrize("latex", FIELD)
def test_names_of_the_field_are_names(latex):
    named = scalar(f"reading_named_{FIELD.index(latex)}", latex)
    assert Attack(named + a, a + named).verdict()


# --- what nobody said -------------------------------------------------------------------------------------------------


def claim(lhs, rhs, *hypotheses, domain=None):  # type: ignore[no-untyped-def]
    says = (Statement(lhs, "=", rhs),)
    return Claim("reading", "", "", "identity", says, "", (), domain or Domain(), hypotheses)


def test_integers_without_a_range_are_told():
    assert claim(a**n, a**m).domain_words() == ["reading_m an integer", "reading_n an integer >= 1"]
    assert claim(a**n, 0, domain=Domain(indices={n: (1, sp.oo)})).domain_words() == ["reading_n an integer >= 1"]


def test_an_integer_of_an_interval_is_told_to_be_one():
    near = Domain({"reading_m": Interval(sp.Rational(1, 3), sp.Rational(4, 3))})
    assert claim(a**m, 0, domain=near).domain_words() == ["reading_m in (1/3, 4/3)", "reading_m an integer"]


@pytest.mark.parametrize("kind", ["composite", "prime", "even", "irrational"])
def test_a_number_of_a_special_kind_is_refused(kind):
    special = sp.Symbol("reading_special", real=True, **{kind: True})
    assert not Attack(a * special, special * a, algebra).verdict()


def test_the_size_of_a_space_is_told():
    law = Normal(z, 0, 1, 2)
    assert claim(Expect(law, Norm2(z)), 2).domain_words() == ["z in R^2"]
    assert claim(Trace(A, 3), Trace(A, 3)).domain_words() == ["Reading_A a 3 x 3 covariance"]
    assert claim(Laplacian(Norm2(z), z, 3), 6).domain_words() == ["z in R^3"]
    assert claim(Expect(Normal(z, 0, 1), Norm2(z)), 0).domain_words() == []


def test_a_hypothesis_shows_its_equation():
    h = Hypothesis("regularity", "f is smooth", f(i), g(i), {i: (1, T)})
    assert printing.supposed_text(h) == "reading_f[i] = reading_g[i], i = 1..T"
    assert printing.supposed_latex(h) == r"{reading_f}_{i} = {reading_g}_{i} \quad i = 1, \dots, T"
    assert printing.supposed_text(Hypothesis("integrable", "every expectation written is finite")) == ""
