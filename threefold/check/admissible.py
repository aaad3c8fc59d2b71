"""Every admissible reading of a link with its context and settings, and the goals that the readings set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations import printing
from derivations.kernel.terms import VectorFunction, VectorSymbol, is_vector, unfold_all
from derivations.rules import Block, Coord, Density
from threefold.check import laws
from threefold.check.contexts.base import DECLARED_BY_NOBODY, Context, Settings
from threefold.check.contexts.detect import CONTEXTS, context_of
from threefold.check.goals import Goal
from threefold.check.parse import Choices
from threefold.check.parses import Parsed, parses
from threefold.check.read import Reader
from threefold.check.reading import Reading
from threefold.check.readings import lower
from threefold.check.substitutions import Substitution, available
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import NotRead


def settings_of(task: Task) -> list[Settings]:
    """The settings with each decoder that the document defined, the last one first, read into terms."""
    found: list[Settings] = []
    for kind, mean, variance in reversed(task.settings.decoders):
        made = _with_decoder(task, kind, mean, variance)
        if made is not None and made not in found:
            found.append(made)
    return found or [task.settings]


def _with_decoder(task: Task, kind: str, mean_node: Any, variance_node: Any) -> Settings | None:
    reader = Reader(CONTEXTS["vae"], Settings(), task.definitions)
    try:
        mean = reader.value(mean_node)
        if kind == "bernoulli":
            whole = mean.args[0] if isinstance(mean, Coord) else None
            return None if whole is None else replace(task.settings, decoder=kind, decoder_mean=whole)
        spread, variance = laws.variance(reader, variance_node)
        if spread != "isotropic" or not is_vector(mean):
            return None
        return replace(task.settings, decoder=kind, decoder_mean=mean, decoder_variance=variance)
    except (NotRead, ValueError, TypeError, AttributeError):
        return None


Found = tuple[Reading, Context, Settings]


def read(task: Task) -> list[Found]:
    """Every reading of the link, the natural one first. Raises NotRead when there is none."""
    found: list[Found] = []
    first: NotRead | None = None
    variants = settings_of(task)
    given = [Parsed(left, right, Choices()) for left, right in task.nodes]
    for parsed in given or parses(task.left, task.right):
        for name in task.contexts:
            context = context_of(name, task.settings)
            for settings in variants:
                try:
                    made = lower(parsed, task.relation, context, settings, task.definitions)
                except NotRead as reason:
                    first = first or reason
                    continue
                new = [(r, context, settings) for r in made]
                found += [n for n in new if not any(_same(n, f) for f in found)]
    if not found:
        assert first is not None
        raise first
    declared = [f for f in found if not f[0].guesses]
    return _of_its_own_decoder(declared or found)


def _of_its_own_decoder(found: list[Found]) -> list[Found]:
    """Of several decoders, the one whose parameters the line writes."""
    own = [f for f in found if _names_decoder(f[0], f[2])]
    return own or found


def _names_decoder(reading: Reading, settings: Settings) -> bool:
    parts = sp.Tuple(*(e for e in (settings.decoder_mean, settings.decoder_variance) if e is not None))
    written = sp.Tuple(reading.lhs, reading.rhs)
    heads = {type(f) for f in parts.atoms(VectorFunction)}
    letters = parts.atoms(VectorSymbol, sp.Symbol) - {N.z, N.obs}
    return bool(
        heads & {type(f) for f in written.atoms(VectorFunction)} or letters & written.atoms(VectorSymbol, sp.Symbol)
    )


def _same(one: Found, two: Found) -> bool:
    """The same terms, under settings that close them alike."""
    (a, context, settings), (b, other, theirs) = one, two
    if (a.lhs, a.rhs, a.relation, context.name) != (
        b.lhs,
        b.rhs,
        b.relation,
        other.name,
    ):
        return False
    both = unfold_all(sp.Tuple(a.lhs, a.rhs))
    return bool(settings == theirs or context.close(both, settings) == context.close(both, theirs))


def closed(context: Context, settings: Settings, e: Any) -> Any:
    """The terms with the laws that the context and the document fix."""
    return context.close(e, settings)


def goal_of(reading: Reading, context: Context, settings: Settings) -> Goal:
    domain = context.domain(set(reading.indices), settings, dict(reading.intervals))
    supposed = context.hypotheses
    if settings.foreign and context.name == "ddpm":  # the document has a forward law of its own
        supposed = tuple(h for h in supposed if h != N.gaussian_forward)
    return Goal(reading.lhs, reading.relation, reading.rhs, domain, supposed, context.chain)


def _furthest_back(reading: Reading) -> int:
    """k where x_{t-k} is the earliest member of the chain in sight."""
    steps = [N.t - a.args[0] for a in sp.Tuple(reading.lhs, reading.rhs).atoms(N.x)]
    return max((int(k) for k in steps if k.is_Integer), default=0)


def goals_of(reading: Reading, context: Context, settings: Settings) -> list[Goal]:
    """The goal where it means something: from t = 2 on, where abar_{t-1} occurs, else from t = 1 on; then the other."""
    if context.name == "linear-gaussian":  # an instance at t = 2 must be one of the chain
        return [goal_of(reading, context, replace(settings, first=max(2, _furthest_back(reading))))]
    if not (context.chain and N.t in reading.indices and context.name in ("ddpm", "ddim")):
        return [goal_of(reading, context, settings)]
    later = goal_of(reading, context, replace(settings, first=2))
    if settings.first == 2:
        return [later]
    first = goal_of(reading, context, settings)
    both = sp.Tuple(reading.lhs, reading.rhs)
    return [later, first] if _from_two_on(both) else [first, later]


def _from_two_on(both: Any) -> bool:
    """Does it mean something from t = 2 on only: abar_{t-1} in a denominator, or x_0 and x_{t-1} in one law?"""
    if both.has(N.abar(N.t - 1)) or both.has(N.x(N.t - 2)):
        return True
    before, start = N.x(N.t - 1), N.x(0)
    for law in both.atoms(Density):
        members = [*law.variables, *law.given]
        ends = [m.args[1] for m in members if isinstance(m, Block)]
        if start in members and (before in members or N.t - 1 in ends):
            return True
    return False


def with_substitutions(
    task: Task, reading: Reading, context: Context, settings: Settings
) -> Iterator[tuple[Substitution, Goal]]:
    for put in available(context, settings, task.definitions, reading.unfold):
        if not put.fits(reading.lhs, reading.rhs):
            continue
        lhs, rhs = put(reading.lhs), put(reading.rhs)
        if (lhs, rhs) != (reading.lhs, reading.rhs):
            yield put, goals_of(reading, context, settings)[0].at(lhs, rhs)


_MADE_UP = re.compile(rf"\b{DECLARED_BY_NOBODY}(\w+?)(?:_of|_at)?(?:_real)?\b")


def shown(text: str) -> str:
    """Our print with the made-up names as they were written."""
    return _MADE_UP.sub(r"\1", text)


def answer(verdict: str, reading: Reading, reason: str = "", **more: Any) -> Answer:
    relation = reading.relation
    return Answer(
        verdict,
        reason,
        reading=shown(printing.relation_text(reading.lhs, relation, reading.rhs)),
        reading_latex=printing.relation_latex(reading.lhs, relation, reading.rhs),
        context=reading.context,
        notes=reading.notes,
        uses=reading.uses,
        **more,
    )
