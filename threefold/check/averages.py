"""Averages as the field writes them: the subscript of an expectation, divergences, integrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import variable_set
from derivations.rules import (
    KL,
    Block,
    Density,
    Expect,
    LogDensity,
    Normal,
    SumTo,
)
from threefold.check import laws
from threefold.check.contexts import flow
from threefold.check.contexts.base import DATA_LABELS
from threefold.check.parse import PAIRS, Parser
from threefold.check.tokens import Item, NotRead, Token, flat
from threefold.check.tree import Name, Node, bare

if TYPE_CHECKING:
    from threefold.check.read import Reader

VARIABLE_LETTERS = frozenset(["x", "X", "z", "Z"])


# --- expectations -----------------------------------------------------------------------------------------------------


def pieces(items: Sequence[Item]) -> list[list[Item]]:
    """A subscript cut at its outer commas; commas that list the variables of one law stay."""
    found: list[list[Item]] = [[]]
    depth = 0
    for item in items:
        text = item.text if isinstance(item, Token) else ""
        depth += (text in PAIRS) - (text in PAIRS.values())
        if text in (",", ";") and depth == 0:
            found.append([])
        elif not (isinstance(item, Token) and item.kind == "space"):
            found[-1].append(item)
    return [p for p in found if p]


def expectation(reader: Reader, node: Node) -> Any:
    """E with its subscript; several laws in it are averaged over one after another, the first outermost."""
    _sign, script, _opening, body, given, lost = node.parts
    if lost:
        reader.repaired = True
        reader.note("the subscript of E was lost and is put back")
    if given:
        raise NotRead("a conditional expectation")
    if script is None:
        return _under_lost_law(reader, body, None)
    parts = [part for piece in pieces(_restored(script.items)) for part in _drawn_apart(piece)]
    laws_found: list[Any] = []
    for part in parts:
        made = _averaged(reader, part)
        if made == "lost":
            return _under_lost_law(reader, body, part)
        laws_found.append(made)
    value = reader.value(body)
    for made in reversed(laws_found):
        value = _uniform(reader, value) if made == "steps" else Expect(made, value)
    return value


def _drawn_apart(part: list[Item]) -> list[list[Item]]:
    """z ~ p x ~ q, with the comma forgotten: two pieces."""
    tildes = [n for n, i in enumerate(part) if isinstance(i, Token) and i.text == r"\sim"]
    if len(tildes) != 2 or tildes[1] < 2:
        return [part]
    return [part[: tildes[1] - 1], part[tildes[1] - 1 :]]


def _restored(items: Sequence[Item]) -> Sequence[Item]:
    """q phi(z|x): the underscore that an export lost, and {encoder}(.|x) under the subscript."""
    texts = [i.text if isinstance(i, Token) else "" for i in items]
    if len(items) > 3 and texts[0] in ("p", "q") and texts[1] in ("phi", "theta") and texts[2] == "(":
        from threefold.check.tokens import Group

        return [
            items[0],
            Token("_", items[0].at),
            Group((items[1],), items[0].at),
            *items[2:],
        ]
    return _out_of_subscript(items)


def _out_of_subscript(items: Sequence[Item]) -> Sequence[Item]:
    """Q_{encoder(.|x)}: the brackets of a law that slipped into its subscript."""
    from threefold.check.tokens import Group

    found: list[Item] = []
    for item in items:
        if isinstance(item, Group) and item.items and isinstance(item.items[0], Token):
            first = item.items[0]
            opened = [n for n, i in enumerate(item.items) if isinstance(i, Token) and i.text == "("]
            if first.kind == "word" and opened and opened[0] == 1:
                found.append(Group(item.items[:1], item.at))
                found.extend(item.items[1:])
                continue
        found.append(item)
    return found


def _averaged(reader: Reader, part: Sequence[Item]) -> Any:
    """One piece of the subscript: a law, 'steps' for a uniform step, 'lost' for a bare q."""
    signs = [i.text if isinstance(i, Token) else "" for i in part]
    for sign in (r"\sim", r"\in"):
        if sign in signs:
            place = signs.index(sign)
            left, right = part[:place], part[place + 1 :]
            return _drawn(reader, left, right)
    node = bare(Parser(part, repairs=[]).whole())
    if node.kind == "sym":
        name: Name = node[0]
        if laws.is_noise(reader, node):
            return N.standard_normal(N.eps, N.k) if not reader.context.chain else Normal(N.eps, 0, 1)
        if name.letter in ("p", "q", "P", "Q") and not any(x in DATA_LABELS for x in name.labels):
            return "lost"
        if name.plain == "t" and not name.index:
            return "steps"
        if name.letter in ("x", "X"):
            member = laws.variables(reader, node)
            return Density("q" if reader.context.chain else "p_data", member)
    return laws.law(reader, node)


def _drawn(reader: Reader, left: Sequence[Item], right: Sequence[Item]) -> Any:
    if flat(left) == ["t"]:
        return flow.uniform() if reader.context.name == "flow-matching" else "steps"
    node = Parser(list(left)).whole()
    right_node = Parser(list(right)).whole()
    drawn = (
        [N.eps]
        if laws.is_noise(reader, bare(node))
        else laws.listed(reader, list(node[1]) if node.kind == "list" else [node])
    )
    made = laws.law(reader, right_node, drawn)
    if isinstance(made, Density) and made.variables != variable_set(drawn):
        made = Density(made.args[0], drawn, made.given)
    return made


def _uniform(reader: Reader, value: Any) -> Any:
    """The average over t uniform on 1..T."""
    if not reader.context.chain:
        raise NotRead("an average over a step outside a chain")
    reader.note("t is uniform on 1..T")
    reader.indices.discard(N.t)
    return SumTo(value, N.t, 1, N.T) / N.T


def _under_lost_law(reader: Reader, body: Node, part: Sequence[Item] | None) -> Any:
    """E_q[...], E[...]: the law that the context leaves no doubt about, for all values of what it is conditioned on."""
    value = reader.value(body)
    reader.lost_law = True
    if not reader.context.chain:
        letters = [i.text for i in part or [] if isinstance(i, Token)]
        if part is None or letters[:1] == ["q"]:
            reader.note("E is over q(z | x)")
            return Expect(Density("q", [N.z], [N.obs]), value)
        raise NotRead("an expectation without its law")
    letters = [i.text for i in part or [] if isinstance(i, Token)]
    if part is not None and letters[:1] != ["q"]:
        raise NotRead("an expectation without its law")
    free = _chain_members(value)
    if reader.context.name == "ddpm" and (part is not None or free):
        if not free - {N.x(0)}:
            if part is None:
                reader.note("E over x_0 is left out on both sides: the claim is for every x_0")
                return value
            reader.note("E_q is over q(x_1..x_T | x_0), for every x_0")
            return value
        reader.note("E_q is over q(x_1..x_T | x_0), for every x_0")
        return Expect(Density("q", [Block(N.x, 1, N.T)], [N.x(0)]), value)
    raise NotRead("an expectation without its law")


def _chain_members(e: Any) -> set[Any]:
    """Members and stretches of the chain that e depends on."""
    return set(e.atoms(N.x)) | set(e.atoms(Block))


# --- divergences ------------------------------------------------------------------------------------------------------


def divergence(reader: Reader, node: Node) -> Any:
    if len(node.parts) == 2:
        raise NotRead("a divergence without its laws")
    _word, _script, _opening, first, bar, second, _closing = node.parts
    first, second = bare(first), bare(second)
    if bar == "|":
        reader.repaired = True
        reader.note("the single bar is read as the double bar of KL")
    if bar in (":", ";"):
        reader.note(f"KL[p {bar} q] is KL(p || q)")
    one = laws.law(reader, first) if _says_variables(first) else None
    two = laws.law(reader, second) if _says_variables(second) else None
    if one is None and two is None:
        like = _like(reader, first, second)
        one, two = laws.law(reader, first, like), laws.law(reader, second, like)
    elif one is None:
        assert two is not None
        one = laws.law(reader, first, list(two.variables))
    elif two is None:
        two = laws.law(reader, second, list(one.variables))
    return KL(one, two)


def _says_variables(node: Node) -> bool:
    if node.kind == "normal":
        return len(node[2]) == 3 or node[1] is not None
    return node.kind == "call" and node[1][0].kind != "dot"


def _like(reader: Reader, first: Node, second: Node) -> list[Any]:
    """Variables for two laws that both leave theirs out."""
    for node in (first, second):
        if node.kind in ("call", "sym"):
            try:
                return [*laws.law(reader, node).variables]
            except NotRead:
                continue
    mean = bare(first[2][0]) if first.kind == "normal" else None
    if mean is not None and reader.context.chain:
        value = reader.value(mean)
        steps = [m.args[0] for m in value.atoms(N.x) if m.args[0] != 0]
        if steps:
            return [N.x(steps[0] - 1)]
    return [N.z]


# --- integrals --------------------------------------------------------------------------------------------------------


def integral(reader: Reader, node: Node) -> Any:
    """An integral against a density is an expectation; of a joint density it is a marginal."""
    _sign, low, high, factors, _operators = node.parts
    if reader.context.name == "flow-matching":
        return _integral_at_times(reader, factors)
    if high is not None or (low is not None and len(low.items) > 1):
        raise NotRead("an integral with bounds")
    return _against_densities(reader, factors)


def _against_densities(reader: Reader, factors: Sequence[Node]) -> Any:
    drawn = variable_set([v for f in factors if f.kind == "d" for v in laws.variables(reader, f[0])])
    if not drawn:
        raise NotRead("an integral without its differential")
    rest = _flattened([f for f in factors if f.kind != "d"])
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


def _value_of(reader: Reader, factors: list[Node]) -> Any:
    if not factors:
        return sp.S.One
    return reader.value(factors[0] if len(factors) == 1 else Node("mul", (tuple(factors), ("",) * (len(factors) - 1))))


def _integral_at_times(reader: Reader, factors: Sequence[Node]) -> Any:
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
    joint = _bayes(reader, sp.expand(exponent), inner)
    for law in joint:
        found.append(law)
    value = _value_of(reader, others)
    for law in reversed(found):
        value = Expect(law, value)
    return Expect(flow.uniform(), value) if flow.time in drawn else value


def _within_integrals(factors: Sequence[Node]) -> list[Node]:
    """The factors of nested integrals, side by side."""
    found: list[Node] = []
    for factor in factors:
        found += _within_integrals(factor[3]) if factor.kind == "int" else [factor]
    return found


def _has_law(node: Node) -> bool:
    from threefold.check.read import has_density

    return has_density(node)


def _bayes(reader: Reader, exponent: Any, drawn: list[Any]) -> list[Density]:
    """Laws, the outermost first, whose densities multiply to exp(exponent), one for each variable drawn."""
    positive = [t.args[0] for t in sp.Add.make_args(exponent) if isinstance(t, LogDensity)]
    negative = [(-t).args[0] for t in sp.Add.make_args(exponent) if isinstance(-t, LogDensity)]
    if len(positive) + len(negative) != len(sp.Add.make_args(exponent)):
        raise NotRead("an integral that is no expectation")
    if not negative and {v for law in positive for v in law.variables} == set(drawn):
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


def _by_importance(reader: Reader, rest: list[Node], drawn: Any) -> Any:
    """The integral of a ratio of densities, one of which is a law of the variables integrated over."""
    whole = Node("mul", (tuple(rest), ("",) * (len(rest) - 1))) if len(rest) > 1 else rest[0]
    exponent = reader.log(whole)
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


def _density_factor(reader: Reader, node: Node) -> Any:
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
