"""What the tests of the training commands share: the command line in this process, small models, pictures."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from threefold.cli import cli

sys.path.insert(0, str(Path(__file__).parent))  # for small_runs

VAE = ("--image-size", 16, "--set", "workers=0", "--set", "widths=8", "--set", "blocks=0", "--latent-dim", 4)
QUICK = ("--steps", 2, "--batch-size", 4, "--log-every", 1, "--checkpoint-every", 1, "--validate-every", 0)


@pytest.fixture(autouse=True)
def _one_thread(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so it is where a shell starts the tests in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def command():
    """The command line: `command("train", ..., expect=2)`; nothing but an exit comes out of it."""

    def run(*arguments: object, expect: int = 0) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def train(command):
    """`train(name, *options)` with a small model and two steps."""

    def run(name: str, *options: object, expect: int = 0, quick: bool = True) -> Result:
        small = VAE if name == "folder-vae" else ("--set", "hidden=16") if name == "digits-vae" else ()
        begun = ("--no-pictures", *QUICK, *small) if quick else ("--no-pictures",)
        return command("train", name, *begun, *options, expect=expect)

    return run


@pytest.fixture
def picture():
    """`picture(path, i)` writes a picture of noise."""
    return _picture


def _picture(path: Path, i: int = 0, size: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(i).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Twenty cats and twenty dogs in class folders."""
    for name in ("cat", "dog"):
        for i in range(20):
            _picture(tmp_path / "pets" / name / f"{i:02d}.png", i + (100 if name == "dog" else 0))
    return tmp_path / "pets"


@pytest.fixture
def digits_run(train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.getbasetemp() / "one-vae"
    if not out.exists():
        train("digits-vae", "--out", out)
    return out
