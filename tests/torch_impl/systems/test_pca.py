"""The linear autoencoder finds the principal subspace, where the data are centred; elsewhere another one."""

from __future__ import annotations

import math

import pytest
import torch

from torch_impl.evaluation.subspace import largest_angle
from torch_impl.networks.linear import LinearAutoencoder, LinearAutoencoderConfig
from torch_impl.random.draws import Draws
from torch_impl.systems.pca import PCAConfig
from torch_impl.training.system import Batch


def trained(x: torch.Tensor, k: int, steps: int = 800) -> torch.Tensor:
    """What the decoder spans after training on all points at once."""
    torch.manual_seed(0)
    model = LinearAutoencoder(LinearAutoencoderConfig(x.shape[1], k)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) - x).square().sum(1).mean().backward()
        optimizer.step()
        scheduler.step()
    return model.decode.weight.detach()


def the_counterexample() -> torch.Tensor:
    """Covariance diag(4, 1), mean (0, 10): the direction of most variance is e_1, that of most length e_2."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T, correction=0))).T
    return x * torch.tensor([2.0, 1.0]) + torch.tensor([0.0, 10.0])


def test_without_centring_the_counterexample_is_found() -> None:
    x = the_counterexample()
    e_1, e_2 = torch.eye(2, dtype=torch.float64).split(1, dim=1)
    assert largest_angle(trained(x, 1), e_2) < 1e-3 and largest_angle(trained(x, 1), e_1) > 1.5
    assert largest_angle(trained(x - x.mean(0), 1), e_1) < 1e-3


def test_the_errors_of_the_counterexample_are_those_of_the_claim() -> None:
    """Keeping e_2 costs 4, keeping e_1 costs 101: what is left out of the second moments."""
    x = the_counterexample()
    moments = x.T @ x / len(x)
    assert torch.allclose(moments, torch.diag(torch.tensor([4.0, 101.0], dtype=torch.float64)))


@pytest.mark.parametrize(("given", "angle"), [(0.0, 0.0), (1e-9, 1e-9), (0.3, 0.3), (math.pi / 2, math.pi / 2)])
def test_angles_keep_their_digits(given: float, angle: float) -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0], [0.0, math.cos(given)], [0.0, math.sin(given)]], dtype=torch.float64)
    mixing = torch.tensor([[2.0, 1.0], [0.5, 3.0]], dtype=torch.float64)  # other columns of the same span
    assert largest_angle(a @ mixing, b) == pytest.approx(angle, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize("centred", [True, False])
def test_the_best_loss_is_reached_by_the_principal_subspace_and_by_no_other(centred: bool) -> None:
    config = PCAConfig(image_size=4, latent_dim=3, centred=centred)
    system = config.build()
    x = torch.randn(200, 1, 4, 4, generator=torch.Generator().manual_seed(1)) @ torch.diag(torch.arange(1.0, 5.0)) + 0.5
    system.measure(x)
    draws = Draws(0, 200).at(0)

    def loss(columns: torch.Tensor) -> float:
        q = torch.linalg.qr(columns).Q.float()
        system.model.decode.weight.data.copy_(q)
        system.model.encode.weight.data.copy_(q.T)
        return float(system(Batch(x), draws)["loss"])

    assert loss(system.principal()) == pytest.approx(system.best_loss(), rel=1e-5)
    worse = system.principal() + 0.05 * torch.randn(16, 3, generator=torch.Generator().manual_seed(2)).double()
    assert loss(worse) > 1.0001 * system.best_loss()


def test_samples_have_the_moments_of_the_reconstructions() -> None:
    config = PCAConfig(image_size=4, latent_dim=2)
    system = config.build()
    x = 0.05 * torch.randn(500, 1, 4, 4, generator=torch.Generator().manual_seed(1)).cumsum(2) + 0.1
    system.measure(x)
    q = torch.linalg.qr(system.principal()).Q.float()
    system.model.decode.weight.data.copy_(q)
    system.model.encode.weight.data.copy_(q.T)
    drawn = system.sample(20_000, torch.Generator().manual_seed(0)).flatten(1)
    back = system.reconstructed(x, torch.Generator()).flatten(1)
    assert torch.allclose(drawn.mean(0), back.mean(0), atol=0.01)
    assert torch.allclose(torch.cov(drawn.T), torch.cov(back.T, correction=0), atol=3e-3)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="choose no more"):
        PCAConfig(latent_dim=65)
    with pytest.raises(ValueError, match="choose smaller images"):
        PCAConfig(image_size=128)
    with pytest.raises(ValueError, match="at least 1"):
        PCAConfig(latent_dim=0)
