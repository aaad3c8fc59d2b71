"""float32 and bfloat16 within bounds that follow from their rounding, and torch.compile without graph breaks."""

import pytest
import torch
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, gaussian_kl
from torch_impl.process.parameterization import PREDICTIONS, view

UNIT = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}
SCHEDULE = NoiseSchedule.linear()
TIMES = torch.tensor([1, 2, 50, 500, 999, 1000])


def rounded(dtype: torch.dtype, *shape: int) -> tuple[Tensor, Tensor]:
    """Random data in dtype, and the very same values in float64: inputs carry no rounding of their own."""
    x = torch.randn(shape).to(dtype)
    return x, x.double()


@pytest.mark.parametrize("dtype", UNIT, ids=str)
@pytest.mark.parametrize("as_int", [True, False], ids=["int t", "tensor t"])
def test_linear_combinations_are_rounded_as_derived(dtype: torch.dtype, as_int: bool) -> None:
    """q_sample, posterior and every view are c1 x + c2 y with c rounded to float32 (unit w = 2^-24).

    Each product has two factors' worth of relative error: (1 + w) for the coefficient, (1 + w) for the multiplication;
    the sum adds (1 + w); so the float32 value is off by at most 3.01 w (|c1 x| + |c2 y|), and rounding to the data's
    dtype adds u |result|, u = 2^-8 for bfloat16 and 2^-11 for float16 (nothing for float32).
    float16 results above 65504 overflow, so times with |c| > 100 are left out there.
    """
    w, u = UNIT[torch.float32], UNIT[dtype] if dtype != torch.float32 else 0.0
    (x, xd), (y, yd) = rounded(dtype, 6, 3, 4), rounded(dtype, 6, 3, 4)
    checked = 0

    def check(value: Tensor, exact: Tensor, size: Tensor) -> None:
        nonlocal checked
        assert value.dtype == dtype
        keep = size < 3e4
        bound = 3.01 * w * size + u * (exact.abs() + 3.01 * w * size) + 1e-7 * (dtype == torch.float16)
        assert ((value.double() - exact).abs() <= bound)[keep].all()
        checked += int(keep.sum())

    for prediction in PREDICTIONS:
        diffusion = GaussianDiffusion(SCHEDULE, prediction)
        for i, t in enumerate(TIMES.tolist()):
            when, rows = (t, slice(None)) if as_int else (TIMES, slice(i, i + 1))
            a, s = float(SCHEDULE.signal(t)), float(SCHEDULE.sigma(t))
            xi, yi = xd[rows], yd[rows]
            check(diffusion.q_sample(x, when, y)[rows], a * xi + s * yi, abs(a * xi) + abs(s * yi))
            c0, ct = diffusion.tables.floats("posterior_mean", t)
            check(diffusion.posterior(x, y, when)[0][rows], c0 * xi + ct * yi, abs(c0 * xi) + abs(ct * yi))
            for wanted in PREDICTIONS:
                if wanted != prediction:
                    cx, co = view(prediction, wanted, a, s)
                    value = getattr(diffusion, f"to_{wanted}")(y, x, when)[rows]
                    check(value, cx * xi + co * yi, abs(cx * xi) + abs(co * yi))
    assert checked > 4 * 6 * 5 * 12 * 0.8


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_loss_is_rounded_as_derived(dtype: torch.dtype, prediction: str) -> None:
    """Simple loss of a network that returns a given tensor.

    The target is c1 x0 + c2 noise, off by delta = 3.01 w size, and where it is a noise or a data target by nothing; a
    half-precision target (v, score) is rounded once more, u |target|. An error e is off by delta' = delta + w |e|; its
    square by 2 |e| delta' + delta'^2 + w e^2; a mean of n squares in float32 by at most n w of their sum over n
    (pairwise summation does better).
    """
    w, u = UNIT[torch.float32], UNIT[dtype] if dtype != torch.float32 else 0.0
    (x0, x0d), (noise, noised), (out, outd) = (rounded(dtype, 6, 8) for _ in range(3))
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]
    value = diffusion.loss(lambda x, t: out, x0, TIMES, noise)
    assert value.dtype == torch.float32
    target = diffusion.target(x0d, noised, TIMES)
    exact = (outd - target).square().mean()
    a, s = (SCHEDULE.signal(TIMES).view(-1, 1), SCHEDULE.sigma(TIMES).view(-1, 1))
    size = {"eps": 0 * x0d, "x0": 0 * x0d, "v": s * x0d.abs() + a * noised.abs(), "score": noised.abs() / s}[prediction]
    extra = u * target.abs() if prediction in ("v", "score") else 0.0
    error = (outd - target).abs()
    delta = 3.01 * w * size + extra + w * error
    bound = (2 * error * delta + delta**2 + 2 * w * error**2).mean() + x0.numel() * w * exact
    assert abs(float(value) - float(exact)) <= float(bound)
    assert float(bound) < 0.05 * float(exact)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_kl_is_rounded_as_derived(dtype: torch.dtype) -> None:
    """KL = (expm1(r) - r + D^2 e^-l)/2 with r = lp - lq, D = mp - mq, each operation off by one unit u of its result.

    r is off by u|r|, which moves expm1(r) by e^r u|r|, and expm1 adds 2u|expm1(r)|: E1 = u(e^r |r| + 2|expm1 r| + |r|).
    D is off by u|D|, so D^2 by 3u D^2, e^-l by 2u(1) of itself, their product by one u more: E2 = 6.1 u D^2 e^-l.
    Sums add u(|expm1 r - r| + KL); everything is halved, and 1.1 covers the second order.
    """
    u = UNIT[dtype]
    (mp, mpd), (lp, lpd), (mq, mqd), (lq, lqd) = (rounded(dtype, 500) for _ in range(4))
    value = gaussian_kl(mp, lp, mq, lq)
    assert value.dtype == dtype
    r, apart = lpd - lqd, (mpd - mqd) ** 2 * torch.exp(-lqd)
    exact = 0.5 * (torch.expm1(r) - r + apart)
    first = u * (torch.exp(r) * r.abs() + 2 * torch.expm1(r).abs() + r.abs())
    bound = 1.1 * 0.5 * (first + 6.1 * u * apart + u * ((torch.expm1(r) - r).abs() + 2 * exact))
    assert ((value.double() - exact).abs() <= bound).all()


