"""The zero test: is this expression identically zero on its domain? Decided in a polynomial ring, never simplified.

Square roots of distinct square-free polynomials are linearly independent, so after lowering (`lowering`) and reducing
every p^2 the expression is zero iff all coefficients are.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Expr
from sympy.polys.fields import FracField

from derivations.kernel import terms
from derivations.kernel.dependence import enter
from derivations.kernel.domain import Domain
from derivations.kernel.lowering import Lowering, OutsideFragment, linear_form
from derivations.kernel.quotients import factored, lowest_terms
from derivations.kernel.substitution import core
from derivations.kernel.words import definite, nonnegative_trace, reduced, semidefinite, words

__all__ = ["Algebra", "OutsideFragment", "linear_form"]


class Algebra(Lowering):
    """The questions that are asked of one domain. Create one for each comparison."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self._depth = 0

    def is_zero(self, e: Any) -> bool:
        """True iff the numerator of e reduces to 0 modulo the relations of the radicals."""
        e = core(e)
        if not e.is_commutative:
            return all(map(self.is_zero, reduced(words(e)).values()))
        return e == 0 or self._numerator_vanishes(self.lower(self.prepare(e)))

    def equal(self, a: Any, b: Any) -> bool:
        """Equality of scalars, vectors, matrices, laws, propositions or tuples of them."""
        a, b = core(a), core(b)
        if a == b:
            return True
        if isinstance(a, Expr) and isinstance(b, Expr):
            return self.is_zero(a - b)
        return type(a) is type(b) and self.same(a, b)

    def same(self, a: Any, b: Any) -> bool:
        """Two terms of one head are equal when their arguments are; inside a scope, over the range of its index."""
        if len(a.args) != len(b.args) or not a.args:
            return False
        if self._depth == 12:
            raise OutsideFragment("terms nested more than 12 deep")
        one = enter(a, self.domain)
        two = enter(b, self.domain, one.index)
        known = zip(one.args, two.args, one.domains, strict=True)
        return all(self._within(domain).equal(x, y) for x, y, domain in known)

    def _within(self, domain: Domain) -> Algebra:
        """An algebra for the inside of an opaque term: its own generators, and the same indices of sums around."""
        inside = Algebra(domain)
        inside.indices, inside._depth = self.indices, self._depth + 1
        return inside

    def sign(self, e: Any) -> str | None:
        """'+', '-', '0+', '0-', '0' when the domain decides it, else None."""
        return self._sign(self.lower(self.prepare(core(e))))

    def sign_of_whole(self, e: Any) -> str | None:
        if isinstance(e, terms.Variance):
            return "0+"
        if isinstance(e, terms.SumTo):
            return self._sign_of_sum(e)
        if isinstance(e, terms.Entry | terms.Quadratic | terms.Trace):
            return self._sign_of_form(e)
        if isinstance(e, terms.Expect) and terms.is_vector(e.args[1]):
            return None
        inside, place = enter(e, self.domain), 1 if isinstance(e, terms.Expect) else 0
        try:
            found = self._within(inside.domains[place]).sign(inside.args[place])
        except OutsideFragment:
            return None
        return found if isinstance(e, terms.Expect) or found == "+" else "0+" if found in ("0", "0+") else None

    def _sign_of_form(self, e: Any) -> str | None:
        """u^T M u, the entries on the diagonal and the trace of a positive definite matrix, or a semi-definite one."""
        matrix = e.args[1 if isinstance(e, terms.Quadratic) else 0]
        ends = {terms.Quadratic: (0, 2), terms.Entry: (1, 2), terms.Trace: (1, 1)}[type(e)]
        if e.args[ends[0]] != e.args[ends[1]]:
            return None
        strict = "0+" if isinstance(e, terms.Quadratic) else "+"
        for needed, found in ((definite(matrix), strict), (semidefinite(matrix), "0+")):
            if needed is not None and all(self._sign_inside(number) == "+" for number in needed):
                return found
        told = nonnegative_trace(words(matrix)) if isinstance(e, terms.Trace) else None
        if told is not None and all(self._sign_inside(number) == "+" for number in told[0]):
            return "+" if told[1] else "0+"
        return None

    def _sign_of_sum(self, e: Any) -> str | None:
        """A sum of monomials in generators: of the sign that they have over all of its range."""
        body, index, lo, hi = e.args
        outer, self.domain = self.domain, self.domain.with_index(index, lo, hi)
        try:
            found = self._sign(body)
        finally:
            self.domain = outer
        return found if found != "+" or self.domain.at_least_zero(hi - lo) else "0+"

    def is_nonzero(self, e: Any) -> bool:
        numerator = lowest_terms(self.lower(self.prepare(core(e))))[0]
        if numerator == 0:
            return False
        return all(self._factor_sign(f) in ("+", "-") or self._declared_nonzero(f) for f, _ in factored(numerator)[1])

    def _sign_inside(self, e: Any) -> str | None:
        if self._depth == 12:
            return None
        try:
            return self._within(self.domain).sign(e)
        except OutsideFragment:
            return None

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _numerator_vanishes(self, lowered: Expr) -> bool:
        if lowered.has(sp.nan, sp.zoo):
            raise OutsideFragment("a denominator is zero")
        symbols = sorted(lowered.free_symbols, key=lambda s: s.name)
        if not symbols:
            return bool(lowered == 0)
        fraction_field = FracField(symbols, sp.QQ)
        numerator = fraction_field.from_expr(lowered).numer
        radicals = [i for i, s in enumerate(symbols) if s in self.radicands]
        if not radicals:
            return not numerator
        groups: dict[tuple[int, ...], Expr] = {}
        for monomial, coefficient in numerator.terms():
            parity = tuple(monomial[i] % 2 for i in radicals)
            term = sp.Rational(int(coefficient.numerator), int(coefficient.denominator))
            for i, (s, k) in enumerate(zip(symbols, monomial, strict=True)):
                term *= self.radicands[s] ** (k // 2) if i in radicals else s**k
            groups[parity] = groups.get(parity, sp.S.Zero) + term
        return all(self._numerator_vanishes(g) for g in groups.values())
