"""The law of noised data, as witnesses read it: its shares add up, whether or not a datum occurs twice."""

from __future__ import annotations

import pytest

from derivations.refutation.laws import mp
from threefold.witnesses.noised import NoisedPoints

CLEAN, NOISY = ("clean",), ("noisy_point",)


@pytest.mark.parametrize("points", [((0.5,), (-1.0,)), ((0.5,), (0.5,), (-1.0,)), ((0.5,), (0.5,))])
def test_the_shares_of_the_data_given_a_point_add_up(points: tuple[tuple[float, ...], ...]) -> None:
    rows = [tuple(map(mp.mpf, row)) for row in points]
    weights = [mp.mpf(1) / len(rows)] * len(rows)
    law = NoisedPoints(CLEAN, NOISY, rows, weights, mp.mpf(1), mp.mpf(2))
    given = {NOISY: (mp.mpf("0.3"),)}
    assert mp.almosteq(mp.fsum(weight for weight, _ in law.outcomes([CLEAN], given)), 1)
    assert mp.almosteq(mp.fsum(weight for weight, _ in law.outcomes([CLEAN], {})), 1)