def linear_model(x: Tensor, t: Tensor) -> Tensor:
    return 0.3 * x + 0.01 * t.to(x.dtype).view(-1, *(1,) * (x.ndim - 1))


def everything(diffusion: GaussianDiffusion, x0: Tensor, noise: Tensor, t: Tensor) -> list[Tensor]:
    """Every differentiable operation of a diffusion, once."""
    x_t = diffusion.q_sample(x0, t, noise)
    mean, variance = diffusion.posterior(x0, x_t, t)
    views = [getattr(diffusion, f"to_{name}")(noise, x_t, t) for name in PREDICTIONS]
    losses = [diffusion.loss(linear_model, x0, t, noise, w) for w in ("simple", "vlb", "min_snr")]  # type: ignore[arg-type]
    reverse, logvar = diffusion.reverse(noise, x_t, t)
    return [x_t, mean, variance, *views, *losses, reverse, logvar, gaussian_kl(mean, x0, x_t, noise)]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("shape", [(6,), (6, 5), (6, 2, 3, 3)], ids=str)
def test_traced_in_one_graph_gives_the_same(prediction: str, shape: tuple[int, ...]) -> None:
    """torch.compile(fullgraph=True) with the tracing back end: no break, values equal to the eager ones bit for bit."""
    torch._dynamo.reset()  # type: ignore[no-untyped-call]
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]
    x0, noise = torch.randn(shape), torch.randn(shape)
    traced = torch.compile(everything, fullgraph=True, backend="aot_eager")
    for _ in range(2):
        for ours, eager in zip(
            traced(diffusion, x0, noise, TIMES), everything(diffusion, x0, noise, TIMES), strict=True
        ):
            torch.testing.assert_close(ours, eager, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float32,
        pytest.param(torch.float64, marks=pytest.mark.long),
        torch.bfloat16,
    ],
    ids=str,
)
def test_compiled_gives_the_same(dtype: torch.dtype) -> None:
    """The default compiler, forward and backward; fused arithmetic may round differently by a few units."""
    torch._dynamo.reset()  # type: ignore[no-untyped-call]
    diffusion = GaussianDiffusion(SCHEDULE, "v")
    x0, noise = torch.randn(6, 2, 4, 4).to(dtype), torch.randn(6, 2, 4, 4).to(dtype)
    compiled = torch.compile(everything, fullgraph=True)
    unit = UNIT.get(dtype, 2.0**-53)
    for ours, eager in zip(compiled(diffusion, x0, noise, TIMES), everything(diffusion, x0, noise, TIMES), strict=True):
        torch.testing.assert_close(ours, eager, rtol=16 * unit, atol=16 * unit * (1 + float(eager.abs().max())))
    w = torch.tensor(0.3, requires_grad=True)

    def loss(w: Tensor) -> Tensor:
        return diffusion.loss(lambda x, t: w * x, x0, TIMES, noise, "min_snr")

    (ours,) = torch.autograd.grad(torch.compile(loss, fullgraph=True)(w), w)
    (eager,) = torch.autograd.grad(loss(w), w)
    torch.testing.assert_close(ours, eager, rtol=1e-5, atol=1e-6)
