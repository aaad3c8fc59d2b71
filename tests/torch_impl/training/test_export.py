"""Exported models are the same functions, in files that need nothing of ours."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from torch_impl.export import export_model, programs, to_diffusers, unet_weights
from torch_impl.export.diffusers import _one_step_earlier
from torch_impl.export.plain import model_card
from torch_impl.networks import UNet, UNetConfig, sinusoidal_embedding
from torch_impl.runs.load import Model
from torch_impl.samplers import sample
from torch_impl.systems import SystemConfig
from torch_impl.systems.cascade import CascadeConfig
from torch_impl.systems.classifier import ClassifierConfig
from torch_impl.systems.consistency import ConsistencyConfig
from torch_impl.systems.dalle import DalleConfig
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.systems.distill import DistillConfig
from torch_impl.systems.dvae import DVAESystemConfig
from torch_impl.systems.edm import EDMConfig
from torch_impl.systems.flow import FlowConfig
from torch_impl.systems.latent import LatentConfig
from torch_impl.systems.meanflow import MeanFlowConfig
from torch_impl.systems.mixture import MixtureConfig
from torch_impl.systems.onestep import OneStepConfig
from torch_impl.systems.pca import PCAConfig
from torch_impl.systems.sde import SDEConfig
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.systems.vqvae import VQVAESystemConfig
from torch_impl.systems.vqvae2 import VQVAE2SystemConfig
from torch_impl.training import StoredCheckpoint, System

UNCONDITIONAL = DDPMConfig(8, 3, None, timesteps=20, widths=(8, 16), blocks=1, attention=(4,), head_channels=8)
CONDITIONAL = DDPMConfig(
    8, 1, 10, timesteps=20, conditional=True, widths=(16, 16), attention=(8, 4), head_channels=8, prediction="v"
)
LEARNED = DDPMConfig(8, 1, None, timesteps=20, widths=(8,), blocks=2, variance="learned", weighting="hybrid")
OTHERS = [
    VAESystemConfig(8, 1, 10, hidden=(16,), latent_dim=3),
    VAESystemConfig(8, 1, 10, encoder="cnn", likelihood="gaussian", widths=(8,), latent_dim=3, blocks=0),
    OneStepConfig(8, 1, 10, alpha=0.3, network="cnn", widths=(8, 8)),
    DDPMConfig(8, 1, 10, timesteps=20, network="dit", width=16, depth=1, heads=2, conditional=True),
    MixtureConfig(2, 2, None, timesteps=20, width=16, depth=1),
    VQVAESystemConfig(8, 1, 10, widths=(8,), codes=8, prior_width=8, prior_depth=1, prior_heads=2),
    LatentConfig(8, 1, 10, timesteps=20, widths=(8,), blocks=1, compressor_widths=(8,), compressor_blocks=0),
]
TOLD = {"image_size": 8, "channels": 1, "classes": 10, "conditional": True, "widths": (8,), "blocks": 1}
CONTINUOUS = [FlowConfig(**TOLD), SDEConfig(**TOLD), EDMConfig(**TOLD), ConsistencyConfig(**TOLD)]
FURTHER = [
    *CONTINUOUS,
    MeanFlowConfig(**TOLD),
    DistillConfig(**TOLD),
    CascadeConfig(8, 1, 10, timesteps=20, conditional=True, widths=(8,), blocks=1, base_widths=(8,)),
    ClassifierConfig(8, 1, 10, timesteps=20, widths=(8,), blocks=1, attention=False),
    PCAConfig(8, 1, 10, latent_dim=3),
    VQVAE2SystemConfig(8, 1, 10, widths=(8,), codes=8, top_width=8, top_codes=8, prior_width=8, prior_depth=1),
    DVAESystemConfig.small(),
    dataclasses.replace(DalleConfig.small(), vocabulary=("a", "b", "c")),
    LEARNED,
]


def built(config: SystemConfig) -> System:
    torch.manual_seed(0)
    system = config.build().eval().requires_grad_(False)
    for parameter in system.parameters():  # zero-initialised layers would make any two networks agree
        torch.nn.init.normal_(parameter, std=0.1)
    return system


def model_of(config: SystemConfig) -> Model:
    description = {"preset": "small", "system": config.to_json(), "data": {"name": "digits"}, "trainer": {"steps": 9}}
    return Model(built(config), StoredCheckpoint(Path("step-00000007")), description)


# -- diffusers --------------------------------------------------------------------------------------------------------


def test_the_embedding_of_a_time_is_a_rotation_of_that_of_the_time_before() -> None:
    weight, t = torch.randn(5, 12, dtype=torch.float64), torch.arange(1, 1001, dtype=torch.float64)
    now = sinusoidal_embedding(t, 12) @ weight.T
    torch.testing.assert_close(sinusoidal_embedding(t - 1, 12) @ _one_step_earlier(weight).T, now, rtol=0, atol=1e-11)


@pytest.mark.parametrize("config", [UNCONDITIONAL, CONDITIONAL, LEARNED], ids=["plain", "classes", "variance"])
def test_diffusers_computes_the_same_function_from_the_folder(config: DDPMConfig, tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers")
    system: Any = built(config)
    to_diffusers(system, tmp_path)
    theirs = diffusers.UNet2DModel.from_pretrained(tmp_path, subfolder="unet").eval()
    x, t = torch.randn(4, config.channels, 8, 8), torch.tensor([1, 2, 10, 20])
    y = torch.tensor([0, 3, 9, 10]) if config.conditional else None
    with torch.no_grad():
        ours, given = system.model(x, t, y), theirs(x, t - 1, class_labels=y).sample
    assert ours.abs().mean() > 0.01
    torch.testing.assert_close(given, ours, rtol=0, atol=1e-5)
    scheduler = diffusers.DDPMScheduler.from_pretrained(tmp_path, subfolder="scheduler")
    torch.testing.assert_close(
        scheduler.alphas_cumprod, system.diffusion.schedule.alpha_bars[1:].float(), rtol=1e-5, atol=1e-8
    )


def test_diffusers_draws_the_same_samples(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers")
    system: Any = built(UNCONDITIONAL)
    to_diffusers(system, tmp_path)
    unet = diffusers.UNet2DModel.from_pretrained(tmp_path, subfolder="unet").eval()
    scheduler = diffusers.DDPMScheduler.from_pretrained(tmp_path, subfolder="scheduler")
    noises = torch.randn(20, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x = noises[0]
    scheduler.set_timesteps(20)
    with torch.no_grad():
        for t in scheduler.timesteps:
            mean = scheduler.step(unet(x, t).sample, t, x, generator=torch.Generator().manual_seed(int(t))).prev_sample
            x = mean
    numbers = [torch.randn(x.shape, generator=torch.Generator().manual_seed(t)) for t in range(19, 0, -1)]
    ours = sample(
        system.predictor(), system.diffusion, noises[0], method="ddpm", clip_x0=True, rederive_eps=True,
        noise_fn=lambda shape, i: numbers[i],
    )  # fmt: skip
    torch.testing.assert_close(x, ours, rtol=1e-3, atol=1e-3)


def test_the_pipeline_of_diffusers_loads_an_unconditional_model(tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers")
    to_diffusers(built(UNCONDITIONAL), tmp_path)
    pipeline = diffusers.DDPMPipeline.from_pretrained(tmp_path)
    pipeline.set_progress_bar_config(disable=True)
    images = pipeline(batch_size=2, num_inference_steps=4, output_type="np").images
    assert images.shape == (2, 8, 8, 3)
    to_diffusers(built(CONDITIONAL), tmp_path / "conditional")
    assert not (tmp_path / "conditional" / "model_index.json").exists()


@pytest.mark.parametrize("config", OTHERS[:2] + OTHERS[3:], ids=lambda config: type(config).__name__)
def test_what_has_no_counterpart_in_diffusers_is_refused(config: SystemConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no counterpart in diffusers"):
        to_diffusers(built(config), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("config", CONTINUOUS, ids=lambda config: type(config).__name__)
def test_diffusers_computes_the_same_function_of_continuous_time(config: SystemConfig, tmp_path: Path) -> None:
    diffusers = pytest.importorskip("diffusers")
    system: Any = built(config)
    to_diffusers(system, tmp_path)
    theirs = diffusers.UNet2DModel.from_pretrained(tmp_path, subfolder="unet").eval()
    x, t, y = torch.randn(4, 1, 8, 8), torch.tensor([0.0, 0.3, 217.8, 1000.0]), torch.tensor([0, 3, 9, 10])
    with torch.no_grad():
        ours, given = system.model(x, t, y), theirs(x, t, class_labels=y).sample
    assert ours.abs().mean() > 0.01
    torch.testing.assert_close(given, ours, rtol=0, atol=1e-5)


def test_a_unet_of_continuous_time_is_exported_with_its_time_and_alone(tmp_path: Path) -> None:
    model = model_of(CONTINUOUS[2])
    files = export_model(model, tmp_path / "out", "diffusers")
    names = [path.relative_to(tmp_path / "out").as_posix() for path in files]
    assert names == ["README.md", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "DDPMScheduler" not in card and "250 log(sigma), with x divided by" in card
    network: Any = model.system.model
    weights = load_file(tmp_path / "out" / "unet" / "diffusion_pytorch_model.safetensors")
    assert torch.equal(weights["time_embedding.linear_1.weight"], network.conditioning.linear_1.weight)


def test_a_network_that_is_told_two_times_is_refused_by_that_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="told two times"):
        to_diffusers(built(MeanFlowConfig(**TOLD)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_diffusers_cannot_say_is_refused(tmp_path: Path) -> None:
    score = DDPMConfig(8, 1, None, timesteps=20, widths=(8,), prediction="score")
    with pytest.raises(ValueError, match="predicts 'score', and diffusers knows eps, x0, v only"):
        to_diffusers(built(score), tmp_path / "out")
    from torch_impl.export.diffusers import unet_config

    with pytest.raises(ValueError, match="first width is 9"):
        unet_config(UNetConfig(channels=(9,), groups=3, attention=()))
    assert not (tmp_path / "out").exists()


def test_every_weight_goes_into_the_export_once() -> None:
    network = UNet(UNetConfig(8, 1, (8, 16), attention=(4,), head_channels=8, num_classes=3))
    ours, theirs = sum(p.numel() for p in network.parameters()), unet_weights(network)
    assert sum(tensor.numel() for tensor in theirs.values()) == ours
    assert all(tensor.dtype == torch.float32 for tensor in theirs.values())


# -- programs ---------------------------------------------------------------------------------------------------------

RUNNER = """
import sys
for name in ("torch_impl", "threefold", "derivations", "reference"):
    sys.modules[name] = None
