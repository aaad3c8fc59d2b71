"""Every accepted step is compared with worlds; one that a world denies is disputed, whatever accepted it.

The judgements here are put together by hand, as a kernel with a hole would make them.
"""

import dataclasses
import json

import pytest
import sympy as sp

import derivations
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.judge import Judgement, PartReport, StepReport
from derivations.kernel.verdict import Disputed, Proved, Undecided
from derivations.notation import T, abar, integrable, p, q, schedule, t, x, z
from derivations.rules import (
    KL,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    D,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Normal,
    Ratio,
    SumTo,
    log_p,
    scalar,
    vector,
)
from derivations.shadow import WORLDS, watch

a, b, u = scalar("shadow_a"), scalar("shadow_b"), vector("shadow_u")
REALS = Domain({"shadow_a": REAL, "shadow_b": REAL})
n = sp.Symbol("shadow_n", integer=True, positive=True)


def accepted(*lines, domain=REALS, hypotheses=(), relation="=", says=None):
    """A judgement in which every line was accepted, and the statement with them."""
    statement = Statement(*(says or (lines[0], relation, lines[-1])))
    claim = Claim("shadow", "", "", "identity", (statement,), "", (), domain, tuple(hypotheses))
    claim.proves()(lambda line: [line(e) for e in lines])
    steps = tuple(
        StepReport(m, sp.sympify(e), relation if m > 1 else "", "trust me" if m > 1 else "", "", "", (), (), Proved())
        for m, e in enumerate(lines, 1)
    )
    if any(f.name == "domain" for f in dataclasses.fields(StepReport)):
        steps = tuple(dataclasses.replace(s, domain=domain, hypotheses=tuple(hypotheses)) for s in steps)
    return watch(Judgement(claim, Proved(), (PartReport(statement, Proved(), steps),), 0.0))


