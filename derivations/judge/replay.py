"""Replay a derivation and say what it is worth. What is shown of a claim is read off theorems, nothing is typed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from derivations import printing
from derivations.judge.clock import StepTimeout, time_limit
from derivations.judge.lies import lies
from derivations.judge.looks import refuse_one_look
from derivations.judge.orders import refuse_other_order
from derivations.judge.report import Judgement, PartReport, StepReport, Theorems
from derivations.kernel import places
from derivations.kernel import theorem as kernel
from derivations.kernel.algebra import OutsideFragment
from derivations.kernel.definedness import Undischarged
from derivations.kernel.domain import Domain
from derivations.kernel.points import refuse_apart
from derivations.kernel.relations import refuse_unrelated
from derivations.kernel.rules.base import StepFails
from derivations.kernel.substitution import core
from derivations.kernel.terms import DefinedFunction, Malformed, is_family_variable
from derivations.kernel.theorem import DoesNotFollow, Theorem
from derivations.kernel.verdict import Defined, Gap, Proved, Refuted, Undecided, Verdict
from derivations.language.chains import Chain, Line, Proof
from derivations.language.claims import Claim, Statement

STEP_SECONDS = 10.0  # of processor time
REASONS = (StepFails, OutsideFragment, Malformed, Undischarged)


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
        self._judged: dict[str, tuple[Any, Judgement]] = {}
        self._open: list[str] = []

    def judge(self, claim: Claim) -> Judgement:
        if lie := lies(claim) or _other_order(claim):
            return Judgement(claim, Undecided(lie), (), 0.0)
        content, known = claim.content, self._judged.get(claim.id)
        if known is not None and known[1].claim is claim and known[0] == content:
            return known[1]
        started = time.perf_counter()
        self._open.append(claim.id)
        try:
            parts = tuple(self._refuted(claim, n, p) for n, p in enumerate(self._parts(claim)))
        finally:
            self._open.pop()
        nothing = Undecided("the claim says nothing")
        verdict = next((p.verdict for p in parts if not p.verdict), Proved() if parts else nothing)
        verdict = next((p.verdict for p in parts if isinstance(p.verdict, Refuted)), verdict)
        if verdict and claim.expects == "definition":
            verdict = _defined(claim)
        result = Judgement(claim, verdict, parts, time.perf_counter() - started)
        if self.watch is not None:
            result = self.watch(result)
        if self.registry.get(claim.id) is claim:
            self._judged[claim.id] = content, result
        return result

    def _refuted(self, claim: Claim, part: int, report: PartReport) -> PartReport:
        """Look for a witness against a statement that has no proof; a search that breaks down found none."""
        if report.verdict or self.refute is None:
            return report
        try:
            witness = self.refute(claim, part)
        except Exception:  # whatever the search trips over, nothing is refuted by it
            return report
        return report if witness is None else replace(report, verdict=Refuted(witness))

    def _lemma(self, claim_id: str) -> Theorems:
        if claim_id in self._open:
            raise StepFails(f"circular: {claim_id} is being proved by this very derivation")
        if claim_id not in self.registry:
            raise StepFails(f"no claim is called {claim_id!r}")
        judgement = self.judge(self.registry[claim_id])
        if not judgement.verdict:
            raise StepFails(f"{claim_id} is not proved, so nothing may rest on it")
        return judgement.theorems

    # --- one statement ------------------------------------------------------------------------------------------------

    def _parts(self, claim: Claim) -> tuple[PartReport, ...]:
        """Every statement in turn; a later one may rest on the earlier ones that are proved."""
        reports: list[PartReport] = []
        proved: dict[Any, Theorem] = {}
        names = [s.name for s in claim.says if s.name]
        for part, statement in enumerate(claim.says):
            report = self._part(claim, part, proved)
            if len(set(names)) < len(names):
                report = replace(report, verdict=Undecided(f"two statements have one name: {names}"), theorem=None)
            reports.append(report)
            if report.theorem is not None:
                proved |= {key: report.theorem for key in (part, statement.name) if key != ""}
        return tuple(reports)

    def _part(self, claim: Claim, part: int, above: Theorems) -> PartReport:
        # A copy, of which nobody else knows: what is reported is what was judged, whatever becomes of the claim.
        statement, proof = replace(claim.says[part]), claim.proofs.get(part)
        domain = (statement.domain or claim.domain).copied()
        report = PartReport(statement, Undecided("no derivation is written for it"), (), domain, claim.hypotheses)
        if proof is None:
            return report
        steps: list[StepReport] = []
        try:
            verdict, theorem = self._replayed(claim, statement, domain, proof, above, steps)
            return replace(report, verdict=verdict, steps=tuple(steps), theorem=theorem)
        except REASONS as reason:
            return replace(report, verdict=Undecided(str(reason)), steps=tuple(steps))
        except StepTimeout:
            slow = Undecided(f"what it says, or the two ends of its chain, took over {self.step_seconds:g} s")
            return replace(report, verdict=slow, steps=tuple(steps))
        except Exception as reason:  # whatever SymPy trips over, nothing is decided by it
            return replace(report, verdict=Undecided(_tripped(reason)), steps=tuple(steps))

    def _replayed(
        self,
        claim: Claim,
        statement: Statement,
        domain: Domain,
        proof: Proof,
        above: Theorems,
        steps: list[StepReport],
    ) -> tuple[Verdict, Theorem | None]:
        """(verdict, theorem) of a statement; the steps are reported on the way."""
        says: tuple[Any, str, Any] = (statement.lhs, statement.relation, statement.rhs)
        lines = tuple([line.expression for line in chain.lines] for chain in proof.chains)
        refuse_apart(claim.domain, domain)
        supposed = [side for h in claim.hypotheses for side in h.sides]
        refuse_one_look((statement.lhs, statement.rhs, *supposed, *(e for chain in lines for e in chain)), domain)
        with time_limit(self.step_seconds):
            refuse_unrelated(*says, [e for chain in lines for e in chain])
            if proof.induction_on is None:
                here = places.place(domain, claim.hypotheses, (statement.lhs, statement.rhs, *lines[0]))
                _refuse_meaningless(here, statement)
                goals = [("", proof.chains[0], here, says)]
            else:
                n, first = proof.induction_on, proof.start
                made = places.induction(domain, claim.hypotheses, says, n, first, (lines[0], lines[1]))
                _refuse_meaningless(made.whole, statement)
                goals = [
                    (f"base, {n} = {first}", proof.chains[0], made.base, made.goals[0]),
                    (f"step, from {n} to {n + 1}", proof.chains[1], made.step, made.goals[1]),
                ]
        theorems = []
        for section, chain, here, goal in goals:
            theorem, failed = self._chain(chain, here, above, steps, section)
            if theorem is None:
                return failed, None
            with time_limit(self.step_seconds):
                if len(chain.lines) < 2:
                    raise StepFails("a derivation needs at least two lines")
                theorems.append(kernel.conclude(theorem, *goal))
        if proof.induction_on is None:
            return Proved(), theorems[0]
        return Proved(), kernel.by_induction(made, *theorems)

    def _chain(
        self, chain: Chain, here: places.Place, above: Theorems, steps: list[StepReport], section: str
    ) -> tuple[Theorem | None, Verdict]:
        """The theorem of a chain of lines, or the verdict on the line that fails."""
        theorem: Theorem | None = None
        for i, line in enumerate(chain.lines):
            used: list[str] = []
            following, verdict = self._judged_line(theorem, line, here, above, used)
            rule, tier, assumed = (_shown(line), *_certainty(line)) if i else ("", "", ())
            conditions = () if following is None else following.side_conditions
            steps.append(
                StepReport(
                    number=len(steps) + 1,
                    expression=line.expression,
                    relation=line.relation if i else "",
                    rule=rule,
                    tier=tier,
                    why=line.why,
                    uses=tuple(dict.fromkeys(used)),
                    side_conditions=tuple(printing.condition_text(*c) for c in conditions if not c[1].is_number),
                    verdict=verdict,
                    section=section,
                    before=chain.lines[i - 1].expression if i else None,
                    domain=here.domain,
                    hypotheses=here.hypotheses,
                    assumed=assumed,
                )
            )
            if following is None:
                return None, verdict
            theorem = following
        return theorem, Undecided("nothing is written in it")

    def _judged_line(
        self, theorem: Theorem | None, line: Line, here: places.Place, above: Theorems, used: list[str]
    ) -> tuple[Theorem | None, Verdict]:
        """The theorem continued to this line, or why it is not."""

        def lemma(claim_id: str) -> Theorems:
            found = self._lemma(claim_id)
            used.append(claim_id)
            return found

        try:
            with time_limit(self.step_seconds):
                if theorem is None:
                    return kernel.start(here, line.expression), Proved()
                return kernel.extend(theorem, line.relation, line.expression, line.rule, above, lemma), Proved()
        except StepTimeout:
            return None, Undecided(f"{_shown(line)}: not decided within {self.step_seconds:g} s")
        except DoesNotFollow as reason:
            return None, Undecided(f"{_shown(line)}: {reason}", _gap(reason))
        except REASONS as reason:
            return None, Undecided(f"{_shown(line)}: {reason}")
        except Exception as reason:  # whatever SymPy or a rule trips over, nothing is decided by it
            return None, Undecided(f"{_shown(line)}: {_tripped(reason)}")


def _tripped(reason: Exception) -> str:
    if isinstance(reason, RecursionError):
        return "it is nested too deeply to be read: name a part of it with define(...), or prove the parts apart"
    return f"{type(reason).__name__}: {reason}"


def _other_order(claim: Claim) -> str:
    """Why the order that is claimed is not the one that is stated; nothing when it is."""
    try:
        refuse_other_order(claim)
    except (Malformed, ValueError, TypeError, AttributeError) as reason:
        return str(reason)
    return ""


def _defined(claim: Claim) -> Verdict:
    """A definition names one abbreviation in each statement, and what it stands for; a theorem is none."""
    for s in claim.says:
        if not isinstance(s.lhs, DefinedFunction) or s.relation != "=" or core(s.lhs) != core(s.rhs):
            return Undecided(f"{s.text()} is no definition: write one abbreviation = what it stands for")
        if s.rhs.has(type(s.lhs)):
            return Undecided(f"{s.text()} is a theorem about {type(s.lhs).__name__}, which stands on both sides")
        if len(set(s.lhs.args)) < len(s.lhs.args) or not all(a.is_Symbol or is_family_variable(a) for a in s.lhs.args):
            return Undecided(f"{s.text()} is an instance of a definition: put variables, each once, into {s.lhs}")
    return Defined()


def _shown(line: Line) -> str:
    try:
        return line.rule.name
    except Exception:  # a request that no rule of the kernel answers
        return str(getattr(line.rule, "key", line.rule))


def _certainty(line: Line) -> tuple[str, tuple[str, ...]]:
    """The tier of the line's rule, and what is granted in it."""
    try:
        return line.rule.tier, line.rule.assumed
    except Exception:  # likewise
        return "", ()


def _refuse_meaningless(here: places.Place, statement: Statement) -> None:
    for side in (statement.lhs, statement.rhs):
        try:
            kernel.start(here, side)
        except Undischarged as reason:
            raise Malformed(f"the statement must mean something everywhere: {reason}") from reason


LONG = 400  # characters of a line that are shown


def _gap(reason: DoesNotFollow) -> Gap | None:
    """What the rule made of the two lines, and their difference, as short as it goes."""
    try:
        before, after = (_short(printing.text(side)) for side in (reason.before, reason.after))
        difference = ""
        if isinstance(reason.before, sp.Expr) and isinstance(reason.after, sp.Expr):
            difference = _short(printing.text(sp.expand(reason.before - reason.after)))
        return Gap(before, after, difference)
    except Exception:  # what cannot be printed is not shown
        return None


def _short(text: str) -> str:
    return text if len(text) <= LONG else text[:LONG] + " ..."
