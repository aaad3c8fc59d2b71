"""Terms made from laws: log-densities, expectations, divergences, moments."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy import Basic

from derivations.kernel.laws import Law, Term, variable_set
from derivations.kernel.symbols import Malformed, Name


class LogDensity(Term):
    """log of the law's density at its own variables (nats)."""

    takes = "l"


class LogJoint(Term):
    """log of the marginal of law `name` over a set of variables: Bayes' rule turns every `Density` into it.

    No line may hold one: it takes nothing that could be written.
    """

    def __new__(cls, name: Any, variables: Any) -> Any:
        return Basic.__new__(cls, Name(name.name), variables) if variables else sp.S.Zero


class Averaging(Term):
    """A term that averages over its first argument, a law: the law's variables are bound in it."""

    def __new__(cls, law: Law, *rest: Any) -> Any:
        for a in (law, *(rest if cls.takes == "l l" else ())):
            if not isinstance(a, Law):
                raise Malformed(f"{cls.__name__} averages over a law, and {a} is none: write Density(...), Normal(...)")
        variable_set(law.variables)  # names, and not places where a density is read
        return super().__new__(cls, law, *rest)


class Expect(Averaging):
    """E over the law's variables of body."""

    takes, like = "l nv", 1


class KL(Averaging):
    """Kullback-Leibler divergence E_p[log p - log q] in nats; both laws are laws of the same variables."""

    takes = "l l"

    def __new__(cls, p: Law, q: Law) -> KL:
        made: KL = super().__new__(cls, p, q)
        if p.variables != q.variables:
            raise Malformed(f"KL between laws of different variables: {p.variables} and {q.variables}")
        return made


class Mean(Averaging):
    """Mean vector of a law."""

    takes, vector_valued = "l", True


class Variance(Averaging):
    """The mean of the variances of the coordinates: the v of a law whose covariance is v * I."""

    takes = "l"
