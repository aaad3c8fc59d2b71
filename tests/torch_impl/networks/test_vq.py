"""Vector quantisation against its claims: nearest codeword, straight-through, who trains whom, averages, revival."""

import copy
import json
import math

import pytest
import torch
from torch import Tensor

from torch_impl.networks import VQVAE, VectorQuantizer, VQVAEConfig, build, config_to_dict
from torch_impl.networks.vq import _nearest_of_likely, nearest_rows


def quantizer(codebook: str = "ema", codes: int = 5, dim: int = 3, **options: object) -> VectorQuantizer:
    torch.manual_seed(0)
    options.setdefault("revive_below", 0.0)
    return VectorQuantizer(codes, dim, codebook, **options).double()


def features(seed: int = 1, batch: int = 2, dim: int = 3, side: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, dim, side, side, generator=generator, dtype=torch.float64)


def as_vectors(z: Tensor) -> Tensor:
    return z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])


def test_each_vector_gets_its_nearest_codeword() -> None:
    q, z = quantizer(), features()
    out = q(z)
    distance = (as_vectors(z)[:, None] - q.codebook[None]).square().sum(-1)
    assert torch.equal(out.codes.flatten(), distance.argmin(1))
    torch.testing.assert_close(as_vectors(out.z), q.codebook[out.codes.flatten()], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(q.lookup(out.codes), out.z, rtol=1e-6, atol=1e-6)


def test_straight_through_hands_the_gradient_of_the_codeword_to_the_encoder_unchanged() -> None:
    q, z = quantizer("gradient"), features().requires_grad_()
    weight = torch.randn_like(z)
    grad_z, grad_e = torch.autograd.grad((q(z).z * weight).sum(), [z, q.codebook], allow_unused=True)
    torch.testing.assert_close(grad_z, weight, rtol=1e-6, atol=1e-7)
    assert grad_e is None


def test_codebook_loss_trains_the_codebook_only_and_commitment_the_encoder_only() -> None:
    q, z = quantizer("gradient"), features().requires_grad_()
    out = q(z)
    vectors, chosen = as_vectors(z.detach()), q.codebook.detach()[out.codes.flatten()]
    n = vectors.numel()

    grad_z, grad_e = torch.autograd.grad(out.codebook_loss, [z, q.codebook], allow_unused=True, retain_graph=True)
    expected = torch.zeros_like(q.codebook).index_add_(0, out.codes.flatten(), -2 * (vectors - chosen) / n)
    torch.testing.assert_close(grad_e, expected, rtol=1e-5, atol=1e-8)
    assert grad_z is None

    grad_z, grad_e = torch.autograd.grad(out.commitment_loss, [z, q.codebook], allow_unused=True)
    torch.testing.assert_close(as_vectors(grad_z), 2 * (vectors - chosen) / n, rtol=1e-5, atol=1e-8)
    assert grad_e is None

    mean = (vectors - chosen).square().mean()
    torch.testing.assert_close(out.codebook_loss.double(), mean, rtol=1e-5, atol=0)
    torch.testing.assert_close(out.commitment_loss.double(), mean, rtol=1e-5, atol=0)


def test_with_averages_there_is_no_codebook_loss() -> None:
    q = quantizer("ema")
    assert q(features()).codebook_loss.item() == 0
    assert not list(q.parameters())


def test_moving_averages_against_a_computation_by_hand() -> None:
    q = quantizer("ema", decay=0.9)
    e = q.codebook.clone()
    count, total = torch.ones(5, dtype=torch.float64), e.clone()
    for seed in (1, 2, 3):
        z = features(seed)
        codes = q(z).codes.flatten()
        q.update_()
        for k in range(5):
            mine = as_vectors(z)[codes == k]
            count[k] = 0.9 * count[k] + 0.1 * len(mine)
            total[k] = 0.9 * total[k] + 0.1 * mine.sum(0)
            e[k] = total[k] / count[k]
        torch.testing.assert_close(q.average_count, count, rtol=1e-6, atol=0)
        torch.testing.assert_close(q.average_sum, total, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(q.codebook, e, rtol=1e-5, atol=1e-6)


def test_decay_zero_is_one_step_of_k_means() -> None:
    q, z = quantizer("ema", codes=3, decay=0.0), features(batch=8)
    codes = q(z).codes.flatten()
    q.update_()
    means = torch.stack([as_vectors(z)[codes == k].mean(0) for k in range(3)])
    torch.testing.assert_close(q.codebook, means, rtol=1e-5, atol=1e-6)


def test_micro_batches_count_together() -> None:
    whole, parts = quantizer("ema"), quantizer("ema")
    z = features(batch=6)
    whole(z)
    for piece in z.split(2):
        parts(piece)
    whole.update_()
    parts.update_()
    torch.testing.assert_close(parts.codebook, whole.codebook, rtol=1e-6, atol=1e-6)
    before = parts.average_count.clone()
    parts.update_()  # nothing was seen since: only the decay acts, and the codewords stay
    torch.testing.assert_close(parts.average_count, 0.99 * before)
    torch.testing.assert_close(parts.codebook, whole.codebook, rtol=1e-6, atol=1e-6)


def test_evaluation_leaves_no_trace() -> None:
    q = quantizer("ema").eval()
    before = copy.deepcopy(q.state_dict())
    q(features())
    assert not q.pending_count.any() and not q.pending_sum.any()
    assert all(torch.equal(before[name], value) for name, value in q.state_dict().items())


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_the_first_update_puts_the_codebook_on_encoder_outputs(codebook: str) -> None:
    q, z = quantizer(codebook, codes=4, revive_below=0.03), features(batch=8)
    q(z)
    assert q.update_().all()
    distance = torch.cdist(q.codebook.detach(), as_vectors(z)).amin(1)
    assert distance.max() < 1e-6
    assert len(torch.unique(q.codebook.detach(), dim=0)) > 1


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_a_dead_codeword_is_revived_with_its_averages_and_the_living_stay(codebook: str) -> None:
    q, z = quantizer(codebook, revive_below=0.03), features(batch=8)
    q(z)
    q.update_()
    with torch.no_grad():
        q.average_count[2] = 1e-6
        q.average_sum[2] = 1e-6
        q.codebook[2] = 1e6  # far away: nothing falls to it
    q(z)
    untouched = copy.deepcopy(q)
    revived = q.update_()
    assert revived.tolist() == [False, False, True, False, False]
    assert torch.cdist(q.codebook.detach()[2:3], as_vectors(z)).min() < 1e-6
    # the averages restart at the new place with the usual count, so that it is not dead again at once
    torch.testing.assert_close(q.average_sum[2] / q.average_count[2], q.codebook.detach()[2], rtol=1e-6, atol=1e-6)
    untouched.revive_below = 0.0
    untouched.update_()
    usual = untouched.average_count.mean()
    torch.testing.assert_close(q.average_count[2], usual, rtol=1e-6, atol=0)
    alive = [0, 1, 3, 4]
    assert torch.equal(q.codebook[alive], untouched.codebook[alive])
    assert torch.equal(q.average_sum[alive], untouched.average_sum[alive])


def test_revived_codewords_live_on() -> None:
    """All data in one far cluster: revival spreads the codebook over it, and then stops."""
    q = quantizer("ema", codes=8, decay=0.9, revive_below=0.03)
    generator = torch.Generator().manual_seed(0)
    revivals, perplexity = [], 0.0
    for _ in range(60):
        z = 20 + torch.randn(4, 3, 8, 8, generator=generator, dtype=torch.float64)
        perplexity = q(z).perplexity.item()
        revivals.append(int(q.update_().sum()))
    assert revivals[0] == 8 and sum(revivals[-20:]) == 0
    assert perplexity > 6


def test_perplexity_is_one_for_one_codeword_and_all_for_even_use() -> None:
    q = quantizer(codes=4, dim=2)
    corners = torch.tensor([[5.0, 5.0], [-5.0, 5.0], [5.0, -5.0], [-5.0, -5.0]], dtype=torch.float64)
    q.codebook.copy_(corners)
    even = corners.t().reshape(1, 2, 2, 2)
    assert q(even).perplexity.item() == pytest.approx(4.0, rel=1e-6)
    assert q(corners[:1].reshape(1, 2, 1, 1)).perplexity.item() == pytest.approx(1.0, rel=1e-6)
    mixed = torch.cat((even, corners[:1].reshape(1, 2, 1, 1).expand(1, 2, 2, 2)))  # shares 5/8, 1/8, 1/8, 1/8
    entropy = -(5 / 8 * math.log(5 / 8) + 3 / 8 * math.log(1 / 8))
    assert q(mixed).perplexity.item() == pytest.approx(math.exp(entropy), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_perplexity_lies_between_one_and_the_number_of_codewords(seed: int) -> None:
    q = quantizer(codes=7)
    assert 1 - 1e-6 <= q(features(seed)).perplexity.item() <= 7 + 1e-6


def test_state_carries_everything_a_resumed_run_needs() -> None:
    unbroken = quantizer("ema", revive_below=0.3)
    for seed in range(3):
        unbroken(features(seed))
        unbroken.update_()
    resumed = quantizer("ema", revive_below=0.3)
    resumed.load_state_dict(unbroken.state_dict())
    for seed in range(3, 8):
        for q in (unbroken, resumed):
            q(features(seed))
            q.update_()
        assert torch.equal(unbroken.codebook, resumed.codebook)
    assert unbroken.updates.item() == 8


def test_half_precision_does_not_change_the_neighbours() -> None:
    torch.manual_seed(0)
    q = VectorQuantizer(64, 8)
    z = torch.randn(4, 8, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        low = q(z)
    assert torch.equal(low.codes, q(z).codes)
    assert low.commitment_loss.dtype == torch.float32


SMALL = VQVAEConfig(image_size=8, channels=(8,), codes=12, code_dim=4)


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_vqvae_shapes_loss_and_gradients(codebook: str) -> None:
    torch.manual_seed(0)
    config = VQVAEConfig(image_size=8, channels=(8, 16), codes=12, code_dim=4, codebook=codebook, commitment=0.5)
    net = VQVAE(config)
    x = torch.rand(5, 1, 8, 8) * 2 - 1
    out = net(x)
    assert out.reconstruction.shape == x.shape and out.codes.shape == (5, *net.code_shape) == (5, 2, 2)
    torch.testing.assert_close(net.regulariser(out), out.codebook_loss + 0.5 * out.commitment_loss)
    ((out.reconstruction - x).square().mean() + net.regulariser(out)).backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(".norm_" in n or ".conv_1." in n for n in without), without
    assert torch.equal(net.encode(x), out.codes)
    torch.testing.assert_close(net.decode(out.codes), out.reconstruction, rtol=1e-4, atol=1e-5)


def test_vqvae_learns_to_reconstruct_and_uses_its_codes() -> None:
    torch.manual_seed(0)
    net = VQVAE(SMALL)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    patterns = (torch.rand(6, 1, 8, 8) > 0.5).float() * 2 - 1
    first = None
    for _ in range(150):
        out = net(patterns)
        loss = (out.reconstruction - patterns).square().mean()
        optimizer.zero_grad()
        (loss + net.regulariser(out)).backward()
        optimizer.step()
        net.quantizer.update_()
        first = loss.item() if first is None else first
    assert first is not None and loss.item() < 0.25 * first
    assert out.perplexity.item() > 6


def test_vqvae_rebuilds_from_json_and_compiles() -> None:
    net = VQVAE(SMALL).eval()
    x = torch.rand(2, 1, 8, 8)
    again = build(json.loads(json.dumps(config_to_dict(SMALL))))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.eval()(x).reconstruction, net(x).reconstruction)
    training = VQVAE(SMALL)
    training.load_state_dict(net.state_dict())
    compiled = torch.compile(training, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x).reconstruction, net(x).reconstruction)
    assert training.quantizer.pending_count.sum() == 2 * 16


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"codebook": "kmeans"}, "codebook = 'kmeans'"),
        ({"commitment": 0.0}, "commitment = 0.0"),
        ({"decay": 1.0}, "decay = 1.0"),
        ({"revive_below": -0.1}, "revive_below = -0.1"),
        ({"image_size": 30}, "30 is not divisible by 4"),
        ({"codes": 0}, "codes = 0"),
        ({"blocks": -2}, "blocks = -2"),
        ({"channels": (9,)}, "groups = 8 does not divide 9"),
    ],
)
def test_impossible_vqvae_configs_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VQVAEConfig(**fields)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5, -1e7])
@pytest.mark.parametrize("spread", [1.0, 1e-2])
def test_the_nearest_codeword_is_exact_far_from_the_origin(offset: float, spread: float) -> None:
    g = torch.Generator().manual_seed(0)
    e, z = (offset + spread * torch.randn(n, 8, generator=g) for n in (64, 500))
    truth = (z[:, None].double() - e.double()).square().sum(2)
    chosen = truth.gather(1, nearest_rows(z, e)[:, None])
    assert torch.equal(chosen[:, 0], truth.min(1).values)


