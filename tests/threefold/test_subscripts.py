"""What stands below a letter stands there whole: k_{step}, never k_s tep."""

from __future__ import annotations

import re

import pytest

import derivations
from derivations import printing

TORN = re.compile(r"[A-Za-z][_^][A-Za-z0-9]{2,}")


def torn(tex: str) -> list[str]:
    return TORN.findall(tex)


@pytest.mark.parametrize(("tex", "found"), [(r"k_step + 1", 1), (r"k_s + x^12", 1), (r"x_{10}^2 + \bar\alpha_t", 0)])
def test_what_is_torn_is_seen(tex: str, found: int) -> None:
    assert len(torn(tex)) == found


def test_no_subscript_is_torn() -> None:
    every = [*derivations.claims().values(), *derivations.exercises().values()]
    sides = [(claim.id, side) for claim in every for said in claim.says for side in (said.lhs, said.rhs)]
    wrong = {(name, one) for name, side in sides for one in torn(printing.latex(side))}
    assert not wrong
