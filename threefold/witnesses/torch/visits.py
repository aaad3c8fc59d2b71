"""A whole DDIM chain as the sampler walks it: each noise followed to the end, and the density of their sum."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from threefold.witnesses.built import from_levels
from threefold.witnesses.cases.visits import RoundTrip, RoundTrips, Shrunk, ShrunkSteps, VisitedSteps, Visits
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, Falls, On, Shape, trained
from torch_impl.denoiser.denoiser import Denoiser
from torch_impl.distributions.gaussian import gaussian_log_prob
from torch_impl.samplers.ddim import ddim_invert, ddim_step


@trained(
    "ddim.subsequence",
    method="ddim_step from visit to visit: the mean, and where each single noise ends",
    cases=VisitedSteps(),
)
def _(s: Visits, on: On) -> Iterator[Shape]:
    denoiser = Denoiser(lambda x, _: x, from_levels(s.levels[::-1].copy(), "x0"))
    clean, seen = on(s.clean), on(s.points[s.n - 1])

    def walked(x: Tensor, x0: Tensor, fresh: int) -> Tensor:
        """The n-th visited point, from the first one and with a unit of the noise number `fresh` alone."""
        for n in range(1, s.n):
            t = s.N - n + 1
            x = ddim_step(denoiser, x, x0, t, t - 1, float(s.noises[n - 1]))
            if n == fresh:
                x = x + on.computed(float(s.noises[n - 1]))
        return x

    nothing, one = on.fixed([[0.0] * len(s.clean)]), on.fixed([[1.0] * len(s.clean)])
    process = denoiser.diffusion
    mean = walked(process.q_sample(clean[None], s.N, nothing), clean[None], 0)[0]
    ends = [walked(process.q_sample(nothing, s.N, one if m == 0 else nothing), nothing, m)[0] for m in range(s.n)]
    variance = torch.stack(ends).square().sum(0)
    log_density = gaussian_log_prob(seen, mean, variance.log()).sum()
    yield Computed(0, s.point(), log_density, {("vectors", "clean"): clean, ("members", ("visit", s.n)): seen})


not_applicable("ddim.forward_non_markov", "no code runs the family forwards: x_t is drawn from x_0", witness="torch")


@trained(
    "ddim.gaussian.contraction",
    method="ddim_step of the best network for Gaussian data, in units of the signal",
    cases=ShrunkSteps(),
    excused={
        1: "the flow is solved by no code in closed form",
        2: "a number that no code computes: statement 1 is the step",
        3: "the same number, beside another",
    },
)
def _(s: Shrunk, on: On) -> Iterator[Shape]:
    if s.then == 0:
        return
    levels = [1 / (1 + ratio**2) for ratio in (s.then, s.now)]
    denoiser = Denoiser(lambda x, _: x, from_levels(levels, "eps"))
    x, centre = on(s.x), on(s.centre)
    noise = on.computed(s.now / (s.variance + s.now**2)) * (x - centre)
    signals = [on.computed(denoiser.level(t).signal) for t in (1, 2)]
    landed = ddim_step(denoiser, (x * signals[1])[None], noise[None], 2, 1)[0] / signals[0]
    yield Computed(0, s.point(), landed - centre, {("vectors", "state"): x, ("vectors", "data_centre"): centre})


TRIP = (1 / 64, 1 / 128, 1 / 256)


@trained(
    "ddim.inversion.round_trip",
    method="ddim_invert with so many refinements, then ddim_step down",
    cases=RoundTrips(),
    excused={2: "ddim_invert asks ahead only at s = 0, where the network has no answer"},
    no_gradient="an error at falling steps",
    dtypes=("float64",),
)
def _(s: RoundTrip, on: On) -> Iterator[Shape]:
    matrix, offset, start = on.fixed(s.matrix), on.fixed(s.offset), on.fixed(s.x)

    def lost(k: float, refinements: int) -> Tensor:
        ratios = (s.ratio, s.ratio + k)
        levels = [1 / (1 + ratio**2) for ratio in ratios]
        process = from_levels(levels, "eps")

        def network(x_t: Tensor, t: Tensor) -> Tensor:
            n = int(t[0])
            x: Tensor = x_t / process.schedule.level(n).signal
            below: Tensor = 1 + (x * x).sum(1, keepdim=True) * 0.125 + ratios[n - 1] ** 2 / 4
            above: Tensor = (x[:, None, :] * matrix).sum(2) + offset * ratios[n - 1]
            answer: Tensor = above / below
            return answer

        denoiser = Denoiser(network, process)
        signal = denoiser.level(1).signal
        up = ddim_invert(denoiser, (start * signal)[None], [1, 2], refinements)
        down = ddim_step(denoiser, up, denoiser.output(up, 2), 2, 1)[0] / signal
        gap: Tensor = down - start
        return gap.square().sum().sqrt()

    for part in (0, 1):
        yield Falls(part, torch.stack([lost(k, part) for k in TRIP]), TRIP, part + 2)
