"""The admissible readings of one link: every parse that its doubtful notation allows, each lowered to two terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.dependence import free_variables
from derivations.kernel.terms import (
    Averaging,
    Law,
    Malformed,
    VectorFunction,
    VectorSymbol,
    bound_indices,
    free_scalars,
    is_vector,
)
from derivations.rules import Density, Domain, Expect, LogDensity
from threefold.check import denoising, gradients, laws, moments, print_back, sides, single, slopes, varying
from threefold.check.averaging import otherwise_averaged
from threefold.check.contexts import ddim, ddpm
from threefold.check.contexts.base import Context, Settings
from threefold.check.definitions import (
    Definitions,
    is_evidence_bound,
    is_loss,
    is_own,
    lone,
    settable,
    tie,
    unsquared,
)
from threefold.check.lowering import Unfold
from threefold.check.parses import Parsed
from threefold.check.read import Reader, settle
from threefold.check.reading import Reading
from threefold.check.shapes import LAW_LETTERS
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, bare, walk

ANYWHERE = Domain({}, {N.T: (sp.S.One, sp.oo)})
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
    for way in _ways(parsed, context, definitions):
        for positive in (False, True):
            reader = Reader(context, settings, way.definitions, unfold=way.unfold)
            reader.as_model, reader.amortised, reader.latent_size = way.as_model, way.amortised, way.latent_size
            reader.true_law = way.true_law
            reader.by_slopes, reader.scalar_fields = way.by_slopes, way.scalar_fields
            reader.single = way.single
            made = _attempted(reader, parsed, relation, positive)
            if isinstance(made, NotRead):
                reasons.append(made)
                continue
            if not any((r.lhs, r.rhs) == (made.lhs, made.rhs) for r in found):
                found.append(made)
            if not way.as_model:
                found += otherwise_averaged(made, context, settings)
            if not made.intervals:  # nothing whose sign could matter
                break
    if not found:
        raise next((r for r in reasons if r.message != slopes.NOT_TAKEN), reasons[0])
    return sorted(found, key=lambda r: r.supposed)


@dataclass(frozen=True)
class _Way:
    """How one reading takes what the line leaves open."""

    unfold: Unfold
    definitions: Definitions
    as_model: bool = False  # q(x_{t-1} | x_t) is the model's kernel
    amortised: bool = False  # q(z) is the encoder q(z | x)
    true_law: bool = False  # p_t(x_t), and then every p without a parameter, is the forward law
    latent_size: bool = False  # d counts the coordinates of the latent
    by_slopes: bool = False  # gradients in a parameter are worked out, law by law
    single: bool = False  # the latent has one coordinate
    scalar_fields: bool = False  # f(z) of an f that nobody declared is a number


def _ways(parsed: Parsed, context: Context, definitions: Definitions) -> list[_Way]:
    """Every way to read the line, the natural one first."""
    nodes = [n for side in (parsed.left, parsed.right) for n in walk(side)]
    ways = [_Way("all", definitions, true_law=context.chain and any(map(laws.of_noisy_data, nodes)))]
    if ways[0].true_law:
        return ways
    if definitions.older:
        ways.append(_Way("all", definitions.at_first()))
    if definitions.names or definitions.laws:
        ways += [_Way("losses", definitions), _Way("none", definitions)]
    if context.name == "vae":
        if any(map(laws.unconditional_encoder, nodes)):
            ways += [replace(w, amortised=True) for w in ways]
        if any(n.kind == "sym" and n[0].plain in ("d", "D") for n in nodes):
            ways += [replace(w, latent_size=True) for w in ways]
        if any(slopes.parameter(n) is not None for n in nodes):
            ways += [replace(w, by_slopes=True, scalar_fields=numbers) for w in ways for numbers in (False, True)]
    if single.fits((parsed.left, parsed.right), context):
        ways.append(_Way("all", definitions, amortised=True, single=True))
    return [*ways, *[_Way("all", definitions, as_model=True)] * _reverse_of_q(parsed)]


def _attempted(reader: Reader, parsed: Parsed, relation: str, positive: bool) -> Reading | NotRead:
    """One reading, or why it is none. `positive`: what nobody declared is supposed to be positive."""
    if reader.opaque is not None:
        reader.opaque.positive = positive
    try:
        made = _lowered(reader, parsed, relation)
    except NotRead as reason:
        return reason
    except (Malformed, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as reason:
        return NotRead(str(reason) or type(reason).__name__)
    made = replace(made, model=reader.as_model, unfold=reader.unfold)
    if positive and reader.opaque is not None and reader.opaque.numbers:
        names = ", ".join(sorted(reader.opaque.numbers.values()))
        return replace(made, supposed=True, notes=(*made.notes, f"{names}: not declared, and supposed to be positive"))
    return made


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
    if parsed.choices.log_over_dot:
        reader.note("log reaches over the dot")
    letters = {n[0].letter for side in (left, right) for n in walk(side) if n.kind == "sym"}
    reader.line_letters = letters
    reader.names_matrices = "Sigma" in letters
    reader.names_no_data = not reader.context.chain and not letters & {"x", "X", "z", "Z"}
    reader.calls = parsed.choices.letters_call
    reader.reaches = varying.reaches((left, right))
    opposite = False
    if left.kind == right.kind == "opt" and {left[0], right[0]} <= {"min", "max"} and left[1] == right[1]:
        opposite = left[0] != right[0]
        reader.note("over a family of one, which every family may be")
        left, right = bare(left[2]), bare(right[2])
    inner = gradients.of_parameters(left), gradients.of_parameters(right)
    if reader.by_slopes:
        inner = None, None
        reader.moved, reader.parameter = slopes.moved_laws((left, right), reader.settings.priors)
        reader.withheld = "a gradient in the parameters"
    if inner[0] is not None and inner[1] is not None:
        left, right = bare(inner[0]), bare(inner[1])
    scaled = moments.without_identity(left), moments.without_identity(right)
    if scaled[0] is not None and scaled[1] is not None:
        reader.note("multiples of the identity, compared by their factors")
        left, right = scaled[0], scaled[1]
    lhs, rhs, random = sides.sides(reader, left, right, relation)
    lhs, rhs = settle(sp.sympify(lhs)), settle(sp.sympify(rhs))
    if reader.single:
        reader.note("of one coordinate, as a sum over them")
        reader.indices.discard(N.i)
        lhs, rhs = single.summed(lhs), single.summed(rhs)
    lhs, rhs = _renamed(reader, lhs, rhs)
    if reader.by_slopes:
        lhs, rhs = (slopes.without_mean_slopes(reader, e) for e in (lhs, rhs))
    if reader.context.chain:
        lhs, rhs = denoising.with_scores(reader, lhs, rhs, (left, right))
        lhs, rhs = moments.of_data(reader, lhs, rhs)
    if is_vector(lhs) != is_vector(rhs) and 0 not in (lhs, rhs):
        raise NotRead("a vector on one side, a number on the other")
    if relation == "=" and sp.S.Zero in (lhs, rhs) and {left.kind, right.kind} & {"KL", "grad"}:
        reader.withheld = "an equation with zero may be what is wished for"
    if reader.true_law and not any(laws.of_noisy_data(n, between=True) for s in (left, right) for n in walk(s)):
        reader.withheld = "p_0 and p_T may be laws of the model"
    opaque = reader.opaque
    both = sp.Tuple(lhs, rhs)
    named = bool(reader.scored)
    if not reader.context.chain and any(reader.scored & set(e.args[0].variables) for e in both.atoms(Expect)):
        lhs, rhs = gradients.as_functions(reader, lhs, rhs)
        both = sp.Tuple(lhs, rhs)
    if reader.context.chain and both.atoms(Expect) and any(N.eps in free_variables(e, ANYWHERE) for e in both):
        reader.withheld = "the noise stands free beside an average over the states that it makes"
        if any(N.eps in free_variables(e.args[1], ANYWHERE) for e in _over_states(both)):
            raise NotRead(reader.withheld)
    if _of_another_scale(reader, both, left, right):
        reader.withheld = "the document scales its states in a way of its own"
    if reader.context.name == "vae":
        if _of_data(both):
            reader.withheld = "p(x) may be the law of the data here"
        if any(
            n.kind == "KL" and len(n.parts) > 5 and n[5].kind == "sym" for s in (left, right) for n in walk(s)
        ) and any(N.obs in d.variables for d in both.atoms(Density)):
            reader.withheld = "p alone may be p(z) or p(z | x)"
    constant = reader.scored if not reader.scores else set()  # scores that are functions may be averaged over
    if any(constant & set(e.args[0].variables) for e in both.atoms(Expect)):
        raise NotRead("an average over what a score depends on")
    if named and (
        reader.context.chain or both.atoms(Averaging, Law) or _scores_stand_alone(sp.expand(lhs), sp.expand(rhs))
    ):
        reader.withheld = "the score of a law that is only named is no free vector"
    used = (free_scalars(both) | reader.indices) & {
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
        indices=frozenset(used - bound_indices(sp.Tuple(lhs, rhs)))
        | frozenset(used & free_scalars(sp.Tuple(lhs, rhs))),
        capitals=tuple(opaque.capitals) if opaque else (),
        vectors=bool(both.atoms(VectorSymbol, VectorFunction)),
        constant=relation in (r"\propto", "=c") or reader.constants > 0,
        repaired=reader.repaired or bool(parsed.repairs),
        lone_left=_lone(reader, left),
        lone_right=_lone(reader, right),
        random=(random and not sides.determined(reader, lhs)) or sides.path_by_path(lhs, rhs),
        free_of_network=inner[0] is not None and inner[1] is not None,
        opposite=opposite,
        single=reader.single,
        lost_law=reader.lost_law,
        withheld=reader.withheld,
        sets="" if random and sides.determined(reader, lhs) else _sets(reader, left, lhs, rhs),
        uses=tuple(dict.fromkeys(reader.uses)),
        theorems=tuple(dict.fromkeys(reader.theorems)),
    )


def _over_states(both: Any) -> list[Any]:
    """The averages over states of the chain that may have made what stands under them."""
    return [e for e in both.atoms(Expect) if any(type(v) is N.x for v in e.args[0].variables)]


def _scores_stand_alone(*sides: Any) -> bool:
    """Has one side the scores, and the other none, but vectors that the scores may be functions of?"""
    kinds = [{str(v).startswith("score_") for v in side.atoms(VectorSymbol, VectorFunction)} for side in sides]
    return any(True in a and b == {False} for a, b in (kinds, kinds[::-1]))


def _of_another_scale(reader: Reader, both: Any, left: Node, right: Node) -> bool:
    """Where the document scales its states as it likes: a state beside a noise, or the letters of that scale."""
    settings = reader.settings
    if not reader.context.chain or not (settings.foreign or settings.scaled):
        return False
    names = [n[0] for side in (left, right) for n in walk(side) if n.kind in ("sym", "call")]
    if settings.scaled and any(n.letter in ("alpha", "sigma") and not n.accents for n in names if isinstance(n, Name)):
        return True
    made = both.atoms(VectorSymbol, VectorFunction)
    return any(v == N.eps or type(v) in ddpm.NOISES for v in made) and any(type(v) is N.x for v in made)


def _of_data(both: Any) -> bool:
    """Is p(x) averaged over, or does it stand beside the encoder's joint law, that of x and z together?"""
    marginal = Density("p", [N.obs])
    if any(e.args[0] == marginal for e in both.atoms(Expect)):
        return True
    laws_there = both.atoms(Density)
    return marginal in laws_there and any(d.args[0].name == "q" and N.obs in d.variables for d in laws_there)


