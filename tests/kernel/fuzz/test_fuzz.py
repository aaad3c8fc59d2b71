"""The kernel is attacked by a machine, with a new seed every day: whatever it accepts must hold in worlds.

`make test` runs for a minute with the seed that is printed at its head; THREEFOLD_SEED (or, for the fuzzer alone,
THREEFOLD_FUZZ_SEED) repeats a run, THREEFOLD_FUZZ_SECONDS sets its length, and a dispute names its case:
`fuzz_run.draft(seed, number)` makes it again. What was reached is written to build/fuzz.json, by the long run to
build/fuzz-long.json.
"""

import os
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp
from fuzz_exact import NotRational, value
from fuzz_run import Tally, claim_of, draft, fuzz, judged, shape
from fuzz_terms import a, i

from derivations.rules import ProductTo, Ratio, SumTo

BUILD = Path("build")
SECONDS = float(os.environ.get("THREEFOLD_FUZZ_SECONDS", "60"))
MOST_SECONDS = float(os.environ.get("THREEFOLD_FUZZ_LONG_SECONDS", "20000"))
STEPS = int(os.environ.get("THREEFOLD_FUZZ_STEPS", "100000"))


SEED = os.environ.get("THREEFOLD_FUZZ_SEED") or os.environ.get("THREEFOLD_SEED", "0")


def assert_sound(tally: Tally) -> None:
    assert not tally.disputes, f"{len(tally.disputes)} disputes with seed {tally.seed}\n" + "\n".join(
        tally.disputes[:5]
    )
    assert not tally.raised, tally.raised[0]
    assert tally.seen > 0.9 * tally.accepted, tally.silent


def test_a_minute_of_random_claims_without_a_dispute():
    tally = fuzz(SEED, seconds=SECONDS)
    tally.write(BUILD / "fuzz.json")
    assert_sound(tally)
    assert tally.accepted > 0.3 * tally.claims, "hardly anything is accepted: the generator is out of step"
    assert len(tally.rules) > 5
    assert len(tally.shapes) > 0.3 * tally.claims


@pytest.mark.long
def test_a_hundred_thousand_accepted_steps_without_a_dispute():
    tally = fuzz(f"long {SEED}", seconds=MOST_SECONDS, steps=STEPS)
    tally.write(BUILD / "fuzz-long.json")
    assert_sound(tally)
    assert tally.accepted >= STEPS


def test_a_seed_makes_the_same_claims_again():
    for number in range(30):
        one, two = (draft("again", number) for _ in range(2))
        assert (one is None) == (two is None)
        if one is not None:
            assert claim_of(one, number).id == claim_of(two, number).id
            says = [c.says[-1] for c in (claim_of(one, number), claim_of(two, number))]
            assert shape(says[0].lhs) == shape(says[1].lhs)
            assert says[0].relation == says[1].relation


def test_its_cases_go_through_the_public_entry_point():
    made = next(made for made in (draft("entry", k) for k in range(100)) if made is not None)
    assert judged(claim_of(made, 0)).shadow is not None


VALUES = {
    "a sum": (SumTo(i**2, i, 1, 4), Fraction(30)),
    "a product": (ProductTo(i + 1, i, 1, 3), Fraction(24)),
    "an empty sum": (SumTo(i, i, 3, 2), Fraction(0)),
    "a quotient": (Ratio(sp.Rational(1, 2), 3) ** 2, Fraction(1, 36)),
    "a nested sum": (SumTo(SumTo(sp.Integer(2), i, 1, 3), i, 1, 2), Fraction(12)),
}


@pytest.mark.parametrize("name", VALUES)
def test_fractions_alone_give_the_value(name):
    e, expected = VALUES[name]
    assert value(e) == expected


@pytest.mark.parametrize("e", [a, sp.pi, sp.sqrt(2), Ratio(1, 0), sp.exp(1)])
def test_what_is_no_closed_rational_number_is_refused(e):
    with pytest.raises(NotRational):
        value(sp.sympify(e))