def test_the_nearest_codeword_is_exact_between_clusters_that_no_centre_serves() -> None:
    g = torch.Generator().manual_seed(0)
    cluster = torch.tensor([-1e5, 1e5]).repeat(32)[:, None]
    e = cluster + torch.randn(64, 8, generator=g)
    z = cluster[:40] + torch.randn(40, 8, generator=g)
    truth = (z[:, None].double() - e.double()).square().sum(2)
    assert torch.equal(truth.gather(1, nearest_rows(z, e)[:, None])[:, 0], truth.min(1).values)
    naive = torch.addmm(e.square().sum(1), z, e.t(), beta=1, alpha=-2).argmin(1)
    assert not torch.equal(naive, truth.argmin(1))  # what is avoided does happen


@pytest.mark.parametrize("offset", [0.0, 30.0, 300.0])
def test_where_float64_is_dear_the_likely_codewords_are_compared_exactly(offset: float) -> None:
    g = torch.Generator().manual_seed(0)
    e, z = (offset + torch.randn(n, 8, generator=g) for n in (64, 500))
    scores = torch.addmm(e.square().sum(1), z, e.t(), beta=1, alpha=-2)
    truth = (z[:, None].double() - e.double()).square().sum(2)
    found = truth.gather(1, _nearest_of_likely(z, e, scores)[:, None])[:, 0]
    torch.testing.assert_close(found, truth.min(1).values, rtol=1e-5, atol=0)
    if offset == 300.0:
        assert not torch.equal(scores.argmin(1), truth.argmin(1))  # which the scores alone get wrong
    assert _nearest_of_likely(z[:1], z[:1].expand(3, 8), torch.zeros(1, 3)).tolist() == [0]


