"""Losses in bf16 beside float32, and of a run that was stopped and resumed."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from on_gpu.table import Plan, Row
from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset
from torch_impl.training import read_metrics


def bf16(p: Plan) -> Iterator[Row]:
    """Loss curves of the digits preset's U-Net, made wider; means over 30 steps, the first tenth left out."""
    window = 30

    def curve(precision: str, seed: int) -> Tensor:
        fields = {
            "widths": (32, 64) if p.device.type == "cpu" else (64, 128),
            "precision": precision,
            "seed": seed,
            "steps": p.curve_steps,
            "log_every": window,
            "checkpoint_every": 0,
            "validate_every": 0,
            "preview_every": 0,
            "compile": "off",
        }
        with tempfile.TemporaryDirectory() as folder:
            open_run(override(preset("digits-ddpm"), fields), Path(folder)).fit()
            losses = [line["loss"] for line in read_metrics(Path(folder) / "metrics.jsonl")]
        return torch.tensor(losses[max(1, len(losses) // 10) :], dtype=torch.float64)

    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    exact, other = curve("fp32", 0), curve("fp32", 1)
    torch.backends.cudnn.allow_tf32 = allowed
    rounded = curve("bf16", 0)

    def apart(a: Tensor, b: Tensor) -> float:
        return float(100 * ((a - b) / exact).square().mean().sqrt())

    noise, rounding = apart(other, exact), apart(rounded, exact)
    drift = float(100 * ((rounded - exact) / exact).mean())
    standard_error = noise / math.sqrt(2 * len(exact))
    yield Row("bf16 against fp32, same draws: rms difference of the loss curves", rounding, "%", noise, "at most")
    yield Row("fp32 against fp32 with another seed: rms difference", noise, "%")
    yield Row("bf16 against fp32: mean difference of the curves", drift, "%")
    yield Row("standard error of such a mean by the noise of fp32 alone", standard_error, "%")


def resume(p: Plan) -> Iterator[Row]:
    fields = {
        "deterministic": True,
        "log_every": 1,
        "lr_shape": "constant",
        "checkpoint_every": 20,
        "validate_every": 0,
        "preview_every": 0,
        "compile": "off",
        "widths": (64, 128),
    }
    if p.device.type == "cpu":
        fields["widths"] = (16, 32)

    def run(folder: Path, steps: int) -> list[float]:
        trainer = open_run(override(preset("digits-ddpm"), {**fields, "steps": steps}), folder)
        if trainer.last_checkpoint() is not None:
            trainer.restore()
        trainer.fit()
        return [line["loss"] for line in read_metrics(folder / "metrics.jsonl")]

    benchmark = torch.backends.cudnn.benchmark
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole = run(Path(folder) / "whole", 40)
            run(Path(folder) / "parts", 20)
            parts = run(Path(folder) / "parts", 40)
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = benchmark
    different = sum(a != b for a, b in zip(whole, parts, strict=True))
    yield Row("losses of 40 that differ after a stop at step 20 and a resume", different, "", 0, "at most")
