"""Systems that read captions: the contrastive loss, what padding and hiding do, readers, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from torch_impl.data import load
from torch_impl.evaluation.attributes import AttributeReaders
from torch_impl.export import to_diffusers
from torch_impl.networks.cross_unet import CrossUNet, CrossUNetConfig
from torch_impl.networks.text import TextEncoder, averaged
from torch_impl.objectives.contrastive import contrastive_loss
from torch_impl.random.draws import Draws
from torch_impl.runs.open import load_model, open_run
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.systems.caption import CaptionConfig
from torch_impl.systems.clip import ClipConfig
from torch_impl.training.checkpoint import find_checkpoint
from torch_impl.training.system import Batch
from torch_impl.training.trainer_config import TrainerConfig


def fitted(config):
    return config.small().fitted(load("captions", image_size=16))


def batch(n: int = 8) -> Batch:
    return Batch(*load("captions", image_size=16).fetch(torch.arange(n)))


# -- the contrastive loss ---------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_surprise_of_rows_and_columns() -> None:
    torch.manual_seed(0)
    one, other = (torch.nn.functional.normalize(torch.randn(5, 3, dtype=torch.float64), dim=1) for _ in range(2))
    p = torch.exp(4.0 * one @ other.T)
    rows, columns = p / p.sum(1, keepdim=True), p / p.sum(0, keepdim=True)
    expected = -(rows.diag().log().mean() + columns.diag().log().mean()) / 2
    assert contrastive_loss(one, other, 4.0).item() == pytest.approx(expected.item(), abs=1e-14)


def test_the_loss_is_log_n_where_nothing_is_told_apart_and_none_where_all_is() -> None:
    same = torch.ones(7, 1, dtype=torch.float64)
    assert contrastive_loss(same, same, 3.0).item() == pytest.approx(math.log(7), abs=1e-14)
    apart = torch.eye(7, dtype=torch.float64)
    assert contrastive_loss(apart, apart, 100.0).item() < 1e-40


def test_the_loss_is_the_same_for_pictures_and_captions_exchanged() -> None:
    torch.manual_seed(1)
    one, other = torch.randn(6, 4), torch.randn(6, 4)
    assert torch.allclose(contrastive_loss(one, other, 2.0), contrastive_loss(other, one, 2.0))


# -- networks ---------------------------------------------------------------------------------------------------------


def test_places_without_a_word_change_nothing() -> None:
    torch.manual_seed(0)
    long = TextEncoder(9, 6, 8, 2, 2).double()
    tokens = torch.tensor([[3, 4, 5, 0, 0, 0]])
    words, there = long(tokens)
    with torch.no_grad():
        long.embedding.weight[0] += 5.0  # what stands where no word is
    again, _ = long(tokens)
    assert torch.allclose(words[:, :3], again[:, :3]) and torch.allclose(averaged(words, there), averaged(again, there))


def test_the_order_of_words_is_seen() -> None:
    torch.manual_seed(0)
    text = TextEncoder(9, 3, 8, 1, 2)
    one, other = (averaged(*text(torch.tensor([row]))) for row in ([3, 4, 5], [5, 4, 3]))
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_u_net_that_reads_begins_at_zero_and_looks_at_the_caption_once_it_is_trained() -> None:
    torch.manual_seed(0)
    net = CrossUNet(CrossUNetConfig(image_size=8, channels=(16,), attention=(8,), head_channels=8, words=9, length=3))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 3])
    assert not net(x, t, torch.tensor([[2, 3, 0], [4, 5, 6]])).any()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    one, other = net(x, t, torch.tensor([[2, 3, 0]] * 2)), net(x, t, torch.tensor([[2, 4, 0]] * 2))
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (torch.tensor([[2, 3]]), r"must be integers \(batch, 3\)"),
        (torch.tensor([[2, 3, 9]]), "the words run from 2 to 9; this network knows 0 to 8"),
        (None, "none were given"),
    ],
)
def test_what_is_no_caption_is_refused(tokens: torch.Tensor | None, words: str) -> None:
    net = CrossUNet(CrossUNetConfig(image_size=8, channels=(8,), attention=(), words=9, length=3))
    with pytest.raises(ValueError, match=words):
        net(torch.zeros(1, 1, 8, 8), torch.ones(1), tokens)


# -- systems ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [ClipConfig, CaptionConfig])
def test_the_vocabulary_is_in_the_checkpoint_and_a_stopped_run_goes_on_bit_for_bit(config, tmp_path: Path) -> None:
    trainer = TrainerConfig(4, 8, warmup=0, log_every=1, validate_every=0, preview_every=0, checkpoint_every=2)
    chosen = Preset("small", "", DataChoice("captions", 16), config.small(), trainer)
    open_run(chosen, tmp_path / "whole").fit()
    second = open_run(chosen, tmp_path / "parts")
    second.restore(find_checkpoint(tmp_path / "whole" / "checkpoints" / "step-00000002"))
    second.fit()
    whole, parts = (load_model(tmp_path / name) for name in ("whole", "parts"))
    assert whole.system.tokenizer.vocabulary == load("captions", image_size=16).words.vocabulary
    for name, tensor in whole.system.state_dict().items():
        assert torch.equal(tensor, parts.system.state_dict()[name]), name


def test_a_hidden_caption_says_nothing() -> None:
    system = fitted(CaptionConfig).build()
    y = batch(4).y
    hidden = system.hidden(y, torch.tensor([0.0, 0.09, 0.11, 0.9]))
    assert system.tokenizer.decode(hidden)[:2] == ["", ""] and torch.equal(hidden[2:], y[2:])


def test_squares_of_pixels_are_put_back_where_they_were() -> None:
    system, x = fitted(CaptionConfig).build(), batch().x
    z = system.data(x, Draws(0, 8))
    assert z.shape == (8, *system.shape()) and torch.equal(system.decode(z), x)
    assert torch.equal(z.flatten(1).sort().values, x.flatten(1).sort().values)


def test_samples_follow_captions_and_guidance() -> None:
    torch.manual_seed(0)
    system = fitted(CaptionConfig).build().eval()
    with torch.no_grad():
        for parameter in system.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    drawn = {}
    for text in ("a small red letter A on blue", "a large white letter K on green"):
        for guidance in (0.0, 1.0, 3.0):
            labels = system.tokenizer.encode([text] * 2)
            g = torch.Generator().manual_seed(0)
            drawn[text, guidance] = system.sample(2, g, labels=labels, guidance=guidance, steps=3)
    (a, b) = sorted({text for text, _ in drawn})
    assert torch.equal(drawn[a, 0.0], drawn[b, 0.0]) and not torch.allclose(drawn[a, 1.0], drawn[b, 1.0])
    assert not torch.allclose(drawn[a, 1.0], drawn[a, 3.0])


def test_data_without_captions_are_refused() -> None:
    with pytest.raises(ValueError, match="digits has no captions, which a model of kind clip learns from"):
        ClipConfig.small().fitted(load("digits"))
    for config in (ClipConfig, CaptionConfig):
        with pytest.raises(ValueError, match="has no"):
            fitted(config).build()(Batch(batch().x), Draws(0, 8).at(0))


def test_diffusers_has_no_counterpart_that_reads_these_captions(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="reads captions by a text encoder of its own"):
        to_diffusers(fitted(CaptionConfig).build(), tmp_path)
    assert not any(tmp_path.iterdir())


def test_configs_come_back_from_json() -> None:
    from torch_impl.systems import config_from_json

    for config in (ClipConfig, CaptionConfig):
        made = fitted(config)
        assert config_from_json(json.loads(json.dumps(made.to_json()))) == made


def test_readers_read_real_pictures_and_not_noise() -> None:
    """Within seconds they know the colours; letters and styles take longer."""
    data = load("captions", "all", image_size=16)
    readers = AttributeReaders(data, data.attribute_counts, steps=60, batch=32)
    held_out, index = load("captions", "unseen", image_size=16), torch.arange(300)
    right = (readers.read(held_out.fetch(index)[0]) == held_out.attributes_at(index)).float().mean(0)
    assert float(right[1]) > 0.8 and float(right[2]) > 0.8
    noise = (readers.read(torch.randn(300, 3, 16, 16)) == held_out.attributes_at(index)).float().mean(0)
    assert float(noise[1]) < 0.4
