"""VQ-VAE-2: what each level carries, what the bottom prior is told, averages that move, shapes that cannot be."""

from __future__ import annotations

import pytest
import torch

from torch_impl.networks.vqvae2 import VQVAE2, VQVAE2Config
from torch_impl.random.draws import Draws
from torch_impl.systems.vqvae2 import VQVAE2SystemConfig
from torch_impl.training.system import Batch


def images(n: int = 4) -> torch.Tensor:
    return torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_the_image_is_decoded_from_both_levels_of_codes() -> None:
    torch.manual_seed(0)
    model = VQVAE2(VQVAE2Config(16, 1, (8,), codes=12, top_channels=8, top_codes=10, code_dim=4)).eval()
    output = model(images())
    assert output.top.codes.shape == (4, 4, 4) and output.bottom.codes.shape == (4, 8, 8) and model.sides == (4, 8)
    again = model.decode(output.top.codes, output.bottom.codes)
    torch.testing.assert_close(again, output.reconstruction, rtol=1e-4, atol=1e-5)
    for changed in (
        model.decode((output.top.codes + 1) % 10, output.bottom.codes),
        model.decode(output.top.codes, (output.bottom.codes + 1) % 12),
        model.decode(output.top.codes),
    ):
        assert changed.shape == again.shape and not torch.allclose(changed, again, atol=1e-4)


def test_gradients_reach_both_encoders_and_no_code_moves_by_the_priors() -> None:
    torch.manual_seed(0)
    system = VQVAE2SystemConfig(16, 1, widths=(8,), codes=8, top_width=8, top_codes=8, prior_width=8).build()
    terms = system(Batch(images()), Draws(0, 4).at(0))
    (terms["top_nats"] + terms["bottom_nats"]).backward(retain_graph=True)
    assert all(p.grad is None for p in system.model.parameters()), "priors learn from codes, codes not from priors"
    assert all(p.grad is not None for p in (*system.top_prior.head.parameters(), system.given.weight))
    system.zero_grad()
    terms["loss"].backward()
    for part in (system.model.bottom_encoder, system.model.top_encoder, system.model.decoder):
        assert all(p.grad is not None for p in part.parameters())


def test_both_codebooks_move_after_a_step() -> None:
    torch.manual_seed(0)
    system = VQVAE2SystemConfig(16, 1, widths=(8,), codes=8, top_width=8, top_codes=8, prior_width=8).build().train()
    before = [quantizer.codebook.clone() for quantizer in system.model.quantizers]
    system(Batch(images()), Draws(0, 4).at(0))
    system.after_backward()
    assert all(not torch.equal(old, q.codebook) for old, q in zip(before, system.model.quantizers, strict=True))
    assert len(system.stateful_buffers()) == 2 * len(list(system.model.top_quantizer.buffers()))


def test_the_bottom_prior_is_told_the_top_code_above_each_place() -> None:
    torch.manual_seed(0)
    system = VQVAE2SystemConfig(16, 1, widths=(8,), codes=8, top_width=8, top_codes=8, prior_width=8).build().eval()
    top = torch.zeros(1, 4, 4, dtype=torch.int64)
    other = top.clone()
    other[0, 1, 2] = 5
    changed = (system.beside(top) != system.beside(other)).any(2).view(8, 8)
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:4, 4:6] = True
    assert torch.equal(changed, expected)
    codes = torch.randint(0, 8, (1, 64), generator=torch.Generator().manual_seed(0))
    logits = [system.bottom_prior(codes, None, system.beside(given))[0] for given in (top, other)]
    first = int(expected.flatten().int().argmax())
    assert torch.allclose(logits[0][:first], logits[1][:first], atol=1e-6), "no place knows of a later one"
    assert not torch.allclose(logits[0][first:], logits[1][first:], atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VQVAE2Config(28, 1, (8, 8)), "not divisible by 8"),
        (lambda: VQVAE2Config(16, 1, (8,), top_channels=12), "does not divide 12"),
        (lambda: VQVAE2Config(16, 1, (8,), top_codes=0), "top_codes"),
        (
            lambda: VQVAE2SystemConfig.small().build().sample(2, torch.Generator(), labels=torch.zeros(2).long()),
            "label",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
