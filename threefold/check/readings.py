"""The admissible readings of one link: every parse that its doubtful notation allows, each lowered to two terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import Malformed, bound_indices, free_scalars, is_vector
from derivations.rules import Block, Density, Expect, LogDensity, Normal, SumTo
from threefold.check import gradients, laws, moments, print_back
from threefold.check.contexts import ddpm
from threefold.check.contexts.base import Context, Settings
from threefold.check.definitions import (
    Definitions,
    is_evidence_bound,
    is_loss,
    lone,
    settable,
    tie,
    unsquared,
)
from threefold.check.lowering import Unfold
from threefold.check.parses import Parsed
from threefold.check.read import Reader, settle
from threefold.check.shapes import LAW_LETTERS, has_density
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare, walk

RELATIONS = {
    "=": "=",
    ":=": "=",
    r"\equiv": "=",
    "=c": "=",
    r"\le": "<=",
    r"\ge": ">=",
    "<": "<",
    ">": ">",
    r"\propto": "=",
}


@dataclass(frozen=True)
class Reading:
    """lhs relation rhs in the kernel's terms, and how it was reached."""

    lhs: Any
    relation: str
    rhs: Any
    context: str
    notes: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    intervals: tuple[tuple[str, Any], ...] = ()
    indices: frozenset[Any] = frozenset()
    constant: bool = False  # + const, ∝: equal up to what is free of the variable
    repaired: bool = False
    lone_left: str = ""  # a lone name that may be set here
    lone_right: str = ""
    random: bool = False  # an equation between random variables, compared as laws
    sets: str = ""  # what the left side sets, if it is a law or a variable that the document may choose
    free_of_network: bool = False  # gradients in the parameters: the sides may differ by what is free of the network
    stronger: bool = False  # a claim that implies the printed one, and is not implied by it
    opposite: bool = False  # a minimum against a maximum: it may be refuted, and is not proved
    lost_law: bool = False  # an expectation whose law is not written
    model: bool = False  # a law letter is read as the model's
    uses: tuple[int, ...] = ()


def lower(
    parsed: Parsed,
    relation: str,
    context: Context,
    settings: Settings,
    definitions: Definitions,
) -> list[Reading]:
    """The readings of one parse: with the document's names put in, and (where that fails) without."""
    found: list[Reading] = []
    reasons: list[NotRead] = []
    ways: list[tuple[Unfold, bool, Definitions]] = [("all", False, definitions)]
    if definitions.older:
        ways.append(("all", False, definitions.at_first()))
    if definitions.names:
        ways += [("losses", False, definitions), ("none", False, definitions)]
    ways += [("all", True, definitions)] * _reverse_of_q(parsed)
    for unfold, as_model, known in ways:
        reader = Reader(context, settings, known, unfold=unfold)
        reader.as_model = as_model
        try:
            made = _lowered(reader, parsed, relation)
        except NotRead as reason:
            reasons.append(reason)
        except (
            Malformed,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
            IndexError,
            RecursionError,
        ) as reason:
            reasons.append(NotRead(str(reason) or type(reason).__name__))
        else:
            if not any((r.lhs, r.rhs) == (made.lhs, made.rhs) for r in found):
                found.append(replace(made, model=as_model))
            for_every = _for_every_start(made)
            if for_every is not None and not as_model:
                found.append(for_every)
    if not found:
        raise reasons[0]
    return found


def _for_every_start(reading: Reading) -> Reading | None:
    """Where all is averaged over q(x_0, ...): the same for every x_0, which the average keeps."""
    sides = [_given_start(e) for e in (reading.lhs, reading.rhs)]
    if reading.context not in ("ddpm", "linear-gaussian") or None in sides or sides == [reading.lhs, reading.rhs]:
        return None
    notes = (*reading.notes, "shown for every x_0, and the average over x_0 keeps it")
    return replace(reading, lhs=sides[0], rhs=sides[1], notes=notes, stronger=True)


