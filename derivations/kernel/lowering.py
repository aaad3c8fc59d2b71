"""Lowering: an expression becomes a rational function of generators.

Generators are symbols, family members, inner products of vector atoms, square roots of irreducible positive polynomials
(each with its relation p^2 = f), logarithms of irreducible positive polynomials and of primes, and opaque terms
(expectations, log-densities, sums, network outputs), where two opaque terms share a generator exactly when their
arguments are equal by the zero test. What is divided by is asked for by `definedness`, not here.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp
from sympy import Expr, Symbol

from derivations.kernel import terms
from derivations.kernel.domain import NONNEGATIVE, POSITIVE, REAL, Domain, Interval
from derivations.kernel.forms import FORMS, form_sign
from derivations.kernel.joint import joint_sign
from derivations.kernel.powers import by_monomial, integer_power, power_interval
from derivations.kernel.quotients import factored, lowest_terms
from derivations.kernel.radicals import OutsideFragment, log_of, root
from derivations.kernel.signs import polynomial_sign
from derivations.kernel.surface import by_constant_factor, linear_form, merge_sums, multilinear, on_the_surface

COLLECTING = (terms.Expect, terms.SumTo, terms.ProductTo, terms.Variance, *FORMS)
WHERE: dict[str | None, Interval] = {"+": POSITIVE, "0+": NONNEGATIVE, "0": NONNEGATIVE}


__all__ = ["Lowering", "OutsideFragment", "linear_form", "on_the_surface"]


class Lowering:
    """One ring of generators over one domain. Generators are never forgotten."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.generators: dict[Any, Symbol] = {}
        self.meaning: dict[Symbol, Any] = {}  # of each generator: the atom that it stands for
        self.radicands: dict[Symbol, Expr] = {}
        self._wholes: dict[Any, tuple[Domain, Interval]] = {}
        self.indices: dict[int, Symbol] = {}  # by the number of sums around that the sum depends on

    def same(self, a: Any, b: Any) -> bool:
        """Are two opaque terms of one head equal, by their arguments?"""
        raise NotImplementedError

    def prepare(self, e: Any) -> Any:
        """The schedule's recursion unrolled, in the part of e that is not inside an opaque term."""
        return on_the_surface(self.domain.unroll, e)

    def lower(self, e: Any) -> Expr:
        e = sp.sympify(e)
        if e.is_Rational:
            return e
        if e.is_Float or e in (sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
            raise OutsideFragment(f"{e} is not an exact real number")
        if isinstance(e, sp.Add):
            return sp.Add(*map(self.lower, merge_sums(e) if e.has(terms.SumTo) else e.args))
        if isinstance(e, sp.Mul):
            return sp.Mul(*map(self.lower, e.args))
        if isinstance(e, terms.Ratio):
            return self.lower(e.args[0]) / self.lower(e.args[1])
        if isinstance(e, sp.Pow):
            return self._power(e)
        if isinstance(e, sp.log):
            return log_of(self, self.lower(e.args[0]))
        if isinstance(e, sp.exp):
            return self._exp(sp.expand(e.args[0]))
        if isinstance(e, terms.Norm2):
            return self._bilinear(e.args[0], e.args[0], terms.Inner)
        if isinstance(e, terms.Bilinear):
            return self._bilinear(e.args[0], e.args[1], type(e))
        if isinstance(e, terms.Coord):
            return self._coord(*e.args)
        if isinstance(e, terms.SumTo):
            return self._sum(e)
        if isinstance(e, terms.ProductTo) and (factors := self._few(e)) is not None:
            return sp.Mul(*factors)
        if isinstance(e, terms.Partial):
            return sp.Add(*[self.lower(c) * self._generator(atom) for atom, c in multilinear(e).items()])
        if isinstance(e, sp.Abs) and (s := self._sign(inside := self.lower(e.args[0]))) is not None:
            return -inside if s.endswith("-") else inside
        return self._generator(e)

    def _power(self, e: Expr) -> Expr:
        base, exponent = e.args
        if exponent.is_Integer:
            return self.lower(base) ** exponent
        if exponent.is_Rational and exponent.q == 2:
            return root(self, self.lower(base)) ** exponent.p
        made = integer_power(self, self.lower(base), exponent) if exponent.is_integer else None
        return self._generator(e) if made is None else made

    def _generator(self, atom: Any) -> Symbol:
        """The generator of an opaque atom; atoms with equal arguments share one."""
        if atom not in self.generators:
            for known, symbol in self.generators.items():
                if type(known) is type(atom) and self.same(known, atom):
                    return symbol
        return self._new_generator(atom)

    def _new_generator(self, atom: Any) -> Symbol:
        """The generator of exactly this atom."""
        if atom not in self.generators:
            self.generators[atom] = symbol = Symbol(f"_g{len(self.generators)}")
            self.meaning[symbol] = atom
        return self.generators[atom]

    def interval(self, g: Symbol) -> Interval:
        """Where a generator lives, by what is known at the place looked at: inside a sum that may be more."""
        if g in self.radicands:
            return POSITIVE if self._factor_sign(self.radicands[g]) == "+" else NONNEGATIVE
        known, meaning = self.domain.interval(self.meaning[g]), self.meaning[g]
        if isinstance(meaning, sp.exp) and not meaning.has(terms.LogDensity, terms.Averaging):
            s = self._sign_inside(meaning.args[0])
            return Interval(sp.S.One, sp.oo, s == "+") if s in ("+", "0+") else known  # exp grows
        if known is REAL and isinstance(meaning, terms.IntegralTo):
            return self._interval_of_integral(meaning)
        if known is REAL and isinstance(meaning, sp.Pow):
            return power_interval(self, meaning)
        return self._interval_of_whole(meaning) if known is REAL and isinstance(meaning, COLLECTING) else known

    def _sign_inside(self, e: Any) -> str | None:
        """The sign of a part of an opaque term, with generators of its own."""
        raise NotImplementedError

    def _interval_of_integral(self, e: terms.IntegralTo) -> Interval:
        """What is integrated is positive, or not negative, and the range runs upwards."""
        body, _, lo, hi = e.args
        upwards = None if terms.is_vector(body) else self._sign_inside(hi - lo)
        if upwards not in ("+", "0+") or (s := self._sign_inside(body)) not in ("+", "0+"):
            return REAL
        return POSITIVE if (upwards, s) == ("+", "+") else NONNEGATIVE

    def _interval_of_whole(self, e: Any) -> Interval:
        """Where a mean, a sum or a product lies, by the sign of what is averaged, added up or multiplied."""
        key = (e, id(self.domain))
        if key not in self._wholes:
            self._wholes[key] = self.domain, WHERE.get(self.sign_of_whole(e), REAL)
        return self._wholes[key][1]

    def sign_of_whole(self, e: Any) -> str | None:
        """The sign of a mean, a sum of monomials over 1..n, a product, or a variance."""
        raise NotImplementedError

    # --- vectors ------------------------------------------------------------------------------------------------------

    def _bilinear(self, u: Any, v: Any, form: Any) -> Expr:
        pairs = itertools.product(linear_form(u).items(), linear_form(v).items())
        return sp.Add(*[self.lower(a) * self.lower(b) * self._generator(form(x, y)) for (x, a), (y, b) in pairs])

    def _coord(self, v: Any, index: Any) -> Expr:
        pieces = []
        for atom, coefficient in linear_form(v).items():
            if isinstance(atom, terms.Hadamard):
                piece = self._coord(atom.args[0], index) * self._coord(atom.args[1], index)
            else:
                piece = self._generator(terms.Coord(atom, index))
            pieces.append(self.lower(coefficient) * piece)
        return sp.Add(*pieces)

    # --- sums ---------------------------------------------------------------------------------------------------------

    def _few(self, e: Any) -> list[Expr] | None:
        """The terms of a sum or product of a known, small number of them."""
        body, index, lo, hi = e.args
        n = sp.expand(hi - lo + 1)
        if not (n.is_Integer and n <= 12):
            return None
        return [self.lower(self.prepare(body.xreplace({index: lo + j}))) for j in range(int(n))]

    def _sum(self, e: terms.SumTo) -> Expr:
        """A sum as a linear combination of sums of monomials, index moved to 1..n, constants pulled out."""
        body, index, lo, hi = e.args
        if (few := self._few(e)) is not None:
            return sp.Add(*few)
        n = sp.expand(hi - lo + 1)
        if not self.domain.at_least_zero(n):
            raise OutsideFragment(f"the sum from {lo} to {hi} may have a negative number of terms")
        # One index for each level of sums that depend on the indices around them, so that it cannot be captured.
        level = max((at + 1 for at, around in self.indices.items() if e.has(around)), default=0)
        if level and set(constants := by_constant_factor(body, index)) != {sp.S.One}:
            parts = [(self.lower(self.prepare(f)), terms.SumTo(b, index, lo, hi)) for f, b in constants.items()]
            self._refuse_poles_of_empty_sums([lowest_terms(f)[1] for f, _ in parts], n)
            return sp.Add(*[f * self._sum(rest) for f, rest in parts])
        i = self.indices.setdefault(level, sp.Dummy("i", integer=True, positive=True))
        outer, self.domain = self.domain, self.domain.with_index(i, sp.S.One, n)
        try:
            lowered = self.lower(self.prepare(body.xreplace({index: sp.expand(i + lo - 1)})))
            numerator, denominator = lowest_terms(lowered)
            inside = [g for g in lowered.free_symbols if self._depends(g, i)]
            fixed, moving = sp.S.One, sp.S.One
            constant, factors = factored(denominator)
            for f, power in factors:
                if f.free_symbols & set(inside):
                    moving *= f**power
                else:
                    fixed *= f**power
            total = sp.S.Zero
            for m, coefficient in by_monomial(numerator, moving, inside):
                total += coefficient * (self.lower(n) if m == 1 else self._new_generator(terms.SumTo(m, i, 1, n)))
        finally:
            self.domain = outer
        self._refuse_poles_of_empty_sums([fixed], n)
        return total / (constant * fixed)

    def _refuse_poles_of_empty_sums(self, denominators: list[Expr], n: Expr) -> None:
        """A denominator pulled out of a sum of n terms must not be 0 where n is 0: inside, nobody divided by it."""
        factors = [f for d in denominators for f, _ in factored(d)[1]]
        if factors and not self.domain.at_least_zero(n - 1):
            for f in factors:
                if not (self._factor_sign(f) in ("+", "-") or self._declared_nonzero(f)):
                    raise OutsideFragment(f"{self.show(f)} may be 0 where a sum has no terms, and stands below in it")

    def _depends(self, g: Symbol, i: Symbol) -> bool:
        """Does the generator's meaning depend on i, through however many other generators?"""
        if g == i:
            return True
        if g in self.radicands:
            return any(self._depends(s, i) for s in self.radicands[g].free_symbols)
        meaning = self.meaning.get(g)
        if meaning is None or (isinstance(meaning, terms.SumTo) and meaning.args[1] == i):
            return False  # not a generator; or a sum over i, which nobody outside it can vary
        return any(self._depends(s, i) for s in meaning.free_symbols)

    def _exp(self, exponent: Expr) -> Expr:
        if exponent.could_extract_minus_sign():
            return 1 / self._exp(-exponent)
        times, rest = exponent.as_coeff_Mul()
        if times.is_Integer and all(a.is_Symbol or isinstance(a, terms.Term) for a in sp.Mul.make_args(rest)):
            return self._generator(sp.exp(rest)) ** times  # exp(2 B) is the square of exp(B)
        return self._generator(sp.exp(exponent))

    # --- signs ---

    def _sign(self, lowered: Expr) -> str | None:
        numerator, denominator = lowest_terms(lowered)
        if numerator == 0:
            return "0"
        return self._sign_by_factors(numerator, denominator) or self._sign_of_whole_fraction(numerator, denominator)

    def _sign_of_whole_fraction(self, numerator: Expr, denominator: Expr) -> str | None:
        """x^3 + y^3 has positive coefficients, and a factor that has not."""
        above, below = (self._factor_sign(sp.expand(part)) for part in (numerator, denominator))
        if above is None or below not in ("+", "-"):
            return None
        return above if below == "+" else above.translate(str.maketrans("+-", "-+"))

    def _sign_by_factors(self, numerator: Expr, denominator: Expr) -> str | None:
        negative = weak = False
        for part in (numerator, denominator):
            constant, factors = factored(part)
            negative ^= constant < 0
            for f, power in factors:
                s = self._factor_sign(f)
                if s is None and power % 2 == 0:
                    s = "+" if self._declared_nonzero(f) else "0+"
                if s is None or s == "0":
                    return "0" if s and part is numerator else None
                weak = weak or s.startswith("0")
                negative ^= s.endswith("-") and power % 2 == 1
        return ("0" if weak else "") + ("-" if negative else "+")

    def _factor_sign(self, f: Any) -> str | None:
        intervals = {g: self.interval(g) for g in f.free_symbols}
        return (
            polynomial_sign(f, intervals)
            or self._sign_in_range(f, intervals)
            or joint_sign(self, f, intervals)
            or form_sign(f, self.meaning, intervals, self._coefficient_sign)
        )

    def _coefficient_sign(self, f: Any) -> str | None:
        """The sign of a coefficient of a form, in its factors."""
        f = sp.sympify(f)
        return self._sign(f) if f.free_symbols else polynomial_sign(f, {})

    def _sign_in_range(self, f: Any, intervals: dict[Symbol, Interval]) -> str | None:
        """The sign once the symbolic upper bound h + c of an index i is written h = i - c + gap with gap >= 0."""
        gaps: dict[Symbol, Interval] = {}
        for index, (_, hi) in self.domain.indices.items():
            c, h = sp.sympify(hi).as_coeff_Add()
            if index in self.generators and h in self.generators:
                gap = Symbol(f"gap{len(gaps)}")
                f = sp.expand(f.xreplace({self.generators[h]: self.generators[index] - c + gap}))
                gaps |= {gap: NONNEGATIVE, self.generators[index]: self.interval(self.generators[index])}
        return polynomial_sign(f, intervals | gaps) if gaps else None

    def _declared_nonzero(self, f: Expr) -> bool:
        return bool(f in self.meaning and self.interval(f).nonzero)

    def show(self, lowered: Expr) -> str:
        """A lowered expression with its generators written out again, for messages."""
        table = {symbol: atom for atom, symbol in self.generators.items() if not isinstance(atom, sp.log)}
        return str(lowered.xreplace(table))
