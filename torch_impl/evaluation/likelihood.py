"""Likelihoods: evidence bounds, bits per dimension, densities beside the exact ones."""

from __future__ import annotations

import copy
import math
from typing import cast

import torch
from torch import Tensor, nn

from torch_impl.distributions.gaussian import discretized_gaussian_log_prob
from torch_impl.evaluation.context import Evaluation
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.runs.open import first_examples
from torch_impl.samplers.likelihood import bits_per_dim, dequantize, flow_times, flow_words, ode_log_likelihood
from torch_impl.training.capabilities import Bounds, FlowLikelihood, KnowsLaw, KnowsTruth, PixelLikelihood
from torch_impl.training.system import Batch

__all__ = ["METRICS", "reconstruction_variance"]


def elbo_metric(e: Evaluation) -> list[Figure]:
    """ELBO and importance-weighted bound, nats, sum over pixels."""
    assert isinstance(e.system, Bounds)
    x = e.held_out().x
    samples = e.settings.iw_samples or (50 if e.takes_long else 500)
    pairs: list[tuple[Tensor, Tensor]] = []
    generator = e.generator(2)
    for part in torch.split(x, 50 if e.takes_long else 250):
        e.say(f"bounds of held-out images, {sum(len(a) for a, _ in pairs)} of {len(x)}")
        pairs.append(e.system.bounds(part, samples, generator))
    over = f"{len(x)} held-out images"
    weighted = f"importance-weighted bound, {samples} samples"
    return [
        mean_figure(torch.cat([a for a, _ in pairs]), "elbo", "ELBO", "nats/image", over),
        mean_figure(torch.cat([b for _, b in pairs]), "weighted", weighted, "nats/image", over),
    ]


def bpd_metric(e: Evaluation) -> list[Figure]:
    """Bits per dimension of grey levels: by the variational bound and by the probability-flow ODE.

    Both bound the code length from above: the first by Jensen's inequality over the chain, with a discretised decoder
    whose variance is fitted on training images; the second, but for the errors of its integration, only through the
    uniform noise that makes densities of grey levels (Theis et al. 2016).  A conditional model is given the labels.
    """
    assert isinstance(e.system, PixelLikelihood)
    batch, system = e.held_out(), e.system
    levels = e.model.description["data"]["levels"]
    dims, over = batch.x[0].numel(), f"{len(batch.x)} held-out images"
    fitted = reconstruction_variance(system, first_examples(e.split("train"), 500, e.device), levels, e.generator(5))
    diffusion = system.pixel_chain(fitted)
    noise, flow = e.generator(4), e.generator(6)
    times = flow_times(diffusion.schedule, e.settings.ode_steps)
    bound_bits, ode_bits, trace_errors = [], [], []
    for i in range(0, len(batch.x), 250):
        x, y = batch.x[i : i + 250], None if batch.y is None else batch.y[i : i + 250]
        predictor = system.label_predictor(Batch(x, y))
        bound = diffusion.vlb(predictor, x, decoder="discretized", levels=levels, generator=noise)
        bound_bits.append(bound.bits_per_dim(dims))
        ode = ode_log_likelihood(
            predictor,
            diffusion,
            dequantize(x, levels, flow),
            timesteps=times,
            trace="hutchinson",
            probes=e.settings.probes,
            generator=flow,
        )
        ode_bits.append(ode.bits_per_dim(dims, 2 / (levels - 1)))
        trace_errors.append(ode.standard_error / (dims * math.log(2)))
    of_trace = torch.cat(trace_errors).double().square().sum().sqrt() / len(batch.x)
    return [
        mean_figure(torch.cat(bound_bits), "bound", f"variational bound, {diffusion.T} terms", "bits/dim", over),
        mean_figure(torch.cat(ode_bits), "flow", flow_words(times, diffusion.T), "bits/dim", over),
        Figure(
            "trace_error",
            f"of it, standard error of the trace, {e.settings.probes} probes",
            float(of_trace),
            "bits/dim",
            over,
        ),
    ]


