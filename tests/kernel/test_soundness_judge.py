"""The judge itself: no default verdict, no hanging step, no crash, no proof that rests on what is being proved."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any

import pytest
import sympy as sp

from derivations.kernel import places, theorem
from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import POSITIVE, REAL, UNIT, Domain
from derivations.kernel.judge import PATIENCE, Judge, StepTimeout, time_limit
from derivations.kernel.rules import base
from derivations.kernel.rules.base import Context, Hypothesis, Primitive, Rule, StepFails, algebra, in_order
from derivations.kernel.rules.equations import INDUCTION_HYPOTHESIS, by_claim, given
from derivations.kernel.rules.order import positivity
from derivations.kernel.terms import scalar, scalar_function
from derivations.kernel.verdict import Assumed, Proved, Refuted, Supported, Undecided, Witness

a, b = scalar("judge_a"), scalar("judge_b")
f = scalar_function("judge_f")
n = sp.Symbol("n", integer=True, positive=True)
FROM_ONE = Domain(indices={n: (sp.S.One, sp.oo)})


def claim(lhs: Any, rhs: Any, relation: Any = "=", **more: Any) -> Claim:
    return Claim(
        more.pop("id", "judged"),
        "",
        "",
        "identity",
        (Statement(lhs, relation, rhs, domain=more.pop("narrow", None)),),
        "",
        (),
        **more,
    )


def in_one_step(made: Claim, by: Rule = algebra) -> Claim:
    statement = made.says[0]

    @made.proves()
    def _(line: Chain) -> None:
        line(statement.lhs)
        line._add(statement.rhs, statement.relation, by, "")

    return made


def reason(verdict: Any) -> str:
    assert isinstance(verdict, Undecided), verdict
    return verdict.reason


# --- time -------------------------------------------------------------------------------------------------------------


PLANTED: dict[str, Primitive] = {}


@pytest.fixture(autouse=True)
def _planted_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that no derivation can have: these tests put them where the kernel looks its own up."""
    own = base.find_primitive
    monkeypatch.setattr(base, "find_primitive", lambda key: PLANTED.get(key) or own(key))


def planted(name: str, rewrite: Any) -> Rule:
    key = f"{name} {len(PLANTED)}"
    PLANTED[key] = Primitive("decided", lambda: name, lambda: "", rewrite, base.decide_by_algebra)
    return Rule(key)


def busy(seconds: float) -> Rule:
    """A rule that does nothing for a while, and catches every Exception on the way."""

    def rewrite(e: Any, _: Context) -> Any:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                sum(range(1000))
            except Exception:
                raise AssertionError("the time limit was taken for an ordinary exception") from None
        return e

    return planted("busy", rewrite)


def test_a_step_over_the_limit_is_undecided_and_not_hung() -> None:
    started = time.monotonic()
    verdict = Judge({}, step_seconds=0.2).judge(in_one_step(claim(a + b, b + a), busy(30))).verdict
    assert "busy: not decided within 0.2 s" in reason(verdict)
    assert time.monotonic() - started < 25


def test_a_step_within_the_limit_is_decided() -> None:
    assert Judge({}, step_seconds=5).judge(in_one_step(claim(a + b, b + a), busy(0.05))).verdict


def test_an_expression_that_algebra_cannot_finish_is_undecided() -> None:
    """A power that nobody can multiply out: the algebra itself is stopped."""
    huge = (sum(scalar(f"judge_{k}") for k in range(12)) + 1) ** 60
    slow = in_one_step(claim(huge, huge * (1 + a**2) - a**2 * huge))
    assert "not decided within 0.3 s" in reason(Judge({}, step_seconds=0.3).judge(slow).verdict)


@pytest.mark.parametrize(
    ("slow", "says"), [("conclude", "the two ends of its chain, took over"), ("place", "what it says")]
)
def test_ends_and_what_is_said_are_under_the_limit_too(slow: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def for_ever(*_: Any) -> Any:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(places if slow == "place" else theorem, slow, for_ever)
    assert says in reason(Judge({}, step_seconds=0.1).judge(in_one_step(claim(a, a + 0))).verdict)


def waiting(seconds: float) -> Rule:
    """A rule that takes no processor time, as on a machine that is busy with something else."""

    def rewrite(e: Any, _: Context) -> Any:
        time.sleep(seconds)
        return e

    return planted("waiting", rewrite)


def test_a_step_that_has_to_wait_for_the_processor_is_decided() -> None:
    assert Judge({}, step_seconds=0.2).judge(in_one_step(claim(a + b, b + a), waiting(0.4))).verdict


def test_a_step_that_waits_for_ever_is_undecided_by_the_wall_clock() -> None:
    started = time.monotonic()
    verdict = Judge({}, step_seconds=0.05).judge(in_one_step(claim(a + b, b + a), waiting(30))).verdict
    assert "waiting: not decided within 0.05 s" in reason(verdict)
    assert 0.05 * PATIENCE <= time.monotonic() - started < 25


def test_without_interval_timers_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "setitimer")
    assert Judge({}, step_seconds=0.01).judge(in_one_step(claim(a + b, b + a), busy(0.1))).verdict


