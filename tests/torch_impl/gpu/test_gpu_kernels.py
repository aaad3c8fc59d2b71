"""The kernels for CUDA devices compute what PyTorch's operators do, and leave to these what they cannot serve."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, gpu
from torch_impl.gpu import normalisation
from torch_impl.networks import UNet, UNetConfig
from torch_impl.ops.combine import combine
from torch_impl.samplers import Denoiser, ddim_step

cuda = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
]


def test_nothing_is_asked_of_the_kernels_on_the_cpu() -> None:
    assert not gpu.takes(torch.zeros(3))
    assert gpu.combine(torch.zeros(3), torch.zeros(3), 1.0, 1.0, None) is None
    image = torch.zeros(2, 64, 256, 256).contiguous(memory_format=torch.channels_last)
    assert not normalisation.serves(image)


def image(n: int, c: int, h: int, w: int, dtype: torch.dtype) -> Tensor:
    x = (2 * torch.randn(n, c, h, w, device="cuda") + 3).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def off(a: Tensor, b: Tensor) -> float:
    return float((a.double() - b.double()).norm() / b.double().norm())


@pytest.fixture
def small_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalisation, "WORTH", 0)


@pytest.mark.usefixtures("small_ones_too")
class TestNorm:
    pytestmark = cuda

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
    @pytest.mark.parametrize("activate", [False, True])
    @pytest.mark.parametrize("shifted", [False, True])
    @pytest.mark.parametrize(
        ("shape", "groups"),
        [((4, 32, 16, 16), 8), ((3, 96, 5, 7), 8), ((2, 24, 33, 31), 3), ((64, 256, 32, 32), 8), ((1, 64, 1, 1), 8)],
    )
    def test_value_and_gradients_are_those_of_float64(self, shape, groups, shifted, activate, dtype) -> None:
        torch.manual_seed(0)
        n, c = shape[:2]
        x, dy = image(*shape, dtype).requires_grad_(), image(*shape, dtype)
        weight, bias = (torch.randn(c, device="cuda", requires_grad=True) for _ in range(2))
        shift = torch.randn(n, c, device="cuda", dtype=dtype, requires_grad=True) if shifted else None
        inputs = [x, weight, bias, *([] if shift is None else [shift])]
        assert normalisation.serves(x)
        y = normalisation.norm(x, shift, weight, bias, groups, 1e-5, activate)
        assert y.dtype == dtype and y.is_contiguous(memory_format=torch.channels_last)
        gradients = torch.autograd.grad(y, inputs, dy)

        exact = [v.detach().double().requires_grad_() for v in inputs]
        whole = exact[0] if shift is None else exact[0] + exact[3][:, :, None, None]
        truth = F.group_norm(whole, groups, exact[1], exact[2], 1e-5)
        truth = F.silu(truth) if activate else truth
        true = torch.autograd.grad(truth, exact, dy.double())
        bound = 1e-5 if dtype == torch.float32 else 6e-3
        assert off(y, truth) < bound
        for name, mine, wanted in zip(("x", "weight", "bias", "shift"), gradients, true, strict=False):
            scale = 1.0 if name != "shift" else float(true[0].norm()) * math.sqrt(x[0, 0].numel())  # its terms cancel
            error = off(mine, wanted) if name != "shift" else float((mine.double() - wanted).norm()) / scale
            assert error < bound, name

    def test_a_large_mean_costs_no_digits(self) -> None:
        x = image(2, 32, 64, 64, torch.float32) + 1000
        ones, zeros = torch.ones(32, device="cuda"), torch.zeros(32, device="cuda")
        y = normalisation.norm(x, None, ones, zeros, 8, 1e-5, True)
        assert off(y, F.silu(F.group_norm(x.double(), 8))) < 1e-4

    def test_it_repeats_bit_for_bit(self) -> None:
        x, dy = image(32, 128, 32, 32, torch.bfloat16).requires_grad_(), image(32, 128, 32, 32, torch.bfloat16)
        weight, bias = (torch.randn(128, device="cuda", requires_grad=True) for _ in range(2))
        runs = []
        for _ in range(3):
            y = normalisation.norm(x, None, weight, bias, 8, 1e-5, True)
            runs.append([y, *torch.autograd.grad(y, [x, weight, bias], dy)])
        for again in runs[1:]:
            assert all(torch.equal(a, b) for a, b in zip(runs[0], again, strict=True))

    def test_adding_a_bias_along_with_an_image(self) -> None:
        x, y, dy = (image(8, 96, 9, 7, torch.bfloat16) for _ in range(3))
        bias = torch.randn(96, device="cuda", requires_grad=True)
        inputs = [x.requires_grad_(), y.requires_grad_(), bias]
        truth = x.double() + y.double() + bias.double()[:, None, None]
        result = normalisation.add_bias(x, y, bias)
        assert off(result, truth) < 4e-3
        for mine, true in zip(
            torch.autograd.grad(result, inputs, dy), torch.autograd.grad(truth, inputs, dy.double()), strict=True
        ):
            assert off(mine, true) < 1e-5

    @pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
    @pytest.mark.parametrize("autocast", [False, True], ids=["fp32", "bf16"])
    def test_a_unet_computes_the_same_with_and_without(self, autocast, compiled, monkeypatch) -> None:
        torch.manual_seed(0)
        net = UNet(UNetConfig(16, 3, (32, 64), blocks_per_level=1, attention=(8,))).cuda()
        for parameter in net.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)
        x, t = torch.randn(16, 3, 16, 16, device="cuda"), torch.randint(1, 1000, (16,), device="cuda")

        def run(f: torch.nn.Module) -> list[Tensor]:
            with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
                loss = f(x, t).float().square().mean()
            return [loss, *torch.autograd.grad(loss, list(net.parameters()))]

        mine = run(torch.compile(net, fullgraph=True) if compiled else net)
        monkeypatch.setattr(normalisation, "serves", lambda x: False)
        bound = 0.1 if autocast else 5e-3  # float32 convolutions may use tf32
        assert all(off(a, b) < bound for a, b in zip(mine, run(net), strict=True))


class TestCombine:
    pytestmark = cuda

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
    @pytest.mark.parametrize("shape", [(3, 2, 5, 7), (1000, 3), (17,), (2, 3, 64, 64)])
    def test_numbers_and_factors(self, shape, dtype) -> None:
        x, y = torch.randn(2, *shape, device="cuda").to(dtype)
        a, b = torch.rand(2, shape[0], *(1,) * (len(shape) - 1), device="cuda")
        for p, q in ((0.3, -1.7), (a, b)):
            assert gpu.combine(x, y, p, q, None) is not None
            exact = x.double() * p + y.double() * q
            torch.testing.assert_close(combine(x, y, p, q).double(), exact, rtol=2 * torch.finfo(dtype).eps, atol=2e-7)

    def test_out_may_be_either_operand(self) -> None:
        x, y = torch.randn(2, 5, 3, 8, 8, device="cuda")
        wanted = combine(x, y, 0.4, 0.5)
        for operand in (0, 1):
            operands = [x.clone(), y.clone()]
            assert combine(*operands, 0.4, 0.5, out=operands[operand]) is operands[operand]
            assert torch.equal(operands[operand], wanted)

    def test_layouts_that_differ_gradients_and_float64_go_the_ordinary_way(self) -> None:
        x, y = torch.randn(2, 5, 3, 8, 8, device="cuda")
        mixed = combine(x, y.contiguous(memory_format=torch.channels_last), 0.4, 0.5)
        torch.testing.assert_close(mixed, 0.4 * x + 0.5 * y)
        (slope,) = torch.autograd.grad(combine(x.requires_grad_(), y, 0.4, 0.5).sum(), x)
        torch.testing.assert_close(slope, torch.full_like(x, 0.4))
        assert gpu.combine(x.detach().double(), y.double(), 0.4, 0.5, None) is None

    def test_transforms_see_through_it(self) -> None:
        x, y = torch.randn(2, 5, 3, 8, device="cuda")
        each = torch.func.vmap(lambda u, v: combine(u, v, 0.4, 0.5))(x, y)
        torch.testing.assert_close(each, 0.4 * x + 0.5 * y)
        _, tangent = torch.func.jvp(lambda u: combine(u, y, 0.4, 0.5), (x,), (torch.ones_like(x),))
        torch.testing.assert_close(tangent, torch.full_like(x, 0.4))

    def test_a_sampling_step_and_noising_agree_with_the_cpu(self) -> None:
        diffusion = GaussianDiffusion(NoiseSchedule.linear())
        x, noise = torch.randn(2, 6, 3, 16, 16)
        t = torch.randint(1, 1001, (6,))
        here = diffusion.q_sample(x, t, noise), ddim_step(Denoiser(lambda x, t: x, diffusion), x, noise, 500, 480)
        x, t, noise = x.cuda(), t.cuda(), noise.cuda()
        there = diffusion.q_sample(x, t, noise), ddim_step(Denoiser(lambda x, t: x, diffusion), x, noise, 500, 480)
        for a, b in zip(here, there, strict=True):
            torch.testing.assert_close(a, b.cpu(), rtol=1e-5, atol=1e-6)
