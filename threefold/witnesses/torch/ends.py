"""Ends of the noise, counts and forgetting: what of it the code computes, and where the rest is matched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

from derivations.refutation.laws import mp
from threefold.witnesses.built import diffusion, from_levels
from threefold.witnesses.cases.bins import AffineDecoders, Binned, Decoder, SomeBins
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.levels import Emptied, Graded, SignalLevels, SomeGraded
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.point import Point
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl import NoiseSchedule, sample
from torch_impl.distributions.gaussian import gaussian_log_prob
from torch_impl.networks.embedding import sinusoidal_embedding
from torch_impl.samplers.likelihood import bits_per_dim


@trained("ddpm.parameterization.high_noise_identity", method="q_sample at all signs of noise", cases=Steps(share=2))
def _(s: Step, on: On) -> Iterator[Shape]:
    x0, signs = on(s.x0), on.signs(s.d)
    off = diffusion(s.betas).q_sample(x0.expand(len(signs), s.d), s.t, signs) - signs
    yield Computed(0, s.point(), off.square().sum(1).mean(), {("x", 0): x0}, side="lhs")


@trained(
    "ddpm.parameterization.eps_target_scale",
    method="q_sample at all signs of data and noise, and the best linear answers",
    cases=Steps(share=2, most_d=1),
    no_gradient="averages over everything that the loss depends on",
)
def _(s: Step, on: On) -> Iterator[Shape]:
    both, process = on.signs(2), diffusion(s.betas)
    clean, noise = both[:, :1], both[:, 1:]
    x, point = process.q_sample(clean, s.t, noise), s.point(vectors={"clean": s.x0})
    level = process.schedule.level(s.t)
    signal, spread = (on.computed(float(v)) for v in (level.signal, level.sigma))
    yield Computed(0, point, (noise - spread * x).square().sum(1).mean(), side="lhs")
    yield Computed(1, point, (clean - signal * x).square().sum(1).mean(), side="lhs")


@trained(
    "schedule.zero_terminal_snr",
    method="NoiseSchedule.zero_terminal_snr",
    cases=SignalLevels(),
    no_gradient="a schedule is data",
    dtypes=("float64",),
    excused={3: "a difference of two levels", 4: "a level, less another"},
)
def _(s: Emptied, on: On) -> Iterator[Shape]:
    if s.here == s.first:
        return
    with _disable_current_modes():
        roots = torch.tensor([s.first, s.here, s.later, s.last], dtype=torch.float64)
        emptied = NoiseSchedule.from_alpha_bars(roots.square()).zero_terminal_snr()
    point = s.point()
    yield Computed(0, point, on.fixed(float(emptied.alpha_bar(1).sqrt())))
    yield Computed(1, point, on.fixed(float(emptied.alpha_bar(4))))
    yield Computed(2, point, on.fixed(float(emptied.beta(4))))


@trained(
    "solver.constant_denoiser.exact",
    method="sample by every deterministic method, from a network that knows one datum",
    cases=PathPoints(share=4),
    no_gradient="sampling records no gradient",
    excused={
        2: "the noise that is seen is the network's answer",
        3: "weights of past predictions are solver.multistep3.local_error",
        4: "samplers end in the network's own guess of the data: ddim.update",
    },
    dtypes=("float64",),
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    """Three levels: the middle one is visited by the second run alone."""
    bars = (0.9, 0.5, 0.1)
    signals, levels = ([float(np.sqrt(v)) for v in row] for row in (bars[::-1], [1 - v for v in bars[::-1]]))
    numbers = {f"signal_{n}": a for n, a in zip("tms", signals, strict=True)}
    numbers |= {f"level_{n}": b for n, b in zip("tms", levels, strict=True)}
    point = s.point(numbers=numbers, vectors={"state_of_flow": s.z, "only_datum": s.answer})
    process, z, datum = from_levels(bars, "x0"), on.fixed(s.z), on.fixed(s.answer)

    def network(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return datum.expand_as(x)

    for method in ("ddim", "euler", "heun", "dpmpp_2m", "dpmpp_3m"):
        landed = sample(network, process, z[None], method, [3, 2, 1])[0]
        yield Computed(0, point, landed - on.computed(signals[2]) * datum)
        yield Computed(1, point, sample(network, process, z[None], method, [3, 1])[0], side="lhs")


GRIDS = dict.fromkeys((1, 2), "the width of a grid is an argument")


@trained("bits_per_dim.offset", method="bits_per_dim of the mean log-density", cases=SomeBins(), excused=GRIDS)
def _(s: Binned, on: On) -> Iterator[Shape]:
    x, weights = on(s.x), on.computed(s.weights / s.weights.sum())
    logs = (on.computed(s.places) + x).sum(1) * on.fixed(s.slope)
    bits = bits_per_dim((weights * logs).sum(), len(s.x), s.width)
    yield Computed(0, s.point(), bits * float(np.log(2)), {("vectors", "x_obs"): x})


@trained(
    "vae.loss.slides",
    method="gaussian_log_prob of a decoder",
    cases=AffineDecoders(),
    excused={0: "the same sum at another spread"},
)
def _(s: Decoder, on: On) -> Iterator[Shape]:
    x, shown, d = on(s.x), on.computed(s.network(s.code)), len(s.x)
    log_density = gaussian_log_prob(x, shown, on.computed(np.full(d, np.log(0.5)))).sum()
    value = on.fixed(s.cost) - log_density - on.computed(d * float(np.log(np.pi)) / 2)
    yield Computed(1, s.point(), value, {("vectors", "x_obs"): x})


@trained(
    "unet.time_embedding.relative",
    method="sinusoidal_embedding at two times and their sum",
    cases=SomeGraded(),
    no_gradient="times are integers",
    dtypes=("float64",),
)
def _(s: Graded, on: On) -> Iterator[Shape]:
    """Two frequencies, 1 and 1/100; the second turns slowly enough for the tangents of half of its angles."""
    now, later = (float(round(40 * abs(v))) + 1 for v in s.angles[:2])
    with _disable_current_modes():
        times = torch.tensor([now, later, now + later], dtype=torch.float64)
    turned_by = sinusoidal_embedding(on.tracker.announce(times), 4).T
    sines, cosines = turned_by[:2], turned_by[2:]
    turned = {name: mp.tan(mp.mpf(t) / 200) for name, t in (("half_angle_now", now), ("half_angle_later", later))}
    families = {"half_angle_of": lambda i: mp.tan(mp.mpf(now) / (2 if int(i) == 1 else 200))}
    point = Point(1, {"frequencies": 2}, exact=families)
    point.world().numbers |= turned  # in 30 digits: no floats
    yield Computed(0, point, cosines[1, 2], side="lhs")
    yield Computed(1, point, sines[1, 2], side="lhs")
    yield Computed(2, point, cosines[1, 0] * cosines[1, 1] + sines[1, 0] * sines[1, 1], side="lhs")
    yield Computed(3, point, (cosines[:, 0].square() + sines[:, 0].square()).sum(), side="lhs")


NOT_COMPUTED = {
    "decoder.discretized.normalised": "differences of logarithms of distribution functions, which the analysis of "
    "roundings does not follow; tests/torch_impl add up all levels",
    "onestep.alpha_one": "the objective of one step refuses alpha = 1; onestep.loss.equivalence matches it below",
    "onestep.alpha_zero": "the objective of one step refuses alpha = 0; onestep.loss.equivalence matches it above",
    "onestep.alpha_half": "no code compares powers",
    "onestep.tradeoff": "no code computes moments of what one step leaves",
    "onestep.alpha_sweep.coefficients": "three roots in three digits",
    "ddpm.forward.symbol_reuse": "the code jumps, and never walks: it draws no noise of a single step",
    "vae.decoder.mixture_view": "no code computes moments of what a decoder generates",
    "vae.elbo.parametric_restriction": "no encoder of the code is kept at the origin",
    "score.noise_ladder": "no code averages conditional scores: the loss that is trained is score.dsm.theorem",
    "score.off_support": "`oracle.GaussianMixture` gives the score; tests/torch_impl compare it with a density's slope",
    "loss.best_gaussian": "`oracle.GaussianMixture.best_loss` integrates numerically; tests/torch_impl compare it",
    "flow.rectified": "the code measures straightness along flows that it draws, and no cost of a law",
    "sde.kl_dissipation": "no code computes divergences of two diffusions",
    "sdedit.data_processing": "no code computes divergences of what samplers make",
    "solver.euler_maruyama.ou": "the code runs the reverse equation only; tests/torch_impl compare its order",
    "gumbel.softmax": "the code draws and computes no densities of heights; tests/torch_impl count the draws",
    "fsq.codes": "no code quantises scalars",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