import torch
for name, inputs in torch.load("inputs.pt").items():
    program = torch.export.load(f"{name}.pt2").module()
    torch.save(program(*inputs), f"{name}.pt")
"""


def shaped(output: Tensor) -> str:
    return f"(batch, {', '.join(map(str, output.shape[1:]))})"


def exported_functions(config: SystemConfig, folder: Path) -> dict[str, tuple[tuple[Tensor, ...], Any]]:
    """By the name of a program: inputs of another batch size than it was traced with, and what they give."""
    model = model_of(config)
    export_model(model, folder, "program")
    found, described = programs(model.system), json.loads((folder / "programs.json").read_text())
    assert described.keys() == found.keys()
    assert f'"{next(reversed(found))}.pt2"' in (folder / "README.md").read_text()
    computed: dict[str, tuple[tuple[Tensor, ...], Any]] = {}
    for name, program in found.items():
        assert len(described[name]["takes"]) == len(program.inputs)
        given = tuple(
            torch.rand(3, *one.shape[1:]) if one.is_floating_point() else torch.randint(1, 5, (3, *one.shape[1:]))
            for one in program.inputs
        )
        with torch.no_grad():
            output = program.module(*given)
        if isinstance(output, Tensor):  # what is said of the shape is true
            assert described[name]["gives"].endswith(("in [-1, 1]", shaped(output)))
        computed[name] = given, output
    return computed


@pytest.mark.sampled(3)
def test_programs_are_the_same_functions_without_this_package(tmp_path: Path) -> None:
    inputs: dict[str, tuple[Tensor, ...]] = {}
    expected: dict[str, Any] = {}
    for i, config in enumerate([CONDITIONAL, *OTHERS]):
        for name, (given, output) in exported_functions(config, tmp_path / str(i)).items():
            inputs[f"{i}/{name}"], expected[f"{i}/{name}"] = given, output
    torch.save(inputs, tmp_path / "inputs.pt")
    environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUNNER]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(expected) == 12
    for name, output in expected.items():
        torch.testing.assert_close(torch.load(tmp_path / f"{name}.pt"), output, rtol=1e-5, atol=1e-5)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("config", FURTHER, ids=lambda config: type(config).__name__)
def test_programs_of_every_system_are_the_same_functions(config: SystemConfig, tmp_path: Path) -> None:
    for name, (given, output) in exported_functions(config, tmp_path / "out").items():
        read: Any = torch.export.load(tmp_path / "out" / f"{name}.pt2").module()
        torch.testing.assert_close(read(*given), output, rtol=1e-5, atol=1e-5)


def test_a_system_of_another_make_is_told_to_use_torch_itself() -> None:
    with pytest.raises(ValueError, match=r"a method `functions` .* or use torch\.export on your own"):
        programs(System())


# -- folders ----------------------------------------------------------------------------------------------------------


def test_a_plain_folder_has_every_weight_and_a_card(tmp_path: Path) -> None:
    model = model_of(CONDITIONAL)
    files = export_model(model, tmp_path / "out")
    assert [path.name for path in files] == ["README.md", "config.json", "model.safetensors"]
    weights = load_file(tmp_path / "out" / "model.safetensors")
    state = model.system.state_dict()
    assert weights.keys() == state.keys() and all(torch.equal(weights[name], state[name]) for name in state)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["system"]["kind"] == "ddpm" and "trainer" not in config
    card = (tmp_path / "out" / "README.md").read_text()
    front, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert "library_name: pytorch" in front.splitlines() and "- threefold" in front.splitlines()
    assert "| steps | 7 of 9 |" in body and "licence" in body


def test_a_card_names_the_classes_of_a_model_that_is_told_them_only(tmp_path: Path) -> None:
    for config, told in ((CONDITIONAL, True), (UNCONDITIONAL, False)):
        model = model_of(config)
        model = Model(model.system, model.checkpoint, {**model.description, "data": {"classes": ["cat", "dog"]}})
        card = model_card(model, "plain")
        assert ("Classes by number: cat, dog; after the last comes no class." in card) is told


def test_a_card_is_not_written_by_whoever_wrote_the_checkpoint(tmp_path: Path) -> None:
    model = model_of(UNCONDITIONAL)
    evil = "x\n---\n<script>alert(1)</script> | [a](http://b) `c` "
    model = Model(model.system, model.checkpoint, {**model.description, "preset": evil, "data": {"name": evil}})
    export_model(model, tmp_path / "out", "plain")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "<script>" not in card and card.count("\n---\n") == 1 and "[a]" not in card


def test_what_is_there_is_never_replaced_and_what_fails_leaves_nothing(tmp_path: Path) -> None:
    model, out = model_of(OTHERS[0]), tmp_path / "out"
    with pytest.raises(ValueError, match="no counterpart in diffusers"):
        export_model(model, out, "diffusers")
    with pytest.raises(ValueError, match="choose one of plain, program, diffusers"):
        export_model(model, out, "onnx")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ValueError, match="there is no folder"):
        export_model(model, tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match="not an empty folder; name a new one, nothing there is replaced"):
        export_model(model, out)
    assert (out / "mine.txt").read_text() == "keep" and len(list(tmp_path.iterdir())) == 1
