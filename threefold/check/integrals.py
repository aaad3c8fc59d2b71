"""Integrals: against a density an expectation, of a joint density a marginal, over times in flow matching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import variable_set
from derivations.rules import Block, Density, Expect, LogDensity, SumTo
from threefold.check import laws
from threefold.check.contexts import flow
from threefold.check.lowering import LinkReader
from threefold.check.shapes import has_density
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare


def integral(reader: LinkReader, node: Node) -> Any:
    """An integral against a density is an expectation; of a joint density it is a marginal."""
    _sign, low, high, factors, _operators = node.parts
    if reader.context.name == "flow-matching":
        return _integral_at_times(reader, factors)
    if high is not None or (low is not None and len(low.items) > 1):
        raise NotRead("an integral with bounds")
    return _against_densities(reader, factors)


def _against_densities(reader: LinkReader, factors: Sequence[Node]) -> Any:
    listed = [f[0] if f.kind == "d" else f for f in factors if f.kind in ("d", "dots")]
    drawn = variable_set(laws.listed(reader, listed))
    if not drawn:
        raise NotRead("an integral without its differential")
    if not [f for f in factors if f.kind not in ("d", "dots")]:
        raise NotRead("an integral of nothing")
    if factors[0].kind == "add":
        behind = list(factors[1:])
        parts = [(sign, _against_densities(reader, [term, *behind])) for sign, term in factors[0][0]]
        return sp.Add(*[-value if sign == "-" else value for sign, value in parts])
    rest = [g for f in _flattened([f for f in factors if f.kind not in ("d", "dots")]) for g in _by_score(f)]
    for place, factor in enumerate(rest):
        made = _density_factor(reader, factor)
        if made is not None and made.variables == drawn:
            others = rest[:place] + rest[place + 1 :]
            return Expect(made, _value_of(reader, others))
    if len(rest) == 1:
        made = _density_factor(reader, rest[0])
        if isinstance(made, Density):
            return sp.exp(LogDensity(_without(made, drawn)))
    return _by_importance(reader, rest, drawn)


def _by_score(factor: Node) -> list[Node]:
    """The gradient of a density as the density and its score."""
    if factor.kind != "grad" or factor[0] is None or factor[1] or not has_density(factor[2]):
        return [factor]
    return [factor[2], Node("grad", (factor[0], factor[1], Node("log", (factor[2],))))]


def _value_of(reader: LinkReader, factors: list[Node]) -> Any:
    if not factors:
        return sp.S.One
    return reader.value(factors[0] if len(factors) == 1 else Node("mul", (tuple(factors), ("",) * (len(factors) - 1))))


def _integral_at_times(reader: LinkReader, factors: Sequence[Node]) -> Any:
    """Integrals of flow matching: each variable is averaged by the density of it that stands there.

    The time is uniform, so that its density is one and may be left out; p(x | z) p(z) / p(x) is p(z | x) by Bayes.
    """
    while len(factors) == 1 and factors[0].kind == "int":
        factors = factors[0][3]
    drawn = [v for f in _within_integrals(factors) if f.kind == "d" for v in laws.variables(reader, f[0])]
    rest = _flattened([f for f in _within_integrals(factors) if f.kind != "d"])
    densities = [f for f in rest if _has_law(f)]
    others = [f for f in rest if not _has_law(f)]
    exponent = sum((reader.log(f) for f in densities), sp.S.Zero)
    found: list[Any] = []
    inner = [v for v in drawn if v != flow.time]
    for term in sp.Add.make_args(sp.expand(exponent)):
        if isinstance(term, LogDensity) and [*term.args[0].variables] == [flow.time]:
            exponent -= term
    kept, exponent = _kept(sp.expand(exponent), inner)
    joint = _bayes(reader, exponent, inner)
    for law in joint:
        found.append(law)
    value = kept * _value_of(reader, others)
    for law in reversed(found):
        value = Expect(law, value)
    return Expect(flow.uniform(), value) if flow.time in drawn else value


def _kept(exponent: Any, drawn: list[Any]) -> tuple[Any, Any]:
    """(a density of other variables, the rest): p(x | z) in the integral of p(x | z) p(z) over z stays a value."""
    terms = sp.Add.make_args(exponent)
    laws_of = {t: t.args[0] for t in terms if isinstance(t, LogDensity)}
    outside = [t for t, law in laws_of.items() if not set(law.variables) & set(drawn)]
    covered = {v for t, law in laws_of.items() if t not in outside for v in law.variables}
    if len(laws_of) != len(terms) or not outside or covered != set(drawn):
        return sp.S.One, exponent
    return sp.exp(sp.Add(*outside)), exponent - sp.Add(*outside)


def _within_integrals(factors: Sequence[Node]) -> list[Node]:
    """The factors of nested integrals, side by side."""
    found: list[Node] = []
    for factor in factors:
        found += _within_integrals(factor[3]) if factor.kind == "int" else [factor]
    return found


def _has_law(node: Node) -> bool:
    return has_density(node)


def _bayes(reader: LinkReader, exponent: Any, drawn: list[Any]) -> list[Density]:
    """Laws, the outermost first, whose densities multiply to exp(exponent), one for each variable drawn."""
    positive = [t.args[0] for t in sp.Add.make_args(exponent) if isinstance(t, LogDensity)]
    negative = [(-t).args[0] for t in sp.Add.make_args(exponent) if isinstance(-t, LogDensity)]
    if len(positive) + len(negative) != len(sp.Add.make_args(exponent)):
        raise NotRead("an integral that is no expectation")
    if not negative and sorted((v for law in positive for v in law.variables), key=str) == sorted(drawn, key=str):
        order = sorted(positive, key=lambda law: len(law.given))
        return order
    if len(drawn) == 1 and len(positive) == 2 and len(negative) == 1:
        given = [*negative[0].variables, flow.time]
        law = Density("p", drawn, given)
        if _follows_by_bayes(LogDensity(law), exponent):
            reader.note("p(x | z) p(z) / p(x) is p(z | x), by Bayes")
            return [law]
    raise NotRead("an integral that is no expectation")


def _follows_by_bayes(left: Any, right: Any) -> bool:
    from derivations.rules import Domain, algebra, bayes
    from threefold.check import kernel

    return kernel.prove(left, "=", right, Domain(), (), [bayes, algebra]) is not None


def _by_importance(reader: LinkReader, rest: list[Node], drawn: Any) -> Any:
    """The integral of a ratio of densities, one of which is a law of the variables integrated over."""
    whole = Node("mul", (tuple(rest), ("",) * (len(rest) - 1))) if len(rest) > 1 else rest[0]
    exponent = _factorised(reader, reader.log(whole))
    for term in sp.Add.make_args(sp.expand(exponent)):
        if isinstance(term, LogDensity) and term.args[0].variables == drawn:
            return Expect(term.args[0], sp.exp(exponent - term))
    if exponent.is_Add or isinstance(exponent, LogDensity):
        for candidate in exponent.atoms(Density):
            if candidate.variables == drawn:
                return Expect(candidate, sp.exp(exponent - LogDensity(candidate)))
        remaining = sp.expand(exponent)
        if isinstance(remaining, LogDensity):
            return sp.exp(LogDensity(_without(remaining.args[0], drawn)))
    raise NotRead("an integral that is no expectation")


def _factorised(reader: LinkReader, exponent: Any) -> Any:
    """The model's joint density for the product of its steps, which the chain's factorisation says it is."""
    if not reader.context.chain:
        return exponent
    steps = SumTo(LogDensity(Density("p", [N.x(N.t - 1)], [N.x(N.t)])), N.t, 1, N.T)
    last = LogDensity(Density("p", [N.x(N.T)]))
    terms = sp.Add.make_args(exponent)
    if steps not in terms or last not in terms:
        return exponent
    reader.note("p(x_T) and the steps of the model are its joint density, by the factorisation")
    return exponent - steps - last + LogDensity(Density("p", [Block(N.x, 0, N.T)]))


def _without(joint: Density, drawn: Any) -> Density:
    """The marginal of a joint density, the variables in `drawn` integrated out."""
    from derivations.kernel.dependence import outside
    from derivations.rules import Domain

    where = Domain({}, {N.T: (sp.Integer(1), sp.oo)})
    left = [v for m in joint.variables for v in outside(m, drawn, where)]
    if variable_set([*left, *drawn]) != joint.variables:
        raise NotRead("an integral over variables that the density does not have")
    if not left:
        raise NotRead("an integral that leaves no variable")
    return Density(joint.args[0], left, joint.given)


def _density_factor(reader: LinkReader, node: Node) -> Any:
    node = bare(node)
    if node.kind not in ("call", "normal") or (node.kind == "call" and node[0][0].letter not in ("p", "q", "P", "Q")):
        return None
    try:
        return laws.law(reader, node)
    except NotRead:
        return None


def _flattened(factors: list[Node]) -> list[Node]:
    found: list[Node] = []
    for factor in factors:
        inner = bare(factor) if factor.kind == "under" else factor
        found += _flattened(list(inner[0])) if inner.kind == "mul" and "⊙" not in inner[1] else [inner]
    return found
