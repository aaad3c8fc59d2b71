"""What the fuzzer found and the kernel still accepts: each stays here until it is closed."""

import pytest
from fuzz_library import _everywhere

import derivations
from derivations.kernel.verdict import Disputed, Proved
from derivations.notation import t

pytestmark = pytest.mark.xfail(strict=True, reason="open: found by the fuzzer, to be closed in the kernel")


def test_a_condition_is_asked_before_an_abbreviation_is_expanded_and_cancels():
    """(x - sqrt(abar) x0_hat)/sqrt(1 - abar) = eps_theta at t - 1: at t = 1 that divides by 1 - abar(0) = 0.

    When x0_hat is expanded, SymPy cancels sqrt(1 - abar(t - 1)) by itself, so nobody asks whether it is 0.
    """
    claim = derivations.claims()["ddpm.parameterization.bijection"]
    judgement = derivations.judge(_everywhere(claim, {t: t - 1}))
    assert not any(isinstance(part.verdict, Proved | Disputed) for part in judgement.parts)
