"""The VAE module, its likelihoods against sums written out, and the compressor of latent diffusion."""

import json
import math

import pytest
import torch

from torch_impl.distributions.likelihoods import BernoulliLikelihood, GaussianLikelihood
from torch_impl.networks import VAE, LatentCompressor, VAEConfig, build, config_to_dict
from torch_impl.objectives.elbo import elbo

CONFIGS = [
    VAEConfig(image_size=28, latent_dim=5, hidden=(32, 16)),
    VAEConfig(image_size=8, latent_dim=3, encoder="cnn", channels=(8, 16), likelihood="gaussian"),
    VAEConfig(image_size=28, latent_dim=4, encoder="cnn", channels=(8, 16), blocks=1),
    VAEConfig(
        image_size=32, in_channels=3, encoder="cnn", channels=(8, 8, 16), likelihood="gaussian", decoder_variance=0.5
    ),
    VAEConfig(image_size=64, in_channels=3, latent_dim=128, encoder="cnn", channels=(8, 8, 8, 16)),
    VAEConfig(image_size=16, latent_dim=2, latent_map=True, encoder="cnn", channels=(8, 16), likelihood="gaussian"),
]
NAMED = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.encoder}{c.image_size}{c.likelihood}")


def images(config: VAEConfig, batch: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, config.in_channels, config.image_size, config.image_size, generator=generator) * 2 - 1


@NAMED
def test_shapes_and_the_reparameterised_draw(config: VAEConfig) -> None:
    vae, x = VAE(config), images(config)
    noise = torch.randn(3, *vae.latent_shape)
    out = vae(x, noise)
    assert out.decoded.shape == x.shape
    assert out.mean.shape == out.logvar.shape == out.z.shape == (3, *config.latent_shape)
    torch.testing.assert_close(out.z, out.mean + torch.exp(out.logvar / 2) * noise)
    assert torch.equal(out.decoded, vae.decode(out.z))
    assert torch.equal(
        vae(x, generator=torch.Generator().manual_seed(3)).z, vae(x, generator=torch.Generator().manual_seed(3)).z
    )


@NAMED
def test_images_come_out_in_the_unit_range(config: VAEConfig) -> None:
    vae, x = VAE(config), images(config)
    for picture in (vae.sample(torch.randn(4, *vae.latent_shape) * 5), vae.reconstruct(x)):
        assert picture.min() >= -1 and picture.max() <= 1 and picture.std() > 0
    assert torch.equal(vae.reconstruct(x), vae.image(vae.decode(vae.encode(x)[0])))


@NAMED
def test_every_parameter_gets_a_gradient_from_the_elbo(config: VAEConfig) -> None:
    vae, x = VAE(config), images(config)
    mean, logvar = vae.encode(x)
    bound = elbo(vae.target(x), mean, logvar, vae.decode, vae, generator=torch.Generator().manual_seed(0))
    (-bound.value.mean()).backward()
    without = [name for name, p in vae.named_parameters() if p.grad is None or not p.grad.any()]
    # residual blocks end in a zero convolution: what lies before it gets its first gradient one step later
    assert all(".norm_" in name or ".conv_1." in name for name in without), without


@NAMED
def test_rebuilds_from_json(config: VAEConfig) -> None:
    vae, x = VAE(config), images(config)
    again = build(json.loads(json.dumps(config_to_dict(config))))
    again.load_state_dict(vae.state_dict())
    for mine, its in zip(vae.encode(x), again.encode(x), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[2], CONFIGS[5]], ids=lambda c: f"{c.encoder}{c.image_size}")
def test_compiles_as_one_graph(config: VAEConfig) -> None:
    vae, x = VAE(config), images(config)
    noise = torch.randn(3, *vae.latent_shape)
    compiled = torch.compile(vae, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, noise).decoded, vae(x, noise).decoded)


def test_bernoulli_log_likelihood_is_the_sum_over_pixels_of_the_log_mass() -> None:
    vae = VAE(VAEConfig(image_size=8, hidden=(8,)))
    x = torch.randint(0, 2, (4, 1, 8, 8)).double()
    logits = torch.randn(4, 1, 8, 8, dtype=torch.float64) * 3
    mass = torch.where(x == 1, 1 / (1 + torch.exp(-logits)), 1 / (1 + torch.exp(logits)))
    torch.testing.assert_close(vae.log_prob(x, logits), mass.log().sum((1, 2, 3)), rtol=1e-12, atol=0)
    torch.testing.assert_close(vae.log_prob(x, logits), BernoulliLikelihood().log_prob(x, logits))
    assert torch.equal(vae.target(x * 2 - 1), x)


@pytest.mark.parametrize("variance", [0.01, 1.0, 4.0])
def test_gaussian_log_likelihood_keeps_its_constant(variance: float) -> None:
    vae = VAE(VAEConfig(image_size=8, hidden=(8,), likelihood="gaussian", decoder_variance=variance)).double()
    x, mean = torch.randn(2, 4, 1, 8, 8, dtype=torch.float64)
    expected = torch.distributions.Normal(mean, math.sqrt(variance)).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(vae.log_prob(x, mean), expected, rtol=1e-6, atol=0)  # the variance is stored as float32
    torch.testing.assert_close(GaussianLikelihood(math.sqrt(variance)).log_prob(x, mean), expected, rtol=1e-12, atol=0)


