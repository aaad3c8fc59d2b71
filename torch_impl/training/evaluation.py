"""What a trained model is worth: likelihoods and figures of sample quality, each with its uncertainty.

A metric is a function from a model to figures; `metrics_for` says which make sense for a system.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.distributions.gaussian import discretized_gaussian_log_prob
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.samplers.likelihood import dequantize, ode_log_likelihood
from torch_impl.samplers.times import spaced_timesteps
from torch_impl.training.draws import Draws
from torch_impl.training.judge import (
    EndlessClassifier,
    ImageClassifier,
    copy_check,
    sliced_wasserstein,
    wasserstein_to_truth,
)
from torch_impl.training.runs import Model, first_examples, load_split
from torch_impl.training.system import Batch, System
from torch_impl.training.systems.ddpm import DDPMSystem, DiffusionSystem
from torch_impl.training.systems.latent import LatentSystem
from torch_impl.training.systems.mixture import MixtureSystem
from torch_impl.training.systems.onestep import OneStepSystem
from torch_impl.training.systems.vae import VAESystem
from torch_impl.training.systems.vqvae import VQVAESystem

__all__ = ["Figure", "Settings", "evaluate", "metrics_for"]


@dataclass(frozen=True)
class Figure:
    """One figure: its name, value, unit, what it was taken on, and its standard error where it has one."""

    name: str
    value: float
    unit: str
    over: str
    error: float | None = None


@dataclass(frozen=True)
class Settings:
    """How to evaluate: how many held-out examples and samples, how samples are drawn, the seed of all draws.

    `iw_samples` of the importance-weighted bound are by default 500, or 50 for images of more than 1,024 numbers
    without a GPU, where 500 would take half an hour.
    """

    examples: int = 500
    samples: int = 1000
    sampler: str = "ddim"
    steps: int | None = None
    guidance: float = 1.0
    iw_samples: int | None = None
    ode_steps: int = 200
    probes: int = 2
    seed: int = 0
    root: str | None = None

    def __post_init__(self) -> None:
        for name in ("examples", "samples", "steps", "iw_samples", "ode_steps", "probes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; at least one is needed")


class Evaluation:
    """A model with the data it is judged on; data and samples are had once and shared by the metrics.

    `say` is told in words what is being done.
    """

    def __init__(self, model: Model, settings: Settings, say: Callable[[str], None] = lambda words: None) -> None:
        self.model, self.settings, self.say = model, settings, say
        self.system: System = model.system
        self.device = next(model.system.parameters()).device
        self._splits: dict[str, Any] = {}
        self._samples: tuple[Tensor, Tensor | None] | None = None

    @property
    def takes_long(self) -> bool:
        """Whether the images are large and there is no GPU: work then comes in smaller parts, each of them told."""
        config: Any = self.system.config
        return self.device.type == "cpu" and config.image_size**2 * config.channels > 1024

    def split(self, name: str) -> Any:
        if name not in self._splits:
            choice = dataclasses.replace(self.model.data, root=self.settings.root)
            self._splits[name] = load_split(choice, name)
        return self._splits[name]

    def held_out(self) -> Batch:
        return first_examples(self.split("test"), self.settings.examples, self.device)

    def real(self, split: str, n: int) -> tuple[Tensor, Tensor]:
        batch = first_examples(self.split(split), n)
        if batch.y is None:
            raise ValueError("this data has no labels, so no classifier can judge its samples; leave out this metric")
        return batch.x, batch.y

    def generator(self, purpose: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self.settings.seed * 1000 + purpose)

    def samples(self) -> tuple[Tensor, Tensor | None]:
        """The samples that the metrics share, with the labels they were asked for."""
        if self._samples is None:
            self._samples = self.draw(1)
        return self._samples

    def draw(self, purpose: int) -> tuple[Tensor, Tensor | None]:
        """Samples drawn in batches from a generator of their own, with the labels they were asked for."""
        n, generator = self.settings.samples, self.generator(purpose)
        parts: list[Tensor] = []
        options: dict[str, Any]
        labels, options = None, {}
        if isinstance(self.system, (DiffusionSystem, VQVAESystem)):
            labels = self.system.sample_labels(n)
        if isinstance(self.system, DiffusionSystem):
            chosen = self.settings
            options = {"guidance": chosen.guidance, "sampler": chosen.sampler, "steps": chosen.steps}
        size = 5000 if isinstance(self.system, MixtureSystem) else 50 if self.takes_long else 500
        for start in range(0, n, size):
            self.say(f"drawing samples, {start:,} of {n:,}")
            asked = {} if labels is None else {"labels": labels[start : start + size]}
            parts.append(draw_samples(self.system, min(size, n - start), generator, **options, **asked).cpu())
        return torch.cat(parts), None if labels is None else labels.cpu()


def draw_samples(system: System, n: int, generator: torch.Generator, **options: Any) -> Tensor:
    """n samples of any system that has them; options are those of its `sample`."""
    if isinstance(system, (DiffusionSystem, VQVAESystem, VAESystem, OneStepSystem)):
        samples: Tensor = system.sample(n, generator, **options)
        return samples
    raise ValueError(f"a {type(system).__name__} cannot be sampled")


def _mean(values: Tensor, name: str, unit: str, over: str) -> Figure:
    """The mean of the values with its standard error, which a single value does not have."""
    values = values.double().flatten()
    error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None
    return Figure(name, float(values.mean()), unit, over, error)


# -- metrics ----------------------------------------------------------------------------------------------------------


def elbo_metric(e: Evaluation) -> list[Figure]:
    """ELBO and importance-weighted bound, nats, sum over pixels."""
    assert isinstance(e.system, VAESystem)
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
        _mean(torch.cat([a for a, _ in pairs]), "ELBO", "nats/image", over),
        _mean(torch.cat([b for _, b in pairs]), weighted, "nats/image", over),
    ]


def reconstruction_metric(e: Evaluation) -> list[Figure]:
    """Mean squared error per pixel of reconstructions of held-out images, in units of the range [-1, 1]."""
    system, x = e.system, e.held_out().x
    over = f"{len(x)} held-out images"
    with torch.no_grad():
        if isinstance(system, VAESystem):
            decoded = system.model.reconstruct(x)
        elif isinstance(system, LatentSystem):
            decoded = system.reconstruct(x)
        elif isinstance(system, OneStepSystem):
            noise = torch.randn(x.shape, generator=e.generator(3), device=x.device)
            decoded = system.reconstruct(x, noise)[1].clamp(-1, 1)
        else:
            assert isinstance(system, VQVAESystem)
            output = system.model(x)
            decoded = output.reconstruction.clamp(-1, 1)
            used = int(torch.unique(output.codes).numel())
            extra = [
                Figure("perplexity of the codes", float(output.perplexity), f"of {system.config.codes}", over),
                Figure("codes in use", used, f"of {system.config.codes}", over),
            ]
            return [_mean((decoded - x).square().flatten(1).mean(1), "reconstruction error", "per pixel", over), *extra]
    return [_mean((decoded - x).square().flatten(1).mean(1), "reconstruction error", "per pixel", over)]


def loss_metric(e: Evaluation) -> list[Figure]:
    """The training loss on fresh examples, beside the least that any network could reach, where that is known."""
    system, best = e.system, e.system.best_loss()
    if isinstance(system, MixtureSystem) and not system.config.conditional:
        points = system.oracle.sample(400 * e.settings.examples, torch.Generator().manual_seed(e.settings.seed))
        batches = [Batch(part.to(e.device)) for part in torch.split(points.float(), 4000)]
    else:
        batches = [e.held_out()] * 16
    losses, bests = [], []
    with torch.no_grad():
        for i, batch in enumerate(batches):
            draws = Draws(e.settings.seed, len(batch.x), 1, e.device, stream="evaluate").at(i)
            losses.append(system(batch, draws)["loss"])
            if isinstance(system, MixtureSystem) and best is not None:
                draws = Draws(e.settings.seed, len(batch.x), 1, e.device, stream="evaluate").at(i)
                bests.append(_oracle_loss(system, batch, draws))
    figures = [_mean(torch.stack(losses), "loss", "", f"{len(batches)} batches of fresh examples")]
    if best is not None and isinstance(system, MixtureSystem):
        figures.append(Figure("best reachable loss", best, "", "exact, by quadrature"))
        excess = (torch.stack(losses) - torch.stack(bests)).double()
        over = "paired with the exact denoiser on the same draws"
        figures.append(_mean(100 * excess / best, "excess over the best reachable loss", "%", over))
    return figures


def _oracle_loss(system: MixtureSystem, batch: Batch, draws: Draws) -> Tensor:
    """The loss of the exact denoiser on the draws that the model had."""
    t = draws.timesteps(system.diffusion.T, system.config.stratified)
    noise = draws.normal_like(batch.x)
    model = system.oracle.model(system.config.prediction)
    loss: Tensor = system.diffusion.loss(model, batch.x, t, noise, system.config.weighting)
    return loss


def bpd_metric(e: Evaluation) -> list[Figure]:
    """Bits per dimension of grey levels: by the variational bound and by the probability-flow ODE.

    Both bound the code length from above: the first by Jensen's inequality over the chain, with a discretised decoder
    whose variance is fitted on training images; the second, but for the errors of its integration, only through the
    uniform noise that makes densities of grey levels (Theis et al. 2016).  A conditional model is given the labels.
    """
    assert isinstance(e.system, DDPMSystem)
    batch, system = e.held_out(), e.system
    levels = e.model.description["data"]["levels"]
    dims, over = batch.x[0].numel(), f"{len(batch.x)} held-out images"
    fitted = reconstruction_variance(system, first_examples(e.split("train"), 500, e.device), levels, e.generator(5))
    config = system.config
    diffusion = GaussianDiffusion(
        config.noise_schedule(), config.prediction, config.variance, reconstruction_variance=fitted
    )
    noise, flow = e.generator(4), e.generator(6)
    times = _flow_times(diffusion.schedule, e.settings.ode_steps)
    bound_bits, ode_bits, trace_errors = [], [], []
    for i in range(0, len(batch.x), 250):
        x, y = batch.x[i : i + 250], None if batch.y is None else batch.y[i : i + 250]
        predictor = system.predictor(y if config.conditional else None)
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
        _mean(torch.cat(bound_bits), f"variational bound, {diffusion.T} terms", "bits/dim", over),
        _mean(torch.cat(ode_bits), _flow_name(times, diffusion.T), "bits/dim", over),
        Figure(f"of it, standard error of the trace, {e.settings.probes} probes", float(of_trace), "bits/dim", over),
    ]


def _flow_times(schedule: NoiseSchedule, steps: int) -> list[int]:
    """Times from 0 to T for the probability flow; to T - 1 where x_T is pure noise, of which nothing leads back."""
    times = spaced_timesteps(schedule, min(steps, schedule.T), "log_snr")[::-1]
    if schedule.level(schedule.T).signal == 0:
        times = [*(t for t in times if t < schedule.T - 1), schedule.T - 1]
    return times


def _flow_name(times: list[int], T: int) -> str:
    short = "" if times[-1] == T else f" to t = {times[-1]} (x_{T} is pure noise)"
    return f"probability-flow ODE, {len(times) - 1} steps{short}"


@torch.no_grad()
def reconstruction_variance(system: DDPMSystem, batch: Batch, levels: int, generator: torch.Generator) -> float:
    """The variance of p(x_0 | x_1) that makes these images likeliest, on a grid (`planned:ddpm.elbo.t1_singular`)."""
    x, diffusion = batch.x, system.diffusion
    t = torch.ones(len(x), dtype=torch.int64, device=x.device)
    x_1 = diffusion.q_sample(x, t, torch.randn(x.shape, generator=generator, device=x.device))
    output = system.predictor(batch.y if system.config.conditional else None)(x_1, t)
    mean = diffusion.to_x0(output, x_1, t)
    grid = float(diffusion.schedule.beta(1)) * torch.logspace(-3, 1, 81, dtype=torch.float64)
    scores = [float(discretized_gaussian_log_prob(x, mean, float(v.log()), levels).sum()) for v in grid]
    return float(grid[max(range(len(scores)), key=scores.__getitem__)])


def likelihood_metric(e: Evaluation) -> list[Figure]:
    """Log-density of fresh points by the probability-flow ODE (exact trace), beside the exact one of the mixture."""
    assert isinstance(e.system, MixtureSystem)
    system, n = e.system, 4 * e.settings.examples
    x = system.oracle.sample(n, torch.Generator().manual_seed(e.settings.seed + 5)).to(e.device)
    exact = system.oracle.log_prob(x)
    model = copy.deepcopy(system).double()
    times = _flow_times(system.diffusion.schedule, e.settings.ode_steps)
    ode = ode_log_likelihood(model.predictor(), system.diffusion, x, timesteps=times)
    dims, over = x.shape[1], f"{n} fresh points"
    difference = (ode.log_prob - exact) / dims
    return [
        _mean(exact / dims, "exact log-density", "nats/dim", over),
        _mean(ode.log_prob / dims, _flow_name(times, system.diffusion.T), "nats/dim", over),
        _mean(difference, "ODE minus exact", "nats/dim", f"{over}, paired"),
        _mean(difference.abs(), "absolute difference per point", "nats/dim", over),
    ]


def classifier_metric(e: Evaluation) -> list[Figure]:
    """How often a classifier trained on real images only sees in a sample the class that was asked for."""
    x, labels = e.samples()
    test = e.real("test", 2000)
    classifier: ImageClassifier | EndlessClassifier
    if e.split("train").size is None:
        short = {"steps": 200, "batch": 128, "side": 16} if e.device.type == "cpu" else {}  # a minute, not twenty
        classifier = EndlessClassifier(e.split("train").to(e.device), test, say=e.say, **short)
    else:
        e.say("fitting a classifier to real images")
        classifier = ImageClassifier(e.real("train", 6000), test)
    figures = [Figure("classifier on held-out real images", 100 * classifier.held_out_accuracy, "%", "its own check")]
    if labels is not None:
        right = torch.from_numpy(classifier.predict(x)) == labels
        figures.append(_mean(100.0 * right, "samples labelled as intended", "%", f"{len(x)} samples"))
    else:
        clear = float(torch.tensor(classifier.margin(test[0])).quantile(0.05))
        share = torch.tensor(classifier.margin(x) > clear)
        counts = torch.bincount(torch.from_numpy(classifier.predict(x)).long(), minlength=len(e.split("train").classes))
        p = counts.double() / counts.sum()
        figures.append(_mean(100.0 * share, "samples as clear as 95 % of real images", "%", f"{len(x)} samples"))
        entropy = float(torch.exp(-torch.special.xlogy(p, p).sum()))
        figures.append(Figure("classes among the samples (perplexity)", entropy, f"of {len(p)}", f"{len(x)} samples"))
    return figures


def copies_metric(e: Evaluation) -> list[Figure]:
    """Whether samples are copies of training images."""
    e.say("distances to training images")
    train = first_examples(e.split("train"), 20_000).x
    check = copy_check(e.samples()[0], train, first_examples(e.split("test"), 2000).x)
    over = f"{e.settings.samples} samples"
    return [
        Figure("median distance of a sample to its nearest training image", check.sample_median, "", over),
        Figure("the same for held-out real images", check.real_median, "", "held-out images"),
        Figure("samples nearer than 99 % of held-out images are", 100 * check.copies, "%", over),
    ]


def wasserstein_metric(e: Evaluation) -> list[Figure]:
    """Sliced 2-Wasserstein distance from samples to true ones, beside that of two true sets of the same size."""
    system, n = e.system, e.settings.samples
    if isinstance(system, MixtureSystem):
        seeds = torch.Generator().manual_seed(e.settings.seed + 17)
        truth = [system.oracle.sample(n, seeds) for _ in range(8)]
        drawn = [e.samples()[0], *(e.draw(20 + i)[0] for i in range(7))]
        mine, theirs = wasserstein_to_truth(drawn, truth)
        return [
            Figure("sliced Wasserstein distance to true samples", mine, "", f"{n} points, mean of 64 pairs of sets"),
            Figure("the same between two true sets", theirs, "", f"{n} points, mean of 28 pairs of sets"),
            Figure("ratio", mine / theirs, "", ""),
        ]
    test = first_examples(e.split("test"), 10_000).x
    train = first_examples(e.split("train"), len(test)).x
    count = min(len(test), len(train), n)
    x = e.samples()[0][:count]
    mine, theirs = sliced_wasserstein(x, train[:count]), sliced_wasserstein(test[:count], train[:count])
    return [
        Figure("sliced Wasserstein distance to training images", mine, "", f"{count} samples"),
        Figure("the same for held-out real images", theirs, "", f"{count} images"),
    ]


_METRICS: dict[str, tuple[tuple[type[System], ...], Callable[[Evaluation], list[Figure]]]] = {
    "elbo": ((VAESystem,), elbo_metric),
    "bpd": ((DDPMSystem,), bpd_metric),
    "likelihood": ((MixtureSystem,), likelihood_metric),
    "loss": ((MixtureSystem, DDPMSystem, LatentSystem, OneStepSystem, VQVAESystem, VAESystem), loss_metric),
    "reconstruction": ((VAESystem, VQVAESystem, LatentSystem, OneStepSystem), reconstruction_metric),
    "classifier": ((DDPMSystem, LatentSystem, VQVAESystem, VAESystem, OneStepSystem), classifier_metric),
    "copies": ((DDPMSystem, LatentSystem, VQVAESystem, VAESystem, OneStepSystem), copies_metric),
    "wasserstein": (
        (MixtureSystem, DDPMSystem, LatentSystem, VQVAESystem, VAESystem, OneStepSystem),
        wasserstein_metric,
    ),
}


def metrics_for(system: System) -> list[str]:
    """Names of the metrics that make sense for a system."""
    return [name for name, (kinds, _) in _METRICS.items() if isinstance(system, kinds)]


def check_metrics(model: Model, metrics: list[str] | None) -> list[str]:
    """The metrics to compute: those named, or all that make sense (without a classifier where there are no labels).

    Raises:
        ValueError: a metric that is unknown, or that makes no sense for this system.
    """
    possible = metrics_for(model.system)
    if metrics is None:
        return [name for name in possible if name != "classifier" or model.description["data"].get("classes")]
    for name in metrics:
        if name not in _METRICS:
            raise ValueError(f"unknown metric {name!r}; for this model there are {', '.join(possible)}")
        if name not in possible:
            kind = model.description["system"]["kind"]
            raise ValueError(
                f"metric {name!r} makes no sense for a model of kind {kind}; choose among {', '.join(possible)}"
            )
    return metrics


def evaluate(
    model: Model,
    metrics: list[str] | None = None,
    settings: Settings | None = None,
    started: Callable[[str], None] = lambda words: None,
    failed: Callable[[str, Exception], None] | None = None,
) -> Mapping[str, list[Figure]]:
    """Figures by metric.

    Args:
        metrics: names; by default all that make sense for the system.
        started: told of each metric before it is computed, and of its longer parts.
        failed: told of a metric that cannot be computed, and why; the others are computed all the same.  Without it
            the error is raised.

    Raises:
        ValueError: as `check_metrics`.
    """
    evaluation, figures = Evaluation(model, settings or Settings()), {}
    for name in check_metrics(model, metrics):
        started(name)
        evaluation.say = partial(_say, started, name)
        try:
            figures[name] = _METRICS[name][1](evaluation)
        except Exception as error:
            if failed is None:
                raise
            failed(name, error)
    return figures


def _say(told: Callable[[str], None], metric: str, words: str) -> None:
    told(f"{metric}: {words}")
