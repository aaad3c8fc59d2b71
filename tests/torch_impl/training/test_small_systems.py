"""Every kind of system in its smallest form: trained, saved, read again, sampled, portrayed."""

from pathlib import Path

import pytest
import torch

from torch_impl.runs.open import compressor_preset, first_examples, load_model, load_split, open_run
from torch_impl.runs.portraits import write_portraits
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.runs.recipe import FOLDER, recipe, recipe_names
from torch_impl.systems import SystemConfig, config_from_json, system_kinds
from torch_impl.training.capabilities import Samples
from torch_impl.training.checkpoint import find_checkpoint
from torch_impl.training.trainer_config import TrainerConfig

KINDS = [kind for kind, config in system_kinds().items() if config.build is not SystemConfig.build]
TRAINER = TrainerConfig(2, 8, warmup=0, log_every=1, validate_every=0, preview_every=0)


def small_preset(kind: str) -> Preset:
    small = system_kinds()[kind].small()
    choice = (
        DataChoice("captions", 16) if small.captions else DataChoice(f"{small.laws}ring8" if small.laws else "digits")
    )
    return Preset(f"small-{kind}", "", choice, small, TRAINER)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", KINDS)
def test_a_small_system_is_trained_read_again_sampled_and_portrayed(kind: str, tmp_path: Path) -> None:
    chosen, compressor = small_preset(kind), None
    assert config_from_json(chosen.system.to_json()) == chosen.system
    stage = chosen.system.first_stage()
    if stage is not None:
        first = compressor_preset(chosen)
        open_run(Preset(first.name, "", first.data, first.system, TRAINER), tmp_path / "first").fit()
        compressor = find_checkpoint(tmp_path / "first")
        with pytest.raises(ValueError, match="needs a trained"):
            open_run(chosen, tmp_path / "without")
    open_run(chosen, tmp_path / "run", compressor=compressor).fit()
    system = load_model(tmp_path / "run").system
    if isinstance(system, Samples):
        drawn = [system.sample(n, torch.Generator().manual_seed(0)) for n in (4, 9)]
        assert torch.isfinite(drawn[1]).all() and torch.allclose(drawn[0], drawn[1][:4], atol=1e-4)
    held_out = None if chosen.system.laws else first_examples(load_split(chosen.data, "val"), 12)
    pictures = write_portraits(system, held_out, tmp_path / "portraits")
    assert pictures and all(path.stat().st_size > 100 for path in pictures)


def test_a_preset_file_with_a_wrong_field_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch_impl.runs.recipe.FOLDER", tmp_path)
    right = (FOLDER / "mixture-ddpm.toml").read_text()
    for old, new, message in (
        ("timesteps = 200", "timestep = 200", "preset file x.toml: system mixture has no field 'timestep'"),
        ("steps = 4000", "step = 4000", "preset file x.toml"),
        ("[trainer]", "[training]", "it has no trainer"),
        ("summary =", "sumary =", "it has no summary"),
        ("[data]", "extra = 1\n[data]", "it has 'extra'"),
        ('kind = "mixture"', 'kind = "mixtur"', "system kind is 'mixtur'"),
        ("lr = 2e-3", "lr = ", "preset file x.toml"),
    ):
        (tmp_path / "x.toml").write_text(right.replace(old, new, 1))
        with pytest.raises(ValueError, match=message):
            recipe("x")


def test_every_preset_file_is_read() -> None:
    assert "mixture-ddpm" in recipe_names()
    for name in recipe_names():
        recipe(name)