@torch.no_grad()
def reconstruction_variance(system: PixelLikelihood, batch: Batch, levels: int, generator: torch.Generator) -> float:
    """The variance of p(x_0 | x_1) that makes these images likeliest, on a grid (`planned:ddpm.elbo.t1_singular`)."""
    x, diffusion = batch.x, system.pixel_chain()
    t = torch.ones(len(x), dtype=torch.int64, device=x.device)
    x_1 = diffusion.q_sample(x, t, torch.randn(x.shape, generator=generator, device=x.device))
    output = system.label_predictor(batch)(x_1, t)
    mean = diffusion.to_x0(output, x_1, t)
    grid = float(diffusion.schedule.beta(1)) * torch.logspace(-3, 1, 81, dtype=torch.float64)
    scores = [float(discretized_gaussian_log_prob(x, mean, float(v.log()), levels).sum()) for v in grid]
    return float(grid[max(range(len(scores)), key=scores.__getitem__)])


def flow_bpd_metric(e: Evaluation) -> list[Figure]:
    """Bits per dimension of grey levels by the model's own flow, whose trace is estimated with random signs.

    Uniform noise makes densities of grey levels, so that this bounds the code length from above (Theis et al. 2016),
    but for the errors of the integration.  A conditional model is given the labels.
    """
    assert isinstance(e.system, FlowLikelihood)
    batch, levels, generator = e.held_out(), e.model.description["data"]["levels"], e.generator(8)
    dims, over = batch.x[0].numel(), f"{len(batch.x)} held-out images"
    steps = min(e.settings.ode_steps, 50)
    found = []
    for start in range(0, len(batch.x), 250):
        part = batch.x[start : start + 250]
        y = None if batch.y is None else batch.y[start : start + 250]
        x = dequantize(part, levels, generator)
        bits = torch.randint(0, 2, (e.settings.probes, *x.shape), device=x.device, generator=generator)
        found.append(e.system.flow_log_density(Batch(x, y), steps, (2 * bits - 1).to(x.dtype)))
        e.say(f"densities of held-out images, {start + len(part)} of {len(batch.x)}")
    each = bits_per_dim(torch.cat(found, dim=1), dims, 2 / (levels - 1))
    figures = [mean_figure(each.mean(0), "flow", f"by the flow, {steps} steps of rk4", "bits/dim", over)]
    if len(each) > 1:
        error = float((each.double().var(0) / len(each)).sum().sqrt()) / each.shape[1]
        words = f"of it, standard error of the trace, {len(each)} probes"
        figures.append(Figure("trace_error", words, error, "bits/dim", over))
    return figures


def likelihood_metric(e: Evaluation) -> list[Figure]:
    """Log-density of fresh points by the probability-flow ODE (exact trace), beside the exact one of the mixture."""
    assert isinstance(e.system, KnowsTruth)
    system, n = e.system, 4 * e.settings.examples
    x = system.oracle.sample(n, torch.Generator().manual_seed(e.settings.seed + 5)).to(e.device)
    exact = system.oracle.log_prob(x)
    model = cast(KnowsTruth, cast(nn.Module, copy.deepcopy(system)).double())
    found, words = model.log_density(x, e.settings.ode_steps)
    dims, over = x.shape[1], f"{n} fresh points"
    difference = (found - exact) / dims
    return [
        mean_figure(exact / dims, "exact", "exact log-density", "nats/dim", over),
        mean_figure(found / dims, "flow", words, "nats/dim", over),
        mean_figure(difference, "difference", "ODE minus exact", "nats/dim", f"{over}, paired"),
        mean_figure(difference.abs(), "absolute", "absolute difference per point", "nats/dim", over),
    ]


METRICS = (
    Metric(
        "elbo",
        elbo_metric,
        "ELBO and importance-weighted bound of a VAE, summed over pixels",
        "nats/image",
        "more",
        needs=(Bounds,),
    ),
    Metric(
        "bpd",
        bpd_metric,
        "bits per dimension, by the variational bound and by the probability-flow ODE",
        "bits/dim",
        "less",
        needs=(PixelLikelihood,),
    ),
    Metric(
        "flow_bpd",
        flow_bpd_metric,
        "bits per dimension by the flow of a model in continuous time",
        "bits/dim",
        "less",
        needs=(FlowLikelihood,),
        without=(KnowsLaw,),
    ),
    Metric(
        "likelihood",
        likelihood_metric,
        "ODE log-likelihood of a mixture model beside the exact one",
        "nats/dim",
        needs=(KnowsTruth,),
    ),
)
