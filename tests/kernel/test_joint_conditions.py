"""Conditions on several symbols together: what follows from them, what has no point, and the worlds that meet them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma
from random_terms import Case, Sample, assert_caught, assert_sound, context, spoilt_rules, without

from derivations.kernel import joint
from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.judge import Judge
from derivations.notation import T, abar, marginal, s, sigma, t, x
from derivations.refutation import joint as asked
from derivations.refutation import sampling
from derivations.refutation.arithmetic import FLOATING
from derivations.refutation.refute import refute
from derivations.refutation.sampling import sample, sample_for
from derivations.refutation.undefined import Undefined
from derivations.refutation.vacuity import needs
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    At,
    D,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    SumTo,
    algebra,
    at_most,
    below,
    by_claim,
    composition,
    continuity,
    differentiation,
    induction_hypothesis,
    monotone,
    ordered_by,
    positivity,
    scalar,
    scalar_function,
    squares,
    vector,
)
from derivations.shadow import watch

a, b, c = (scalar(f"joint_{name}") for name in "abc")
f = scalar_function("joint_f")
u = vector("joint_u")
n, m = (sp.Symbol(f"joint_{name}", integer=True, positive=True) for name in "nm")

FREE = {"joint_a": REAL, "joint_b": REAL, "joint_c": REAL}
ORDERED = Domain(FREE, conditions=(at_most(a, b), below(b, c)))
STEP = Domain(
    {"alpha": UNIT, "abar": UNIT, "sigma": POSITIVE},
    {T: (2, sp.oo), t: (2, T)},
    {"abar": "alpha"},
    conditions=(at_most(sigma(t) ** 2, 1 - abar(t - 1)),),
)
FALLING = below(abar(t), abar(s), {t: (2, T), s: (1, t - 1)})
RESPACED = Domain({"abar": UNIT}, {T: (2, sp.oo), t: (2, T), s: (1, t - 1)}, conditions=(FALLING,))


# --- DDIM's step, with its own sigma ----------------------------------------------------------------------------------


def ddim_step() -> Claim:
    """Fresh noise sigma_t^2 I and as much of the old as keeps the law of x_{t-1}."""
    kept = sp.sqrt(1 - abar(t - 1) - sigma(t) ** 2) / sp.sqrt(1 - abar(t))
    mean = sp.sqrt(abar(t - 1)) * x(0) + kept * (x(t) - sp.sqrt(abar(t)) * x(0))
    lhs = Expect(marginal(t), sp.exp(LogDensity(Normal(x(t - 1), mean, sigma(t) ** 2))))
    rhs = sp.exp(LogDensity(marginal(t - 1)))
    claim = Claim("joint.ddim", "", "", "identity", (Statement(lhs, "=", rhs),), "", (), STEP)

    @claim.proves()
    def _(line: Chain) -> None:
        line(lhs)
        line(rhs, by=composition)

    return claim


def test_a_step_of_ddim_with_any_sigma_up_to_its_limit() -> None:
    claim = ddim_step()
    judgement = Judge({claim.id: claim}, watch=watch).judge(claim)
    assert judgement.verdict, judgement.verdict
    assert judgement.shadow.full == 1


def test_without_the_limit_the_step_is_not_even_defined() -> None:
    claim = replace(ddim_step(), domain=replace(STEP, conditions=()), id="joint.free", proofs=ddim_step().proofs)
    assert "does not follow from the domain" in Judge({claim.id: claim}).judge(claim).verdict.reason


def test_its_condition_is_shown_needed_and_every_world_meets_it() -> None:
    claim = ddim_step()
    (need,) = (row for row in needs(claim) if "sigma" in row.what and "<=" in row.what)
    assert need.needed
    for k in range(8):
        assert asked.told(sample(claim, 0, k), STEP.conditions)


def test_sigma_is_below_one_and_below_the_noise_of_later_steps() -> None:
    assert Attack(sigma(t), 1, squares(positivity), STEP, relation="<=").verdict()
    assert Attack(sigma(t) ** 2, 1 - abar(t), positivity, STEP, relation="<").verdict()
    assert not Attack(sigma(t) ** 2, 1 - abar(t - 1), positivity, STEP, relation="<").verdict()


# --- respacing --------------------------------------------------------------------------------------------------------


def test_a_falling_abar_makes_steps_between_any_two_times() -> None:
    """Between s < t one may step at once, with alpha = abar_t / abar_s in (0, 1)."""
    assert Attack(abar(t) / abar(s), 1, positivity, RESPACED, relation="<").verdict()
    assert Attack(1 - abar(s), 1 - abar(t), positivity, RESPACED, relation="<").verdict()
    log_snr = [sp.log(abar(k) / (1 - abar(k))) for k in (t, s)]
    assert Attack(*log_snr, monotone(positivity), RESPACED, relation="<").verdict()
    assert not Attack(abar(s), abar(t), positivity, RESPACED, relation="<").verdict()
    outside = replace(RESPACED, indices={**RESPACED.indices, s: (1, T)})
    assert not Attack(abar(t), abar(s), positivity, outside, relation="<").verdict()


def test_respaced_kernels_compose_to_the_marginal() -> None:
    ratio = abar(t) / abar(s)
    two = Normal(x(t), sp.sqrt(ratio) * x(s), 1 - ratio)
    assert Attack(
        Expect(marginal(s), sp.exp(LogDensity(two))), sp.exp(LogDensity(marginal(t))), composition, RESPACED
    ).verdict()


# --- what does not follow, what has no point --------------------------------------------------------------------------

FALSE: dict[str, Callable[[], Attack]] = {
    "the other way round": lambda: Attack(b, a, positivity, ORDERED, relation="<="),
    "strict from weak": lambda: Attack(a, b, positivity, ORDERED, relation="<"),
    "of another number": lambda: Attack(c, a, positivity, ORDERED, relation="<="),
    "no point": lambda: Attack(
        a, 1, positivity, Domain({"joint_a": Interval(2, 3)}, conditions=(at_most(a, 1),)), relation="<="
    ),
    "two that exclude each other": lambda: Attack(
        a, b, positivity, Domain(FREE, conditions=(below(a, b), below(b, a))), relation="<"
    ),
    "a circle of three": lambda: Attack(
        a, a + 1, positivity, Domain(FREE, conditions=(below(a, b), below(b, c), below(c, a))), relation=">"
    ),
    "a square below nothing": lambda: Attack(
        0, 1, positivity, Domain(FREE, conditions=(below(a**2, 0),)), relation=">"
    ),
    "a family that rises and falls": lambda: Attack(
        f(1),
        f(2),
        positivity,
        Domain({"joint_f": REAL}, {T: (2, sp.oo)}, conditions=(below(f(n), f(n + 1), {n: (1, T)}), below(f(2), f(1)))),
        relation="<",
    ),
    "a range without an end": lambda: Attack(
        f(1), 1, positivity, Domain({"joint_f": POSITIVE}, conditions=(at_most(f(n), 1, {n: (1, sp.oo)}),)),
        relation="<=",
    ),
    "a root": lambda: Attack(a, b, positivity, Domain({"joint_a": POSITIVE}, conditions=(at_most(sp.sqrt(a), b),))),
    "a vector": lambda: Attack(a, b, positivity, Domain(FREE, conditions=(at_most(Norm2(u), b),))),
    "a rounded number": lambda: Attack(a, b, positivity, Domain(FREE, conditions=(at_most(a, 0.5 * b),))),
    "no condition": lambda: Attack(a, b, positivity, Domain(FREE, conditions=(a <= b,)), relation="<="),  # type: ignore[arg-type]
    "a derivative along a tie": lambda: Attack(D(a**2, a), 2 * a, differentiation, ORDERED),
    "a limit across a tie": lambda: Attack(At(a + b, a, 5), 5 + b, continuity, ORDERED),
    "outside its range": lambda: Attack(
        f(m), f(m + 1), positivity,
        Domain({"joint_f": REAL}, {T: (2, sp.oo), m: (1, T)}, conditions=(below(f(n), f(n + 1), {n: (1, T - 1)}),)),
        relation="<",
    ),
    "of another index of that name": lambda: Attack(
        SumTo(f(m), m, 1, 3), SumTo(sp.S.Zero, m, 1, 3), monotone(positivity),
        Domain({"joint_f": REAL}, {m: (1, sp.oo)}, conditions=(at_most(0, f(m)),)), relation=">=",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


TRUE: dict[str, Callable[[], Attack]] = {
    "as it is said": lambda: Attack(a, b, positivity, ORDERED, relation="<="),
    "two together": lambda: Attack(a, c, positivity, ORDERED, relation="<"),
    "divided": lambda: Attack(1 / (c - b), 0, positivity, ORDERED, relation=">"),
    "a root": lambda: Attack(sp.sqrt(b - a) ** 2, b - a, algebra, ORDERED),
    "of a square": lambda: Attack(sp.sqrt((c - b) ** 2), c - b, algebra, ORDERED),
    "of all in a range": lambda: Attack(
        SumTo(f(m), m, 1, T), SumTo(f(m + 1), m, 1, T), monotone(positivity),
        Domain({"joint_f": REAL}, {T: (1, sp.oo)}, conditions=(below(f(n), f(n + 1), {n: (1, T)}),)), relation="<",
    ),
    "with a disc": lambda: Attack(
        a, 1, squares(positivity), Domain(FREE, conditions=(at_most(a**2 + b**2, 1),)), relation="<="
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


def test_a_lemma_asks_for_its_condition() -> None:
    lemma = proved_lemma("joint.root", sp.sqrt((b - a) ** 2), b - a, algebra, Domain(FREE, conditions=(at_most(a, b),)))
    e, known = sp.sqrt((c - a) ** 2) + 1, c - a + 1
    rule = by_claim("joint.root", at={b: c})
    assert Attack(e, known, rule, ORDERED, lemmas=(lemma,)).verdict()
    other = Domain(FREE, conditions=(at_most(a, b),))
    assert "needs joint_a <= joint_c" in Attack(e, known, rule, other, lemmas=(lemma,)).verdict().reason


def test_a_lemma_about_all_of_a_family_asks_for_all_of_them() -> None:
    falls = below(f(n + 1), f(n), {n: (1, T)})
    domain = Domain({"joint_f": REAL}, {T: (1, sp.oo)}, conditions=(falls,))
    lemma = Claim("joint.falls", "", "", "inequality", (Statement(f(2), "<=", f(1)),), "", (), domain)

    @lemma.proves()
    def _(line: Chain) -> None:
        line(f(2))
        line.lt(f(1), by=positivity)

    rule = ordered_by("joint.falls")
    assert Attack(f(2), f(1), rule, domain, relation="<=", lemmas=(lemma,)).verdict()
    weaker = replace(domain, conditions=(below(f(2), f(1)),))
    assert "is not known here" in Attack(f(2), f(1), rule, weaker, relation="<=", lemmas=(lemma,)).verdict().reason


def test_no_induction_over_what_a_condition_is_about() -> None:
    domain = Domain({"joint_f": REAL}, {n: (1, sp.oo)}, conditions=(at_most(f(n), 1),))

    def chains(base: Chain, step: Chain) -> None:
        base(f(1))
        base(f(1))
        step(f(n + 1))
        step(f(n + 1), by=induction_hypothesis)

    verdict = Attack(f(n), f(n), domain=domain, chain=chains, induction_on=n).verdict()
    assert "no induction over it" in verdict.reason


def test_a_refutation_meets_the_conditions() -> None:
    """b <= 1 is false of numbers, and true of those with a <= b <= 1 - a for a >= 0."""
    claim = Claim("joint.world", "", "", "inequality", (Statement(b, "<=", sp.S.One),), "", ())
    free = replace(claim, domain=Domain({"joint_a": NONNEGATIVE, "joint_b": POSITIVE}))
    tied = replace(free, domain=replace(free.domain, conditions=(at_most(b, 1 - a), at_most(a, b))))
    assert refute(free, 0) is not None
    assert refute(tied, 0) is None
    wrong = replace(tied, says=(Statement(b, "<=", sp.Rational(1, 8)),))
    witness = refute(wrong, 0)
    assert witness is not None


def test_where_no_world_meets_them_nothing_is_said() -> None:
    domain = Domain({"joint_a": POSITIVE, "joint_b": POSITIVE}, conditions=(below(a, b), below(b, a)))
    with pytest.raises(Undefined, match="no world was found that meets"):
        sample_for((a, b), domain, (), "none", 0)


def test_conditions_are_part_of_what_a_claim_says() -> None:
    claim = ddim_step()
    assert claim.content != replace(claim, domain=replace(STEP, conditions=())).content
    assert any("<=" in line and "σ" in line for line in claim.domain_words())
    assert any("for all" in line for line in RESPACED.words())


def test_a_statement_must_have_a_point_in_common_with_its_claim() -> None:
    whole = Domain({}, {n: (5, sp.oo)})
    for own, fits in ((Domain({}, {n: (1, 4)}), False), (Domain({}, {n: (1, 6)}), True)):
        claim = Claim("joint.apart", "", "", "inequality", (Statement(n, "<=", n + 1, domain=own),), "", (), whole)

        @claim.proves()
        def _(line: Chain) -> None:
            line(n)
            line.le(n + 1, by=positivity)

        verdict = Judge({claim.id: claim}).judge(claim).verdict
        assert bool(verdict) == fits
        assert fits or "no integers in common" in verdict.reason


# --- soundness --------------------------------------------------------------------------------------------------------


def ordered(rng: Random) -> Sample:
    """Polynomials compared under random conditions, in worlds that meet them."""
    atoms = [a, b, c, f(1), f(2), f(t)]
    letters = [*atoms, a**2, a * b, sp.S.One, 1 - a, 1 - f(1)]
    places = {
        name: rng.choice([POSITIVE, UNIT, NONNEGATIVE, REAL]) for name in ("joint_a", "joint_b", "joint_c", "joint_f")
    }

    def side() -> Any:
        return rng.choice(letters) + rng.choice([0, 0, rng.choice(letters)]) * rng.choice([1, 1, 2, -1])

    make = [lambda: at_most(side(), side()), lambda: below(side(), side())]
    make += [lambda: below(f(n), f(n + 1), {n: (1, T)}), lambda: at_most(f(n + 1), f(n), {n: (1, T)})]
    conditions = tuple(rng.choice(make)() for _ in range(rng.choice([1, 1, 2])))
    domain = Domain(places, {T: (1, sp.oo), t: (1, T)}, conditions=conditions)
    (first, *_) = conditions
    gap = (first.large - first.small) if not first.when else f(t + 1) - f(t)
    gap = gap * rng.choice([1, 1, 2, a, -1]) + rng.choice([0, 0, rng.choice(letters), -rng.choice(letters)])
    worlds = []
    with patch.object(sampling, "ATTEMPTS", 6):
        for k in range(3):
            try:
                world = sample_for((gap,), domain, (), f"{rng.random()}", k)
                worlds.append(replace(world, arithmetic=FLOATING, known={}))
            except Undefined:
                break
    relation = rng.choice(["<", "<=", "<=", ">", ">="])
    return Sample(context(domain), worlds, (sp.S.Zero, gap), relation, partial=True)


CASES: dict[str, Case] = {
    "joint conditions": (
        positivity,
        ordered,
        [
            without(positivity, (joint, "NONNEGATIVE", POSITIVE)),
            without(positivity, (joint, "polynomial_sign", lambda *_: "+")),
        ],
    ),
}


@pytest.mark.long  # 50 s
@pytest.mark.parametrize("name", CASES)
def test_what_is_accepted_holds_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(6)
@pytest.mark.parametrize(("name", "k"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, k: int) -> None:
    assert_caught(name, CASES[name], k)
