"""A field of a preset takes values of the type that it declares, from Python and as text; others are refused."""

from __future__ import annotations

import dataclasses

import pytest

from torch_impl.runs.presets import override, preset, preset_names, read_field


@pytest.mark.parametrize(
    ("name", "field", "text", "value"),
    [
        ("digits-vae", "decoder_variance", "0.1", 0.1),
        ("digits-vae", "decoder_variance", "learned", "learned"),
        ("digits-vae", "hidden", "64,32", (64, 32)),
        ("mnist-ddpm", "attention", "", ()),
        ("mnist-ddpm", "betas", "0.9, 0.99", (0.9, 0.99)),
        ("mnist-ddpm", "clip", "none", None),
        ("mnist-ddpm", "stratified", "False", False),
        ("mnist-ddpm", "sigma_min", "0", 0.0),
        ("mnist-ddpm", "ema_decay", "0.9", 0.9),
        ("celeba64-vae", "label", "5", "5"),
    ],
)
def test_text_is_read_as_the_type_of_the_field(name, field, text, value):
    read = read_field(preset(name), field, text)
    assert read == value and type(read) is type(value)
    beside = {"likelihood": "gaussian"} if field == "decoder_variance" else {}
    override(preset(name), {**beside, field: read})


@pytest.mark.parametrize(
    ("name", "changes", "unused"),
    [
        ("digits-ddpm", {"widths": (16, 32), "network": "dit"}, "--widths has no meaning with --network dit"),
        ("digits-ddpm", {"patch": 4}, "--patch has no meaning with --network unet"),
        ("digits-vae", {"widths": (16,)}, "--widths has no meaning with --encoder mlp"),
        ("digits-vae", {"hidden": (16,), "encoder": "cnn"}, "--hidden has no meaning with --encoder cnn"),
        ("digits-vae", {"decoder_variance": 0.1}, "--decoder-variance has no meaning with --likelihood bernoulli"),
    ],
)
def test_a_field_that_another_leaves_without_meaning_is_refused(name, changes, unused):
    with pytest.raises(ValueError, match=unused):
        override(preset(name), changes)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("decoder_variance", "large", "it must be learned or a finite number"),
        ("beta", "inf", "it must be a finite number"),
        ("flip", "banana", "it must be true or false"),
        ("steps", "1e3", "it must be a whole number"),
        ("betas", "0.9", "it must be 2 finite numbers separated by commas"),
        ("widths", "8,x", "it must be whole numbers separated by commas"),
        ("encoder", "unet", "choose mlp or cnn"),
        ("ema", "slow", "choose none, constant, warmup or power"),
        ("depht", "3", "has no --depht"),
    ],
)
def test_other_text_is_refused_with_the_field_and_the_remedy(field, text, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_field(preset("digits-vae"), field, text)
    assert field in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("digits-vae", {"beta": float("inf")}, "beta is inf"),
        ("digits-vae", {"weight_decay": float("nan")}, "weight_decay is nan"),
        ("digits-vae", {"flip": "no"}, "flip is 'no'"),
        ("digits-vae", {"steps": 2.5}, "steps is 2.5"),
        ("digits-vae", {"blocks": True}, "blocks is True"),
        ("digits-vae", {"epsilon": 0.0}, "must be positive"),
        ("digits-vae", {"workers": -1}, "workers is -1"),
        ("digits-vae", {"classes": 3}, "comes from its data"),
        ("digits-vae", {"channels": 3}, "those of its data"),
        ("digits-vae", {"name": "glyphs"}, "trained on digits"),
        ("mixture-ddpm", {"weights": (1.0,)}, "comes from its data"),
        ("glyphs-clip", {"vocabulary": ("a",)}, "comes from its data"),
        ("glyphs-caption", {"conditional": False}, "is told captions"),
        ("glyphs-caption", {"patch": 3}, "does not divide the side"),
        ("mixture-ddpm", {"name": "digits"}, "trained on mixture:ring8"),
        ("mixture-ddpm", {"image_size": 3}, "of points, not of images"),
        ("mixture-ddpm", {"width": 5}, "must be even"),
        ("digits-vqvae", {"prior_heads": 0}, "prior_heads is 0"),
        ("digits-vqvae", {"prior_depth": -1}, "prior_depth is -1"),
        ("digits-vae", {"seed": 2**63}, "less than 2"),
        ("digits-latent", {"compressor_beta": -1.0}, "compressor_beta is -1"),
        ("digits-latent", {"compressor_steps": 0}, "compressor_steps is 0"),
        ("digits-latent", {"compressor_widths": (12,)}, "multiples of 8"),
        ("mnist-ddpm", {"ema": "none", "ema_decay": 0.9}, "leave out one"),
    ],
)
def test_values_that_cannot_work_are_refused(name, changes, words):
    with pytest.raises(ValueError, match=words):
        override(preset(name), changes)


def test_channels_change_data_and_system():
    changed = override(preset("glyphs-ddpm"), {"channels": 1})
    assert changed.data.channels == changed.system.channels == 1


@pytest.mark.parametrize("prediction", ["v", "x0"])
@pytest.mark.parametrize("weighting", ["simple", "vlb"])
def test_a_weight_of_zero_where_sampling_starts_is_refused(prediction, weighting):
    """min(SNR, gamma) is 0 at SNR = 0 in units of the x_0 error, and so is min(SNR, gamma) / (SNR + 1) for v."""
    chosen = preset("mnist-ddpm")
    changes = {"zero_terminal_snr": True, "prediction": prediction}
    with pytest.raises(ValueError, match="use --weighting simple or vlb"):
        override(chosen, {**changes, "weighting": "min_snr"})
    system = override(chosen, {**changes, "weighting": weighting}).system
    assert float(system.diffusion().weight(weighting)[-1]) > 0


@pytest.mark.parametrize("name", preset_names())
def test_every_field_of_every_preset_has_a_value_of_its_own_type(name):
    chosen = preset(name)
    of_data = {"image_size", "channels", "classes", "weights", "means", "variances", "name", "ema"}
    of_data |= {"vocabulary", "caption_length", "examples"}
    owners = (chosen.system, chosen.trainer, chosen.data)
    fields = {f.name: getattr(owner, f.name) for owner in reversed(owners) for f in dataclasses.fields(owner)}
    assert override(chosen, {name: value for name, value in fields.items() if name not in of_data}) == chosen