def _given_start(e: Any) -> Any:
    """Every average over q(x_0, V) as one over q(V | x_0); None where a term depends on the chain outside of one."""
    if is_vector(e):
        return None
    total: Any = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(e)):
        averages = [f for f in sp.Mul.make_args(term) if isinstance(f, Expect)]
        rest = term / sp.Mul(*averages)
        if len(averages) > 1 or rest.atoms(N.x, Block):
            return None
        if not averages:
            total += term
            continue
        law, body = averages[0].args
        if not isinstance(law, Density) or law.args[0].name != "q" or law.given:
            return None
        left = [v for v in law.variables if v != N.x(0)]
        left = [Block(N.x, 1, v.args[2]) if isinstance(v, Block) and v.args[1] == 0 else v for v in left]
        if left == list(law.variables):
            return None
        total += rest * (Expect(Density("q", left, [N.x(0)]), body) if left else body)
    return total


def _reverse_of_q(parsed: Parsed) -> bool:
    """Is q(x_{t-1} | x_t) written, which may be meant as the model's kernel?"""
    for node in (parsed.left, parsed.right):
        for inner in walk(node):
            if inner.kind == "call" and inner[0][0].letter in ("q", "Q"):
                shown, behind = laws.split(inner)
                texts = [print_back.signs(n) for n in (*shown, *behind)]
                if (
                    len(shown) == len(behind) == 1
                    and texts[0][-4:] == ["t", "-", "1", "}"]
                    and texts[1][-2:] == ["t", "}"]
                ):
                    return True
    return False


def _lowered(reader: Reader, parsed: Parsed, relation: str) -> Reading:
    left, right = bare(parsed.left), bare(parsed.right)
    opposite = False
    if left.kind == right.kind == "opt" and {left[0], right[0]} <= {"min", "max"} and left[1] == right[1]:
        opposite = left[0] != right[0]
        reader.note("over a family of one, which every family may be")
        left, right = bare(left[2]), bare(right[2])
    inner = gradients.of_parameters(left), gradients.of_parameters(right)
    if inner[0] is not None and inner[1] is not None:
        left, right = bare(inner[0]), bare(inner[1])
    scaled = moments.without_identity(left), moments.without_identity(right)
    if scaled[0] is not None and scaled[1] is not None:
        reader.note("multiples of the identity, compared by their factors")
        left, right = scaled[0], scaled[1]
    lhs, rhs, random = _sides(reader, left, right, relation)
    lhs, rhs = settle(sp.sympify(lhs)), settle(sp.sympify(rhs))
    lhs, rhs = _renamed(reader, lhs, rhs)
    if is_vector(lhs) != is_vector(rhs) and 0 not in (lhs, rhs):
        raise NotRead("a vector on one side, a number on the other")
    opaque = reader.opaque
    used = (free_scalars(sp.Tuple(lhs, rhs)) | reader.indices) & {
        N.t,
        N.s,
        N.i,
        N.j,
        N.k,
    }
    return Reading(
        lhs,
        RELATIONS[relation],
        rhs,
        reader.context.name,
        tuple([*parsed.repairs, *reader.notes]),
        tuple(sorted(opaque.guesses.values())) if opaque else (),
        tuple(sorted(opaque.intervals.items(), key=lambda kv: kv[0])) if opaque else (),
        frozenset(used - bound_indices(sp.Tuple(lhs, rhs))) | frozenset(used & free_scalars(sp.Tuple(lhs, rhs))),
        constant=relation in (r"\propto", "=c") or reader.constants > 0,
        repaired=reader.repaired or bool(parsed.repairs),
        lone_left=_lone(reader, left),
        lone_right=_lone(reader, right),
        random=(random and not _determined(reader, lhs)) or _path_by_path(lhs, rhs),
        free_of_network=inner[0] is not None and inner[1] is not None,
        opposite=opposite,
        lost_law=reader.lost_law,
        sets="" if random and _determined(reader, lhs) else _sets(reader, left, lhs),
        uses=tuple(dict.fromkeys(reader.uses)),
    )


