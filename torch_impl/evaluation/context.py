"""What the metrics share: a model, the data it is judged on, samples that are drawn once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torch_impl.runs.guides import load_guide
from torch_impl.runs.open import Model, first_examples, load_split
from torch_impl.runs.rerank import Ranker, load_ranker
from torch_impl.training.capabilities import KnowsLaw, Labels, Samples
from torch_impl.training.system import Batch, System

__all__ = ["Evaluation", "Settings", "draw_samples", "guide_options", "takes"]


@dataclass(frozen=True)
class Settings:
    """How to evaluate: how many held-out examples and samples, how samples are drawn, the seed of all draws.

    `iw_samples` of the importance-weighted bound are by default 500, or 50 for images of more than 1,024 numbers
    without a GPU, where 500 would take half an hour.  `root` is where local data are, `inception` the file of weights
    of the FID's network, `classifier` the run of a classifier that guides the samples, `rerank` that of a
    dual encoder which keeps the best of several pictures of a caption.
    """

    examples: int = 500
    samples: int = 1000
    sampler: str | None = None
    steps: int | None = None
    guidance: float = 1.0
    iw_samples: int | None = None
    ode_steps: int = 200
    probes: int = 2
    seed: int = 0
    root: str | None = None
    inception: str | None = None
    classifier: str | None = None
    rerank: str | None = None

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
        self._ranker: Ranker | None = None

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
        return torch.Generator(self.device).manual_seed((self.settings.seed * 1000 + purpose) % 2**63)

    def samples(self) -> tuple[Tensor, Tensor | None]:
        """The samples that the metrics share, with the labels they were asked for."""
        if self._samples is None:
            self._samples = self.draw(1)
        return self._samples

    def drawn(self, n: int, labels: Tensor | None, generator: torch.Generator, **options: Any) -> Tensor:
        """n samples for labels, or captions; of captions the best of several where a run ranks them."""

        def draw(asked: Tensor) -> Tensor:
            return draw_samples(self.system, len(asked), generator, labels=asked, **options)

        if labels is None:
            return draw_samples(self.system, n, generator, **options)
        if self.settings.rerank is None:
            return draw(labels)
        if self._ranker is None:
            self._ranker = load_ranker(self.settings.rerank, self.model)
        return self._ranker.best(draw, labels)

    def draw(self, purpose: int) -> tuple[Tensor, Tensor | None]:
        """Samples drawn in batches from a generator of their own, with the labels they were asked for."""
        n, generator = self.settings.samples, self.generator(purpose)
        parts: list[Tensor] = []
        labels = self.system.sample_labels(n) if isinstance(self.system, Labels) else None
        given = {name: getattr(self.settings, name) for name in CHOICES if name in takes(self.system)}
        options = {name: value for name, value in given.items() if value is not None}
        guided = guide_options(self.model, self.settings.classifier, self.device, n)
        labels = guided.pop("labels", labels)
        options |= guided
        size = 5000 if isinstance(self.system, KnowsLaw) else 50 if self.takes_long else 500
        for start in range(0, n, size):
            self.say(f"drawing samples, {start:,} of {n:,}")
            asked = None if labels is None else labels[start : start + size]
            parts.append(self.drawn(min(size, n - start), asked, generator, **options).cpu())
        return torch.cat(parts), None if labels is None else labels.cpu()


def draw_samples(system: System, n: int, generator: torch.Generator, **options: Any) -> Tensor:
    """n samples of any system that has them; options are those of its `sample`."""
    if not isinstance(system, Samples):
        kind = getattr(system.config, "kind", type(system).__name__)
        raise ValueError(f"a model of kind {kind} cannot be sampled: it draws no pictures; evaluate measures it")
    return system.sample(n, generator, **options)


def guide_options(model: Model, classifier: str | None, device: torch.device, n: int) -> dict[str, Any]:
    """The options of `sample` by which a classifier guides, with classes in turn; none without one."""
    if classifier is None:
        return {}
    guide = load_guide(classifier, model, device)
    return {"classifier": guide.logits, "labels": torch.arange(n, device=device) % guide.classes}


CHOICES = ("sampler", "steps", "guidance")
"""The fields of `Settings` that say how samples are drawn."""


def takes(system: System) -> tuple[str, ...]:
    """The choices that the samples of a system follow; none for one that cannot be sampled."""
    return system.takes if isinstance(system, Samples) else ()
