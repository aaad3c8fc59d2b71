"""Cascades: what is made small and large, the condition and its noise, stages that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from torch_impl.networks import UNetConfig
from torch_impl.networks.upsampler import Upsampler
from torch_impl.random.draws import Draws
from torch_impl.systems.cascade import CascadeConfig, LowResolutionConfig, blurred, enlarged, reduced
from torch_impl.training.system import Batch, TrainedStage


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_small_images_are_means_and_large_ones_blocks() -> None:
    x = torch.randn(2, 3, 8, 8, generator=generator())
    assert float(reduced(x, 2)[1, 2, 3, 0]) == pytest.approx(float(x[1, 2, 6:8, 0:2].mean()), abs=1e-6)
    torch.testing.assert_close(reduced(enlarged(reduced(x, 4), 4), 4), reduced(x, 4))


def test_a_blur_keeps_the_level_and_lowers_the_contrast() -> None:
    flat, point = torch.full((1, 2, 4, 4), 0.7), torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 1.0
    torch.testing.assert_close(blurred(flat, 0.5), flat)
    spread = blurred(point, 0.5)
    assert float(spread.sum()) == pytest.approx(1) and 0.3 < float(spread[0, 0, 2, 2]) < 0.7
    ratio = float(spread[0, 0, 2, 1] / spread[0, 0, 2, 2])
    assert ratio == pytest.approx(torch.exp(torch.tensor(-2.0)).item(), rel=1e-5)


def test_the_condition_keeps_its_variance_at_every_level_of_noise() -> None:
    system = CascadeConfig.small().build()
    low, noise = torch.randn(4000, 1, 4, 4, generator=generator()), torch.randn(4000, 1, 8, 8, generator=generator(1))
    for level in (0.0, 0.3, 0.9):
        given = system.condition(low, torch.full((4000,), level), noise)
        assert float(given.var()) == pytest.approx(1, rel=0.02)
    assert torch.equal(system.condition(low, torch.zeros(4000), noise), enlarged(low, 2))


def test_the_network_sees_the_small_image_and_how_noisy_it_is() -> None:
    torch.manual_seed(0)
    network = Upsampler(UNetConfig(8, 2, (16,), 1, ()))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x, low = (torch.randn(2, 2, 8, 8, generator=generator(i)) for i in (0, 1))
    t, level = torch.tensor([3, 7]), torch.tensor([0.1, 0.2])
    out = network(x, t, None, low, level)
    assert out.shape == x.shape
    assert not torch.allclose(out, network(x, t, None, low + 0.5, level), atol=1e-4)
    assert not torch.allclose(out, network(x, t, None, low, level + 0.3), atol=1e-4)
    with pytest.raises(ValueError, match="after scaling"):
        network(x, t, None, low[:, :, :4], level)


def test_without_augmentation_no_noise_is_on_the_condition() -> None:
    seen: list[torch.Tensor] = []
    system = CascadeConfig(timesteps=20, widths=(8,), base_widths=(8,), augment=0.0, augment_sample=0.0).build()
    plain = system.enlarger
    system.enlarger = lambda given, level, y, guidance=1.0: (  # type: ignore[method-assign]
        seen.append(given) or plain(given, level, y, guidance)
    )
    x = torch.randn(8, 1, 8, 8, generator=generator())
    system(Batch(x), Draws(0, 8).at(0))
    assert torch.equal(seen[0], enlarged(reduced(x, 2), 2))


def test_guidance_asks_with_and_without_the_class() -> None:
    config = CascadeConfig(timesteps=20, widths=(8,), base_widths=(8,), classes=3, conditional=True)
    system, asked = config.build(), []
    forward = system.model.forward
    system.model.forward = lambda x, t, y, low, level: asked.append(y) or forward(x, t, y, low, level)
    labels = torch.tensor([0, 2])
    x = system.sample(2, generator(), labels=labels, guidance=2.0, steps=2)
    assert x.shape == (2, 1, 8, 8) and asked[0].tolist() == [0, 2, 3, 3]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LowResolutionConfig(image_size=9), "does not divide image_size = 9"),
        (lambda: CascadeConfig(augment=0.1, augment_sample=0.2), "the most noise that training shows"),
        (lambda: CascadeConfig(network="dit"), "is a unet"),
        (lambda: CascadeConfig(variance="learned", weighting="hybrid"), "posterior or beta"),
        (lambda: CascadeConfig.small().build().prepare(None, None), "needs a trained base"),
        (
            lambda: (
                CascadeConfig.small().build().prepare(None, TrainedStage(CascadeConfig.small().build(), Path("other")))
            ),
            "other is a model of kind cascade, and the base is one of kind low_resolution",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
