"""What captions are worth: are the attributes that were asked for in the pictures, and do pictures find their captions?

Readers judge pictures: a network with a head for each attribute, trained on real pictures of all combinations, so that
it has no reason to read the ones that a model never saw otherwise.  How often it is right on real ones stands beside.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.evaluation.context import Evaluation, takes
from torch_impl.evaluation.distances import wilson
from torch_impl.evaluation.figure import Figure
from torch_impl.evaluation.metric import Metric
from torch_impl.training.capabilities import Embeds, Reconstructs, Samples, TakesCaptions

__all__ = ["METRICS", "AttributeReaders"]

SEEN, UNSEEN = "test", "unseen"
"""Splits whose combinations of attributes were in the training split, and were not."""
_WORDS = {SEEN: "seen combinations", UNSEEN: "unseen combinations"}


class AttributeReaders:
    """Tells each attribute of a picture.

    Args:
        data: real pictures of all combinations, without end, with `attributes(captions)`.
        counts: values of each attribute.
        steps, batch: of the training.
        say: told in words how far it is.
    """

    def __init__(
        self,
        data: Any,
        counts: tuple[int, ...],
        steps: int = 1200,
        batch: int = 64,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.counts = counts
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers: list[nn.Module] = []
            for c_in, c_out in pairwise((3, 32, 64, 128)):
                layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.GroupNorm(8, c_out), nn.SiLU(), nn.MaxPool2d(2)]
            inside = 128 * (data.shape[1] // 8) ** 2
            layers += [nn.Flatten(), nn.Linear(inside, 128), nn.SiLU(), nn.Linear(128, sum(counts))]
            self._net = nn.Sequential(*layers).to(data.device)
        optimizer = torch.optim.AdamW(self._net.parameters(), lr=2e-3, weight_decay=1e-2)
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        for step in range(steps):
            if step % 20 == 0:
                say(f"training the readers on real pictures, step {step:,} of {steps:,}")
            index = torch.arange(step * batch, (step + 1) * batch)
            x, _ = data.fetch(index)
            values = data.attributes_at(index)
            heads = torch.split(self._net(x), list(counts), 1)
            losses = [F.cross_entropy(head, value) for head, value in zip(heads, values.T, strict=True)]
            loss = torch.stack(losses).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()
            rate.step()
        self._net.eval()

    @torch.no_grad()
    def read(self, images: Tensor) -> Tensor:
        """The value of each attribute, int64 (n, attributes), of images (n, 3, h, w) in [-1, 1]."""
        device = next(self._net.parameters()).device
        scores = torch.cat([self._net(part.to(device)) for part in torch.split(images, 500)]).cpu()
        return torch.stack([head.argmax(1) for head in torch.split(scores, list(self.counts), 1)], dim=1)


def _held_out(e: Evaluation, split: str, n: int) -> tuple[Tensor, Tensor]:
    """The first n pictures of a split whose captions all differ, with the captions."""
    data = e.split(split)
    x, tokens = data.fetch(torch.arange(min(3 * n, len(data))))
    kept: dict[tuple[int, ...], int] = {}
    for i, row in enumerate(tokens.tolist()):
        kept.setdefault(tuple(row), i)
    rows = torch.tensor(list(kept.values())[:n])
    return x[rows], tokens[rows]


def attributes_metric(e: Evaluation) -> list[Figure]:
    """How often samples show what their captions say, of combinations that were in the training data and were not."""
    names = e.split("train").attribute_names
    readers = _readers(e)
    figures: list[Figure] = []
    for split in (UNSEEN, SEEN):
        real, tokens = _held_out(e, split, e.settings.samples)
        said = e.split(split).attributes(tokens)
        drawn = _drawn(e, tokens, 30 if split == UNSEEN else 31)
        right, right_on_real = readers.read(drawn) == said, readers.read(real) == said
        over, beside = f"{len(said)} samples", f"{len(said)} real pictures"
        what = _WORDS[split]
        figures.append(_share(right.all(1), split, f"all six attributes right, {what}", over))
        figures.append(_share(right_on_real.all(1), f"{split}_reader", f"the same of real pictures, {what}", beside))
        if isinstance(e.system, Reconstructs):
            back = e.system.reconstructed(real.to(e.device), e.generator(32)).cpu()
            kept = (readers.read(back) == said).all(1)
            figures.append(
                _share(kept, f"{split}_codes", f"the same of real pictures from their codes, {what}", beside)
            )
        for i, name in enumerate(names):
            figures.append(_share(right[:, i], f"{split}_{name}", f"{name} right, {what}", over))
            figures.append(_share(right_on_real[:, i], f"{split}_{name}_reader", f"{name} read right, {what}", beside))
    return figures


_KNOWN: dict[str, AttributeReaders] = {}


def _readers(e: Evaluation) -> AttributeReaders:
    """The readers of a data set, which several evaluations of one process share."""
    data = e.split("all").to(e.device)
    key = f"{data.fingerprint} {e.device}"
    if key not in _KNOWN:
        _KNOWN[key] = AttributeReaders(data, data.attribute_counts, say=e.say)
    return _KNOWN[key]


def _share(right: Tensor, key: str, name: str, over: str) -> Figure:
    share = float(right.double().mean())
    low, high = wilson(share, len(right))
    return Figure(key, name, 100 * share, "%", over, interval=(100 * low, 100 * high))


def _drawn(e: Evaluation, tokens: Tensor, purpose: int) -> Tensor:
    """Samples for captions, drawn in parts."""
    generator, parts = e.generator(purpose), list[Tensor]()
    given = {name: getattr(e.settings, name) for name in ("sampler", "steps", "guidance") if name in takes(e.system)}
    options = {name: value for name, value in given.items() if value is not None}
    for part in torch.split(tokens, 100 if e.settings.rerank is None else 16):
        e.say(f"drawing pictures of captions, {sum(map(len, parts)):,} of {len(tokens):,}")
        parts.append(e.drawn(len(part), part.to(e.device), generator, **options).cpu())
    return torch.cat(parts)


def retrieval_metric(e: Evaluation) -> list[Figure]:
    """How often the caption of a picture is the nearest of many, and which of two that differ in one attribute."""
    assert isinstance(e.system, Embeds)
    figures: list[Figure] = []
    for split in (UNSEEN, SEEN):
        x, tokens = _held_out(e, split, e.settings.examples)
        pictures, captions = e.system.picture_vectors(x.to(e.device)), e.system.caption_vectors(tokens.to(e.device))
        products, right = (pictures @ captions.T).cpu(), torch.arange(len(x))
        over, what = f"{len(x)} pictures with different captions", _WORDS[split]
        to_caption, to_picture = products.argmax(1) == right, products.argmax(0) == right
        figures += [
            _share(to_caption, split, f"picture to its caption, {what}", over),
            _share(to_picture, f"{split}_picture", f"caption to its picture, {what}", over),
        ]
        if split == UNSEEN:
            figures.append(Figure("chance", "the same by chance", 100 / len(x), "%", over))
        figures += _against_foils(e, split, pictures, captions, tokens)
    figures.append(Figure("foil_chance", "two captions of one, by chance", 50.0, "%", ""))
    return figures


def _against_foils(e: Evaluation, split: str, pictures: Tensor, captions: Tensor, tokens: Tensor) -> list[Figure]:
    """For each attribute: of the caption and one with another value there, how often the right one is nearer."""
    assert isinstance(e.system, Embeds)
    data, figures = e.split(split), list[Figure]()
    for i, name in enumerate(data.attribute_names):
        other = data.foils(tokens, i, e.settings.seed)
        foils = e.system.caption_vectors(other.to(e.device))
        nearer = ((pictures * captions).sum(1) > (pictures * foils).sum(1)).cpu()
        over = f"{len(tokens)} pictures, another {name} in the other caption"
        figures.append(_share(nearer, f"{split}_{name}", f"right {name} of two, {_WORDS[split]}", over))
    return figures


METRICS = (
    Metric(
        "attributes",
        attributes_metric,
        "share of samples that show what their caption says, by readers trained on real pictures, beside real ones",
        "%",
        "more",
        needs=(Samples, TakesCaptions),
    ),
    Metric(
        "retrieval",
        retrieval_metric,
        "how often a picture is nearest to its own caption, and the caption to its picture, beside chance",
        "%",
        "more",
        needs=(Embeds,),
    ),
)