def test_the_clock_of_a_step_stands_still_while_a_lemma_is_judged() -> None:
    """The lemma takes longer in sum than its user may, but no step of it does; afterwards the user's limit holds."""
    lemma = claim(f(a), f(a) + 0, id="lemma")

    @lemma.proves()
    def _(line: Chain) -> None:
        line(f(a))
        for _ in range(4):
            line(f(a), by=busy(0.1))

    user = in_one_step(claim(2 * f(a), f(a) * 2), by_claim("lemma"))
    assert Judge({"lemma": lemma}, step_seconds=0.3).judge(user).verdict
    slow = in_one_step(claim(2 * f(a), f(a) * 2, id="slow"), in_order([by_claim("lemma"), busy(30)]))
    assert "not decided within 0.3 s" in reason(Judge({"lemma": lemma}, step_seconds=0.3).judge(slow).verdict)


class Slow:
    """Something that takes long to go away."""

    def __del__(self) -> None:
        until = time.process_time() + 0.4
        while time.process_time() < until:
            pass


def test_an_alarm_in_a_destructor_is_heard_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)
    with pytest.raises(StepTimeout), time_limit(0.1):
        Slow()
        while True:
            pass
    assert not lost


def test_time_limits_nest_and_leave_no_alarm_behind() -> None:
    with pytest.raises(StepTimeout), time_limit(0.3):
        with time_limit(5):
            pass
        assert 0 < signal.getitimer(signal.ITIMER_PROF)[0] <= 0.35  # in ticks of the clock
        assert 0.3 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.3 * PATIENCE
        while True:
            pass
    assert signal.getitimer(signal.ITIMER_PROF)[0] == signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_outside_the_main_thread_there_is_no_alarm() -> None:
    seen: list[Any] = []

    def work() -> None:
        seen.append(Judge({}, step_seconds=0.01).judge(in_one_step(claim(a + b, b + a), busy(0.05))).verdict)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert isinstance(seen[0], Proved)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_only_proved_is_true() -> None:
    witness = Witness((("x", "1"),), "0", "1", "a note")
    others = [Refuted(witness), Supported(3, 1e-9), Undecided("why"), Assumed("why")]
    assert Proved()
    assert not any(others)
    assert [v.kind for v in (Proved(), *others)] == ["proved", "refuted", "supported", "undecided", "assumed"]
    assert str(witness) == "at x = 1: left side 0, right side 1 (a note)"
    assert str(Witness((("x", "1"),), "0", "1")) == "at x = 1: left side 0, right side 1"


def test_a_rule_that_crashes_decides_nothing() -> None:
    def crash(*_: Any) -> Any:
        raise ZeroDivisionError("in the middle of a rule")

    verdict = Judge({}).judge(in_one_step(claim(a, a), planted("broken", crash))).verdict
    assert reason(verdict) == "broken: ZeroDivisionError: in the middle of a rule"


def test_a_false_claim_is_refuted_when_somebody_finds_a_witness() -> None:
    witness = Witness((("a", "1"),), "1", "2")
    assert Judge({}, lambda *_: witness).judge(in_one_step(claim(a, a + 1))).verdict == Refuted(witness)
    assert isinstance(Judge({}, lambda *_: None).judge(in_one_step(claim(a, a + 1))).verdict, Undecided)


def test_a_claim_is_judged_once_and_remembered() -> None:
    made = in_one_step(claim(a, a, id="once"))
    judge = Judge({"once": made})
    assert judge.judge(made) is judge.judge(made)
    impostor = in_one_step(claim(a, b, id="once"))
    assert judge.judge(made).verdict and not judge.judge(impostor).verdict


# --- what a claim must be ---------------------------------------------------------------------------------------------


def test_two_hypotheses_of_one_name_are_refused() -> None:
    twins = (Hypothesis("h", "one", a, b), Hypothesis("h", "another", a, 2 * b))
    assert "names of their own" in reason(Judge({}).judge(in_one_step(claim(a, a, hypotheses=twins))).verdict)
    reserved = (Hypothesis(INDUCTION_HYPOTHESIS, "", a, b),)
    assert "names of their own" in reason(Judge({}).judge(in_one_step(claim(a, a, hypotheses=reserved))).verdict)


def test_a_hypothesis_must_mean_something_too() -> None:
    meaningless = (Hypothesis("h", "", a, sp.Float(0.5)),)
    assert "no floats" in reason(Judge({}).judge(in_one_step(claim(a, a, hypotheses=meaningless))).verdict)


def test_a_statement_must_have_a_value_on_all_of_its_domain() -> None:
    assert "the statement must mean something everywhere" in reason(
        Judge({}).judge(in_one_step(claim(sp.log(a), sp.log(a)))).verdict
    )
    positive = Domain({"judge_a": POSITIVE})
    assert Judge({}).judge(in_one_step(claim(sp.log(a), sp.log(a), domain=positive))).verdict
    narrowed = claim(sp.log(a), sp.log(a), domain=Domain({"judge_a": REAL}), narrow=Domain({"judge_a": UNIT}))
    assert Judge({}).judge(in_one_step(narrowed)).verdict


