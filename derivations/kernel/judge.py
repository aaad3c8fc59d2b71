"""Replay a derivation and say what it is worth. Everything shown about a claim is computed here, nothing is typed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations import printing
from derivations.kernel.algebra import Algebra, OutsideFragment, holds, side_conditions
from derivations.kernel.claims import Chain, Claim, Line, Proof, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.grammar import refuse_equations_between_variables, refuse_malformed, sort
from derivations.kernel.rules.base import Context, Hypothesis, StepFails
from derivations.kernel.rules.equations import INDUCTION_HYPOTHESIS
from derivations.kernel.scope import refuse_names_with
from derivations.kernel.terms import Malformed, Rounded
from derivations.kernel.verdict import Proved, Refuted, Undecided, Verdict

STEP_SECONDS = 10.0  # of processor time
PATIENCE = 10  # times as much on the wall clock, for a step that waits and does not calculate
# What a chain has to show: its heading, the chain, the statement to arrive at, where, and what it may assume besides.
Obligation = tuple[str, Chain, Statement, Domain, Hypothesis | None]
SORTS = {"=": {"number", "vector"}, "iff": {"proposition"}, **{order: {"number"} for order in ("<=", ">=", "<", ">")}}


@dataclass(frozen=True)
class StepReport:
    """One judged line. The first line of a chain has no rule."""

    number: int
    expression: Any
    relation: str
    rule: str
    tier: str
    why: str
    uses: tuple[str, ...]
    side_conditions: tuple[str, ...]
    verdict: Verdict
    section: str = ""

    @property
    def latex(self) -> str:
        return printing.latex(self.expression)

    @property
    def text(self) -> str:
        return printing.text(self.expression)


@dataclass(frozen=True)
class PartReport:
    statement: Statement
    verdict: Verdict
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class Judgement:
    claim: Claim
    verdict: Verdict
    parts: tuple[PartReport, ...]
    seconds: float
    shadow: Any = None  # what was seen of its steps in worlds, once somebody has looked

    def _steps(self) -> Iterator[StepReport]:
        return (step for part in self.parts for step in part.steps)

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.rule for s in self._steps() if s.rule))

    @property
    def uses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(u for s in self._steps() for u in s.uses))

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.rule for s in self._steps() if s.tier == "assumed"))

    @property
    def side_conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for s in self._steps() for c in s.side_conditions))

    @property
    def hypotheses(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.claim.hypotheses)


class StepTimeout(BaseException):
    """Not an Exception: nobody on the way may take it for one of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise StepTimeout after `seconds` of processor time, or PATIENCE times as long on the wall clock.

    Processor time is the process's own, so a busy machine does not make a good step undecided. Limits nest: while a
    lemma is judged inside a step, the clocks of that step stand still. There is no limit outside the main thread, nor
    on a platform without interval timers (Windows): who judges there needs a watchdog of his own.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise StepTimeout

    clocks = {signal.ITIMER_PROF: (signal.SIGPROF, seconds), signal.ITIMER_REAL: (signal.SIGALRM, PATIENCE * seconds)}
    outer = {clock: (signal.setitimer(clock, 0)[0], signal.signal(alarm, stop)) for clock, (alarm, _) in clocks.items()}
    for clock, (_, limit) in clocks.items():
        signal.setitimer(clock, limit)
    try:
        yield
    finally:
        for clock in clocks:
            signal.setitimer(clock, 0)
        for clock, (left, handler) in outer.items():
            signal.signal(clocks[clock][0], handler)
            signal.setitimer(clock, left)


