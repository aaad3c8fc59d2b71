"""The networks and the data are reached from `torch_impl`, and cost nothing until then."""

import subprocess
import sys

import pytest

import torch_impl
import torch_impl.data
import torch_impl.networks


@pytest.mark.parametrize("name", ["UNet", "DiT", "MLPDenoiser", "VAE", "VQVAE"])
def test_public_networks_are_those_of_the_package(name: str) -> None:
    assert getattr(torch_impl, name) is getattr(torch_impl.networks, name)
    assert getattr(torch_impl, f"{name}Config") is getattr(torch_impl.networks, f"{name}Config")


@pytest.mark.parametrize("package", [torch_impl.networks, torch_impl.data])
def test_every_public_name_loads_and_others_are_refused(package: object) -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Unet'"):
        _ = package.Unet


def test_importing_the_packages_loads_none_of_their_modules() -> None:
    script = (
        "import sys, torch_impl.networks, torch_impl.data;"
        "parts = ('torch_impl.networks.', 'torch_impl.data.', 'PIL', 'sklearn');"
        "print([m for m in sys.modules if m.startswith(parts)], 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[] False"


def test_the_compiler_is_not_loaded_before_it_is_asked_for() -> None:
    """It takes a second: as long as torch itself."""
    code = (
        "import sys, torch; from torch_impl import GaussianDiffusion, NoiseSchedule, oracle, sample; "
        "from torch_impl.networks import UNet, VAE; import torch_impl.gpu.normalisation; "
        "print([name for name in sys.modules if name.startswith('torch._dynamo')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
