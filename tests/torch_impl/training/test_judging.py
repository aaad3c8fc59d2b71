"""Figures of merit against cases whose answer is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from torch_impl.data.glyphs import glyphs
from torch_impl.evaluation import Evaluation, Settings, evaluate
from torch_impl.evaluation.errors import loss_metric
from torch_impl.evaluation.likelihood import bpd_metric, elbo_metric, likelihood_metric
from torch_impl.evaluation.readers import (
    EndlessClassifier,
    ImageClassifier,
    copy_check,
    sliced_wasserstein,
    wasserstein_to_truth,
)
from torch_impl.oracle import FiniteData, GaussianMixture
from torch_impl.runs.open import Model, first_examples, load_split
from torch_impl.runs.presets import override, preset
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.systems.floor import training_set_floor
from torch_impl.systems.mixture import MixtureConfig
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.training import Batch, StoredCheckpoint


@pytest.fixture(scope="module")
def digits():
    choice = preset("digits-ddpm").data
    return {split: first_examples(load_split(choice, split), 10_000) for split in ("train", "test")}


# -- judges ------------------------------------------------------------------------------------------------------------


def test_the_classifier_knows_real_digits_and_only_their_own_labels(digits):
    train, test = digits["train"], digits["test"]
    classifier = ImageClassifier((train.x, train.y), (test.x, test.y))
    assert classifier.held_out_accuracy > 0.97
    assert classifier.agreement(test.x, (test.y + 1) % 10) < 0.03
    noise = torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert np.median(classifier.margin(noise)) < np.median(classifier.margin(test.x))


def test_between_two_classes_the_margin_is_the_distance_from_their_border():
    """One pixel: the border lies half way, the classes at the ends."""
    x = torch.tensor([-1.0, -0.8, 0.8, 1.0]).view(4, 1, 1, 1)
    classifier = ImageClassifier((x, torch.tensor([0, 0, 1, 1])), (x, torch.tensor([0, 0, 1, 1])))
    margin = classifier.margin(torch.tensor([-0.9, 0.0, 0.9]).view(3, 1, 1, 1))
    assert margin[1] < 0.01 and margin[0] == pytest.approx(margin[2], rel=0.01) and margin[0] > 0.5


@pytest.mark.sampled(2)
def test_the_classifier_of_endless_sets_reads_glyphs_it_has_not_seen():
    data, fresh = glyphs(16), glyphs(16, split="test").fetch(torch.arange(500))
    classifier = EndlessClassifier(data, fresh, steps=100, batch=128)
    assert classifier.held_out_accuracy > 0.85
    x, y = fresh
    assert classifier.agreement(x, (y + 1) % len(data.classes)) < 0.05


def test_judges_look_at_no_more_than_sixteen_pixels_a_side():
    """So that they are done in a minute; a label written into the finest pixels is none of theirs."""
    coarse, fine = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1), (torch.arange(64) % 4 // 2 * 2.0 - 1).view(1, 1, 1, 64)
    large = (0.5 * coarse + 0.5 * fine).expand(2, 1, 64, 64)
    classifier = ImageClassifier((large, torch.tensor([0, 1])), (large, torch.tensor([0, 1])))
    assert classifier.predict(coarse.expand(2, 1, 64, 64)).tolist() == [0, 1]
    assert classifier.margin(large) == pytest.approx(classifier.margin(0.5 * coarse.expand(2, 1, 64, 64)))
    words: list[str] = []
    reader = EndlessClassifier(glyphs(32), glyphs(32, split="test").fetch(torch.arange(9)), 1, 8, 16, words.append)
    stripes = (torch.arange(32) % 2 * 2.0 - 1).expand(1, 1, 32, 32)
    assert np.array_equal(reader.margin(stripes), reader.margin(0 * stripes))
    assert words == ["training a classifier on real images, step 0 of 1"]


def test_samples_without_labels_of_an_endless_set_are_judged_by_its_own_classifier(monkeypatch):
    monkeypatch.setattr(
        "torch_impl.evaluation.quality.EndlessClassifier",
        lambda data, held_out, **options: EndlessClassifier(data, held_out, steps=2, batch=8),
    )
    model = exact_model(
        VAESystemConfig(16, 1, 34, hidden=(8,), latent_dim=2).build(), {"name": "glyphs", "image_size": 16}
    )
    with pytest.raises(ValueError, match="it cannot read them, so what it says of samples means nothing"):
        evaluate(model, ["classifier"], Settings(samples=5))
    monkeypatch.setattr("torch_impl.evaluation.quality.reads", lambda accuracy, chance: True)
    figures = evaluate(model, ["classifier"], Settings(samples=5))["classifier"]
    assert len(figures) == 3 and all(math.isfinite(figure.value) for figure in figures)


def test_large_images_have_a_bound_of_fewer_samples_and_say_how_far_it_is():
    system = VAESystemConfig(33, 1, None, hidden=(8,), latent_dim=2).build().eval()
    words: list[str] = []
    evaluation = Evaluation(exact_model(system), Settings(), words.append)
    evaluation.held_out = lambda: Batch(torch.zeros(60, 1, 33, 33))
    assert elbo_metric(evaluation)[1].name == "importance-weighted bound, 50 samples"
    assert words == [f"bounds of held-out images, {done} of 60" for done in (0, 50)]


def test_copies_are_noticed_and_fresh_images_are_not_called_copies(digits):
    train, test = digits["train"].x, digits["test"].x
    assert copy_check(train[:100], train, test).copies == 1.0
    half = test[::2], test[1::2]
    fresh = copy_check(half[0], train, half[1])
    assert fresh.copies < 0.06 and fresh.sample_median == pytest.approx(fresh.real_median, rel=0.1)


def test_sliced_distance_of_a_shifted_set_is_the_mean_square_projection_of_the_shift():
    points = torch.randn(500, 3, generator=torch.Generator().manual_seed(1))
    shift = torch.tensor([0.3, -0.4, 1.2])
    expected = float(shift.norm()) / math.sqrt(3)
    assert sliced_wasserstein(points, points + shift, directions=20_000) == pytest.approx(expected, rel=0.02)
    assert sliced_wasserstein(points, points[torch.randperm(500)]) == pytest.approx(0.0, abs=1e-12)


def test_sliced_distance_of_two_normals_is_that_of_their_standard_deviations():
    """In one dimension W_2(N(0, 1), N(0, 4)) = 1."""
    quantiles = torch.from_numpy(norm.ppf((np.arange(20_000) + 0.5) / 20_000))[:, None]
    assert sliced_wasserstein(quantiles, 2 * quantiles) == pytest.approx(1.0, rel=1e-3)


def test_sets_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="must be equal"):
        sliced_wasserstein(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="two true sets"):
        wasserstein_to_truth([torch.zeros(3, 2)], [torch.zeros(3, 2)])


# -- evaluation with an exact model in place of the network ------------------------------------------------------------


def exact_model(system, data=None) -> Model:
    description = {"data": data or {"name": "none"}, "trainer": {}, "system": system.config.to_json()}
    return Model(system.eval(), StoredCheckpoint(Path("step-00000001")), description)


def test_the_exact_denoiser_has_no_excess_loss_and_the_exact_likelihood():
    config = MixtureConfig(2, 2, None, timesteps=200, schedule="linear", means=((-1.0, 0.2), (0.8, 0.0)))
    system = config.build()
    oracle = system.oracle

    class Exact(torch.nn.Module):
        def forward(self, x, t, y=None):
            return oracle.noise(x, t)

    system.model = Exact()
    system.register_parameter("place", torch.nn.Parameter(torch.zeros(())))
    evaluation = Evaluation(exact_model(system), Settings(examples=100))
    loss, best, excess = loss_metric(evaluation)
    assert excess.value == pytest.approx(0.0, abs=0.01)
    assert abs(loss.value - best.value) < 5 * loss.error
    *_, difference, absolute = likelihood_metric(evaluation)
    assert abs(difference.value) < 5e-3 and absolute.value < 2e-2
    system.model = type("Off", (Exact,), {"forward": lambda self, x, t, y=None: 0.9 * oracle.noise(x, t)})()
    _, _, worse = loss_metric(evaluation)
    assert worse.value > 0.5
    assert abs(likelihood_metric(evaluation)[2].value) > 0.02


def mixture(**fields):
    fields = {"means": ((-1.0, 0.2), (0.8, 0.0)), "timesteps": 20, "width": 8, "depth": 1} | fields
    return MixtureConfig(2, 2, 2, **fields).build()


def test_the_flow_ends_before_pure_noise_and_says_so():
    evaluation = Evaluation(exact_model(mixture(prediction="v", zero_terminal_snr=True)), Settings(examples=5))
    _, flow, *_ = likelihood_metric(evaluation)
    assert flow.name == "probability-flow ODE, 19 steps to t = 19 (x_20 is pure noise)" and math.isfinite(flow.value)


def test_a_loss_whose_least_value_is_unknown_is_given_alone():
    data = {"name": "mixture:two", "levels": None}
    for fields in ({"variance": "learned", "weighting": "hybrid"}, {"conditional": True}):
        figures = loss_metric(Evaluation(exact_model(mixture(**fields), data), Settings(examples=20)))
        assert [figure.name for figure in figures] == ["loss"] and math.isfinite(figures[0].value)


def test_labelled_samples_of_a_mixture_follow_its_weights():
    labels = mixture(conditional=True, weights=(0.3, 0.7)).sample_labels(100)
    assert torch.bincount(labels).tolist() == [30, 70]


def test_one_metric_that_fails_does_not_take_the_others_with_it():
    model, reasons = exact_model(mixture(), {"name": "mixture:two"}), {}
    settings = Settings(examples=1, samples=10, sampler="plms")
    figures = evaluate(model, None, settings, failed=lambda name, error: reasons.update({name: str(error)}))
    assert list(figures) == ["likelihood", "loss"] and "'plms'" in reasons.pop("wasserstein") and not reasons
    with pytest.raises(ValueError, match="'plms'"):
        evaluate(model, None, settings)


@pytest.mark.parametrize("name", ["examples", "samples", "steps", "iw_samples", "ode_steps", "probes"])
def test_a_count_below_one_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0; at least one"):
        Settings(**{name: 0})


@pytest.mark.filterwarnings("error")
def test_a_single_value_has_no_standard_error():
    figures = loss_metric(Evaluation(exact_model(mixture()), Settings(examples=1)))
    assert [figure.error for figure in figures] == [None, None, None]


def test_bits_per_dimension_of_the_exact_model_are_the_entropy_of_the_data(monkeypatch):
    """Pixels are independent, drawn from a normal law and rounded to 17 levels: their entropy in bits is a sum."""
    levels, std = 17, 0.35
    edges = (np.arange(levels + 1) - 0.5) * 2 / (levels - 1) - 1
    edges[0], edges[-1] = -np.inf, np.inf
    p = np.diff(norm.cdf(edges / std))
    entropy = -(p * np.log2(np.clip(p, 1e-300, None))).sum()
    generator = np.random.default_rng(0)
    x = torch.from_numpy(generator.choice(levels, p=p, size=(400, 1, 2, 2))).float() * 2 / (levels - 1) - 1
    config = DDPMConfig(2, 1, None, timesteps=300, sigma_min=0.05, widths=(8,), blocks=1)
    system = config.build()
    # the law after uniform dequantisation is close to the normal one it was rounded from
    oracle = GaussianMixture([1.0], torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), std**2), config.noise_schedule())
    monkeypatch.setattr(system, "predictor", lambda y=None: lambda x_t, t: oracle.noise(x_t, t))
    evaluation = Evaluation(exact_model(system, {"name": "digits", "levels": levels}), Settings(probes=8))
    monkeypatch.setattr(evaluation, "held_out", lambda: Batch(x))
    monkeypatch.setattr("torch_impl.evaluation.likelihood.first_examples", lambda *_: Batch(x))
    monkeypatch.setattr(evaluation, "split", lambda name: None)
    bound, ode, trace = bpd_metric(evaluation)
    assert ode.value == pytest.approx(entropy, abs=0.02 + 4 * ode.error)
    assert entropy - 4 * bound.error < bound.value < entropy + 0.5
    assert trace.value < 0.05


def test_the_floor_of_a_training_set_is_the_exact_denoisers_loss(digits):
    config = dataclasses.replace(preset("digits-ddpm").system, conditional=False, timesteps=100, sigma_min=0.0)
    points = digits["train"].x[:60]
    diffusion = config.diffusion()
    times = list(range(5, 101, 10))
    by_oracle = FiniteData(points, schedule=diffusion.schedule).best_training_loss(diffusion, times=times)
    assert training_set_floor(config, points, None, draws=20_000) == pytest.approx(by_oracle, rel=0.05)


def test_knowing_the_class_lowers_the_floor(digits):
    x, y = digits["train"].x[:200], digits["train"].y[:200]
    config = preset("digits-ddpm").system
    free = training_set_floor(dataclasses.replace(config, conditional=False), x, y)
    told = training_set_floor(dataclasses.replace(config, label_drop=0.0), x, y)
    assert told < free


def test_the_bound_of_a_vae_lies_below_its_importance_weighted_bound(digits):
    torch.manual_seed(0)
    system = VAESystemConfig(8, 1, 10, hidden=(32,), latent_dim=4).build().eval()
    with torch.no_grad():
        bound, weighted = system.bounds(digits["test"].x[:50], 200, torch.Generator().manual_seed(0))
    assert float((weighted - bound).mean()) > 0.1


def test_overrides_reach_the_system():
    assert override(preset("digits-ddpm"), {"sigma_min": 0.1}).system.noise_schedule().sigma(1) == pytest.approx(
        0.1, rel=0.02
    )