def test_of_equally_near_codewords_the_first_is_taken() -> None:
    e = torch.tensor([[5.0], [1.0], [1.0], [-1.0]])
    assert nearest_rows(torch.tensor([[1.0], [0.0]]), e).tolist() == [1, 1]


def test_codewords_in_disuse_neither_drift_nor_overflow() -> None:
    q = VectorQuantizer(4, 3, "ema", decay=0.9, revive_below=0.0).train()
    far = torch.tensor([[1e3, 0, 0], [0, 1e3, 0], [0, 0, 1e3], [-1e3, 0, 0]])
    q.codebook.copy_(far)
    q.average_sum.copy_(far)
    z = far[0].view(1, 3, 1, 1).expand(2, 3, 2, 2)
    for _ in range(10_000):
        q(z)
        q.update_()
    assert all(buffer.isfinite().all() for buffer in q.buffers())
    assert torch.equal(q.codebook, far)
    again = far[2].view(1, 3, 1, 1) + 1.0
    q(again)
    q.update_()  # one vector after 10,000 updates of disuse outweighs what is left of the old average
    torch.testing.assert_close(q.codebook[2], far[2] + 1.0)
    assert torch.equal(q.codebook[[0, 1, 3]], far[[0, 1, 3]])


def test_a_dead_codeword_restarts_where_an_encoder_output_was():
    """Its place is a vector of the batch, its count the usual one, and its sum the two multiplied."""
    quantizer = VectorQuantizer(codes=3, dim=2, codebook="ema", revive_below=0.5).train()
    z = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0)) + 10
    quantizer(z)
    quantizer.update_()
    with torch.no_grad():
        quantizer.codebook[2] = 1e6
        quantizer.average_sum[2] = 1e6
        quantizer.average_count[2] = 1e-6
    quantizer(z)
    revived = quantizer.update_()
    assert revived.tolist() == [False, False, True]
    vectors = z.permute(0, 2, 3, 1).reshape(-1, 2)
    apart = (vectors - quantizer.codebook[2]).norm(dim=1)
    assert float(apart.min()) == 0.0
    torch.testing.assert_close(quantizer.average_sum[2], quantizer.codebook[2] * quantizer.average_count[2])
    usual = float(quantizer.average_count[:2].mean())
    assert 0.5 * usual < float(quantizer.average_count[2]) < 2 * usual
