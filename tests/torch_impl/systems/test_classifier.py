"""The classifier of noisy images, and a diffusion that it guides: gradients, spreads, what does not fit."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.evaluation.samples import _spread_within
from torch_impl.networks.classifier import NoisyClassifier, NoisyClassifierConfig
from torch_impl.oracle import GaussianMixture
from torch_impl.random.draws import Draws
from torch_impl.systems.classifier import ClassifierConfig
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.training.system import Batch

MEANS = [(1.0, 0.5), (-0.8, 0.1), (0.2, -1.3)]


def test_the_network_tells_times_apart_and_has_a_gradient_in_the_image() -> None:
    torch.manual_seed(0)
    network = NoisyClassifier(NoisyClassifierConfig(8, 2, 5, (8, 16), 1, head_channels=8))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.randn(3, 2, 8, 8, requires_grad=True)
    logits = network(x, torch.tensor([1, 1, 1]))
    assert logits.shape == (3, 5) and not torch.allclose(logits, network(x, torch.tensor([9, 9, 9])))
    logits.sum().backward()
    assert x.grad is not None and bool((x.grad != 0).any())


def test_a_classifier_of_separate_classes_is_learned() -> None:
    """Bright and dark images: after some steps the loss is far below log 2, and labels that are noise stay at it."""
    for labelled, least, most in ((True, 0.0, 0.5), (False, 0.5, 5.0)):
        torch.manual_seed(0)
        config = ClassifierConfig(image_size=8, classes=2, timesteps=20, widths=(8,), blocks=1, attention=False)
        system = config.build()
        optimizer = torch.optim.Adam(system.parameters(), lr=1e-2)
        y = torch.arange(32) % 2
        x = (2.0 * y - 1).view(-1, 1, 1, 1).expand(32, 1, 8, 8)
        losses = []
        for step in range(60):
            given = y if labelled else torch.randint(0, 2, (32,), generator=torch.Generator().manual_seed(step))
            terms = system(Batch(x, given), Draws(0, 32).at(step))
            optimizer.zero_grad()
            terms["loss"].backward()
            optimizer.step()
            losses.append(float(terms["loss"].detach()))
        assert least < sum(losses[-10:]) / 10 < most


def test_a_diffusion_guided_by_the_exact_classifier_draws_the_class() -> None:
    """By Bayes' rule weight 1 is the conditional law, and 0 the whole one: the means of the samples say which."""
    config = DDPMConfig(timesteps=100, schedule="linear", widths=(8,), blocks=1)
    schedule = config.noise_schedule()
    whole = GaussianMixture([0.3, 0.5, 0.2], MEANS, [0.2, 0.1, 0.05], schedule)
    parts = [GaussianMixture([1.0], [m], v, schedule) for m, v in zip(MEANS, (0.2, 0.1, 0.05), strict=True)]

    def logits(x: Tensor, t: Tensor) -> Tensor:
        found = [math.log(w) + part.log_prob(x, t) for w, part in zip((0.3, 0.5, 0.2), parts, strict=True)]
        return torch.stack(found, dim=1)

    system = config.build().double()
    system.predictor = lambda y=None: whole.noise  # type: ignore[method-assign,assignment]
    system.diffusion = GaussianDiffusion(schedule)
    system.shape = lambda: (2,)  # type: ignore[method-assign,assignment]
    labels = torch.full((2000,), 2)

    def drawn(weight: float) -> Tensor:
        options = {"labels": labels, "guidance": weight, "sampler": "ddpm", "clip": False}
        return system.sample(2000, torch.Generator().manual_seed(0), classifier=logits, **options).double()

    error = 5 * math.sqrt(0.05 / 2000)
    assert ((drawn(1.0).mean(0) - torch.tensor(MEANS[2]).double()).abs() < error + 0.02).all()
    assert ((drawn(0.0).mean(0) - torch.tensor(MEANS[2]).double()).abs() > 0.3).any()


def test_a_classifier_guides_to_classes_only() -> None:
    system = DDPMConfig.small().build()
    with pytest.raises(ValueError, match="give labels"):
        system.sample(2, torch.Generator(), classifier=lambda x, t: x.flatten(1))


def test_at_pure_noise_the_classifier_is_not_asked() -> None:
    system, asked = DDPMConfig(timesteps=10, zero_terminal_snr=True, prediction="v", widths=(8,), blocks=1).build(), []

    def logits(x: Tensor, t: Tensor) -> Tensor:
        asked.append(int(t[0]))
        return x.flatten(1)[:, :3]

    system.sample(2, torch.Generator(), labels=torch.tensor([0, 1]), classifier=logits, guidance=2.0)
    assert max(asked) == 9 and min(asked) == 1


def test_the_spread_within_a_class_is_that_of_its_pairs() -> None:
    x = torch.randn(9, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2, 2])
    squares = [
        float((x[i] - x[j]).double().square().sum())
        for i in range(9)
        for j in range(9)
        if i != j and labels[i] == labels[j]
    ]
    assert _spread_within(x, labels) == pytest.approx(math.sqrt(sum(squares) / len(squares)))
    assert _spread_within(x, None) != pytest.approx(_spread_within(x, labels), rel=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ClassifierConfig().build(), "a classifier needs labels"),
        (lambda: ClassifierConfig(classes=3, timesteps=0), "a diffusion has 1 to"),
        (lambda: ClassifierConfig(classes=3, head_channels=48), "does not divide the 64 channels"),
        (lambda: ClassifierConfig.small().build()(Batch(torch.zeros(8, 1, 8, 8)), Draws(0, 8).at(0)), "has no labels"),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
