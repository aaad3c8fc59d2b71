"""Averages as the field writes them: the subscript of an expectation, divergences, integrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.dependence import free_variables
from derivations.kernel.terms import variable_set
from derivations.rules import (
    KL,
    Block,
    Density,
    Expect,
    Normal,
    SumTo,
)
from threefold.check import denoising, laws, moments
from threefold.check.contexts import flow
from threefold.check.contexts.base import DATA_LABELS
from threefold.check.lowering import LinkReader
from threefold.check.parse import PAIRS, Parser
from threefold.check.tokens import Item, NotRead, Token, flat
from threefold.check.tree import Name, Node, bare

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


def expectation(reader: LinkReader, node: Node) -> Any:
    """E with its subscript; several laws in it are averaged over one after another, the first outermost."""
    _sign, script, _opening, body, given, lost = node.parts
    if lost:
        reader.repaired = True
        reader.note("the subscript of E was lost and is put back")
    if given:
        return moments.conditional_mean(reader, script, body, given)
    if script is None:
        return _under_lost_law(reader, body, None)
    parts = [part for piece in pieces(_restored(script.items)) for part in _drawn_apart(piece)]
    if reader.context.chain:
        parts = _under_conditions(parts)
    laws_found: list[Any] = []
    for part in parts:
        made = _averaged(reader, part)
        if made == "lost":
            return _under_lost_law(reader, body, part)
        laws_found.append(made)
    value = reader.value(body)
    for law in laws_found:
        value = denoising.noises_of_state(law, value)
    value = _made_from_noise(reader, value, laws_found)
    for made in reversed(laws_found):
        value = _uniform(reader, value) if made == "steps" else Expect(made, value)
    return value


def _made_from_noise(reader: LinkReader, value: Any, drawn: Sequence[Any]) -> Any:
    """Under an average over the noise, x_t is what x_0 and that noise make, unless it is drawn itself."""
    if not reader.context.chain or not any(isinstance(a, Normal) and a.args[0] == N.eps for a in drawn):
        return value
    bound = {v for law in drawn if law != "steps" for v in law.variables}
    states = {m for m in free_variables(value, denoising.ANYWHERE) if type(m) is N.x}
    states -= bound | {N.x(0)}
    if not states:
        return value
    if len(states) > 1 or reader.context.name not in ("ddpm", "ddim") or reader.settings.foreign:
        reader.withheld = "which state the noise makes is not said"
        return value
    (state,) = states
    n = state.args[0]
    reader.note(f"x_{n} is made from x_0 and the noise that is averaged over")
    return value.xreplace({state: sp.sqrt(N.abar(n)) * N.x(0) + sp.sqrt(1 - N.abar(n)) * N.eps})


def _under_conditions(parts: list[list[Item]]) -> list[list[Item]]:
    """x_{t-1} | x_t, x_0 is one law: what is listed behind the bar is given, what is listed before it is not said."""
    found: list[list[Item]] = []
    for part in parts:
        signs = flat(part)
        listed = signs[:1] in (["x"], ["X"]) and not {"(", r"\sim", r"\in"} & set(signs)
        barred = bool(found) and "|" in flat(found[-1]) and "(" not in flat(found[-1])
        if barred and not listed:
            raise NotRead("a law whose condition is not told from the next law")
        if barred and "|" not in signs:
            found[-1] = [*found[-1], Token(",", -1), *part]
            continue
        if listed and "|" in signs and found and flat(found[-1]) != ["t"]:
            given = signs[signs.index("|") + 1 :]
            if flat(found[-1]) != given:
                raise NotRead("variables before a bar that may be one law or two")
        found.append(part)
    return found


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


def _averaged(reader: LinkReader, part: Sequence[Item]) -> Any:
    """One piece of the subscript: a law, 'steps' for a uniform step, 'lost' for a bare q."""
    signs = [i.text if isinstance(i, Token) else "" for i in part]
    for sign in (r"\sim", r"\in"):
        if sign in signs:
            place = signs.index(sign)
            left, right = part[:place], part[place + 1 :]
            return _drawn(reader, left, right)
    if "|" in signs and "(" not in signs and reader.context.chain:  # E_{x_0 | x_t}
        place = signs.index("|")
        drawn, given = (
            laws.listed(reader, [n for piece in pieces(p) for n in _named(piece)])
            for p in (part[:place], part[place + 1 :])
        )
        if not drawn or not given:
            raise NotRead("a law without its variable")
        return Density("q", drawn, given)
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


def _named(items: Sequence[Item]) -> list[Node]:
    node = bare(Parser(list(items)).whole())
    return list(node[1]) if node.kind == "list" else [node]


def _drawn(reader: LinkReader, left: Sequence[Item], right: Sequence[Item]) -> Any:
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


def _uniform(reader: LinkReader, value: Any) -> Any:
    """The average over t uniform on 1..T."""
    if not reader.context.chain:
        raise NotRead("an average over a step outside a chain")
    reader.note("t is uniform on 1..T")
    reader.indices.discard(N.t)
    return SumTo(value, N.t, 1, N.T) / N.T


def _under_lost_law(reader: LinkReader, body: Node, part: Sequence[Item] | None) -> Any:
    """E_q[...], E[...]: the law that the context leaves no doubt about, for all values of what it is conditioned on."""
    value = reader.value(body)
    reader.lost_law = True
    if not reader.context.chain:
        letters = [i.text for i in part or [] if isinstance(i, Token)]
        if part is None or letters[:1] == ["q"]:
            reader.note("E is over q(z | x)")
            return Expect(Density("q", [N.z], [N.obs]), value)
        raise NotRead("an expectation without its law")
    if part is None and free_variables(value, denoising.ANYWHERE) == {N.eps}:
        reader.note("E is over the noise")
        return Expect(Normal(N.eps, 0, 1), value)
    letters = [i.text for i in part or [] if isinstance(i, Token)]
    if part is not None and letters[:1] != ["q"]:
        raise NotRead("an expectation without its law")
    free = _chain_members(value)
    if reader.context.name in ("ddpm", "linear-gaussian") and (part is not None or free):
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


def divergence(reader: LinkReader, node: Node) -> Any:
    if len(node.parts) == 2:
        if reader.context.name != "vae" or node[1] is None or "KL" not in "".join(flat(node[1].items)):
            raise NotRead("a divergence without its laws")
        reader.repaired = True
        reader.note("a divergence without its laws: that of q(z | x) from p(z)")
        return KL(Density("q", [N.z], [N.obs]), Density("p", [N.z]))
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


def _like(reader: LinkReader, first: Node, second: Node) -> list[Any]:
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
    if reader.single:
        return [N.z]
    isotropic = first.kind == "normal" and laws.variance(reader, first[2][-1])[0] == "isotropic"
    return [N.obs] if reader.names_no_data and isotropic else [N.z]