def _sets(reader: Reader, left: Node, lhs: Any, rhs: Any) -> str:
    """The law or the variable that an equality with this left side defines, in words; '' for none."""
    if left.kind == "sym" and left[0].letter in ("x", "X", "z", "Z") and not left[0].accents:
        return "a random variable is set"
    if sides.is_density(left) and len(left[1]) == 1 and laws.is_noise(reader, bare(left[1][0])):
        return "a law is set"
    aggregate = LogDensity(Density("q", [N.z]))
    if lhs in (aggregate, sp.exp(aggregate)) and sides.is_density(left):
        return "a law is set"
    if isinstance(lhs, LogDensity) and isinstance(lhs.args[0], Density) and sides.is_density(left):
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
        if law.args[0].name in ("p", ddim.FAMILY) or len(variables) != 1 or not isinstance(variables[0], N.x):
            return "a law is set"
        steps = {g.args[0] for g in given if isinstance(g, N.x)}
        if steps in (
            {variables[0].args[0] - 1},
            {variables[0].args[0] - 1, sp.Integer(0)},
        ) and not (reader.settings.step and not isinstance(rhs, LogDensity)):  # its density, once the law is given
            return "a law is set"
    return ""


def _lone(reader: Reader, node: Node) -> str:
    """The name that a side consists of, unless the document defined it above or it is the bound by its name."""
    if not settable(node):
        return ""
    found = lone(unsquared(node))
    fixed = found is not None and reader.definitions.named(found[0]) is not None and not is_loss(found[0])
    if found is None or (fixed and not is_own(*found)):
        return ""
    if is_evidence_bound(found[0]) and "ELBO" in reader.context.symbols:
        return ""
    return tie(found[0])


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