class Judge:
    """Judges claims of one registry; remembers verdicts, and refuses a claim that rests on itself.

    A step that takes more than `step_seconds` (see `time_limit`) is undecided. `refute` looks for a witness against a
    statement without a proof; `watch` looks at a finished judgement and may dispute its steps. Neither can prove.
    """

    def __init__(
        self,
        registry: Mapping[str, Claim],
        refute: Callable[[Claim, int], Any] | None = None,
        step_seconds: float = STEP_SECONDS,
        watch: Callable[[Judgement], Judgement] | None = None,
    ) -> None:
        self.registry = registry
        self.refute = refute
        self.step_seconds = step_seconds
        self.watch = watch
        self.judged: dict[str, Judgement] = {}
        self._open: list[str] = []

    def judge(self, claim: Claim) -> Judgement:
        known = self.judged.get(claim.id)
        if known is not None and known.claim is claim:
            return known
        started = time.perf_counter()
        self._open.append(claim.id)
        try:
            parts = tuple(self._refuted(claim, n, p) for n, p in enumerate(self._parts(claim)))
        finally:
            self._open.pop()
        nothing = Undecided("the claim says nothing")
        verdict = next((p.verdict for p in parts if not p.verdict), Proved() if parts else nothing)
        verdict = next((p.verdict for p in parts if isinstance(p.verdict, Refuted)), verdict)
        result = Judgement(claim, verdict, parts, time.perf_counter() - started)
        if self.watch is not None:
            result = self.watch(result)
        if self.registry.get(claim.id) is claim:
            self.judged[claim.id] = result
        return result

    def _refuted(self, claim: Claim, part: int, report: PartReport) -> PartReport:
        """Look for a witness against a statement that has no proof."""
        witness = None if report.verdict or self.refute is None else self.refute(claim, part)
        return report if witness is None else replace(report, verdict=Refuted(witness))

    def _lemma(self, claim_id: str) -> Claim:
        if claim_id in self._open:
            raise StepFails(f"circular: {claim_id} is being proved by this very derivation")
        if claim_id not in self.registry:
            raise StepFails(f"no claim is called {claim_id!r}")
        if not self.judge(self.registry[claim_id]).verdict:
            raise StepFails(f"{claim_id} is not proved, so nothing may rest on it")
        return self.registry[claim_id]

    # --- one statement ------------------------------------------------------------------------------------------------

    def _parts(self, claim: Claim) -> tuple[PartReport, ...]:
        """Every statement in turn; a later one may rest on the earlier ones that are proved."""
        reports: list[PartReport] = []
        proved: dict[int, tuple[Any, ...]] = {}
        for part in range(len(claim.says)):
            reports.append(self._part(claim, part, proved))
            if reports[-1].verdict:
                proved[part] = (claim.says[part], claim.domain_of(part), claim.hypotheses)
        return tuple(reports)

    def _part(self, claim: Claim, part: int, above: Mapping[int, tuple[Any, ...]]) -> PartReport:
        statement, proof = claim.says[part], claim.proofs.get(part)
        if proof is None:
            return PartReport(statement, Undecided("no derivation is written for it"), ())
        steps: list[StepReport] = []
        try:
            obligations = _obligations(statement, claim.domain_of(part), claim.hypotheses, proof)
            with time_limit(self.step_seconds):
                _check(claim, part, obligations)
            for section, chain, goal, domain, extra in obligations:
                hypotheses = {h.name: h for h in (*claim.hypotheses, *((extra,) if extra else ()))}
                reports = self._chain(chain, Context(domain, hypotheses, above=above), len(steps), section)
                steps += reports
                failed = next((s.verdict for s in reports if not s.verdict), None)
                if failed is not None:
                    return PartReport(statement, failed, tuple(steps))
                with time_limit(self.step_seconds):
                    mismatch = _endpoints(chain, goal, domain)
                if mismatch is not None:
                    return PartReport(statement, Undecided(mismatch), tuple(steps))
        except (Malformed, OutsideFragment) as reason:
            return PartReport(statement, Undecided(str(reason)), tuple(steps))
        except StepTimeout:
            slow = Undecided(f"what it says, or the two ends of its chain, took over {self.step_seconds:g} s")
            return PartReport(statement, slow, tuple(steps))
        except Exception as reason:  # whatever SymPy trips over, nothing is decided by it
            return PartReport(statement, Undecided(f"{type(reason).__name__}: {reason}"), tuple(steps))
        return PartReport(statement, Proved(), tuple(steps))

    def _chain(self, chain: Chain, start: Context, offset: int, section: str) -> list[StepReport]:
        reports: list[StepReport] = []
        for i, line in enumerate(chain.lines):
            context = replace(start, used_claims=[])

            def lemma(claim_id: str, context: Context = context) -> Claim:
                found = self._lemma(claim_id)
                if claim_id not in context.used_claims:
                    context.used_claims.append(claim_id)
                return found

            context.lemma = lemma
            conditions, verdict = self._judge_line(chain, i, context)
            rule, tier, relation = (line.rule.name, line.rule.tier, line.relation) if i else ("", "", "")
            used = tuple(context.used_claims)
            reports.append(
                StepReport(
                    offset + i + 1, line.expression, relation, rule, tier, line.why, used, conditions, verdict, section
                )
            )
            if not verdict:
                break
        return reports

    def _judge_line(self, chain: Chain, i: int, context: Context) -> tuple[tuple[str, ...], Verdict]:
        """(side conditions of line i, verdict): its meaning, and whether it follows from the line before."""
        line = chain.lines[i]
        try:
            with time_limit(self.step_seconds):
                conditions, verdict = _discharge(line.expression, context.domain)
                if verdict and i:
                    verdict = _step(chain.lines[i - 1].expression, line, context)
            return conditions, verdict
        except StepTimeout:
            return (), Undecided(f"{line.rule.name}: not decided within {self.step_seconds:g} s")
        except (StepFails, OutsideFragment, Malformed) as reason:
            return (), Undecided(f"{line.rule.name}: {reason}")
        except Exception as reason:  # whatever SymPy or a rule trips over, nothing is decided by it
            return (), Undecided(f"{line.rule.name}: {type(reason).__name__}: {reason}")


