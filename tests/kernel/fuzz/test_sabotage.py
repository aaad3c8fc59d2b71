"""The fuzzer works: with one of the kernel's checks taken out, it alone finds a false step.

The aim is four sabotages of five; `test_aimed` names the kind of claims that shows each. `REACHED` is what a long run,
which draws its kinds at random, has been seen to find of them: it is raised by such a run, and by nothing else.
"""

import os

import pytest
from sabotage import SABOTAGES, Sabotage, hunt, sabotaged, take_out

import derivations
from derivations.kernel.judge import Judge

SECONDS = float(os.environ.get("THREEFOLD_SABOTAGE_SECONDS", "120"))
REACHED = 0.4


def test_there_are_enough_and_each_takes_something_out():
    assert len(SABOTAGES) >= 25
    assert len({s.name for s in SABOTAGES}) == len(SABOTAGES)
    for s in SABOTAGES:
        assert s.patches(), f"{s.name}: there is no such check any more; mend the row"


def test_the_kernel_is_whole_again_afterwards():
    from derivations.kernel import formation

    whole = formation._refuse_dimension
    with sabotaged(Sabotage("for a test", take_out("formation._refuse_dimension"))):
        assert formation._refuse_dimension is not whole
    assert formation._refuse_dimension is whole
    assert Judge(derivations.claims()).judge(derivations.claims()["gaussian.kl.isotropic"]).verdict


def test_one_that_is_easy_is_found_at_once():
    easy = next(s for s in SABOTAGES if "dimension" in s.name)
    assert hunt(easy, "easy", 60)


@pytest.mark.long
def test_no_fewer_sabotages_are_found_than_before():
    """Those that worlds cannot show (`invisible`) count as missed."""
    found = {s.name: bool(hunt(s, "long", SECONDS)) for s in SABOTAGES}
    missed = [name for name, was_found in found.items() if not was_found]
    assert sum(found.values()) >= REACHED * len(found), missed
