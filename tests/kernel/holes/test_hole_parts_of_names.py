"""A name that is shown like a part, a power or a product of others: to a reader, x_1 is a coordinate of x."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import z
from derivations.rules import (
    NONNEGATIVE,
    REAL,
    Block,
    Coord,
    Density,
    Domain,
    Entry,
    Expect,
    Interval,
    LogDensity,
    Norm2,
    Normal,
    algebra,
    covariance,
    moments,
    positivity,
    scalar,
    scalar_function,
    tower,
    vector,
    vector_function,
)

x, x_1, plain = vector("parts_x", "y"), scalar("parts_x_1", "y_1"), scalar("parts_plain", r"\kappa_1")
point = vector("parts_point", "y_1")
member, run, path = vector_function("parts_member", "y"), vector("parts_run", "y_{1:3}"), vector("parts_path", "y_3")
A, A_12, rho = covariance("parts_A", "A"), scalar("parts_A_12", "A_{12}"), scalar("parts_rho", r"\rho_{12}")
p, f, other = (scalar_function(f"parts_{name}", name) for name in ("p", "f", "g"))
a, b, ab = scalar("parts_a", "a"), scalar("parts_b", "b"), scalar("parts_ab", "ab")
square, inverse = scalar("parts_square", "a^2"), scalar("parts_inverse", "a^{-1}")
starred, e = scalar("parts_starred", "a^*"), scalar("parts_e", "e")
bell = scalar_function("parts_bell", r"\mathcal{N}")
TWO = Domain({}, {}, {}, {"parts_A": 2})
BELOW = Domain({"parts_square": Interval(-2, -1)})


def there(*parts: sp.Expr, domain: Domain | None = None) -> Callable[[], Attack]:
    """A line of these parts, which would be read otherwise than they are meant."""
    return lambda: Attack(sum(parts, sp.S.Zero), sum(parts[::-1], sp.S.Zero) + 0 * a, algebra, domain or Domain())


blocks = Density("parts_q", [Block(member, 1, 3)])
FALSE: dict[str, Callable[[], Attack]] = {
    "a coordinate of what is averaged over": lambda: Attack(Expect(Normal(x, 0, 1), x_1**2), x_1**2, moments),
    "a coordinate, beside it": there(x_1, Coord(x, 1)),
    "variables of a family": lambda: Attack(Expect(blocks, f(run)), f(run), tower),
    "variables of a family, fewer": there(Norm2(run), Norm2(member(1))),
    "an entry": there(A_12, Entry(A, 1, 2), domain=TWO),
    "an entry of another place": there(A_12, Entry(A, 1, 1), domain=TWO),
    "a density": there(p(z), sp.exp(LogDensity(Density("p", z)))),
    "a normal density": there(bell(z), a),
    "a product": there(ab, a, b),
    "a square": there(square, a),
    "a square below 0": lambda: Attack(square, 0, positivity, BELOW, relation="<"),
    "a reciprocal": there(inverse, a),
    "the number e": there(e, sp.exp(1)),
    "a power of e": there(e**2, sp.exp(2)),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "another letter's subscript": lambda: Attack(Expect(Normal(x, 0, 1), plain**2), plain**2, moments),
    "a vector's subscript beside a vector": there(Norm2(point), Norm2(x)),
    "one point beside a family": there(Norm2(path), Norm2(member(1))),
    "a correlation beside a matrix": there(rho, Entry(A, 1, 2), domain=TWO),
    "a function beside another's density": there(other(z), sp.exp(LogDensity(Density("p", z)))),
    "two letters": there(ab, a),
    "a square with no root beside it": there(square, b, domain=Domain({"parts_square": NONNEGATIVE})),
    "a star": there(starred, a, domain=Domain({"parts_a": REAL})),
    "a letter like e": there(e, a),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    assert TRUE[name]().verdict()
