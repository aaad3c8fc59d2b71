"""The kernels for CUDA devices compute what PyTorch's operators do, and leave to these what they cannot serve."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, gpu
from torch_impl.networks import UNet, UNetConfig
from torch_impl.samplers import Denoiser, ddim_step
from torch_impl.tables import combine

cuda = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
]


def test_nothing_is_asked_of_the_kernels_on_the_cpu() -> None:
    assert not gpu.takes(torch.zeros(3))
    assert gpu.combine(torch.zeros(3), torch.zeros(3), 1.0, 1.0, None) is None
    image = torch.zeros(64, 16, 32, 32).contiguous(memory_format=torch.channels_last)
    assert gpu.norm_silu(image, None, torch.ones(16), torch.zeros(16), 4, 1e-5) is None


def image(n: int, c: int, h: int, w: int, dtype: torch.dtype) -> Tensor:
    x = (2 * torch.randn(n, c, h, w, device="cuda") + 3).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


def off(a: Tensor, b: Tensor) -> float:
    return float((a.double() - b.double()).norm() / b.double().norm())


class TestNormSilu:
    pytestmark = cuda

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
    @pytest.mark.parametrize("shifted", [False, True])
    @pytest.mark.parametrize(
        ("shape", "groups"),
        [((4, 32, 16, 16), 8), ((3, 96, 5, 7), 8), ((2, 24, 33, 31), 3), ((64, 256, 32, 32), 8), ((1, 64, 1, 1), 8)],
    )
    def test_value_and_gradients_are_those_of_float64(self, shape, groups, shifted, dtype, monkeypatch) -> None:
        monkeypatch.setattr(gpu, "WORTH", 0)
        torch.manual_seed(0)
        n, c = shape[:2]
        x, dy = image(*shape, dtype).requires_grad_(), image(*shape, dtype)
        weight, bias = (torch.randn(c, device="cuda", requires_grad=True) for _ in range(2))
        shift = torch.randn(n, c, device="cuda", dtype=dtype, requires_grad=True) if shifted else None
        inputs = [x, weight, bias, *([] if shift is None else [shift])]
        y = gpu.norm_silu(x, shift, weight, bias, groups, 1e-5)
        assert y is not None and y.dtype == dtype and y.is_contiguous(memory_format=torch.channels_last)
        gradients = torch.autograd.grad(y, inputs, dy)

        exact = [v.detach().double().requires_grad_() for v in inputs]
        whole = exact[0] if shift is None else exact[0] + exact[3][:, :, None, None]
        truth = F.silu(F.group_norm(whole, groups, exact[1], exact[2], 1e-5))
        bound = 1e-5 if dtype == torch.float32 else 6e-3
        for mine, true in zip((y, *gradients), (truth, *torch.autograd.grad(truth, exact, dy.double())), strict=True):
            assert off(mine, true) < bound or float(true.norm()) < 1e-6 * dy.numel()

    def test_a_large_mean_costs_no_digits(self, monkeypatch) -> None:
        monkeypatch.setattr(gpu, "WORTH", 0)
        x = image(2, 32, 64, 64, torch.float32) + 1000
        y = gpu.norm_silu(x, None, torch.ones(32, device="cuda"), torch.zeros(32, device="cuda"), 8, 1e-5)
        assert y is not None
        assert off(y, F.silu(F.group_norm(x.double(), 8))) < 1e-4

    def test_it_repeats_bit_for_bit(self, monkeypatch) -> None:
        monkeypatch.setattr(gpu, "WORTH", 0)
        x, dy = image(32, 128, 32, 32, torch.bfloat16).requires_grad_(), image(32, 128, 32, 32, torch.bfloat16)
        weight, bias = (torch.randn(128, device="cuda", requires_grad=True) for _ in range(2))
        runs = []
        for _ in range(3):
            y = gpu.norm_silu(x, None, weight, bias, 8, 1e-5)
            assert y is not None
            runs.append([y, *torch.autograd.grad(y, [x, weight, bias], dy)])
        for again in runs[1:]:
            assert all(torch.equal(a, b) for a, b in zip(runs[0], again, strict=True))

    @pytest.mark.parametrize("autocast", [False, True])
    def test_a_unet_computes_the_same_with_and_without_it(self, autocast, monkeypatch) -> None:
        torch.manual_seed(0)
        net = UNet(UNetConfig(32, 3, (64, 128), attention=(16,))).cuda()
        for parameter in net.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)
        x, t = torch.randn(16, 3, 32, 32, device="cuda"), torch.randint(1, 1000, (16,), device="cuda")
        results = []
        for there in (True, False):
            monkeypatch.setattr(gpu, "available", lambda there=there: there)
            with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
                loss = net(x, t).float().square().mean()
            results.append([loss, *torch.autograd.grad(loss, list(net.parameters()))])
        bound = 0.05 if autocast else 5e-3  # float32 convolutions may use tf32
        assert all(off(a, b) < bound for a, b in zip(*results, strict=True))


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
