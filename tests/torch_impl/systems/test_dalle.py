"""DALL·E: draws of codes and their price, what the transformer sees, its cache, its stage, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from pathlib import Path

import pytest
import torch

from torch_impl.data import load
from torch_impl.networks.caption_codes import CaptionCodes, CaptionCodesConfig
from torch_impl.networks.dvae import DVAE, DVAEConfig
from torch_impl.objectives.gumbel import annealed, gumbel_draw, gumbel_noise, gumbel_softmax, ramp, uniform_kl
from torch_impl.random.draws import Draws
from torch_impl.runs.open import compressor_preset, load_model, open_run
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.systems import config_from_json
from torch_impl.systems.dalle import DalleConfig
from torch_impl.systems.dvae import DVAESystemConfig
from torch_impl.systems.vqvae import VQVAESystemConfig
from torch_impl.training.checkpoint import find_checkpoint
from torch_impl.training.system import Batch, TrainedStage
from torch_impl.training.trainer_config import TrainerConfig

SHARES = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
N = 200_000


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pictures(n: int = 8) -> Batch:
    return Batch(*load("captions", image_size=16).fetch(torch.arange(n)))


# -- draws of codes ---------------------------------------------------------------------------------------------------


def far(classes: torch.Tensor) -> torch.Tensor:
    """How many standard errors the counts of classes lie from the shares."""
    found = torch.bincount(classes, minlength=len(SHARES)).double() / len(classes)
    return ((found - SHARES) / (SHARES * (1 - SHARES) / len(classes)).sqrt()).abs()


def test_the_largest_noisy_logit_is_each_class_with_its_own_share() -> None:
    u = uniform(N, 4)
    assert float(far(gumbel_draw(SHARES.log().expand(N, 4), u)).max()) < 4
    normal = math.sqrt(2) * torch.erfinv(2 * u - 1)
    assert float(far((SHARES.log() + normal).argmax(1)).max()) > 40  # noise of another law draws other shares


@pytest.mark.parametrize("temperature", [0.0625, 0.5, 1.0, 3.0])
def test_a_soft_draw_is_largest_where_the_hard_one_is_and_sums_to_one(temperature: float) -> None:
    logits, u = SHARES.log().expand(1000, 4), uniform(1000, 4)
    soft = gumbel_softmax(logits, u, temperature)
    assert torch.equal(soft.argmax(1), gumbel_draw(logits, u))
    assert torch.allclose(soft.sum(1), torch.ones(1000, dtype=torch.float64))


def test_a_cold_draw_is_one_class_and_a_warm_one_has_another_mean_than_the_shares() -> None:
    """0.816 for a share of 0.9 at temperature 1, as the claim says in three digits."""
    logits, u = torch.tensor([0.9, 0.1], dtype=torch.float64).log().expand(N, 2), uniform(N, 2)
    hard = torch.nn.functional.one_hot(gumbel_draw(logits, u), 2)
    assert float((gumbel_softmax(logits, u, 1e-4) - hard).abs().mean()) < 1e-3
    warm = gumbel_softmax(logits, u, 1.0)[:, 0]
    assert abs(float(warm.mean()) - 0.816) < 4 * float(warm.std()) / math.sqrt(N) + 5e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_noise_is_finite_at_both_ends_and_has_a_gradient_behind_it(dtype: torch.dtype) -> None:
    ends = torch.tensor([[0.0, 1 - torch.finfo(dtype).eps / 2]], dtype=dtype)
    assert torch.isfinite(gumbel_noise(ends)).all()
    logits = torch.zeros(1, 2, dtype=dtype, requires_grad=True)
    gumbel_softmax(logits, ends, 0.5)[0, 0].backward()
    assert torch.isfinite(logits.grad).all()


def test_the_price_is_the_divergence_from_the_uniform_law() -> None:
    logits = uniform(5, 7, 2, seed=1) * 6
    q = logits.softmax(1)
    assert torch.allclose(uniform_kl(logits).double(), (q * (7 * q).log()).sum(1), atol=1e-6)
    assert float(uniform_kl(torch.zeros(1, 9))) == pytest.approx(0, abs=1e-6)
    sure = 1e3 * torch.nn.functional.one_hot(torch.tensor([3]), 9).float()
    assert float(uniform_kl(sure)) == pytest.approx(math.log(9), abs=1e-6)


def test_the_temperature_falls_along_half_a_cosine_and_stays() -> None:
    steps = torch.arange(0, 41)
    found = torch.stack([annealed(step, 1.0, 0.2, 20) for step in steps])
    assert float(found[0]) == 1 and float(found[10]) == pytest.approx(0.6) and (found[20:] == found[20]).all()
    assert float(found[20]) == pytest.approx(0.2) and (found[:20].diff() < 0).all()
    assert float(ramp(torch.tensor(0), 0)) == 1 and float(ramp(torch.tensor(5), 20)) == 0.25


# -- the discrete VAE -------------------------------------------------------------------------------------------------


def test_weights_that_are_one_code_give_the_image_of_that_code() -> None:
    torch.manual_seed(0)
    net = DVAE(DVAEConfig(image_size=8, channels=(8,), blocks=0, codes=5, code_dim=4))
    codes = torch.randint(5, (3, 4, 4))
    mixture = torch.nn.functional.one_hot(codes, 5).permute(0, 3, 1, 2).float()
    assert torch.allclose(net.decode_mixture(mixture), net.decode(codes), atol=1e-6)
    assert net.encode(torch.randn(3, 3, 8, 8)).shape == codes.shape


def test_codes_are_spread_over_the_first_pictures_before_any_step() -> None:
    torch.manual_seed(0)
    config = dataclasses.replace(fitted().compressor(), widths=(16, 16), codes=32)
    system, data = config.build(), load("captions", image_size=16)
    x = pictures(500).x
    before, _, _ = system.code_use(x)
    system.prepare(data, None)
    logits = system.model.logits(x)
    assert torch.allclose(logits.mean((0, 2, 3)), torch.zeros(32), atol=1e-3)
    assert torch.allclose(logits.std((0, 2, 3)), torch.full((32,), 3.0), atol=1e-2)
    assert before < 24 < system.code_use(x)[0]  # of 32 codes that could be used alike


def test_held_out_loss_is_the_bound_of_whole_codes_and_training_s_is_of_soft_ones() -> None:
    torch.manual_seed(0)
    config = DVAESystemConfig(
        16, 3, widths=(8,), blocks=0, codes=6, code_dim=4, decoder_variance=0.3, beta=1.0, first_beta=4.0
    )
    system, batch = config.build(), pictures()
    logits = system.model.logits(batch.x).detach()
    u = Draws(0, 8).at(0).uniform(*logits.shape)
    with torch.no_grad():
        held_out = system.eval()(batch, Draws(0, 8).at(0))["loss"]
    decoded = system.model.decode(gumbel_draw(logits, u)).detach()
    log_likelihood = torch.distributions.Normal(decoded, math.sqrt(0.3)).log_prob(batch.x).flatten(1).sum(1)
    q = logits.softmax(1)
    bound = log_likelihood - (q * (6 * q).log()).sum((1, 2, 3))
    assert float(held_out) == pytest.approx(-float(bound.mean()) / 768, rel=1e-5)
    soft = system.train()(batch, Draws(0, 8).at(0))
    assert soft["loss"].item() != pytest.approx(float(held_out), rel=1e-4) and soft["temperature"].item() == 1


def test_draws_become_sharper_and_the_price_another_by_the_steps_that_were_taken() -> None:
    config = DVAESystemConfig.small()
    system = dataclasses.replace(config, temperature_steps=2, beta_steps=2).build().train()
    batch, seen = Batch(torch.rand(4, 1, 8, 8)), []
    for _ in range(3):
        terms = system(batch, Draws(0, 4).at(0))  # the same step of the draws: what counts is what was taken
        seen.append((terms["temperature"].item(), terms["loss"].item()))
        system.after_backward()
    assert [round(t, 4) for t, _ in seen] == [1.0, 0.7, 0.4] and len({loss for _, loss in seen}) == 3


# -- the transformer --------------------------------------------------------------------------------------------------


@pytest.fixture
def net() -> CaptionCodes:
    torch.manual_seed(0)
    return CaptionCodes(CaptionCodesConfig(words=7, length=3, codes=2, places=4, width=8, depth=2, heads=2)).double()


TOKENS = torch.tensor([[3, 2, 0], [5, 6, 1]])


def test_the_cache_gives_the_logits_of_the_whole_sequence(net: CaptionCodes) -> None:
    codes = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 1]])
    whole = net(TOKENS, codes)[1]
    logits, seen = net.begin(TOKENS)
    for place in range(4):
        assert torch.allclose(logits, whole[:, place], atol=1e-12)
        if place < 3:
            elsewhere, _ = net.go_on(codes[:, place], place - 1, seen)
            logits, seen = net.go_on(codes[:, place], place, seen)
            assert not torch.allclose(elsewhere, whole[:, place + 1], atol=1e-3)


def test_each_place_sees_what_stands_before_it_and_nothing_after(net: CaptionCodes) -> None:
    codes = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 1]])
    words, after = net(TOKENS, codes)
    for i in range(4):
        changed = codes.clone()
        changed[:, i] = 1 - changed[:, i]
        other_words, other = net(TOKENS, changed)
        assert torch.equal(words, other_words) and torch.equal(other[:, : i + 1], after[:, : i + 1])
        assert i == 3 or not torch.allclose(other[:, i + 1], after[:, i + 1], atol=1e-6)
    told = TOKENS.clone()
    told[:, 1] = 4
    other_words, other = net(told, codes)
    assert torch.equal(other_words[:, :2], words[:, :2]) and not torch.allclose(other_words[:, 2], words[:, 2])
    assert not torch.allclose(other[:, 0], after[:, 0], atol=1e-6)


def test_samples_follow_the_law_of_the_logits(net: CaptionCodes) -> None:
    """All sixteen maps of four codes: their chances add up to one, and draws have them as shares."""
    every = torch.tensor(list(itertools.product(range(2), repeat=4)))
    tokens = TOKENS[:1].expand(len(every), -1)
    log_p = net(tokens, every)[1].detach().log_softmax(-1).gather(2, every[..., None]).sum((1, 2))
    p = log_p.exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-12)
    n = 8000
    drawn = net.sample(TOKENS[:1].expand(n, -1), torch.Generator().manual_seed(0))
    found = torch.bincount((drawn * torch.tensor([8, 4, 2, 1])).sum(1), minlength=16).double() / n
    assert float(((found - p) / (p * (1 - p) / n).sqrt()).abs().max()) < 4
    few = net.sample(TOKENS[:1].expand(9, -1), torch.Generator().manual_seed(0))
    assert torch.equal(few, drawn[:9])


@pytest.mark.parametrize(
    ("tokens", "codes", "words"),
    [
        (TOKENS[:, :2], torch.zeros(2, 4, dtype=torch.int64), r"must be integers \(batch, 3\)"),
        (TOKENS + 3, torch.zeros(2, 4, dtype=torch.int64), "this network knows 0 to 6"),
        (TOKENS, torch.zeros(2, 3, dtype=torch.int64), r"they must be \(batch, 4\)"),
    ],
)
def test_what_is_no_caption_and_no_map_is_refused(net: CaptionCodes, tokens, codes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        net(tokens, codes)


# -- the system and its stage -----------------------------------------------------------------------------------------


def fitted() -> DalleConfig:
    return DalleConfig.small().fitted(load("captions", image_size=16))


def test_the_loss_weighs_words_and_codes() -> None:
    torch.manual_seed(0)
    system, batch = fitted().build(), pictures()
    terms = system(batch, Draws(0, 8).at(0))
    per_word, per_code = terms["caption_nats"].item() / 10, terms["code_nats"].item() / 16
    assert terms["loss"].item() == pytest.approx(0.125 * per_word + 0.875 * per_code, rel=1e-5)
    terms["loss"].backward()
    assert all(p.grad is None for p in system.compressor.parameters())
    with pytest.raises(ValueError, match="the batch has no captions"):
        system(Batch(batch.x), Draws(0, 8).at(0))


def test_samples_follow_their_captions() -> None:
    torch.manual_seed(0)
    system = fitted().build().eval()
    drawn = [
        system.sample(6, torch.Generator().manual_seed(0), labels=system.tokenizer.encode([text] * 6))
        for text in ("a small red letter A, on blue", "a large white letter K, on green")
    ]
    assert drawn[0].shape == (6, 3, 16, 16) and not torch.equal(*drawn)
    assert float(drawn[0].abs().max()) <= 1


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (dataclasses.replace(fitted().compressor(), codes=9), "has codes = 9, and this model asks for 8; give another"),
        (dataclasses.replace(fitted().compressor(), widths=(8,)), r"has widths = \(8,\), and this model asks for"),
        (dataclasses.replace(fitted().compressor(), image_size=32), "has image_size = 32"),
        (VQVAESystemConfig.small(), "is a model of kind vqvae, and the discrete VAE is one of kind dvae"),
        (None, "needs a trained discrete VAE"),
    ],
)
def test_another_stage_is_refused(stage, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fitted().build().prepare(None, None if stage is None else TrainedStage(stage.build(), Path("r")))


def test_a_stage_that_was_trained_otherwise_is_taken() -> None:
    torch.manual_seed(0)
    stage = dataclasses.replace(fitted().compressor(), beta=0.1, temperature=2.0, decoder_variance=0.5).build()
    system = fitted().build()
    system.prepare(None, TrainedStage(stage, Path("r")))
    x = pictures().x
    assert torch.equal(system.compressor.encode(x), stage.model.encode(x))


def test_both_stages_stopped_go_on_bit_for_bit(tmp_path: Path) -> None:
    trainer = TrainerConfig(4, 8, warmup=0, log_every=1, validate_every=0, preview_every=0, checkpoint_every=2)
    small = dataclasses.replace(DalleConfig.small(), compressor_steps=4, temperature_steps=3, beta_steps=3)
    chosen = Preset("small", "", DataChoice("captions", 16), small, trainer)
    for preset, name in ((compressor_preset(chosen), "codes"), (chosen, "words")):
        stage = None if name == "codes" else find_checkpoint(tmp_path / "codes")
        open_run(preset, tmp_path / name, compressor=stage).fit()
        second = open_run(preset, tmp_path / f"{name}-again", compressor=stage)
        second.restore(find_checkpoint(tmp_path / name / "checkpoints" / "step-00000002"))
        second.fit()
        whole, parts = (load_model(tmp_path / n, weights="raw") for n in (name, f"{name}-again"))
        for key, tensor in whole.system.state_dict().items():
            assert torch.equal(tensor, parts.system.state_dict()[key]), key
        assert whole.description["system"] == parts.description["system"]
        if name == "codes":
            assert int(whole.system.taken) == 4


def test_configs_come_back_from_json_and_what_cannot_be_is_refused() -> None:
    made = fitted()
    assert config_from_json(json.loads(json.dumps(made.to_json()))) == made
    for changes, words in (
        ({"heads": 3}, "heads = 3 does not divide width = 8"),
        ({"widths": (8,) * 5}, "is not divisible by 32"),
        ({"temperature": 0.01}, "it must be at most temperature = 0.01"),
        ({"last_temperature": 0.0}, "last_temperature is 0.0; it must be positive"),
        ({"codes": 1}, "codes is 1; it must be at least 2"),
        ({"text_weight": 1.0}, "text_weight is 1.0; it must lie in"),
    ):
        with pytest.raises(ValueError, match=words):
            dataclasses.replace(made, **changes)
    with pytest.raises(ValueError, match="digits has no captions"):
        DalleConfig.small().fitted(load("digits"))