FALSE = {
    "algebra": lambda: accepted((a + b) ** 2, a**2 + b**2),
    "in the middle": lambda: accepted((a + b) ** 2, a**2 + b**2, a**2 + 2 * a * b + b**2),
    "a constant": lambda: accepted(sp.log(2), sp.Rational(69, 100)),
    "a tiny difference": lambda: accepted(sp.exp(-100), 2 * sp.exp(-100)),
    "a moment": lambda: accepted(Expect(Normal(z, 0, 1), Norm2(z)), sp.S(1)),
    "an order": lambda: accepted(a**2, a, relation=">="),
    "a strict order at equality": lambda: accepted(a**2, 0, relation=">"),
    "only at a closed end": lambda: accepted(sp.Abs(a) / a, 1, domain=Domain({"shadow_a": NONNEGATIVE})),
    "0/0 in a sum": lambda: accepted(SumTo(Ratio(n - 2, n - 2), n, 1, 3), sp.S(3)),
    "a derivative": lambda: accepted(D(a**2 * b, a), a * b),
    "a divergence": lambda: accepted(KL(q(z), p(z)), KL(p(z), q(z)), hypotheses=(integrable,)),
    "a schedule": lambda: accepted(abar(t), abar(t - 1), domain=schedule()),
    "the bound of an index": lambda: accepted(SumTo(n, n, 1, T), T**2, domain=Domain(indices={T: (1, sp.oo)})),
    "under a hypothesis of one's own": lambda: accepted(a**2, b**2 + 1, hypotheses=(Hypothesis("h", "", a, b),)),
    "steps that hold and a statement that does not": lambda: accepted(a, a, says=(a, "=", a + 1)),
}
TRUE = {
    "algebra": lambda: accepted((a + b) ** 2, a**2 + 2 * a * b + b**2),
    "a moment": lambda: accepted(Expect(Normal(z, 0, 1), Inner(z, u) ** 2), Norm2(u)),
    "tiny numbers": lambda: accepted(sp.exp(-100), sp.exp(-99), relation="<"),
    "a closed end": lambda: accepted(sp.Abs(a), a, domain=Domain({"shadow_a": NONNEGATIVE})),
    "an open end": lambda: accepted(sp.Abs(a) / a, 1, domain=Domain({"shadow_a": POSITIVE})),
    "a derivative": lambda: accepted(D(a**2 * b, a), 2 * a * b),
    "a divergence": lambda: accepted(
        KL(q(z), p(z)), Expect(q(z), log_p("q", z) - log_p("p", z)), hypotheses=(integrable,)
    ),
    "under a hypothesis of one's own": lambda: accepted(a**2, b**2, hypotheses=(Hypothesis("h", "", a, b),)),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_step_is_disputed_with_numbers(name):
    judgement = FALSE[name]()
    assert isinstance(judgement.verdict, Disputed), judgement.shadow
    assert not judgement.verdict
    assert judgement.shadow.disputed == 1
    assert judgement.parts[0].verdict == judgement.verdict
    strict = judgement.claim.says[0].relation == ">"
    assert strict or judgement.verdict.witness.lhs != judgement.verdict.witness.rhs


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_has_a_full_shadow(name):
    judgement = TRUE[name]()
    assert isinstance(judgement.verdict, Proved), judgement.verdict
    assert judgement.shadow.full == len(judgement.shadow.steps) == 1, judgement.shadow


def test_the_disputed_step_is_named_and_the_others_stand():
    steps = FALSE["in the middle"]().parts[0].steps
    assert [type(s.verdict) for s in steps] == [Proved, Disputed, Disputed]


SILENT = {
    "a hypothesis in words": (
        lambda: accepted(a, b, hypotheses=(Hypothesis("full moon", "the moon is full"),)),
        "words only",
    ),
    "an equation without a solution": (
        lambda: accepted(a, b, hypotheses=(Hypothesis("h", "", a**2, -1),)),
        "does not hold here",
    ),
    "a range without a point": (lambda: accepted(a, b, domain=Domain(REALS.intervals, {t: (5, 3)})), "no point"),
    "a mean that nobody computes": (
        lambda: accepted(Expect(Normal(z, 0, 1), sp.Abs(Inner(z, u))), a, domain=REALS),
        "absolute value of a random number",
    ),
    "a name without a meaning": (lambda: accepted(a, sp.Function("unheard_of")(a)), "no meaning is given"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_step_without_a_shadow_stands_and_is_counted_with_the_reason(name):
    make, reason = SILENT[name]
    judgement = make()
    assert isinstance(judgement.verdict, Proved)
    assert judgement.shadow.none == 1
    (found,) = judgement.shadow.reasons
    assert reason in found


def test_a_step_that_was_not_accepted_has_no_shadow():
    claim = Claim("shadow", "", "", "identity", (Statement(a, "=", b),), "", (), REALS)
    failed = StepReport(2, b, "=", "algebra", "", "", (), (), Undecided("it does not follow"))
    first = StepReport(1, a, "", "", "", "", (), (), Proved())
    part = PartReport(claim.says[0], Undecided("it does not follow"), (first, failed))
    judgement = watch(Judgement(claim, Undecided("it does not follow"), (part,), 0.0))
    assert judgement.shadow.steps == ()
    assert isinstance(judgement.verdict, Undecided)


def test_a_dispute_is_louder_than_what_was_undecided_for_another_reason():
    claim = Claim("shadow", "", "", "identity", (Statement(a, "=", b),), "", (), REALS)
    lines = [StepReport(m, e, "=", "", "", "", (), (), Proved()) for m, e in ((1, a), (2, a + 1))]
    part = PartReport(claim.says[0], Undecided("the last line is not the statement's right side"), tuple(lines))
    assert isinstance(watch(Judgement(claim, part.verdict, (part,), 0.0)).verdict, Disputed)


def test_the_supposed_induction_hypothesis_holds_in_the_worlds_of_its_step():
    shadow = derivations.judge("ddpm.schedule.linear").shadow
    assert shadow.full == len(shadow.steps)


@pytest.mark.parametrize("claim_id", ["ddpm.posterior.mean", "vae.elbo.lower_bound", "ddpm.forward.marginal"])
def test_the_library_has_a_full_shadow(claim_id):
    judgement = derivations.judge(claim_id)
    assert judgement.verdict
    assert {s.worlds for s in judgement.shadow.steps} == {WORLDS}


def test_the_counts_are_plain_data():
    plain = json.loads(json.dumps(derivations.judge("gaussian.kl.isotropic").shadow.plain()))
    assert plain["steps"] == plain["full"] > 0
    assert plain["partial"] == plain["none"] == plain["disputed"] == 0
    assert plain["reasons"] == {}


def test_x_is_read_in_worlds_of_the_chain():
    assert isinstance(accepted(Norm2(x(0) - x(1)), Norm2(x(1) - x(0))).verdict, Proved)
    assert isinstance(accepted(Norm2(x(0) - x(1)), Norm2(x(1) + x(0))).verdict, Disputed)
