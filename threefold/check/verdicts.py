"""What one link is worth: parsed, read in every admissible way, proved, or refuted under all of them.

The rules against false alarms are here: a link is refuted only if nothing that it may mean is true.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations import printing
from derivations.kernel.terms import is_vector, unfold_all
from derivations.kernel.verdict import Witness
from derivations.rules import Block, Coord, Density, LogDensity, Normal
from threefold.check import constants, kernel, laws, repair, search
from threefold.check.contexts.base import Context, Settings
from threefold.check.contexts.detect import CONTEXTS
from threefold.check.definitions import Definition, Definitions
from threefold.check.parse import Choices
from threefold.check.read import Reader
from threefold.check.readings import Parsed, Reading, lower, parses
from threefold.check.substitutions import Substitution, available, with_other_networks
from threefold.check.tokens import Item, NotRead
from threefold.check.tree import Node

REPAIR_SECONDS = 10.0


@dataclass(frozen=True)
class Task:
    """One link to be judged, with all that holds at its place. It travels to a worker."""

    left: tuple[Item, ...]
    relation: str
    right: tuple[Item, ...]
    contexts: tuple[str, ...]
    settings: Settings
    definitions: Definitions
    announced: bool = False  # the sentence says that something is left out
    leaves_out: int = 0  # the line where the text leaves something out that this link leans on; 0 for none
    field: bool = False  # the left side is a network that the document parameterises here
    may_define: bool = False  # the left side may be set here
    concludes: bool = False  # the author says that it follows
    nodes: tuple[tuple[Node, Node], ...] = ()  # sides that were made, and are not parsed
    theorem: str = ""  # what is assumed when these sides are compared
    earlier: tuple[Definition, ...] = ()  # what the same name was defined as before
    known: tuple[str, ...] = ()  # built-in names that the document has tied to their meaning
    seconds: float = 30.0


@dataclass(frozen=True)
class Answer:
    """The verdict and what a reader needs to believe it."""

    verdict: str
    reason: str = ""
    reading: str = ""
    reading_latex: str = ""
    context: str = ""
    notes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    how: str = ""
    at: tuple[tuple[str, str], ...] = ()
    left: str = ""
    right: str = ""
    place: int = 0
    repair: str = ""
    uses: tuple[int, ...] = ()
    seconds: float = 0.0


def decide(task: Task) -> Answer:
    """The verdict of one link. Raises nothing: what goes wrong is a reason."""
    started = time.perf_counter()
    deadline = time.process_time() + task.seconds  # of work: a busy machine makes no link undecided
    try:
        found = _decided(task, deadline)
    except NotRead as reason:
        found = Answer("not read", reason.message, place=reason.at)
    except kernel.OutOfTime:
        found = Answer("undecided", f"not decided within {task.seconds:g} s")
    except RecursionError:
        found = Answer("not read", "nested too deeply")
    except Exception as reason:  # whatever a library trips over, nothing is decided by it
        found = Answer("undecided", f"{type(reason).__name__}: {reason}"[:200])
    return replace(found, seconds=time.perf_counter() - started)


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
            context = CONTEXTS[name]
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
    return declared or found


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
    both = sp.Tuple(a.lhs, a.rhs)
    return bool(settings == theirs or context.close(both, settings) == context.close(both, theirs))


def _decided(task: Task, deadline: float) -> Answer:
    with kernel.limit(task.seconds):
        found = read(task)
    shown = found[0][0]
    if shown.free_of_network:
        return _same_gradient(task, found, deadline)
    proved = _proved(task, found, deadline)
    if proved is not None:
        return proved
    answer = _up_to_constant(task, found, deadline)
    if answer is not None:
        return answer
    return _refuted_or_not(task, found, deadline) or _answer(
        "undecided", shown, "no list of rules proves it, and no world refutes it"
    )


def _closed(context: Context, settings: Settings, e: Any) -> Any:
    """The terms with the laws that the context and the document fix."""
    return context.close(e, settings)


def _goal(reading: Reading, context: Context, settings: Settings) -> search.Goal:
    domain = context.domain(set(reading.indices), settings, dict(reading.intervals))
    supposed = context.hypotheses
    if settings.foreign:  # the document has a forward law of its own
        supposed = tuple(h for h in supposed if h != N.gaussian_forward)
    return search.Goal(reading.lhs, reading.relation, reading.rhs, domain, supposed, context.chain)


def _goals(reading: Reading, context: Context, settings: Settings) -> list[search.Goal]:
    """The goal where it means something: from t = 2 on, where abar_{t-1} occurs, else from t = 1 on; then the other."""
    if not (context.chain and N.t in reading.indices and context.name == "ddpm"):
        return [_goal(reading, context, settings)]
    later = _goal(reading, context, replace(settings, first=2))
    if settings.first == 2:
        return [later]
    first = _goal(reading, context, settings)
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


def _proved(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    for number, (reading, context, settings) in enumerate(found):
        if reading.opposite:
            continue
        close = partial(_closed, context, settings)
        for place, goal in enumerate(_goals(reading, context, settings)):
            result = search.prove(goal, close, deadline, thorough=place == 0 and not task.field)
            if result is not None:
                return _proved_answer(task, reading, result, "", number)
    for number, (reading, context, settings) in enumerate(found):
        if reading.opposite:
            continue
        if reading.relation != "=":
            continue
        for put, goal in _with_substitutions(task, reading, context, settings):
            close = partial(_closed, context, settings)
            if time.process_time() > deadline:
                return None
            result = search.prove(goal, close, deadline, thorough=not put.of_variable and not task.field)
            if result is not None:
                return _proved_answer(task, reading, result, put.words + ": ", number)
    return None


def _with_substitutions(
    task: Task, reading: Reading, context: Context, settings: Settings
) -> Iterator[tuple[Substitution, search.Goal]]:
    for put in available(context, settings, task.definitions):
        if not put.fits(reading.lhs, reading.rhs):
            continue
        lhs, rhs = put(reading.lhs), put(reading.rhs)
        if (lhs, rhs) != (reading.lhs, reading.rhs):
            yield put, _goals(reading, context, settings)[0].at(lhs, rhs)


def _proved_answer(task: Task, reading: Reading, found: search.Found, words: str, number: int) -> Answer:
    literal = (number == 0 or bool(task.nodes) or reading.stronger) and not reading.repaired
    if reading.model:
        return _answer(
            "two readings",
            reading,
            "true of the model's kernel; of the forward law it is another claim",
        )
    return _answer(
        "proved" if literal else "proved as read",
        reading,
        "" if literal else "; ".join(reading.notes) or "a reading that is not the first one",
        rules=(*found.proof.rules, *((task.theorem,) if task.theorem else ())),
        claims=found.proof.claims,
        side_conditions=found.proof.side_conditions,
        how=words + found.how,
    )


def _same_gradient(task: Task, found: Sequence[Found], deadline: float) -> Answer:
    """The gradients in the parameters agree if the two sides differ by what is free of the network."""
    made = _proved(task, found, deadline) or _up_to_constant(task, found, deadline)
    if made is None:
        return _answer(
            "undecided",
            found[0][0],
            "the two sides were not found to differ by a constant alone",
        )
    return replace(
        made,
        verdict="proved as read",
        reason="the two differ by what is free of the network",
    )


def _up_to_constant(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    for reading, context, settings in found:
        close = partial(_closed, context, settings)
        announced = reading.constant or task.announced
        puts = available(context, settings, task.definitions)
        for goal in _goals(reading, context, settings):
            constant = constants.find(goal, close, puts, deadline, announced)
            if constant is not None:
                return _answer(
                    "equal up to a constant",
                    reading,
                    f"the sides differ by terms free of {constant.what}",
                    rules=constant.proof.rules,
                    claims=constant.proof.claims,
                    how=constant.how,
                )
    return None


# --- refutation -------------------------------------------------------------------------------------------------------


def _refuted_or_not(task: Task, found: Sequence[Found], deadline: float) -> Answer | None:
    """Refuted under every reading and every substitution, or why not."""
    shown = found[0][0]
    why = _withheld(task, [r for r, _, _ in found])
    if why:
        return _answer(why[0], shown, why[1])
    best: tuple[Reading, Any, str] | None = None
    for reading, context, settings in found:
        if reading.stronger:
            continue
        made = [(_goals(reading, context, settings)[0], "")]
        made += [(g, put.words) for put, g in _with_substitutions(task, reading, context, settings)]
        close = partial(_closed, context, settings)
        for goal, words in made:
            if time.process_time() > deadline:
                return _answer("undecided", shown, f"not decided within {task.seconds:g} s")
            witness = _fails(goal, close)
            if witness is None or not _fails_up_to_constant(goal, close):
                return None
            best = best or (reading, witness, words)
            if words:
                best = (reading, witness, words)
    assert best is not None
    reading, witness, words = best
    mended = _mended(task, found[0], deadline)
    return _answer(
        "refuted",
        reading,
        words,
        at=tuple(witness.values),
        left=witness.lhs,
        right=witness.rhs,
        repair=mended,
    )


def _mended(task: Task, natural: Found, deadline: float) -> str:
    """The line with one edit that makes it true, if one is proved."""
    reading, context, settings = natural
    close = partial(_closed, context, settings)
    puts = [p for p in available(context, settings, task.definitions) if p.fits(reading.lhs, reading.rhs)]
    until = min(deadline, time.process_time() + REPAIR_SECONDS)
    return repair.find(_goals(reading, context, settings)[0], close, puts, until)


def _withheld(task: Task, readings: Iterable[Reading]) -> tuple[str, str] | None:
    """The rules that keep a refutation back, whatever the numbers say."""
    for reading in readings:
        if reading.sets:
            return "definition", reading.sets
        if any(name and name not in task.known for name in (reading.lone_left, reading.lone_right)):
            return "definition", "a name that may be set here"
        if reading.guesses:
            names = ", ".join(reading.guesses)
            return (
                "undecided",
                f"not proved, and a refutation needs {names} to be defined",
            )
        if reading.constant:
            return (
                "undecided",
                "not proved up to a constant, and the constant is not written",
            )
        if reading.lost_law:
            return "undecided", "not proved, and the law of an expectation is not written"
        if reading.repaired:
            return (
                "undecided",
                "not proved, and what was repaired is no ground for a refutation",
            )
        if _may_be_another_chain(reading):
            return (
                "undecided",
                "not proved, and a forward law with the model's variance may be that of another chain",
            )
        if reading.random:
            return (
                "undecided",
                "an equation between random variables, not proved as one between laws",
            )
    if task.leaves_out:
        return (
            "undecided",
            f"not proved, and the text leaves something out (line {task.leaves_out}) that was not found",
        )
    return None


def _may_be_another_chain(reading: Reading) -> bool:
    """Is a law q given as a Gaussian with sigma_t in it, which no forward law of the context has?"""
    for law, given in ((reading.lhs, reading.rhs), (reading.rhs, reading.lhs)):
        if isinstance(law, LogDensity) and isinstance(law.args[0], Density) and law.args[0].args[0].name == "q":
            normal = isinstance(given, LogDensity) and isinstance(given.args[0], Normal)
            if normal and any(a.func == N.sigma(N.t).func for a in given.args[0].atoms(type(N.sigma(N.t)))):
                return True
    return False


def _fails(goal: search.Goal, close: Any) -> Any:
    """A witness found in two unrelated worlds; None where the statement holds or cannot be computed."""
    if goal.lhs.is_number and goal.rhs.is_number and goal.relation == "=":
        return _numbers_differ(goal.lhs, goal.rhs)
    for lhs, rhs in _closed_whole(goal, close):
        try:
            with kernel.limit(6.0):
                supposed = search.suppositions(goal.at(lhs, rhs))
                tries = 8 if goal.relation == "=" else 40  # an order holds by chance in many worlds
                first = kernel.refute(lhs, goal.relation, rhs, goal.domain, supposed, tries)
                second = kernel.refute(
                    lhs,
                    goal.relation,
                    rhs,
                    goal.domain,
                    supposed,
                    tries,
                    name="check.again",
                )
        except Exception:  # a world that cannot be computed, or not in time, says nothing
            continue
        if first is None or second is None:
            continue
        if "undefined" not in f"{first.lhs} {first.rhs} {second.lhs} {second.rhs}":
            return first
    return None


def _fails_up_to_constant(goal: search.Goal, close: Any) -> bool:
    """Does it fail even if terms free of the networks are left out? A line that drops a constant is not refuted."""
    if goal.relation != "=" or is_vector(goal.lhs) or is_vector(goal.rhs):
        return True
    for lhs, rhs in _closed_whole(goal, close):
        difference = lhs - rhs
        changed = with_other_networks(difference)
        if changed == difference:
            return True
        try:
            with kernel.limit(6.0):
                supposed = search.suppositions(goal)
                if kernel.refute(difference, "=", changed, goal.domain, supposed, 8) is not None:
                    return True
        except Exception:  # a world that cannot be computed says nothing
            continue
        return False
    return False


def _numbers_differ(lhs: Any, rhs: Any) -> Any:
    """Two numbers without letters, compared to 60 digits."""
    left, right = lhs.evalf(60), rhs.evalf(60)
    if not (left.is_Float and right.is_Float) and not (left.is_Rational and right.is_Rational):
        return None
    if abs(left - right) <= abs(left) * sp.Rational(1, 10**50):
        return None
    return Witness((), str(lhs.evalf(12)), str(rhs.evalf(12)))


def _closed_whole(goal: search.Goal, close: Any) -> Iterator[tuple[Any, Any]]:
    """The sides with all laws closed, if that leaves no named law; then as they are."""
    if goal.relation != "=":
        yield goal.lhs, goal.rhs
    lhs, rhs = close(unfold_all(goal.lhs)), close(unfold_all(goal.rhs))
    if not (lhs.atoms(Density) | rhs.atoms(Density)):
        yield lhs, rhs
    yield goal.lhs, goal.rhs


def _answer(verdict: str, reading: Reading, reason: str = "", **more: Any) -> Answer:
    relation = reading.relation
    return Answer(
        verdict,
        reason,
        reading=printing.relation_text(reading.lhs, relation, reading.rhs),
        reading_latex=printing.relation_latex(reading.lhs, relation, reading.rhs),
        context=reading.context,
        notes=reading.notes,
        uses=reading.uses,
        **more,
    )
