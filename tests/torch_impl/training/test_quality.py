"""Distances between sets of features, against what is known of them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from torch_impl.evaluation.distances import (
    FeatureClassifier,
    frechet_distance,
    frechet_interval,
    kernel_distance,
    precision_recall,
    reads,
    wilson,
)
from torch_impl.networks.inception import FIDInception, load_inception


def gaussian(n: int, mean: float = 0.0, scale: float = 1.0, dim: int = 4, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return mean + scale * noise


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1.0, 1.0), (0.0, 2.0), (-2.0, 0.5)])
def test_frechet_distance_of_gaussians_is_the_formula(shift: float, scale: float) -> None:
    a, b = gaussian(200_000), gaussian(200_000, shift, scale, seed=1)
    exact = 4 * shift**2 + 4 * (1 - scale) ** 2
    assert frechet_distance(a, b) == pytest.approx(exact, abs=0.05)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_frechet_distance_sees_correlations_that_the_diagonal_does_not() -> None:
    a = gaussian(100_000, dim=2)
    turned = a @ torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
    b = turned / turned.std(0)
    root = torch.linalg.matrix_power(torch.cov(b.T), 1)
    values = torch.linalg.eigvalsh(root).sqrt().sum()
    assert frechet_distance(a, b) == pytest.approx(float(4 - 2 * values), abs=0.02) and frechet_distance(a, b) > 0.3


def test_the_interval_holds_the_true_distance() -> None:
    hits = 0
    for seed in range(20):
        low, high = frechet_interval(gaussian(400, seed=2 * seed), gaussian(400, 0.5, seed=2 * seed + 1), resamples=60)
        hits += low <= 4 * 0.25 <= high
    assert hits >= 15


def test_the_kernel_distance_is_unbiased_and_grows() -> None:
    same = [kernel_distance(gaussian(500, seed=i), gaussian(500, seed=100 + i), 100)[0] for i in range(20)]
    mean = sum(same) / len(same)
    spread = math.sqrt(sum((x - mean) ** 2 for x in same) / len(same) / len(same))
    assert abs(mean) < 4 * spread and min(same) < 0 < max(same)
    value, error = kernel_distance(gaussian(1000), gaussian(1000, 1.0, seed=1), 100)
    assert error is not None and value > 10 * error
    assert kernel_distance(gaussian(50), gaussian(50, seed=1))[1] is None


def test_precision_and_recall_tell_what_is_wrong() -> None:
    left, right = gaussian(500, -5, dim=2), gaussian(500, 5, dim=2, seed=1)
    real = torch.cat([left, right])
    one_mode = precision_recall(real, gaussian(500, -5, dim=2, seed=2))
    assert one_mode[0] > 0.9 and one_mode[1] < 0.55  # all samples are real, half of the real ones are missing
    scattered = precision_recall(left, 6 * gaussian(500, dim=2, seed=3))
    assert scattered[0] < 0.3
    assert precision_recall(real, real) == (1.0, 1.0)


def test_wilson_interval() -> None:
    low, high = wilson(0.5, 100)
    assert (low, high) == (pytest.approx(0.4038, abs=1e-3), pytest.approx(0.5962, abs=1e-3))
    assert wilson(0.0, 10)[0] == 0.0 and wilson(1.0, 10)[1] == pytest.approx(1.0) and 0.2 < wilson(0.0, 10)[1] < 0.35


def test_a_classifier_reads_images_only_at_least_halfway_from_guessing() -> None:
    assert reads(0.75, 0.5) and not reads(0.74, 0.5) and reads(0.55, 0.1)


def lines(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Bright rows, or bright columns, in noise."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 1, 12, 12, generator=generator) * 0.3
    y = torch.randint(2, (n,), generator=generator)
    place = torch.randint(12, (n,), generator=generator)
    for i in range(n):
        (x[i, 0, place[i]] if y[i] else x[i, 0, :, place[i]]).add_(1.0)
    return x.clamp(-1, 1), y


@pytest.mark.parametrize("labelled", [True, False])
def test_features_tell_images_from_others(labelled: bool) -> None:
    (x, y), (held_x, held_y) = lines(300, 0), lines(200, 1)
    x[:, :, 0], held_x[:, :, 0] = 1.0, 1.0  # which way is up
    network = FeatureClassifier(x, y if labelled else None, (held_x, held_y if labelled else None), steps=80)
    assert network.reads_images and network.by_turn is not labelled
    real = network.features(x)
    near, far = frechet_distance(network.features(held_x), real), frechet_distance(network.features(-held_x), real)
    assert real.shape == (300, 64) and real.dtype == torch.float64 and far > 5 * near


def test_noise_cannot_be_read() -> None:
    x, y = torch.randn(200, 1, 8, 8), torch.arange(200) % 2
    assert not FeatureClassifier(x[:100], y[:100], (x[100:], y[100:]), steps=20).reads_images


# -- the network of the FID -------------------------------------------------------------------------------------------


def test_inception_has_the_weights_of_the_published_network() -> None:
    network = FIDInception()
    assert sum(p.numel() for p in network.parameters()) == 23_834_568 - (2048 * 1000 + 1000)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 3, 32, 32)).shape == (1, 2048)


def test_weights_are_loaded_from_a_file_and_nothing_in_it_is_run(tmp_path: Path) -> None:
    path, network = tmp_path / "w.pth", FIDInception()
    torch.save({**network.state_dict(), "fc.weight": torch.zeros(1008, 2048)}, path)
    assert torch.equal(load_inception(path).Conv2d_1a_3x3.conv.weight, network.Conv2d_1a_3x3.conv.weight)
    for content, words in (
        ({"a": torch.zeros(1)}, "is missing"),
        ({**network.state_dict(), "Mixed_6a.branch3x3.conv.weight": torch.zeros(2)}, r"has shape \(2,\), not"),
        (Path("/"), "without running code"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=words):
            load_inception(path)
    path.write_bytes(b"junk")
    with pytest.raises(ValueError, match="no file of weights"):
        load_inception(path)
    with pytest.raises(ValueError, match="there is no such file"):
        load_inception(tmp_path / "none")
