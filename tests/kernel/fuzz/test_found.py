"""What the fuzzer found the kernel to accept, and the kernel refuses since."""

from fuzz_library import _everywhere

import derivations
from derivations.kernel.verdict import Proved, Undecided
from derivations.notation import t


def test_a_condition_is_asked_before_an_abbreviation_is_expanded_and_cancels():
    """(x - sqrt(abar) x0_hat)/sqrt(1 - abar) = eps_theta at t - 1: at t = 1 that divides by 1 - abar(0) = 0.

    When x0_hat is expanded, SymPy cancels sqrt(1 - abar(t - 1)) by itself. The statement of x0_hat divides by
    sqrt(abar(t - 1)) only, and stays proved.
    """
    claim = derivations.claims()["ddpm.parameterization.bijection"]
    true, *others = derivations.judge(_everywhere(claim, {t: t - 1})).parts
    assert isinstance(true.verdict, Proved)
    assert len(others) == 3
    for part in others:
        assert isinstance(part.verdict, Undecided) and "1 - abar(t - 1)" in part.verdict.reason
