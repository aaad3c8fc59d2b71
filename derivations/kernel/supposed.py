"""What a hypothesis may suppose of laws and means: nothing that is known already, and no density that is none.

Of an opaque law anything may be supposed. A formula in its variables alone has the integral that it has: so a text
names the law whose formula it is, and the kernel knows that law's density to be one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.dependence import enter, is_member, may_touch
from derivations.kernel.domain import Domain
from derivations.kernel.terms import Density, LogDensity, Malformed

OPAQUE = (terms.ScalarFunction, terms.VectorFunction, terms.Gradient, terms.Partial)


def refuse_known(name: str, e: Any, other: Any) -> None:
    """Refuse to suppose the density of a law that has a formula, or a value of a mean over it that is known."""
    if isinstance(e, LogDensity) and not isinstance(e.args[0], Density):
        raise Malformed(f"the hypothesis {name!r} supposes the density of {e.args[0]}, which is known")
    if not isinstance(e, terms.Averaging) or e == other:
        return
    constant = isinstance(e, terms.Expect) and not may_touch(e.args[1], e.args[0].variables)
    opaque = e.args[0].atoms(Density) or _opaque(e, e.args[0].variables)
    of_itself = isinstance(e, terms.KL) and e.args[0] == e.args[1]
    if constant or of_itself or not (opaque or _unknown(sp.Tuple(e, other))):
        raise Malformed(f"the hypothesis {name!r} supposes {e} = {other}, and the mean is known: prove what it is")


def _unknown(e: Any) -> bool:
    """Does e depend on a number that nobody knows?"""
    return bool(terms.free_scalars(e) - {terms.DIM} or e.atoms(Density, *OPAQUE))


def _opaque(e: Any, variables: Any) -> bool:
    """Is there a value in e of which nothing is known, and that may depend on the variables?"""
    values = e.atoms(*OPAQUE) - {v for v in e.atoms(terms.VectorFunction) if terms.is_family_variable(v)}
    return any(may_touch(value, variables) for value in values)


def refuse_no_density(name: str, lhs: Any, rhs: Any, domain: Domain) -> None:
    """Refuse log p = a closed form in p's variables that is no density's: it must be written as that of laws."""
    if not (isinstance(lhs, LogDensity) and isinstance(lhs.args[0], Density)):
        return
    variables = lhs.args[0].variables
    parts, rest, drawn = list(_log_densities(rhs, domain)), sp.S.Zero, []
    still = [e for _, _, e in parts if not may_touch(e, variables)]
    if any(map(_unknown, still)):
        return  # a number that nobody knows may make its integral 1
    for law, factor, e in parts:
        if not may_touch(e, variables):
            rest += factor * e
        elif law is None:
            if _opaque(e, variables) or e.atoms(Density):
                return
            raise Malformed(f"the hypothesis {name!r} makes {e} a density of {variables}: write the law, log N(...)")
        elif isinstance(law, Density) and law.variables != variables:
            return
        else:
            drawn.append((law, factor))
    if any(factor != 1 for _, factor in drawn):
        if any(isinstance(law, Density) for law, _ in drawn):
            return
        raise Malformed(f"the hypothesis {name!r}: a power of a density is none: write its law, log N(...)")
    own = [v for law, _ in drawn for v in law.variables]
    if any(is_member(v, own[:n], domain) for n, v in enumerate(own)):
        raise Malformed(f"the hypothesis {name!r}: a product of densities of one variable is none: write its law")
    if drawn and _is_nonzero(rest, domain):
        raise Malformed(f"the hypothesis {name!r}: {rhs} is off by {rest} from the logarithm of a density")


def _log_densities(e: Any, domain: Domain) -> Iterator[tuple[Any, Any, Any]]:
    """The terms of e as (law, factor, log-density), also those of its sums; (None, factor, term) for others."""
    for term in sp.Add.make_args(sp.expand(e, deep=False)):
        factor, rest = term.as_coeff_Mul()
        if isinstance(rest, LogDensity):
            yield rest.args[0], factor, rest
        elif isinstance(rest, terms.SumTo):
            inside = enter(rest, domain)
            yield from ((law, factor * c, a) for law, c, a in _log_densities(inside.args[0], inside.domains[0]))
        else:
            yield None, factor, rest


def _is_nonzero(e: Any, domain: Domain) -> bool:
    try:
        return Algebra(domain).is_nonzero(e)
    except OutsideFragment:
        return False
