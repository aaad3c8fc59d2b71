"""The one room that asks the kernel: two lines and the rules between them, judged; a claim, refuted in a world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from derivations import claims
from derivations.kernel.claims import Relation
from derivations.kernel.judge import Judge, StepTimeout, time_limit
from derivations.kernel.rules.base import Context as StepContext
from derivations.kernel.substitution import core
from derivations.kernel.verdict import Witness
from derivations.notation import absolute_continuity
from derivations.refutation.hypotheses import refuse
from derivations.refutation.refute import refute as find_world
from derivations.refutation.refute import violation
from derivations.refutation.sampling import sample_for
from derivations.rules import Claim, Domain, Hypothesis, Statement, algebra

STEP_SECONDS = 8.0
WORLD_SECONDS = 60.0  # of the wall clock; `limit` keeps the processor time


@dataclass(frozen=True)
class Proof:
    """What a proof used."""

    rules: tuple[str, ...]
    claims: tuple[str, ...]
    side_conditions: tuple[str, ...]


class _Library(Mapping[str, Claim]):
    """The claims of the library, loaded when one is asked for: most steps of a document need none."""

    def __getitem__(self, name: str) -> Claim:
        if name.startswith("check."):  # a link's own, which the library never has
            raise KeyError(name)
        return claims()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(claims())

    def __len__(self) -> int:
        return len(claims())


@cache
def _judge(seconds: float) -> Judge:
    return Judge(_Library(), None, step_seconds=seconds)


def claim(
    lhs: Any,
    relation: str,
    rhs: Any,
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    name: str = "check.link",
) -> Claim:
    """lhs relation rhs as a claim of two lines, not yet argued."""
    says = (Statement(lhs, cast(Relation, relation), rhs),)
    return Claim(
        id=name,
        title="",
        chapter="",
        kind="identity",
        says=says,
        scope="",
        sources=(),
        domain=domain,
        hypotheses=hypotheses,
    )


def prove(
    lhs: Any,
    relation: str,
    rhs: Any,
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    by: Sequence[Any],
    seconds: float = STEP_SECONDS,
    via: tuple[Any, Any] | None = None,
) -> Proof | None:
    """Judge the two lines by these rules in order; None unless the kernel says proved.

    `via`: two lines between them, the first equal to the left side by algebra, the second to the right one.
    """
    first, second = via if via is not None else (lhs, rhs)
    lines = [(first, "=", [algebra])] * (first != lhs) + [(second, relation, list(by))]
    lines += [(rhs, "=", [algebra])] * (second != rhs)
    return prove_lines(lhs, relation, lines, domain, hypotheses, seconds)


def prove_lines(
    lhs: Any,
    relation: str,
    lines: Sequence[tuple[Any, str, Sequence[Any]]],
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    seconds: float = STEP_SECONDS,
) -> Proof | None:
    """Judge a chain from the left side down: each line with its relation to the one before and its rules."""
    made = claim(lhs, relation, lines[-1][0], domain, hypotheses)

    def write(line: Any) -> None:
        line(lhs)
        for e, sign, by in lines:
            {"=": line, "<=": line.le, ">=": line.ge, "<": line.lt, ">": line.gt}[sign](e, by=list(by))

    made.proves()(write)
    judgement = _judge(seconds).judge(made)
    if not judgement.verdict:
        return None
    rules = tuple(dict.fromkeys(rule.name for _, _, by in lines for rule in by))
    return Proof(rules, judgement.uses, judgement.side_conditions)


def means_something(lhs: Any, relation: str, rhs: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> bool:
    """Does the kernel let the statement stand, whatever rules are written between its sides?"""
    made = claim(lhs, relation, rhs, domain, hypotheses)

    def write(line: Any) -> None:
        line(lhs)
        {"=": line, "<=": line.le, ">=": line.ge, "<": line.lt, ">": line.gt}[relation](rhs, by=[algebra])

    made.proves()(write)
    return any(part.steps for part in _judge(STEP_SECONDS).judge(made).parts)


def refute(
    lhs: Any,
    relation: str,
    rhs: Any,
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    tries: int,
    name: str = "check.link",
) -> Witness | None:
    """A world in which the relation fails, or None. `name` chooses which worlds are drawn.

    Worlds are drawn without zeros, so that every law is absolutely continuous with respect to every other: such a
    world satisfies that hypothesis, and the one on common support as well.
    """
    held = tuple(h for h in hypotheses if h != absolute_continuity)
    return find_world(claim(lhs, relation, rhs, domain, held, name), 0, tries, WORLD_SECONDS)


def standing(
    pairs: Sequence[tuple[Any, Any]],
    relation: str,
    domain: Domain,
    hypotheses: tuple[Hypothesis, ...],
    tries: int,
) -> list[int]:
    """The places of the pairs whose relation fails in none of a few worlds; one world is asked about all of them."""
    held = tuple(h for h in hypotheses if h != absolute_continuity)
    left = list(range(len(pairs)))
    sides = list(dict.fromkeys(side for pair in pairs for side in pair))
    for n in range(tries):
        try:
            world = sample_for(sides, domain, held, "check.link 0", n)
            refuse(world, held, domain, sides)
        except Exception:  # a world that cannot be made says nothing
            continue
        left = [place for place in left if not _fails_in(world, relation, *pairs[place])]
    return left


def _fails_in(world: Any, relation: str, lhs: Any, rhs: Any) -> bool:
    try:
        return violation(Statement(lhs, cast(Relation, relation), rhs), world) is not None
    except Exception:  # what has no value in a world is not judged by it
        return False


def rewritten(e: Any, rule: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> Any:
    """The term after one rule; it is only a way to find the next line, and the kernel judges that line itself."""
    return rule.rewrite(core(e), StepContext(domain, {h.name: h for h in hypotheses}))


class OutOfTime(Exception):
    """A link took longer than it was given."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """OutOfTime after so many seconds of work, where the platform can interrupt."""
    try:
        with time_limit(max(seconds, 0.01)):
            yield
    except StepTimeout:
        raise OutOfTime(f"it took longer than the {seconds:g} s allowed") from None


@cache
def library() -> tuple[tuple[str, int, Statement, Domain, tuple[Hypothesis, ...]], ...]:
    """The statements expected to be proved, to be found again in a document."""
    return tuple(
        (c.id, part, s, c.domain_of(part), c.hypotheses)
        for c in claims().values()
        if c.expects == "proved"
        for part, s in enumerate(c.says)
    )


@cache
def is_proved(claim_id: str) -> bool:
    """Has the kernel replayed and accepted the claim, here and now?"""
    return bool(_judge(STEP_SECONDS).judge(claims()[claim_id]).verdict)
