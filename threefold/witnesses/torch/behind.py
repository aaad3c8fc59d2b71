"""The oracle of finitely many data, and what no code of the package computes of the data behind a noisy point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils._python_dispatch import _disable_current_modes

from threefold.witnesses.built import from_levels
from threefold.witnesses.cases.scores import Noised, NoisedData, of_data
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.oracle.finite import FiniteData


@trained(
    "denoiser.finite_data",
    method="FiniteData.denoiser, in units where signal and noise have the power 1",
    cases=NoisedData(),
    no_gradient="the oracle is asked, and not trained",
    excused={
        0: "the oracle's score is its denoiser's: statement 4 has that",
        1: "a log-density of one datum",
        2: "shares stay inside the oracle",
        4: "shares stay inside the oracle",
    },
    dtypes=("float64",),
)
def _(s: Noised, on: On) -> Iterator[Shape]:
    power = s.signal**2 + s.level**2
    with _disable_current_modes():
        oracle = FiniteData(s.data, s.weights, from_levels([s.signal**2 / power]).schedule)
    nearest = int(np.argmin(((s.x / s.signal - s.data) ** 2).sum(axis=1)))
    x = on.computed(s.x / np.sqrt(power))
    denoised = oracle.denoiser(x[None], 1)[0]
    yield Computed(3, of_data(s), denoised - on.fixed(s.data[nearest]), side="lhs")


NOT_COMPUTED = {
    "information.i_mmse": "the code takes the best denoiser's error, and no information",
    "ddpm.reverse.moments": "the code steps by the mean of a known datum: ddpm.posterior.mean",
    "weights.log_snr_form": "the losses are weighted over time; what weight that is over log-SNR no code computes",
    "vdm.refinement": "the bound is taken on the grid of the schedule alone",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
