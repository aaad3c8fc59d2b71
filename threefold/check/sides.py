"""The two sides of a link as terms: what an equality of laws, of densities, or of random variables states."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import Density, LogDensity, Normal, SumTo
from threefold.check import growth, laws
from threefold.check.contexts import ddpm
from threefold.check.read import NO_LOGARITHM, Reader
from threefold.check.shapes import LAW_LETTERS, has_density
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare


def sides(reader: Reader, left: Node, right: Node, relation: str) -> tuple[Any, Any, bool]:
    """Left, right, and whether they are random variables; densities are compared by their logarithms."""
    if right.kind == "normal" and (is_density(left) or _is_law_name(left)):
        like = None if is_density(left) else [N.x(N.T)] if reader.context.chain else [N.z]
        made = laws.law(reader, left, None if like is None or not _says_latent(left) else like)
        return (
            LogDensity(made),
            LogDensity(laws.normal(reader, right, [*made.variables])),
            False,
        )
    if relation == r"\propto":
        return reader.log(left), reader.log(right), False
    if _is_member(reader, left) and _mentions_noise(reader, right):
        return _random_equation(reader, left, right)
    densities = relation in ("=", ":=", r"\equiv") and (has_density(left) or has_density(right))
    if densities and not any(n.kind in ("log", "mean", "KL", "add", "int") for n in (left, right)):
        try:
            return reader.log(left), reader.log(right), False
        except NotRead as reason:  # densities times vectors
            if reason.message != NO_LOGARITHM:
                raise
    if relation in ("=", ":=", r"\equiv") and _exponential(left) and _exponential(right):
        return reader.log(left), reader.log(right), False
    return reader.value(left), reader.value(right), False


def _exponential(node: Node) -> bool:
    """Is it a product or ratio of exponentials alone?"""
    node = bare(node)
    if node.kind in ("mul", "frac", "over"):
        return all(map(_exponential, node[0] if node.kind == "mul" else node.parts[:2]))
    return node.kind == "exp"


def is_density(node: Node) -> bool:
    """p(...) or q(...)."""
    return node.kind == "call" and node[0][0].letter in LAW_LETTERS


def _is_law_name(node: Node) -> bool:
    return node.kind == "sym" and node[0].letter in LAW_LETTERS and bool(node[0].labels)


def _says_latent(node: Node) -> bool:
    return node.kind == "sym" and bool({"latent", "prior"} & set(node[0].labels))


def _is_member(reader: Reader, node: Node) -> bool:
    return reader.context.chain and node.kind == "sym" and node[0].letter in ("x", "X") and not node[0].accents


def _mentions_noise(reader: Reader, node: Node) -> bool:
    """Is there a noise that is not inside a network's argument?"""
    if node.kind == "sym":
        noises = ("epsilon", "z", reader.settings.noise)
        plain = set(node[0].labels) <= ddpm.STARS
        return node[0].letter in noises and plain and not {"hat"} & set(node[0].accents)
    if node.kind == "call":
        return False
    from threefold.check.tree import children

    return any(_mentions_noise(reader, c) for c in children(node))


def _random_equation(reader: Reader, left: Node, right: Node) -> tuple[Any, Any, bool]:
    """x_t = m + b eps: what it says about the law of x_t; x_0 = (x_t - b eps)/a is only rearranged."""
    from derivations.kernel.algebra import linear_form

    member, value = reader.value(left), reader.value(right)
    twice = _drawn_twice(reader, right)
    if twice:
        reader.repaired = True
        reader.note("one letter in several terms is a noise of its own in each")
        value -= sp.Add(*twice) * N.eps
    drawn, rest = _noise_terms(value)
    drawn += [c**2 for c in twice]
    form = linear_form(rest)
    mean = sp.Add(*[c * a for a, c in form.items()])
    states = mean.atoms(N.x)
    if not drawn and not mean.atoms(*ddpm.NOISES) and not mean.has(N.eps):  # the noises cancel
        return member, value, True
    noisy = mean.has(N.eps) or mean.atoms(*ddpm.NOISES)
    if not drawn or len(states) != 1 or not isinstance(member, N.x) or noisy:
        raise NotRead("an equation between random variables that is not of the form m(x) + b eps")
    (state,) = states
    if state == member:
        raise NotRead("a state in terms of itself")
    backwards = sp.expand(state.args[0] - member.args[0])
    if backwards.is_positive and mean == form.get(state, 0) * state and member == N.x(0):
        return member, value, True
    law = Density("p" if backwards.is_positive else "q", [member], [state])
    spread = sp.Add(*drawn)
    if reader.context.name == "ddpm":
        spread = growth.added_up(spread, 1 - (mean / state) ** 2)
    return LogDensity(law), LogDensity(Normal(member, mean, spread)), True


def _drawn_twice(reader: Reader, node: Node) -> list[Any]:
    """The factors of the one noise, where several terms of the sum have it: each may be a draw of its own."""
    from derivations.kernel.algebra import linear_form

    if not reader.context.chain:
        return []
    noisy = [(sign, term) for sign, term in _terms(node) if _mentions_noise(reader, term)]
    found = [(-1 if sign == "-" else 1) * linear_form(reader.value(term)).get(N.eps, 0) for sign, term in noisy]
    found = [c for c in found if c != 0]
    return found if len(found) > 1 else []


def _terms(node: Node) -> list[tuple[str, Node]]:
    node = bare(node)
    if node.kind == "group":
        return _terms(node[0])
    if node.kind != "add":
        return [("", node)]
    flip = {"": "", "+": "", "-": "-"}
    return [
        ("-" if (flip[sign] == "-") != (inner == "-") else "", term)
        for sign, part in node[0]
        for inner, term in _terms(part)
    ]


def determined(reader: Reader, lhs: Any) -> bool:
    """Is it a law q(x_t | x_s) of two or more steps, which the step that the document defines fixes?"""
    if not (reader.settings.own or reader.settings.step) or not isinstance(lhs, LogDensity):
        return False
    law = lhs.args[0]
    (member,), (state,) = law.variables, law.given
    apart = member.args[0] - state.args[0]
    closed = reader.context.close(law, reader.settings)
    return bool(law.args[0].name == "q" and apart != 1 and isinstance(closed, Normal))


def path_by_path(lhs: Any, rhs: Any) -> bool:
    """Is it an equation between values of noises, which random variables of one law need not satisfy?"""
    return is_vector(lhs) and any(bool(e.atoms(*ddpm.NOISES)) for e in (lhs, rhs))


def _noise_terms(value: Any) -> tuple[list[Any], Any]:
    """The variances of the independent noises in a sum, and what is left: b eps_t has b^2, a sum of them their sum."""
    from derivations.kernel.algebra import linear_form

    drawn: list[Any] = []
    rest: Any = sp.S.Zero
    seen: set[Any] = set()
    for atom, factor in linear_form(value).items():
        if isinstance(atom, SumTo):
            body, index, low, high = atom.args
            inner = linear_form(body)
            if len(inner) == 1 and next(iter(inner)) in [noise(index) for noise in ddpm.NOISES]:
                drawn.append(factor**2 * SumTo(next(iter(inner.values())) ** 2, index, low, high))
                seen.add("a sum of noises")
                continue
        if atom == N.eps or isinstance(atom, ddpm.NOISES):
            drawn.append(factor**2)
            seen.add(atom)
            continue
        rest += factor * atom
    if len(seen) > 1 and seen & {N.eps, "a sum of noises"}:
        raise NotRead("noises that need not be independent")
    return drawn, rest
