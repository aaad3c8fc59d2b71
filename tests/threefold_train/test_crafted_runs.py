"""Every command that reads a run, given one in which something is not as any run writes it: status 2, and a reason."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from threefold.cli import cli

STEPS = ("step-00000002", "step-00000004")
COMMANDS: dict[str, tuple[str, ...]] = {
    "resume": ("train", "digits-vae", "--resume", "--out", "RUN", "--steps", "6", "--no-pictures"),
    "resume from": (
        *("train", "digits-vae", "--out", "RUN", "--steps", "6", "--no-pictures"),
        *("--resume-from", "RUN/checkpoints/step-00000002"),
    ),
    "sample": ("sample", "RUN", "--out", "x.png", "--n", "2"),
    "evaluate": ("evaluate", "RUN", "--metric", "loss"),
    "export": ("export", "RUN", "--out", "exported"),
}


@pytest.fixture(scope="module")
def crafting() -> ModuleType:
    path = Path(__file__).parents[1] / "torch_impl" / "training" / "crafting.py"
    spec = importlib.util.spec_from_file_location("crafting", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["crafting"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("run") / "r"
    small = ("--set", "hidden=16", "--set", "latent_dim=2", "--warmup", "0", "--batch-size", "16", "--no-pictures")
    done = call("train", "digits-vae", *small, "--steps", "4", "--checkpoint-every", "2", "--out", str(out))
    assert done.exit_code == 0, done.output
    return out


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli, list(arguments))


def told(run: Path, command: str) -> str:
    """The output of a command that must end with status 0 or 2 and without a traceback."""
    arguments = [word.replace("RUN", str(run)) for word in COMMANDS[command]]
    done = call(*arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in (0, 2), done.output
    assert done.exit_code == 0 or "threefold: " in done.output
    return str(done.output)


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def change(crafting: ModuleType, run: Path, file: str, path: tuple[str, ...], value: object) -> None:
    """Set, or for `...` remove, one value in a JSON file of both checkpoints."""
    for step in STEPS:
        document = json.loads((run / "checkpoints" / step / file).read_text())
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        if value is ...:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
        (run / "checkpoints" / step / file).write_text(json.dumps(document))
        crafting.rewrite_manifest(run / "checkpoints" / step)


ALL = (..., None, [], "x", -1, 2**70, [[]], {"kind": []})
PLACES = [
    *(("config.json", (part,)) for part in ("system", "data", "trainer", "versions", "preset")),
    *(("config.json", ("trainer", name)) for name in ("ema", "steps", "draw_blocks", "betas", "clip", "seed")),
    *(("config.json", ("data", name)) for name in ("name", "classes", "fingerprint", "image_size")),
    *(("state.json", (name,)) for name in ("step", "data", "ema_updates", "open_means", "validation", "threads")),
]


@pytest.mark.parametrize("values", [(..., [], 2**70), pytest.param(ALL, marks=pytest.mark.long)], ids=["some", "all"])
@pytest.mark.parametrize(("file", "path"), PLACES, ids=str)
def test_no_command_stumbles_over_a_value_that_no_run_writes(
    crafting, trained, tmp_path, monkeypatch, file, path, values
):
    monkeypatch.chdir(tmp_path)
    for value in values:
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(trained, run)
        change(crafting, run, file, path, value)
        told(run, "resume")
        if value is ...:
            told(run, random.Random(str(path)).choice(["resume from", "sample", "evaluate", "export"]))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_larger_than_its_weights_is_refused_by_every_command(crafting, run, command):
    change(crafting, run, "config.json", ("system", "hidden"), [40_000, 40_000])
    output = told(run, command)
    assert "larger than the" in output or "of memory" in output