def _sets(reader: Reader, left: Node, lhs: Any) -> str:
    """The law or the variable that an equality with this left side defines, in words; '' for none."""
    if left.kind == "sym" and left[0].letter in ("x", "X", "z", "Z") and not left[0].accents:
        return "a random variable is set"
    if isinstance(lhs, LogDensity) and isinstance(lhs.args[0], Density) and _is_density(left):
        law = lhs.args[0]
        variables, given = list(law.variables), list(law.given)
        if not reader.context.chain:
            primitive: set[Any] = {
                ("p", (N.z,), ()),
                ("q", (N.z,), (N.obs,)),
                ("p", (N.obs,), (N.z,)),
                ("p", (N.obs,), ()),
            }
            primitive |= {("p", tuple(sorted([N.z, N.obs], key=str)), ())}
            return "a law is set" if (law.args[0].name, tuple(variables), tuple(given)) in primitive else ""
        if law.args[0].name == "p" or len(variables) != 1 or not isinstance(variables[0], N.x):
            return "a law is set"
        steps = {g.args[0] for g in given if isinstance(g, N.x)}
        if steps in (
            {variables[0].args[0] - 1},
            {variables[0].args[0] - 1, sp.Integer(0)},
        ):
            return "a law is set"
    return ""


def _lone(reader: Reader, node: Node) -> str:
    """The name that a side consists of, unless the document defined it above or it is the bound by its name."""
    if not settable(node):
        return ""
    found = lone(unsquared(node))
    if found is None or (reader.definitions.named(found[0]) is not None and not is_loss(found[0])):
        return ""
    if is_evidence_bound(found[0]) and "ELBO" in reader.context.symbols:
        return ""
    return tie(found[0])


def _sides(reader: Reader, left: Node, right: Node, relation: str) -> tuple[Any, Any, bool]:
    if right.kind == "normal" and (_is_density(left) or _is_law_name(left)):
        like = None if _is_density(left) else [N.x(N.T)] if reader.context.chain else [N.z]
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
        return reader.log(left), reader.log(right), False
    return reader.value(left), reader.value(right), False


def _is_density(node: Node) -> bool:
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
        return node[0].letter in noises and not node[0].labels and not {"hat"} & set(node[0].accents)
    if node.kind == "call":
        return False
    from threefold.check.tree import children

    return any(_mentions_noise(reader, c) for c in children(node))


def _random_equation(reader: Reader, left: Node, right: Node) -> tuple[Any, Any, bool]:
    """x_t = m + b eps: what it says about the law of x_t; x_0 = (x_t - b eps)/a is only rearranged."""
    from derivations.kernel.algebra import linear_form

    member, value = reader.value(left), reader.value(right)
    drawn, rest = _noise_terms(value)
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
    return LogDensity(law), LogDensity(Normal(member, mean, sp.Add(*drawn))), True


def _determined(reader: Reader, lhs: Any) -> bool:
    """Is it a law q(x_t | x_s) of two or more steps, which the step that the document defines fixes?"""
    if not (reader.settings.own or reader.settings.step) or not isinstance(lhs, LogDensity):
        return False
    law = lhs.args[0]
    (member,), (state,) = law.variables, law.given
    apart = member.args[0] - state.args[0]
    closed = reader.context.close(law, reader.settings)
    return bool(law.args[0].name == "q" and apart != 1 and isinstance(closed, Normal))


def _path_by_path(lhs: Any, rhs: Any) -> bool:
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


def _renamed(reader: Reader, lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """An index that is bound on one side and free on the other is two indices."""
    pair = [lhs, rhs]
    for one, two in ((0, 1), (1, 0)):
        if N.t in bound_indices(pair[one]) and N.t in free_scalars(pair[two]):
            pair[one] = pair[one].xreplace({N.t: N.s})
            reader.note("t is bound on one side and free on the other")
    return pair[0], pair[1]


def names_of_laws(node: Node) -> set[str]:
    return {n[0][0].plain for n in walk(node) if n.kind == "call" and n[0][0].letter in LAW_LETTERS}
