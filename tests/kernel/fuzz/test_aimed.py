"""Each check of the kernel that can be seen missing is missed: with the check gone, a claim of some kind is disputed.

`test_sabotage` lets the fuzzer choose among all kinds, for minutes; here the kind is named, so seconds are enough.
"""

from __future__ import annotations

from random import Random
from typing import Any

import fuzz_aimed as aimed
import fuzz_kinds as kinds
import pytest
from fuzz_continuous import CONTINUOUS
from fuzz_fields import FIELDS
from fuzz_maps import MAPS
from fuzz_order import ORDER_KINDS
from fuzz_run import STEP_SECONDS, claim_of
from fuzz_terms import Words
from sabotage import SABOTAGES, sabotaged

import derivations
from derivations.judge.replay import Judge
from derivations.kernel.verdict import Disputed
from derivations.shadow import watch

DRAFTS = 300  # of the kinds that are named
KINDS: dict[str, tuple[Any, ...]] = {
    "a law's dimension is not asked to be one": (kinds.sizes_of_laws,),
    "a law may depend on its own variable": (kinds.law_of_itself,),
    "sums may have a negative number of terms": (kinds.ranges,),
    "a schedule is read outside its indices": (aimed.below_the_schedule,),
    "derivatives at closed ends": (kinds.closed_ends,),
    "derivatives by a schedule's member": (kinds.numbers_that_move,),
    "differences of matrices have inverses": (kinds.matrices,),
    "determinants of differences": (kinds.matrices,),
    "an inverse is not multiplied out": MAPS,
    "no denominator is asked": (kinds.two_ranges,),
    "roots and logarithms of anything": (aimed.factors_of_unknown_sign,),
    "no side condition is asked": (kinds.closed_ends,),
    "a condition is asked in one range only": (kinds.two_ranges,),
    "every function has a derivative": (kinds.closed_ends,),
    "every limit exists": (kinds.limits,),
    "a tied number may vary": (kinds.tied_numbers,),
    "coordinates outside a vector": (kinds.places_in_vectors,),
    "relations are not composed": (aimed.relations,),
    "the ends of a chain are not compared": (aimed.other_ends,),
    "nothing varies with anything": (aimed.nothing_there,),
    "nothing touches a variable": (aimed.nothing_there,),
    "a lemma holds outside its range": (aimed.outside_of_lemmas,),
    "a lemma holds outside its interval": (aimed.outside_of_lemmas,),
    "anything may be replaced in a lemma": (aimed.outside_of_lemmas,),
    "a weak sign is strict": (aimed.hardly_positive,),
    "an unknown sign is positive": (aimed.hardly_positive,),
    "whatever is nonzero is not asked": (kinds.two_ranges,),
    "any variables are disjoint": (aimed.shared_variables,),
    "all means are non-negative": (kinds.divergences,),
    "capture by a derivative": (aimed.captured,),
    "capture by a limit": (aimed.captured,),
    "capture by an average": (aimed.captured,),
    "opaque terms are all equal": (aimed.told_apart,),
    "every integer is large enough": (kinds.ranges,),
    "members of a family are apart": (aimed.nothing_there,),
    "a weak order is read as a strict one": (aimed.relations,),
    "every factor is positive": (aimed.factors_of_unknown_sign,),
    "every polynomial is positive": (aimed.hardly_positive,),
    "whatever is compared is equal": (aimed.told_apart,),
    "every sign is positive": (aimed.hardly_positive,),
    "abbreviations may look around": (kinds.abbreviations,),
    "the zero test says yes": (aimed.told_apart,),
    "nobody is among the variables": (aimed.nothing_there,),
    "a value lies in every interval": (aimed.outside_of_lemmas,),
    "the ends of intervals are open": (aimed.hardly_positive,),
    "any two relations add up": (aimed.relations,),
    "every number is positive": (aimed.hardly_positive, kinds.closed_ends),
    "two laws are identified unseen": (aimed.another_law,),
    "every form is a square": (aimed.forms,),
    "conditions are strict": ORDER_KINDS,
    "conditions hold at all indices": ORDER_KINDS,
    "sums and products are positive": ORDER_KINDS,
    "whatever grows grows under every power": (aimed.passed_on,),
    "an inequality holds outside its interval": ORDER_KINDS,
    "nothing turns an order": ORDER_KINDS,
    "any moments are those of an equation": CONTINUOUS,
    "capture by a gradient": FIELDS,
    "any score is a law's own": FIELDS,
    "a law stands still while its parameter moves": FIELDS,
}
SHARE = 0.8  # of all rows, those that no world can show among them


def disputes(made: Any, number: int, judge: Judge) -> bool:
    try:
        claim = claim_of(made, number)
    except (ValueError, TypeError):
        return False
    return isinstance(judge.judge(claim).verdict, Disputed)


def found(name: str) -> int:
    """The number of the first draft that is disputed with this check gone; 0 when none is."""
    (sabotage,) = (s for s in SABOTAGES if s.name == name)
    with sabotaged(sabotage):
        judge = Judge(derivations.claims(), None, STEP_SECONDS, watch)
        for number in range(1, DRAFTS + 1):
            words = Words(Random(f"aimed {name} {number}"))
            try:
                made = words.one(*KINDS[name])(words)
            except Exception:
                continue  # there is no such term
            if disputes(made, number, judge):
                return number
    return 0


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", [s.name for s in SABOTAGES if s.name in KINDS])
def test_a_claim_of_the_kind_is_disputed_without_the_check(name: str) -> None:
    assert found(name)


def test_four_rows_of_five_are_named_and_each_is_there() -> None:
    rows = {s.name for s in SABOTAGES}
    assert set(KINDS) <= rows
    assert len(KINDS) >= SHARE * len(rows), sorted(rows - set(KINDS))


def test_the_kinds_are_accepted_without_a_dispute() -> None:
    judge = Judge(derivations.claims(), None, STEP_SECONDS, watch)
    for number in range(60):
        words = Words(Random(f"whole {number}"))
        assert not disputes(words.one(*aimed.AIMED)(words), number, judge)