def _check(claim: Claim, part: int, obligations: list[Obligation]) -> None:
    """The statement means something everywhere on its domain, its hypotheses do, and every line means something."""
    statement, domain = claim.says[part], claim.domain_of(part)
    names = [h.name for h in claim.hypotheses]
    if len(set(names)) < len(names) or INDUCTION_HYPOTHESIS in names:
        raise Malformed(f"hypotheses need names of their own, other than {INDUCTION_HYPOTHESIS!r}: {names}")
    sides = [(side, domain) for side in (statement.lhs, statement.rhs)]
    lines = [(line.expression, where) for _, chain, _, where, _ in obligations for line in chain.lines]
    assumed = [(side, h.domain(domain)) for h in claim.hypotheses for side in (h.lhs, h.rhs) if side is not None]
    refuse_malformed(*sides, *lines, *assumed)
    sorts = {sort(e) for e, _ in (*sides, *lines) if e != 0} or {"number"}
    if statement.relation not in SORTS or len(sorts) > 1 or not sorts <= SORTS[statement.relation]:
        raise Malformed(f"{statement.relation!r} says nothing about {' and '.join(sorted(sorts))}")
    if any(isinstance(side, Rounded) for side, _ in assumed):
        raise Malformed("a hypothesis is about exact values, and not about rounded ones")
    for h in (h for h in claim.hypotheses if h.lhs is not None):
        refuse_equations_between_variables(h.lhs, h.rhs, h.domain(domain))
        for index in h.when:
            refuse_names_with(index, sp.Tuple(h.lhs, h.rhs))
    for what, meant in (("statement", sides), ("hypotheses", assumed)):
        for side, where in meant:
            if isinstance(verdict := _discharge(side, where)[1], Undecided):
                raise Malformed(f"the {what} must mean something everywhere: {verdict.reason}")


def _obligations(
    statement: Statement, domain: Domain, hypotheses: tuple[Hypothesis, ...], proof: Proof
) -> list[Obligation]:
    """The statement itself; in an induction, its base and its step."""
    if proof.induction_on is None:
        return [("", proof.chains[0], statement, domain, None)]
    n, start = proof.induction_on, proof.start
    lo, hi = domain.indices.get(n, (None, None))
    if lo is None or sp.expand(lo - start) != 0:
        raise Malformed(f"induction starts at {start}, but the claim is about {n} >= {lo}")
    for h in (h for h in hypotheses if h.lhs is not None and n not in h.when):
        if sp.Tuple(h.lhs, h.rhs, *(first for first, _ in h.when.values())).has(n):  # it may hold up to n
            raise Malformed(f"{h.name!r} is about one {n}, and an induction over {n} needs it at all of them")

    def at(value: Any) -> Statement:
        return Statement(statement.lhs.xreplace({n: value}), statement.relation, statement.rhs.xreplace({n: value}))

    below = domain.with_index(n, lo, hi if hi == sp.oo else hi - 1)  # the last step goes from hi - 1 to hi
    exact = statement.relation == "=" and not isinstance(statement.rhs, Rounded)
    assumed = Hypothesis(
        INDUCTION_HYPOTHESIS, f"the statement at {n}", *((statement.lhs, statement.rhs) if exact else (None, None))
    )
    return [
        (f"base, {n} = {start}", proof.chains[0], at(start), domain.without(n), None),
        (f"step, from {n} to {n + 1}", proof.chains[1], at(n + 1), below, assumed),
    ]


def _step(previous: Any, line: Line, context: Context) -> Verdict:
    before, after = (line.rule.rewritten(e, context) for e in (previous, line.expression))
    if line.rule.decide(line.relation, before, after, context):
        return Proved()
    return Undecided(f"{line.rule.name}: the line does not follow from the line before")


def _discharge(e: Any, domain: Domain) -> tuple[tuple[str, ...], Verdict]:
    found: dict[tuple[str, Any], Domain] = {}
    for kind, condition, inside in side_conditions(e, domain):
        found.setdefault((kind, condition), inside)
    for (kind, condition), inside in found.items():
        if not holds(kind, condition, inside):
            return (), Undecided(f"side condition {condition} {kind} does not follow from the domain")
    shown = (printing.condition_text(kind, condition) for kind, condition in found if not condition.is_number)
    return tuple(shown), Proved()


def _endpoints(chain: Chain, goal: Statement, domain: Domain) -> str | None:
    """The chain must start at the statement's left side, end at its right side, and its relations must compose."""
    if len(chain.lines) < 2:
        return "a derivation needs at least two lines"
    algebra = Algebra(domain)
    if not algebra.equal(chain.lines[0].expression, goal.lhs):
        return "the first line is not the statement's left side"
    if not algebra.equal(chain.lines[-1].expression, goal.rhs):
        return "the last line is not the statement's right side"
    relations = {line.relation for line in chain.lines[1:]} - {"="}
    implied: dict[str, list[set[str]]] = {
        "=": [set()],
        "iff": [{"iff"}],
        "<=": [set(), {"<="}, {"<"}, {"<", "<="}],
        ">=": [set(), {">="}, {">"}, {">", ">="}],
    }
    implied |= {"<": [{"<"}, {"<", "<="}], ">": [{">"}, {">", ">="}]}
    if relations not in implied[goal.relation]:
        return f"steps {sorted(relations)} do not add up to {goal.relation!r}"
    return None
