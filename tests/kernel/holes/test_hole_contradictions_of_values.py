"""Hypotheses that no matrix, no vector, no law and no function meets, alone or together: anything would follow."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.places import place
from derivations.kernel.rules.base import in_order
from derivations.kernel.terms import DIM
from derivations.notation import abar, alpha, i, p, q, schedule, z
from derivations.rules import (
    KL,
    POSITIVE,
    UNIT,
    AtMost,
    Coord,
    Domain,
    Entry,
    Expect,
    Hypothesis,
    Inner,
    LogDensity,
    LogDet,
    Norm2,
    Normal,
    Quadratic,
    SumTo,
    Trace,
    below,
    constant_vector,
    covariance,
    given,
    log_p,
    scalar,
    scalar_function,
    trace_algebra,
    vector,
    vector_function,
)

a, b, c = (scalar(f"values_{name}") for name in "abc")
m, n = (sp.Symbol(f"values_{name}", integer=True) for name in "mn")
f, g, net = scalar_function("values_f"), scalar_function("values_g"), vector_function("values_net")
A, B, C = (covariance(f"Values_{name}") for name in "ABC")
u, one, two = vector("values_u"), constant_vector("values_one"), constant_vector("values_two")
a11, a12, a22 = Entry(A, 1, 1), Entry(A, 1, 2), Entry(A, 2, 2)
SIZED = Domain(sizes={"Values_A": 2, "Values_B": 2})
THREE = Domain(sizes={"Values_A": 3})
NUMBERS = Domain({"values_a": POSITIVE})
SPREAD = Domain({"values_b": POSITIVE})
GAUSSIAN = (log_p("q", z), LogDensity(Normal(z, 0, 4)))


def supposing(*equations: Any, domain: Domain | None = None) -> Attack:
    """The first equation, used as it stands."""
    hypotheses = tuple(Hypothesis(f"mild {n}", "a mild condition", *e) for n, e in enumerate(equations))
    left, right = hypotheses[0].sides
    if not left.is_commutative:
        left, right = (Quadratic(u, e, u) if not e.is_commutative else e * Norm2(u) for e in (left, right))
    by = in_order((given(hypotheses[0]), trace_algebra)) if left.has(Quadratic) else given(hypotheses[0])
    return Attack(left, right, by, domain or Domain(), hypotheses)


FALSE: dict[str, Callable[[], Attack]] = {
    "a determinant of 0": lambda: supposing((a11 * a22, a12**2), domain=SIZED),
    "a determinant of 0, as a difference": lambda: supposing((a11 * a22 - a12**2, sp.S.Zero), domain=SIZED),
    "a determinant below 0": lambda: supposing((a11 * a22 - a12**2, sp.S(-1)), domain=SIZED),
    "a minor of another": lambda: supposing((Entry(A, 1, 1) * Entry(A, 3, 3), Entry(A, 1, 3) ** 2), domain=THREE),
    "an entry that is too large": lambda: supposing((a12, a11 + a22), domain=SIZED),
    "an entry that is the mean of the diagonal": lambda: supposing((2 * a12, a11 + a22), domain=SIZED),
    "a square that is too large": lambda: supposing((a12**2, 2 * a11 * a22), domain=SIZED),
    "three numbers": lambda: supposing((a12, sp.S(2)), (a11, sp.S.One), (a22, sp.S.One), domain=SIZED),
    "two equal rows": lambda: supposing((a12, a11), (a22, a11), domain=SIZED),
    "three rows that lean away from each other": lambda: supposing(
        (a12, -a11), (Entry(A, 1, 3), -a11), (Entry(A, 2, 3), -a11), (a22, a11), (Entry(A, 3, 3), a11), domain=THREE
    ),
    "three rows, each two of them apart": lambda: supposing(
        *((Entry(A, r, r), sp.S(3)) for r in (1, 2, 3)),
        *((Entry(A, r, s), sp.S(-2)) for r, s in ((1, 2), (1, 3), (2, 3))),
        domain=THREE,
    ),
    "an entry of an inverse": lambda: supposing((Entry(A**-1, 1, 1) * a11, sp.Rational(1, 2)), domain=SIZED),
    "a trace of one entry": lambda: supposing((Trace(A, 2), a11), domain=SIZED),
    "a determinant above the trace": lambda: supposing((LogDet(A), Trace(A, DIM))),
    "two determinants": lambda: supposing((LogDet(A), sp.S.Zero), (LogDet(A * A), sp.S.One)),
    "a trace of squares": lambda: supposing((Trace(A, DIM), sp.S.One), (Trace(A * A, DIM), sp.S(2))),
    "a sum below 0": lambda: supposing((A + B, -sp.S.One)),
    "a product of three that is 0": lambda: supposing((A * B * C, sp.S.Zero)),
    "a divergence below 0": lambda: supposing((KL(q(z), p(z)), sp.S(-1))),
    "a commutator that is 1": lambda: supposing((A * B - B * A, sp.S.One)),
    "a commutator that is definite": lambda: supposing((A * B - B * A, A)),
    "a product that is too large": lambda: supposing((Inner(one, two), sp.S(2)), (Norm2(one), 1), (Norm2(two), 1)),
    "a coordinate that is too large": lambda: supposing((Norm2(one), sp.S.Zero), (Coord(one, 1), 1)),
    "two coordinates": lambda: supposing((Norm2(one), sp.S.One), (Coord(one, 1), 1), (Coord(one, 2), 1)),
    "a form below 0": lambda: supposing((Quadratic(one, A, one), a), (a, -1)),
    "three equations": lambda: supposing((a + b, sp.S.One), (a - b, sp.S.One), (b, sp.S.One)),
    "three equations of sums": lambda: supposing((a + b, sp.S.Zero), (a - b, sp.S.Zero), (a**2 + b**2, sp.S.One)),
    "half an integer": lambda: supposing((2 * m, sp.S(3)), domain=Domain(indices={m: (1, 9)})),
    "even and odd": lambda: supposing((2 * m, 2 * n + 1), domain=Domain(indices={m: (1, 9), n: (1, 9)})),
    "an integer with the square 2": lambda: supposing((m**2, sp.S(2)), domain=Domain(indices={m: (1, 9)})),
    "an exponential": lambda: supposing((sp.exp(a), a)),
    "a logarithm": lambda: supposing((sp.log(a), a), domain=NUMBERS),
    "an absolute value": lambda: supposing((sp.Abs(a), a - 1)),
    "a sum and its terms": lambda: supposing((SumTo(f(i), i, 1, 3), sp.S.One), (f(i), sp.S.One, {i: (1, 3)})),
    "a schedule that rises": lambda: supposing(
        (abar(2), sp.Rational(1, 2)), (alpha(1), sp.Rational(1, 4)), domain=schedule(2)
    ),
    "an order of the domain": lambda: supposing(
        (f(1), sp.S(3)), (f(2), sp.S(2)), domain=Domain(conditions=(below(f(i), f(i + 1), {i: (1, 4)}),))
    ),
    "two laws of one variable": lambda: supposing(GAUSSIAN, (log_p("q", z), LogDensity(Normal(z, 0, 1)))),
    "two means of one law": lambda: supposing(
        (log_p("q", z, u), LogDensity(Normal(z, u, 1))), (log_p("q", z, u), LogDensity(Normal(z, 2 * u, 1)))
    ),
    "a mean that its law denies": lambda: supposing((Expect(q(z), Norm2(z)), sp.S.One), GAUSSIAN),
    "an entropy that its law denies": lambda: supposing((Expect(q(z), log_p("q", z)), sp.S.One), GAUSSIAN),
    "a divergence between equal laws": lambda: supposing((KL(q(z), p(z)), sp.S.One), (log_p("q", z), log_p("p", z))),
    "a mean outside of all values": lambda: supposing((Expect(q(z), f(z)), sp.S(2)), domain=Domain({"values_f": UNIT})),
    "a mean of a constant": lambda: supposing((Expect(q(z), f(z)), sp.S(2)), (f(z), sp.S.One)),
    "two functions": lambda: supposing((net(z), z), (net(z), 2 * z)),
    "a function and a value of it": lambda: supposing((f(z), Norm2(z)), (f(one), sp.S(-1))),
    "a function at 0": lambda: supposing((f(z), Norm2(z)), (f(0 * z), sp.S.One)),
    "a function of a function": lambda: supposing((f(net(z)), sp.S.One), (f(z), sp.S.Zero)),
    "two squares": lambda: supposing((f(z), Norm2(z)), (f(z), 2 * Norm2(z) - 1)),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a determinant": lambda: supposing((a11 * a22 - a12**2, sp.S.One), domain=SIZED),
    "a determinant of the entries of two": lambda: supposing((a11 * a22, Entry(B, 1, 2) ** 2), domain=SIZED),
    "three entries": lambda: supposing((a12, sp.S.One), (a11, sp.S(2)), (a22, sp.S.One), domain=SIZED),
    "two places that may be one": lambda: supposing(
        (Entry(A, m, m) * Entry(A, n, n), Entry(A, m, n) ** 2),
        domain=Domain(indices={m: (1, 2), n: (1, 2)}, sizes=SIZED.sizes),
    ),
    "a trace": lambda: supposing((Trace(A, 2), 2 * a11), domain=SIZED),
    "a trace of squares": lambda: supposing((Trace(A, DIM), sp.S(2)), (Trace(A * A, DIM), sp.S(2))),
    "a determinant of 1": lambda: supposing((LogDet(A), sp.S.Zero), (Trace(A, DIM), 2 * DIM)),
    "orthogonal": lambda: supposing((Inner(one, two), sp.S.Zero), (Norm2(one), 1), (Norm2(two), 1)),
    "one and the same": lambda: supposing((Inner(one, two), sp.S.One), (Norm2(one), 1), (Norm2(two), 1)),
    "no vector": lambda: supposing((Norm2(one), sp.S.Zero), (Quadratic(one, A, one), sp.S.Zero)),
    "a system": lambda: supposing((a + b, sp.S.One), (a - b, sp.S.One), (b, sp.S.Zero)),
    "integers": lambda: supposing((2 * m, 2 * n + 2), domain=Domain(indices={m: (1, 9), n: (1, 9)})),
    "an integer with the square 4": lambda: supposing((m**2, sp.S(4)), domain=Domain(indices={m: (1, 9)})),
    "an exponential": lambda: supposing((sp.exp(a), a + 1)),
    "an absolute value": lambda: supposing((sp.Abs(a), a)),
    "a law and its mean": lambda: supposing((Expect(p(z), Norm2(z)), sp.S.One), GAUSSIAN),
    "two laws": lambda: supposing((log_p("p", z), log_p("q", z)), GAUSSIAN),
    "two laws, the other way round": lambda: supposing((log_p("q", z), log_p("p", z)), GAUSSIAN),
    "a law twice": lambda: supposing(GAUSSIAN, (log_p("q", z), LogDensity(Normal(z, 0, b))), domain=SPREAD),
    "a mean among the values": lambda: supposing(
        (Expect(q(z), f(z)), sp.Rational(1, 2)), domain=Domain({"values_f": UNIT})
    ),
    "a function": lambda: supposing((net(z), a * z), (net(z), b * z)),
    "a function and a value of it": lambda: supposing((f(z), Norm2(z)), (f(one), sp.S(4))),
    "a function on a part of the space": lambda: supposing(
        (f(z), Norm2(z)), (f(one), sp.S(-1)), domain=Domain({"z": POSITIVE})
    ),
    "a long sum": lambda: supposing((SumTo(f(i), i, 1, m), a), (f(1), b), domain=Domain(indices={m: (1, 9)})),
    "a function of a sum": lambda: supposing((f(one + two), sp.S.One), (f(z), Norm2(z)), (net(z), z)),
    "a quotient": lambda: supposing((a * b, c * sp.exp(b)), (a, b)),
    "a number of an unknown number of traces": lambda: supposing(
        (Trace(A, 2), sp.S.One), (Entry(B, 1, 1), sp.S.One), domain=SIZED
    ),
    "a logarithm of a quotient": lambda: supposing((sp.log(1 / a), b), domain=NUMBERS),
    "an order besides": lambda: supposing((a, sp.S.One), (AtMost(a, b), AtMost(b, c))),
    "a form in two vectors": lambda: supposing((Quadratic(one, A, two), sp.S(-1))),
    "a fixed point": lambda: supposing((net(one), one), (net(two), 2 * two)),
    "a number at which they meet": lambda: supposing((f(z), a * Norm2(z)), (f(z), Norm2(z))),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


# --- what a world meets is not refused --------------------------------------------------------------------------------


class World:
    """Numbers, two definite matrices, two vectors and members of a family, drawn at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.size = self.random.choice([1, 2, 3])
        self.matrices = {A: self._matrix(), B: self._matrix()}
        self.vectors = {v: sp.Matrix([self.random.randint(-3, 3) for _ in range(self.size)]) for v in (one, two)}
        self.numbers = {e: sp.Rational(self.random.randint(-6, 6), self.random.choice([1, 2, 3])) for e in (a, b)}
        self.numbers |= {f(k): sp.Rational(self.random.randint(1, 9), 2) for k in (1, 2, 3)}
        self.numbers |= {e: sp.Integer(self.random.randint(0, 6)) for e in (m, n)}

    def _matrix(self) -> Any:
        pick = self.random
        below = [[sp.Rational(pick.randint(-3, 3), 2) for _ in range(self.size)] for _ in range(self.size)]
        root = sp.Matrix(self.size, self.size, lambda r, s: below[r][s] if s < r else pick.randint(1, 3) * (r == s))
        return root * root.T

    def value(self) -> tuple[Any, Any]:
        """A value of the language, and what it is here."""
        pick, v, w, k = self.random, *self.vectors.values(), self.size
        letter, number = pick.choice([A, B]), pick.choice(list(self.numbers))
        matrix, (r, s) = self.matrices[letter], (pick.randint(1, k), pick.randint(1, k))
        return pick.choice(
            [
                (number, self.numbers[number]),
                (Entry(letter, r, s), matrix[r - 1, s - 1]),
                (Trace(letter, k), matrix.trace()),
                (Trace(letter * letter, k), (matrix * matrix).trace()),
                (LogDet(letter), sp.log(matrix.det())),
                (Quadratic(one, letter, one), (v.T * matrix * v)[0]),
                (Inner(one, two), v.dot(w)),
                (Norm2(two), w.dot(w)),
                (Coord(one, r), v[r - 1]),
                (sp.exp(a), sp.exp(self.numbers[a])),
                (sp.Abs(b), abs(self.numbers[b])),
            ]
        )

    def sum_of_some(self) -> tuple[Any, Any]:
        left, right = sp.S.Zero, sp.S.Zero
        for _ in range(self.random.randint(1, 3)):
            factors = [self.value() for _ in range(self.random.choice([1, 1, 2]))]
            times = sp.Rational(self.random.choice([-2, -1, 1, 3]), self.random.choice([1, 2]))
            left += times * sp.Mul(*(e for e, _ in factors))
            right += times * sp.Mul(*(found for _, found in factors))
        return left, right

    def equations(self) -> list[tuple[Any, Any]]:
        made = []
        for _ in range(self.random.randint(1, 3)):
            (left, here), (right, there) = self.sum_of_some(), self.random.choice([self.value, lambda: (0, 0)])()
            made.append((left, right + sp.expand(here - there)))
        return made


@pytest.mark.parametrize("seed", range(6))
def test_equations_that_hold_somewhere_are_not_refused(seed: int) -> None:
    world = World(seed)
    domain = Domain(indices={m: (0, 6), n: (0, 6)}, sizes={"Values_A": world.size, "Values_B": world.size})
    pairs = [pair for pair in world.equations() if pair[0] != pair[1]]
    place(domain, [Hypothesis(f"h{k}", "", *pair) for k, pair in enumerate(pairs)], (Trace(A * B, world.size),))
