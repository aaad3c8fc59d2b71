"""What the grammar keeps out of every line, the algebra and the rules refuse too: a rewriting may bring it in."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import derivations
from derivations.kernel.algebra import Algebra, OutsideFragment
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.substitution import core
from derivations.notation import common_support, i, k, p, q, z
from derivations.rules import (
    KL,
    BernoulliProduct,
    Coord,
    DiagonalNormal,
    Equal,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    SameLaw,
    gibbs,
    importance,
    log_p,
    scalar,
    vector,
    zero_divergence,
)

a, u = scalar("guarded_a"), vector("guarded_u")
HELD = Context(Domain(), {common_support.name: common_support}, lambda claim_id: derivations.judge(claim_id).theorems)
LAWS = [
    (Normal(z, u, 1), True),
    (Normal(z, z, 1), False),
    (Normal(z, u - 2 * z, 1), False),
    (Normal(z, u, 1 + Norm2(z)), False),
    (DiagonalNormal(z, i, Coord(u, i), 1, k), True),
    (DiagonalNormal(z, i, Coord(z, i), 1, k), False),
    (BernoulliProduct(z, i, a, k), True),
    (BernoulliProduct(z, i, Coord(z, i) / 2, k), False),
    (q(z, u), True),
    (q(z, z), False),
]


@pytest.mark.parametrize("number", [sp.Float("0.5"), sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I], ids=str)
def test_only_exact_real_numbers_are_calculated_with(number: Any) -> None:
    algebra = Algebra(Domain())
    for question in (algebra.sign, algebra.is_zero, algebra.is_nonzero):
        with pytest.raises(OutsideFragment, match="is not an exact real number"):
            question(number)


@pytest.mark.parametrize(("law", "meant"), LAWS, ids=str)
def test_a_law_of_its_own_variable_has_no_divergence_and_no_mass(law: Any, meant: bool) -> None:
    for one, other in ((law, p(z)), (p(z), law)):
        divergence, nothing = KL(one, other), Equal(KL(one, other), 0)
        assert zero_divergence.decide("iff", nothing, SameLaw(one, other), HELD) is meant
        if meant:
            assert gibbs.decide(">=", divergence, sp.S.Zero, HELD)
        else:
            with pytest.raises(StepFails, match="do not differ by a KL divergence"):
                gibbs.decide(">=", divergence, sp.S.Zero, HELD)
    weight = Expect(law, sp.exp(log_p("p", z) - LogDensity(law)))
    assert importance.rewrite(weight, HELD) == (1 if meant else core(weight))
