"""Series in a step: what a term is up to O(step^n), as far as its parts are known to be smooth.

An expansion {k: c_k} below n says e = sum c_k step^k + O(step^n) as the step tends to 0 inside its domain, everything
else fixed; k may be negative on the way. It is made from the parts: arithmetic, roots and logarithms of what tends to
something positive, quotients by what is not 0 to first order, Taylor's formula for opaque functions as far as they are
declared smooth, integrals over a range that shrinks with the step. What is no such part is `Unexpandable`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.continuous import OPAQUE, Granted
from derivations.kernel.domain import CLOSED_UNIT, Domain, Interval
from derivations.kernel.memory import is_genuine, remembered
from derivations.kernel.stepwise import Terms, Unexpandable, added, composed, derivative_along, integrated, multiplied
from derivations.kernel.substitution import Captured, substitute
from derivations.kernel.terms import Inner, IntegralTo, Partial, Series

DEEPEST = 14  # terms that are looked at to find the first one that is not 0
BILINEAR = (terms.Inner, terms.Hadamard)


@dataclass(frozen=True)
class _Setting:
    """Where a series is asked for; told apart by what the domain and the declared classes say."""

    content: Any
    domain: Domain = field(compare=False)
    smooth: Granted = field(compare=False)


def expanded(e: Series, domain: Domain, smooth: Granted) -> Any:
    """The polynomial that a series stands for; Unexpandable when it is not known to exist."""
    return _expanded(e, _Setting(_content(domain, smooth), domain, smooth))


def _is_what_it_says(e: Any, setting: _Setting) -> bool:
    known = setting.domain
    return (
        is_genuine(e)
        and type(known) is Domain
        and all(type(interval) is Interval for interval in known.intervals.values())
        and type(setting.smooth) is Granted
        and setting.content == _content(replace(known), setting.smooth)
    )


def _content(domain: Domain, smooth: Granted) -> Any:
    return domain.content, tuple(sorted(smooth.classes.items()))


@remembered(4096, _is_what_it_says)
def _expanded(e: Series, setting: _Setting) -> Any:
    return _polynomial(e, setting.domain, setting.smooth)


def _polynomial(e: Series, domain: Domain, smooth: Granted) -> Any:
    body, step, order = e.args
    made = Expansion(step, domain, smooth)
    found = made.of(body, int(order))
    for k in sorted(k for k in found if k < 0):
        if not made.vanishes(found[k]):
            raise Unexpandable(f"{body} grows like {step}^({k}) as {step} tends to 0, so it has no such series")
    return sp.Add(*[c * step**k for k, c in found.items() if k >= 0])


class Expansion:
    """Expansions in one step, in one domain."""

    def __init__(self, step: Any, domain: Domain, smooth: Granted) -> None:
        self.step, self.domain, self.smooth = step, domain, smooth
        self.algebra = Algebra(domain)
        self.of = lru_cache(maxsize=None)(self._of)
        self.least = lru_cache(maxsize=None)(self._least)

    def vanishes(self, c: Any) -> bool:
        """Is a coefficient 0? What the algebra cannot see is taken for something else."""
        try:
            return c == 0 or self.algebra.is_zero(c)
        except OutsideFragment:
            return False

    def moves(self, e: Any) -> bool:
        return bool(e.has(self.step))

    # --- one term -----------------------------------------------------------------------------------------------------

    def _of(self, e: Any, n: int) -> Terms:
        """The expansion of e below n."""
        if not self.moves(e):
            return {0: e} if n > 0 else {}
        if e == self.step:
            return {1: sp.S.One} if n > 1 else {}
        if isinstance(e, sp.Add):
            return added(*(self.of(a, n) for a in e.args))
        if isinstance(e, sp.Mul | terms.Ratio):
            factors = e.args if isinstance(e, sp.Mul) else (e.args[0], sp.Pow(e.args[1], -1, evaluate=False))
            return self._product(factors, n)
        if isinstance(e, sp.Pow):
            return self._power(e.args[0], e.args[1], n)
        if isinstance(e, sp.exp | sp.log):
            return self._function(type(e), e.args[0], n)
        if isinstance(e, (*BILINEAR, terms.Norm2)):
            u, v = e.args if len(e.args) == 2 else (e.args[0], e.args[0])
            form = Inner if isinstance(e, terms.Norm2) else type(e)
            return self._bilinear(form, u, v, n)
        if isinstance(e, terms.Coord) and not self.moves(e.args[1]):
            return {k: terms.Coord(c, e.args[1]) for k, c in self.of(e.args[0], n).items() if c != 0}
        if isinstance(e, OPAQUE):
            return self._taylor(type(e).__name__, e.args, (), n)
        if isinstance(e, Partial) and not any(map(self.moves, e.directions)):
            return self._taylor(e.head, e.inputs, tuple(zip(e.places, e.directions, strict=True)), n)
        if isinstance(e, IntegralTo):
            return self._integral(e, n)
        raise Unexpandable(f"nothing is known of how {e} depends on a small {self.step}")

    def _least(self, e: Any) -> int:
        """A power of the step that e is at least as small as."""
        if not self.moves(e):
            return 0
        if e == self.step:
            return 1
        if isinstance(e, sp.Mul):
            return sum(map(self.least, e.args))
        if isinstance(e, sp.Pow) and e.args[1].is_Integer:
            base, power = e.args[0], int(e.args[1])
            return power * (self.least(base) if power > 0 else self.leading(base)[0])
        if isinstance(e, terms.Ratio):
            return self.least(e.args[0]) - self.leading(e.args[1])[0]
        if isinstance(e, BILINEAR):
            return sum(map(self.least, e.args))
        if isinstance(e, terms.Norm2 | terms.Coord):
            return self.least(e.args[0]) * (2 if isinstance(e, terms.Norm2) else 1)
        if isinstance(e, sp.Add):
            least = min(map(self.least, e.args))
            while least < DEEPEST and not e.atoms(*OPAQUE, Partial, IntegralTo):  # whose terms cost no derivatives
                if not all(map(self.vanishes, self.of(e, least + 1).values())):
                    break
                least += 1
            return least
        if isinstance(e, IntegralTo):
            inner, moved, *_ = self._opened(e)
            return inner.least(moved)
        return 0  # functions have an expansion only where they tend to a limit

    def leading(self, e: Any) -> tuple[int, Any]:
        """The power and the coefficient of the first term of e, which is known not to be 0."""
        for k in range(self.least(e), DEEPEST):
            found = self.of(e, k + 1)
            low = [j for j in sorted(found) if not self.vanishes(found[j])]
            if low:
                if not self._is_nonzero(found[low[0]]):
                    raise Unexpandable(f"whether {found[low[0]]}, to first order what is divided by, is 0 is not known")
                return low[0], found[low[0]]
        raise Unexpandable(f"{e} is divided by, and its first {DEEPEST} terms vanish")

    def _is_nonzero(self, c: Any) -> bool:
        try:
            return self.algebra.is_nonzero(c)
        except OutsideFragment:
            return False

    # --- arithmetic ---------------------------------------------------------------------------------------------------

    def _product(self, factors: Any, n: int) -> Terms:
        still = sp.Mul(*[a for a in factors if not self.moves(a)])
        moving = [a for a in factors if self.moves(a)]
        least = [self.least(a) for a in moving]
        total: Terms = {0: still}
        for a, low in zip(moving, least, strict=True):
            total = multiplied(total, self.of(a, n - sum(least) + low))
        return {k: c for k, c in total.items() if k < n}

    def _bilinear(self, form: Any, u: Any, v: Any, n: int) -> Terms:
        one, two = self.of(u, n - self.least(v)), self.of(v, n - self.least(u))
        total: Terms = {}
        for (i, a), (j, b) in itertools.product(one.items(), two.items()):
            if i + j < n and a != 0 and b != 0:
                total[i + j] = total.get(i + j, sp.S.Zero) + form(a, b)
        return total

    def _power(self, base: Any, exponent: Any, n: int) -> Terms:
        if self.moves(exponent):
            raise Unexpandable(f"{base}^({exponent}) has a moving exponent: write it as exp(... log ...)")
        if exponent.is_Integer and exponent > 0:
            return self._product([base] * int(exponent), n)
        if exponent.is_Integer:
            low, first = self.leading(base)
            count = -int(exponent)
            found = self.of(base, n + (count + 1) * low)
            rest = {k - low: c / first for k, c in found.items() if k > low}
            powers = composed(rest, n + count * low, lambda j: sp.binomial(-count, j))
            return {k - count * low: c / first**count for k, c in powers.items() if k - count * low < n}
        return self._around(base, n, lambda a, j: sp.ff(exponent, j) / sp.factorial(j) * a ** (exponent - j), "a root")

    def _function(self, head: Any, argument: Any, n: int) -> Terms:
        if head is sp.log:
            return self._around(
                argument, n, lambda a, j: (-1) ** (j + 1) / (j * a**j) if j else sp.log(a), "a logarithm"
            )
        found = self._tending(argument, n)
        rest = {k: c for k, c in found.items() if k > 0}
        scale = sp.exp(found.get(0, sp.S.Zero))
        return {k: scale * c for k, c in composed(rest, n, lambda j: 1 / sp.factorial(j)).items()}

    def _tending(self, e: Any, n: int) -> Terms:
        """The expansion of what tends to a limit, at least to that limit."""
        found = self.of(e, max(n, 1))
        for k in [k for k in found if k < 0]:
            if not self.vanishes(found[k]):
                raise Unexpandable(f"{e} does not tend to a limit as {self.step} tends to 0")
            del found[k]
        return found

    def _around(self, base: Any, n: int, derivative: Any, what: str) -> Terms:
        """A function at a base that tends to something positive; derivative(a, j) is its j-th one at a, over j!."""
        found = self._tending(base, n)
        first = found.get(0, sp.S.Zero)
        try:
            positive = self.algebra.sign(first) == "+"
        except OutsideFragment:
            positive = False
        if not positive:
            raise Unexpandable(f"{what} of {base}, which is not known to tend to something positive")
        rest = {k: c for k, c in found.items() if k > 0}
        return composed(rest, n, lambda j: derivative(first, j))

    # --- opaque functions ---------------------------------------------------------------------------------------------

    def _taylor(self, head: str, inputs: Any, taken: tuple[tuple[Any, Any], ...], n: int) -> Terms:
        """Taylor's formula along the directions in which the inputs move."""
        series = {place: self._tending(a, n) for place, a in enumerate(inputs, 1) if self.moves(a)}
        start = [series[place].get(0, sp.S.Zero) if place in series else a for place, a in enumerate(inputs, 1)]
        ways = [(k, p, c) for p, found in series.items() for k, c in sorted(found.items()) if k > 0 and c != 0]
        first = min((k for k, _, _ in ways), default=max(n, 1))
        needed = len(taken) + max(0, -(-n // first))
        if self.smooth.of(head) < needed:
            known = self.smooth.of(head)
            what = f"{known} are declared" if known >= 0 else "nothing is declared of it"
            raise Unexpandable(
                f"a remainder O({self.step}^{n}) here needs {needed} continuous derivatives of {head}, and {what}: "
                f"use smoothness({head}, {needed})"
            )
        total: Terms = {}
        for size in range(max(n, 0)):
            for chosen in itertools.combinations_with_replacement(ways, size):
                k = sum(power for power, _, _ in chosen)
                if k < n:
                    repeated = [sp.factorial(sum(1 for _ in group)) for _, group in itertools.groupby(chosen)]
                    pairs = [*taken, *((sp.Integer(p), c) for _, p, c in chosen)]
                    total[k] = total.get(k, sp.S.Zero) + derivative_along(head, start, pairs) / sp.Mul(*repeated)
        return total

    # --- integrals ----------------------------------------------------------------------------------------------------

    def _shrinks(self, e: IntegralTo) -> bool:
        return all(k > 0 or self.vanishes(c) for k, c in self.of(e.args[3] - e.args[2], 1).items())

    def _opened(self, e: IntegralTo) -> tuple[Expansion, Any, Any, Any, Any]:
        """Where to expand an integrand, the integrand, its variable and range: 0..1 if it shrinks with the step."""
        body, symbol, lo, hi = e.args
        if not self._shrinks(e):
            if self.moves(lo) or self.moves(hi):
                raise Unexpandable(f"the range of {e} moves with {self.step}, and does not shrink to a point")
            return self, body, symbol, lo, hi
        share = sp.Dummy("•share", real=True)
        inside = replace(self.domain, intervals={**self.domain.intervals, share.name: CLOSED_UNIT})
        try:
            moved = (hi - lo) * substitute(body, {symbol: lo + (hi - lo) * share})
        except Captured as reason:
            raise Unexpandable(str(reason)) from reason
        return Expansion(self.step, inside, self.smooth), moved, share, sp.S.Zero, sp.S.One

    def _integral(self, e: IntegralTo, n: int) -> Terms:
        inner, body, symbol, lo, hi = self._opened(e)
        return {k: integrated(c, symbol, lo, hi) for k, c in inner.of(body, n).items()}
