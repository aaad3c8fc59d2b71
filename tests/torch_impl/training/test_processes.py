"""Two processes (gloo, on the CPU) against one: same draws, same losses, same weights; and resume across both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from torch_impl.training import StoredCheckpoint, find_checkpoint, read_metrics
from torch_impl.training.state import load_part

FIELDS = {"dropout": 0.0, "log_every": 1, "checkpoint_every": 4}  # of torch's own, from each process's own generator


def losses(out: Path) -> dict[int, float]:
    return {line["step"]: line["loss"] for line in read_metrics(out / "metrics.jsonl")}


def parts(checkpoint: StoredCheckpoint) -> dict[str, torch.Tensor]:
    names = ("model", "ema", "ema-1", "optimizer")
    return {f"{part}/{k}": v for part in names for k, v in load_part(checkpoint, part).items()}


def assert_close_runs(a: Path, b: Path) -> None:
    first, second = losses(a), losses(b)
    assert first.keys() == second.keys() == set(range(1, 13))
    for step in first:
        assert first[step] == pytest.approx(second[step], rel=2e-5), step
    mine, theirs = parts(find_checkpoint(a)), parts(find_checkpoint(b))
    assert mine.keys() == theirs.keys()
    for name in mine:
        torch.testing.assert_close(mine[name], theirs[name], rtol=1e-3, atol=2e-5, msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, small_run) -> Path:
    out = tmp_path_factory.mktemp("alone")
    small_run.make(out, **FIELDS).fit()
    return out


@pytest.mark.sampled(2)
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_are_one_and_resume_as_one(tmp_path, run_small, small_run, alone, parallel):
    fields = json.dumps({**FIELDS, "parallel": parallel})
    result = run_small(str(tmp_path), fields, processes=2)
    assert result.returncode == 0, result.stderr[-3000:]
    assert_close_runs(tmp_path, alone)
    checkpoint = find_checkpoint(tmp_path)
    assert checkpoint.state["world"] == 2 and checkpoint.has("rng-00001.json")
    assert checkpoint.has("shards") == (parallel == "fsdp")
    # resumed by one process from the middle, it ends as the run that one process made alone
    again = small_run.make(tmp_path, **FIELDS)
    assert again.restore(tmp_path / "checkpoints" / "step-00000004") == 4
    again.fit()
    assert_close_runs(tmp_path, alone)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_one_process_resumed_by_two(tmp_path, run_small, small_run, alone, parallel):
    small_run.make(tmp_path, **{**FIELDS, "steps": 12}).fit()
    for step in (8, 12):
        (tmp_path / "checkpoints" / f"step-{step:08d}").rename(tmp_path / f"aside-{step}")
    result = run_small(str(tmp_path), json.dumps({**FIELDS, "parallel": parallel}), "--resume", processes=2)
    assert result.returncode == 0, result.stderr[-3000:]
    assert find_checkpoint(tmp_path).state["world"] == 2
    assert_close_runs(tmp_path, alone)


@pytest.mark.sampled(2)
def test_sharded_checkpoints_hold_no_pickle(tmp_path, run_small):
    result = run_small(str(tmp_path), json.dumps({**FIELDS, "steps": 4, "parallel": "fsdp"}), processes=2)
    assert result.returncode == 0, result.stderr[-3000:]
    names = {path.suffix for path in (tmp_path / "checkpoints" / "step-00000004").rglob("*") if path.is_file()}
    assert names == {".json", ".safetensors"}


@pytest.mark.sampled(2)
def test_codebook_and_average_are_the_same_on_every_rank_and_as_in_one_process(tmp_path, run_small, vq_ranks):
    vq_ranks.train(tmp_path)
    result = run_small(str(tmp_path), program="vq_ranks.py", processes=2)
    assert result.returncode == 0, result.stderr[-3000:]
    load = safetensors.torch.load_file
    alone, first, second = (load(tmp_path / "ranks" / f"{name}.safetensors") for name in ("1-0", "2-0", "2-1"))
    assert any("codebook" in name for name in first) and any(name.startswith("ema/") for name in first)
    for name in first:
        assert torch.equal(first[name], second[name]), f"{name} differs between the ranks"
    codebook = "model/model.quantizer.codebook"
    torch.testing.assert_close(first[codebook], alone[codebook], rtol=1e-3, atol=1e-4)


@pytest.mark.sampled(2)
def test_a_batch_that_two_processes_cannot_share_is_refused(tmp_path, run_small):
    result = run_small(str(tmp_path), json.dumps({**FIELDS, "batch_size": 15}), processes=2)
    assert result.returncode != 0
    assert "batch size 15 cannot be shared by 2 processes x 1 micro-batches; choose a multiple of 2" in result.stderr