def test_an_unknown_lemma_is_refused() -> None:
    assert "no claim is called 'nobody'" in reason(
        Judge({}).judge(in_one_step(claim(a, a), by_claim("nobody"))).verdict
    )


def test_a_statement_of_a_lemma_that_is_not_there_is_refused() -> None:
    lemma = in_one_step(claim(a, a + 0, id="lemma"))
    verdict = Judge({"lemma": lemma}).judge(in_one_step(claim(a, a), by_claim("lemma", 3))).verdict
    assert "so none numbered 3" in reason(verdict)


def test_a_derivation_is_written_once() -> None:
    made = in_one_step(claim(a, a))
    with pytest.raises(ValueError, match="has a derivation of statement 0 already"):
        in_one_step(made)


@pytest.mark.parametrize(
    ("goal", "steps", "adds_up"),
    [
        ("=", "==", True),
        ("<=", "==", True),
        ("<=", "<=", True),
        ("<=", "<", True),
        ("<", "<", True),
        ("<", "<=", False),
        ("<", "==", False),
        (">=", ">=", True),
        (">", ">=", False),
        (">", ">", True),
        ("=", "<=", False),
    ],
)
def test_the_relations_of_the_steps_must_add_up(goal: str, steps: str, adds_up: bool) -> None:
    rhs = {"==": a, "<=": a + b**2, "<": a + 1, ">=": a - b**2, ">": a - 1}[steps]
    made = claim(a, rhs, goal)

    @made.proves()
    def _(line: Chain) -> None:
        line(a)
        line._add(rhs, "=" if steps == "==" else steps, algebra if steps == "==" else positivity, "")

    verdict = Judge({}).judge(made).verdict
    assert bool(verdict) == adds_up
    if not adds_up:
        assert "do not add up" in reason(verdict)


# --- induction --------------------------------------------------------------------------------------------------------


def by_induction(
    lhs: Any, rhs: Any, base: Any, step: Any, domain: Domain = FROM_ONE, start: Any = 1, known: Any = ()
) -> Any:
    made = claim(lhs, rhs, domain=domain, hypotheses=known)

    @made.proves(induction_on=n, start=start)
    def _(first: Chain, following: Chain) -> None:
        base(first)
        step(following)

    return Judge({}).judge(made).verdict


def test_an_induction_needs_its_base_and_its_step() -> None:
    def trivially(at: Any) -> Any:
        def write(line: Chain) -> None:
            line(at)
            line(at)

        return write

    one, following = trivially(sp.S.One), trivially(n + 1)
    assert by_induction(n, n, one, following)
    assert not by_induction(n, n, one, trivially(n))
    assert not by_induction(n, n, trivially(n), following)
    assert "induction starts at 2" in reason(by_induction(n, n, one, following, start=2))
    assert "induction starts at 1" in reason(by_induction(n, n, one, following, domain=Domain()))


def test_an_induction_may_use_what_holds_at_all_its_integers_and_nothing_else() -> None:
    """What holds up to n also holds up to n - 1, so it is there for the step; what holds at n alone is not."""

    def write_base(line: Chain) -> None:
        line(f(1) + 1)
        line(1, by=given(at_one, judge_m=1))

    def write_step(line: Chain) -> None:
        line(f(1) + n + 1)
        line(n + 1, by=given(up_to_n, judge_m=1))

    m = sp.Symbol("judge_m", integer=True, positive=True)
    up_to_n = Hypothesis("up to n", "", f(m), 0, {m: (1, n)})
    at_one = Hypothesis("at one", "", f(m), 0, {m: (1, 1)})
    assert by_induction(f(1) + n, n, write_base, write_step, known=(up_to_n, at_one))
    at_n = Hypothesis("at n", "", f(n), 0)
    assert "'at n' is about one n, and an induction over n" in reason(
        by_induction(f(1) + n, n, write_base, write_step, known=(at_one, at_n))
    )


def test_a_bounded_induction_stops_before_its_last_value() -> None:
    """For n in 1..5 the step goes from n <= 4 to n + 1."""
    bounded = Domain(indices={n: (sp.S.One, sp.S(5))})

    def write_step(line: Chain) -> None:
        line(sp.sqrt((5 - n - 1) ** 2))
        line(5 - n - 1)

    def write_base(line: Chain) -> None:
        line(sp.S(4))
        line(sp.S(4))

    assert by_induction(sp.sqrt((5 - n) ** 2), 5 - n, write_base, write_step, domain=bounded)


def test_a_rule_that_does_not_apply_says_why() -> None:
    def refuse(*_: Any) -> Any:
        raise StepFails("not here")

    assert reason(Judge({}).judge(in_one_step(claim(a, a), planted("r", refuse))).verdict) == "r: not here"