def test_learned_variance_has_its_optimum_at_the_mean_squared_error() -> None:
    vae = VAE(VAEConfig(image_size=8, hidden=(8,), likelihood="gaussian")).double()
    x, mean = torch.randn(2, 16, 1, 8, 8, dtype=torch.float64)
    error = (x - mean).square().mean()
    assert isinstance(vae.decoder_logvar, torch.nn.Parameter)
    with torch.no_grad():
        vae.decoder_logvar.copy_(error.log())
    (gradient,) = torch.autograd.grad(vae.log_prob(x, mean).sum(), vae.decoder_logvar)
    assert abs(gradient.item()) < 1e-9
    at_optimum = vae.log_prob(x, mean).sum()
    for shift in (-0.1, 0.1):
        with torch.no_grad():
            vae.decoder_logvar.copy_(error.log() + shift)
        assert vae.log_prob(x, mean).sum() < at_optimum


def test_a_fixed_variance_is_no_parameter_and_no_state() -> None:
    vae = VAE(VAEConfig(image_size=8, hidden=(8,), likelihood="gaussian", decoder_variance=0.25))
    assert not [name for name in (*vae.state_dict(), *dict(vae.named_parameters())) if "logvar" in name]
    assert vae.decoder_logvar.item() == pytest.approx(math.log(0.25))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoder": "vit"}, "encoder = 'vit'"),
        ({"likelihood": "poisson"}, "likelihood = 'poisson'"),
        ({"decoder_variance": 0.0}, "decoder_variance = 0.0"),
        ({"decoder_variance": -1.0}, "positive and finite"),
        ({"latent_map": True}, "latent_map needs encoder = 'cnn'"),
        ({"encoder": "cnn", "image_size": 30}, "30 is not divisible by 4"),
        ({"encoder": "cnn", "channels": (12,)}, "groups = 8 does not divide 12"),
        ({"latent_dim": 0}, "latent_dim = 0"),
        ({"hidden": ()}, r"hidden = \(\)"),
        ({"blocks": -1}, "blocks = -1"),
    ],
)
def test_impossible_configs_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VAEConfig(**fields)


def test_wrong_shapes_are_named() -> None:
    vae = VAE(VAEConfig(image_size=8, hidden=(8,), latent_dim=4))
    with pytest.raises(ValueError, match="28 by 28 pixels; this VAE takes 8 squared"):
        vae.encode(torch.zeros(1, 1, 28, 28))
    with pytest.raises(ValueError, match=r"takes \(batch, 1, height, width\)"):
        vae.encode(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match=r"latents have shape \(1, 5\)"):
        vae.decode(torch.zeros(1, 5))
    with pytest.raises(ValueError, match=r"target has shape \(1, 8\)"):
        vae.log_prob(torch.zeros(1, 8), torch.zeros(1, 1, 8, 8))


MAP = VAEConfig(image_size=16, latent_dim=2, latent_map=True, encoder="cnn", channels=(8, 16), likelihood="gaussian")


def test_compressor_makes_latents_of_mean_zero_and_variance_one_per_channel() -> None:
    torch.manual_seed(0)
    vae = VAE(MAP)
    with torch.no_grad():
        vae.encoder[1].bias.copy_(torch.tensor([1.5, -2.0, 0.3, -0.5]))  # means and log-variances far from 0
    x = images(MAP, 400)
    compressor = LatentCompressor.fit(vae, x.split(150))
    z = compressor.encode(x, torch.randn(400, 2, 4, 4))
    n = 400 * 16
    assert (z.mean((0, 2, 3)).abs() < 5 / math.sqrt(n)).all()
    assert ((z.var((0, 2, 3)) - 1).abs() < 5 * math.sqrt(2 / n) * 3).all()
    mean, _ = vae.encode(x)
    spread = torch.cat([compressor.spread, compressor.shift])
    assert not torch.allclose(spread, torch.tensor([1.0, 1.0, 0.0, 0.0]), atol=0.05)
    torch.testing.assert_close(
        compressor.encode(x), (mean - compressor.shift[:, None, None]) / compressor.spread[:, None, None]
    )


def test_compressor_decodes_what_it_encodes_as_the_vae_does() -> None:
    vae = VAE(MAP)
    compressor = LatentCompressor.fit(vae, [images(MAP, 50)])
    x = images(MAP)
    torch.testing.assert_close(compressor.decode(compressor.encode(x)), vae.reconstruct(x), rtol=1e-4, atol=1e-5)


def test_compressor_is_frozen_and_its_scale_travels_in_the_state() -> None:
    compressor = LatentCompressor.fit(VAE(MAP), [images(MAP, 50)])
    compressor.train()
    assert not compressor.vae.training and not any(p.requires_grad for p in compressor.parameters())
    again = LatentCompressor(VAE(MAP))
    again.load_state_dict(compressor.state_dict())
    x = images(MAP)
    assert torch.equal(again.encode(x), compressor.encode(x))
    assert compressor.latent_shape == (2, 4, 4)


def test_compressor_refuses_a_vector_latent_wrong_scales_and_no_data() -> None:
    with pytest.raises(ValueError, match="latent_map = True"):
        LatentCompressor(VAE(VAEConfig(image_size=8, hidden=(8,))))
    with pytest.raises(ValueError, match=r"shift has shape \(3,\).*2 latent channels"):
        LatentCompressor(VAE(MAP), torch.zeros(3))
    with pytest.raises(ValueError, match="no images"):
        LatentCompressor.fit(VAE(MAP), [])
