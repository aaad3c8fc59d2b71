"""A dual encoder that ranks pictures by their caption: another run, checked to fit before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torch_impl.runs.load import Model, load_model
from torch_impl.training.capabilities import Embeds, TakesCaptions

__all__ = ["CANDIDATES", "Ranker", "load_ranker"]

CANDIDATES = 8
"""Pictures that are drawn for one that is kept."""
_SAME = ("image_size", "channels", "vocabulary", "caption_length")


@dataclass(frozen=True)
class Ranker:
    """Keeps of several pictures of a caption the one whose vector is nearest to the caption's."""

    encoder: Embeds
    candidates: int = CANDIDATES

    def best(self, draw: Callable[[Tensor], Tensor], captions: Tensor) -> Tensor:
        """One picture for each caption (n, length); `draw` makes pictures of captions."""
        pictures = draw(captions.repeat_interleave(self.candidates, 0))
        near = self.encoder.picture_vectors(pictures).view(len(captions), self.candidates, -1)
        scores = (near * self.encoder.caption_vectors(captions)[:, None]).sum(2)
        rows = torch.arange(len(captions), device=scores.device) * self.candidates + scores.argmax(1)
        return pictures[rows]


def load_ranker(where: Path | str, model: Model, candidates: int | None = None) -> Ranker:
    """The dual encoder of a run, for the model whose pictures it is to rank, on its device.

    Raises:
        ValueError: the run is no dual encoder, of other pictures, of other words or of other data, or the model draws
            from no captions.
    """
    mine: Any = model.system
    if not isinstance(model.system, TakesCaptions) or isinstance(model.system, Embeds):
        kind = model.description["system"]["kind"]
        raise ValueError(
            f"--rerank has no meaning for a model of kind {kind}, which draws from no captions; leave it out"
        )
    found = load_model(where, device=next(mine.parameters()).device)
    theirs: Any = found.system
    if not isinstance(found.system, Embeds):
        kind = found.description["system"]["kind"]
        raise ValueError(f"--rerank {where} is a model of kind {kind}; give a run of a preset such as glyphs-clip")
    for name in _SAME:
        here, there = getattr(mine.config, name), getattr(theirs.config, name)
        if here != there:
            raise ValueError(
                f"--rerank {where} has {name} = {_shown(there)}, and this model has {_shown(here)}; train it on the "
                "same data in the same size"
            )
    data, other = model.description["data"], found.description["data"]
    if data.get("fingerprint") != other.get("fingerprint"):
        raise ValueError(
            f"--rerank {where} was trained on {other.get('name')} ({other.get('fingerprint')}), and this model on "
            f"{data.get('name')} ({data.get('fingerprint')}); train it on the same data"
        )
    return Ranker(theirs, CANDIDATES if candidates is None else candidates)


def _shown(value: Any) -> str:
    return f"{len(value)} words, {', '.join(value[:6])}, ..." if isinstance(value, tuple) else str(value)
