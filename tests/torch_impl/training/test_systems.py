"""What each system's loss is, computed a second way; what is random in it comes from the draws alone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from torch_impl.samplers import METHODS
from torch_impl.systems import SystemConfig, build_system, config_from_json
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.systems.latent import LatentConfig
from torch_impl.systems.mixture import MixtureConfig
from torch_impl.systems.onestep import OneStepConfig
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.systems.vqvae import CodePrior, VQVAESystemConfig
from torch_impl.training import Batch, Draws

CONFIGS = [
    VAESystemConfig(8, 1, 10, hidden=(16,), latent_dim=3, beta=2.0),
    VAESystemConfig(8, 1, 10, encoder="cnn", likelihood="gaussian", widths=(8,), latent_dim=3, blocks=0),
    OneStepConfig(8, 1, 10, alpha=0.3, widths=(8, 8)),
    DDPMConfig(8, 1, 10, timesteps=20, conditional=True, widths=(8,), blocks=1),
    DDPMConfig(8, 1, 10, timesteps=20, network="dit", width=16, depth=1, heads=2, prediction="v", sigma_min=0.02),
    MixtureConfig(2, 2, None, timesteps=20, width=16, depth=1),
    VQVAESystemConfig(8, 1, 10, widths=(8,), codes=8, conditional=True, prior_width=8, prior_depth=1, prior_heads=2),
    LatentConfig(8, 1, 10, timesteps=20, widths=(8,), blocks=1, compressor_widths=(8,), compressor_blocks=0),
]


def batch(config, n: int = 8) -> Batch:
    generator = torch.Generator().manual_seed(3)
    if isinstance(config, MixtureConfig):
        return Batch(torch.randn(n, 2, generator=generator))
    return Batch(torch.rand(n, 1, 8, 8, generator=generator) * 2 - 1, torch.arange(n) % 10)


def built(config, seed: int = 0):
    torch.manual_seed(seed)
    system = config.build()
    with torch.no_grad():  # zero-initialised output layers would make any prediction look right
        for parameter in system.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return system


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.kind)
def test_configs_survive_json_and_build_the_same_names(config):
    import json

    again = config_from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert build_system(config.to_json()).state_dict().keys() == config.build().state_dict().keys()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.kind)
def test_a_loss_is_a_function_of_weights_batch_seed_and_step(config):
    system = built(config)
    examples = batch(config)

    def loss(seed: int, step: int) -> dict[str, float]:
        torch.manual_seed(int(torch.randint(1000, ())))  # the global generator must not matter
        terms = built(config)(examples, Draws(seed, 8, 4).at(step))
        return {name: float(term.detach()) for name, term in terms.items()}

    first = loss(1, 1)
    assert first == loss(1, 1) and all(math.isfinite(value) for value in first.values())
    if config.kind != "vqvae":  # which has no noise
        assert loss(1, 2)["loss"] != first["loss"] != loss(2, 1)["loss"]
    del system


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.kind)
def test_every_trainable_weight_gets_a_gradient(config):
    system = built(config)
    system(batch(config), Draws(0, 8).at(1))["loss"].backward()
    idle = {name for name, p in system.named_parameters() if p.requires_grad and p.grad is None}
    # the last row of a transformer's look-up may be unused in one batch, but never a whole tensor
    assert not idle


@pytest.mark.parametrize("config", CONFIGS[2:6], ids=lambda c: c.kind)
def test_halves_of_a_batch_average_to_the_whole(config):
    """What makes micro-batches and processes add up: losses are means over examples, draws belong to examples."""
    system, examples = built(config), batch(config)
    whole = system(examples, Draws(0, 8, 4).at(5))["loss"]
    halves = []
    for first in (0, 4):
        part = Batch(examples.x[first : first + 4], None if examples.y is None else examples.y[first : first + 4])
        halves.append(system(part, Draws(0, 8, 4).at(5, first, 4))["loss"])
    torch.testing.assert_close(whole, (halves[0] + halves[1]) / 2, rtol=1e-5, atol=1e-6)


def test_vae_loss_is_cross_entropy_plus_beta_times_the_kl_summed_over_pixels():
    config = CONFIGS[0]
    system, examples = built(config), batch(config)
    terms = system(examples, Draws(0, 8).at(1))
    noise = Draws(0, 8).at(1).normal(8, 3)
    mean, logvar = system.model.encode(examples.x)
    logits = system.model.decode(mean + (0.5 * logvar).exp() * noise)
    entropy = F.binary_cross_entropy_with_logits(logits, (examples.x + 1) / 2, reduction="sum") / 8
    q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum() / 8
    torch.testing.assert_close(terms["loss"], entropy + 2.0 * kl, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(terms["elbo"], -entropy - kl, rtol=1e-5, atol=1e-4)


def test_gaussian_vae_loss_is_a_normal_log_density_with_all_its_constants():
    config = CONFIGS[1]
    system, examples = built(config), batch(config)
    terms = system(examples, Draws(0, 8).at(1))
    mean, logvar = system.model.encode(examples.x)
    decoded = system.model.decode(mean + (0.5 * logvar).exp() * Draws(0, 8).at(1).normal(8, 3))
    normal = torch.distributions.Normal(decoded, (0.5 * system.model.decoder_logvar).exp())
    torch.testing.assert_close(terms["reconstruction"], -normal.log_prob(examples.x).sum() / 8, rtol=1e-5, atol=1e-3)
    per_example = -system.model.log_prob(examples.x, decoded)
    torch.testing.assert_close(terms["reconstruction"], per_example.mean(), rtol=1e-5, atol=1e-3)


def test_dropped_labels_are_the_null_class_and_as_many_as_asked_for():
    config = DDPMConfig(8, 1, 10, timesteps=20, conditional=True, label_drop=0.25, widths=(8,), blocks=1)
    system, seen = config.build(), []
    inner = system.model.forward
    system.model.forward = lambda x, t, y=None: (seen.append(y), inner(x, t, y))[1]
    examples = Batch(torch.zeros(2000, 1, 8, 8), torch.arange(2000) % 10)
    system(examples, Draws(0, 2000, 8).at(1))
    dropped = seen[0] == 10
    assert abs(float(dropped.float().mean()) - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 2000)
    assert torch.equal(seen[0][~dropped], examples.y[~dropped])


def test_guidance_one_is_the_conditional_model_and_zero_the_unconditional_one():
    system = built(CONFIGS[3])
    x, t, y = torch.randn(4, 1, 8, 8), torch.full((4,), 7), torch.arange(4)
    conditional, free = system.model(x, t, y), system.model(x, t, torch.full((4,), 10))
    assert not torch.allclose(conditional, free)
    torch.testing.assert_close(system.guided(y, 1.0)(x, t), conditional)
    torch.testing.assert_close(system.guided(y, 0.0)(x, t), free)
    torch.testing.assert_close(system.guided(y, 3.0)(x, t), free + 3 * (conditional - free), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="unconditional"):
        built(CONFIGS[4]).guided(None, 2.0)


def test_one_step_matched_prior_has_the_moments_of_x1():
    config = CONFIGS[2]
    system = config.build()
    x = torch.rand(4000, 1, 8, 8, generator=torch.Generator().manual_seed(0)) ** 2 * 2 - 1
    system.measure(x)
    seen = []
    system.model.forward = lambda x_1, t, y=None: (seen.append(x_1), torch.zeros_like(x_1))[1]
    system.sample(20_000, torch.Generator().manual_seed(1), "matched")
    true = math.sqrt(0.3) * x + math.sqrt(0.7) * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(seen[0].mean(0), true.mean(0), rtol=0, atol=0.08)
    torch.testing.assert_close(seen[0].var(0), true.var(0), rtol=0.12, atol=0)


def test_one_step_errors_are_proportional():
    system, examples = built(CONFIGS[2]), batch(CONFIGS[2])
    terms = system(examples, Draws(0, 8).at(1))
    noise = Draws(0, 8).at(1).normal_like(examples.x)
    _, x0 = system.reconstruct(examples.x, noise)
    torch.testing.assert_close(terms["x0_error"], (x0 - examples.x).square().mean(), rtol=1e-4, atol=1e-6)


def test_code_prior_is_causal_and_sums_to_one_over_all_sequences():
    torch.manual_seed(0)
    prior = CodePrior(codes=3, length=4, classes=2, width=8, depth=2, heads=2)
    grid = torch.cartesian_prod(*[torch.arange(3)] * 4)
    y = torch.ones(len(grid), dtype=torch.int64)
    log_p = prior(grid, y).log_softmax(-1).gather(2, grid[..., None]).squeeze(-1)
    assert float(log_p.detach().sum(1).exp().sum()) == pytest.approx(1.0, abs=1e-5)
    changed = grid[:1].clone()
    changed[0, 2] = (changed[0, 2] + 1) % 3
    before, after = prior(grid[:1], y[:1]), prior(changed, y[:1])
    torch.testing.assert_close(before[0, :3], after[0, :3])  # positions up to it do not see it
    assert not torch.allclose(before[0, 3], after[0, 3])


def test_code_prior_samples_its_own_law():
    torch.manual_seed(1)
    prior = CodePrior(codes=2, length=3, classes=None, width=8, depth=1, heads=2)
    with torch.no_grad():
        prior.head.weight.mul_(5)
        grid = torch.cartesian_prod(*[torch.arange(2)] * 3)
        expected = prior(grid).log_softmax(-1).gather(2, grid[..., None]).squeeze(-1).sum(1).exp()
    drawn = prior.sample(20_000, None, torch.Generator().manual_seed(0))
    counts = torch.bincount((drawn * torch.tensor([4, 2, 1])).sum(1), minlength=8) / 20_000
    assert (counts - expected).abs().max() < 5 * math.sqrt(0.25 / 20_000)


def test_vqvae_prior_sends_no_gradient_into_the_autoencoder():
    config = CONFIGS[6]
    system, examples = built(config), batch(config)
    terms = system(examples, Draws(0, 8).at(1))
    terms["code_nats"].backward()
    assert all(p.grad is None or not p.grad.any() for p in system.model.parameters())
    assert any(p.grad is not None and p.grad.any() for p in system.prior.parameters())


def test_latent_system_trains_the_chain_and_never_the_compressor():
    system = built(CONFIGS[7])
    trainable = {name.partition(".")[0] for name, p in system.named_parameters() if p.requires_grad}
    assert trainable == {"model"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latent_dim": 3}, "latent_dim = 3, and this model asks for 4; set latent_dim to 3"),
        ({"compressor_widths": (8, 8)}, "compressor_widths = 8,8, and"),
        ({"channels": 3}, "in_channels = 3, and"),
    ],
)
def test_a_compressor_of_another_shape_is_refused_with_the_difference(changes, words):
    mine, other = CONFIGS[7], dataclasses.replace(CONFIGS[7], **changes)
    with pytest.raises(ValueError, match=words):
        mine.build().take_compressor(other.build().compressor)
    mine.build().take_compressor(mine.build().compressor)


def test_options_that_a_sampler_would_ignore_are_refused():
    system = built(CONFIGS[3]).eval()
    generator = torch.Generator()
    with pytest.raises(TypeError, match="'heun' does not take 'eta'; its options: none"):
        system.sample(2, generator, sampler="heun", eta=0.5)
    with pytest.raises(ValueError, match="no class to guide to"):
        system.sample(2, generator, guidance=2.0)
    with pytest.raises(ValueError, match="finite eta"):
        system.sample(2, generator, eta=math.inf)


def test_unknown_kinds_and_fields_are_refused():
    with pytest.raises(ValueError, match="known kinds are"):
        config_from_json({"kind": "gan"})
    with pytest.raises(ValueError, match="no field 'betta'"):
        config_from_json({"kind": "vae", "betta": 1})


@pytest.mark.parametrize("prediction", ["eps", "score"])
def test_latents_that_cannot_be_clipped_need_a_prediction_that_determines_them(prediction):
    with pytest.raises(ValueError, match=r"not clipped; use --prediction v or x0, or --schedule linear"):
        LatentConfig(8, 1, 10, widths=(8,), prediction=prediction)
    LatentConfig(8, 1, 10, widths=(8,), prediction=prediction, schedule="linear")
    assert LatentConfig(8, 1, 10, widths=(8,)).prediction == "v"


def test_dropout_of_the_code_prior_acts_in_training_only():
    prior = CodePrior(5, 4, None, 16, 2, 2, dropout=0.5)
    codes = torch.randint(0, 5, (3, 4))
    assert not torch.equal(prior(codes), prior(codes))
    prior.eval()
    assert torch.equal(prior(codes), prior(codes))
    with pytest.raises(ValueError, match=r"prior_dropout is 1.0; it must lie in \[0, 1\)"):
        VQVAESystemConfig(8, 1, 10, prior_dropout=1.0)


@pytest.mark.parametrize("sampler", METHODS)
def test_the_first_samples_are_the_same_whatever_their_number(sampler: str) -> None:
    torch.manual_seed(0)
    system = MixtureConfig(timesteps=20, width=16, depth=1, classes=2, conditional=True).build().eval()
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.2)

    def drawn(n: int) -> torch.Tensor:
        options = {"eta": 1.0} if sampler == "ddim" else {}
        generator = torch.Generator().manual_seed(5)
        return system.sample(n, generator, labels=system.sample_labels(n), sampler=sampler, steps=6, **options)

    torch.testing.assert_close(drawn(3), drawn(21)[:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [VAESystemConfig(), OneStepConfig(network="cnn"), VQVAESystemConfig()])
def test_the_first_samples_of_other_systems_too(config: SystemConfig) -> None:
    torch.manual_seed(0)
    system: Any = config.build().eval()
    few, many = (system.sample(n, torch.Generator().manual_seed(5)) for n in (3, 21))
    torch.testing.assert_close(few, many[:3], rtol=1e-4, atol=1e-5)
