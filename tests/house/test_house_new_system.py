"""A new system touches four files: the system, its network, its preset, its page; nobody else knows it by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from copies import ROOT, Copy

SYSTEM = '''
"""A toy: an autoencoder without noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from torch_impl.networks.toy import ToyNet
from torch_impl.training.system import System
from torch_impl.systems.config import SystemConfig


@dataclass(frozen=True)
class ToyConfig(SystemConfig, kind="toy"):
    width: int = 16

    @classmethod
    def small(cls):
        return cls(width=4)

    def build(self):
        return ToySystem(self)


class ToySystem(System):
    takes = ("columns",)

    def __init__(self, config):
        super().__init__()
        self.config, self.model = config, ToyNet(config.channels * config.image_size**2, config.width)

    def forward(self, batch, draws):
        return {"loss": (self.model(batch.x) - batch.x).square().mean()}

    def reconstructed(self, x, generator):
        return self.model(x)

    @torch.no_grad()
    def sample(self, n, generator):
        side = self.config.image_size
        noise = torch.stack([torch.randn(self.config.channels, side, side, generator=generator) for _ in range(n)])
        return self.model(noise).clamp(-1, 1)

    def portraits(self, album, held_out):
        album.pairs("reconstructions", held_out.x[:20], self.model(held_out.x[:20]))
'''
NETWORK = '''
"""A toy network."""

from torch import nn


class ToyNet(nn.Module):
    def __init__(self, pixels, width):
        super().__init__()
        self.down, self.up = nn.Linear(pixels, width), nn.Linear(width, pixels)

    def forward(self, x):
        return self.up(self.down(x.flatten(1))).view_as(x)
'''
PRESET = """
summary = "a toy on digits"
[data]
name = "digits"
[system]
kind = "toy"
[trainer]
steps = 40
batch_size = 32
warmup = 0
"""
PAGE = "# A toy on digits\n\nA page of prose.\n"
FILES = {
    "torch_impl/systems/toy.py": SYSTEM,
    "torch_impl/networks/toy.py": NETWORK,
    "torch_impl/presets/digits-toy.toml": PRESET,
    "docs/experiments/digits-toy.md": PAGE,
}
TESTS = "tests/torch_impl/training"


@pytest.mark.sampled(3)
def test_a_new_system_touches_four_files(tmp_path: Path) -> None:
    copy = Copy(tmp_path, TESTS)
    for name, text in FILES.items():
        copy.add(name, text)
    assert len(copy.touched()) == 4
    assert "digits-toy a toy on digits" in " ".join(copy.python("-m", "threefold", "train", "--help").split())
    own = copy.python("-m", "threefold", "train", "digits-toy", "--help")
    assert "--steps" in own and "--timesteps" not in own and "--beta " not in own
    run, out = str(tmp_path / "run"), str(tmp_path / "s.png")
    copy.python("-m", "threefold", "train", "digits-toy", "--steps", "3", "--out", run)
    copy.python("-m", "threefold", "train", "digits-toy", "--steps", "5", "--out", run, "--resume")
    assert (tmp_path / "run" / "portraits" / "reconstructions.png").exists()
    copy.python("-m", "threefold", "sample", run, "--n", "4", "--out", out)
    told = copy.python("-m", "threefold", "evaluate", run, "--metric", "reconstruction,loss", "--examples", "20")
    assert "reconstruction error" in told
    passed = copy.pytest(f"{TESTS}/test_small_systems.py", f"{TESTS}/test_metric_rows.py", "-k", "toy")
    assert "passed" in passed and "failed" not in passed, passed


# A system may name its base and the stage before it.
SYSTEMS = sorted(path.stem for path in (ROOT / "torch_impl/systems").glob("*.py"))
CONCRETE = {f"torch_impl.systems.{name}" for name in SYSTEMS} - {
    "torch_impl.systems.__init__",
    "torch_impl.systems.config",
    "torch_impl.systems.levels",
}


def named_systems(path: str, text: str) -> list[str]:
    """The concrete systems that a module imports."""
    nodes = ast.walk(ast.parse(text))
    return [f"{path}: {node.module}" for node in nodes if isinstance(node, ast.ImportFrom) and node.module in CONCRETE]


def test_no_concrete_system_is_named_outside_its_room() -> None:
    found = []
    for package in ("torch_impl", "threefold"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "/systems/" not in name:
                found += named_systems(name, path.read_text(encoding="utf-8"))
    assert not found, "ask for a capability (torch_impl.training.capabilities), or let the config say it"


def test_a_module_that_names_a_system_is_found() -> None:
    assert named_systems("x.py", "from torch_impl.systems.vae import VAESystem") == ["x.py: torch_impl.systems.vae"]
    assert not named_systems("x.py", "from torch_impl.systems.config import SystemConfig")
