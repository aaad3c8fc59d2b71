"""The running error analysis of torch: its bounds hold, and are not much wider than what happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from threefold.witnesses import rounding_rules  # noqa: F401  (the rules register themselves)
from threefold.witnesses.rounding import RULES, UNIT, RunningError, UnknownOperator
from torch_impl.distributions.gaussian import gaussian_kl, gaussian_log_prob

F64 = torch.float64
FORMULAS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "sum": lambda x, y: (x + y).sum(),
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y * x,
    "quotient": lambda x, y: x / (y * y + 1),
    "root": lambda x, y: (x * x + y * y + 1).sqrt(),
    "exponential": lambda x, y: torch.exp(x - y),
    "logarithm": lambda x, y: torch.log(x * x + 0.5) - torch.log1p(y * y),
    "expm1": lambda x, y: torch.expm1(0.1 * x) * y,
    "mean of squares": lambda x, y: (x - y).square().mean(),
    "matrix": lambda x, y: x.reshape(8, -1) @ y.reshape(-1, 8),
    "sigmoid": lambda x, y: torch.sigmoid(x) * y,
    "shares": lambda x, y: torch.softmax(x * y, 0),
    "logarithms of shares": lambda x, y: torch.log_softmax(3 * x * y, 0),
    "sum of exponentials": lambda x, y: torch.logsumexp((9 * x * y).reshape(8, 8), 1),
    "between": lambda x, y: torch.lerp(x, y, 0.3) + torch.lerp(x, y, 7.5) - torch.lerp(x, y, -0.7),
    "least": lambda x, y: (x * y).reshape(8, -1).min(1).values,
    "variance": lambda x, y: (x * y + 2).reshape(8, -1).var(1),
    "deviation": lambda x, y: (x * y + 2).reshape(8, -1).std(1),
    "running total": lambda x, y: (x * y).cumsum(0),
    "in place": lambda x, y: torch.mul(x, 0.3).add_(y, alpha=0.7),
    "indexed": lambda x, y: x.index_select(0, torch.arange(32)) - y[:32],
    "divergence": lambda x, y: gaussian_kl(x, y, 0.25, 0.5),
    "log-density": lambda x, y: gaussian_log_prob(x, y, 0.5 * x),
    "cross-entropy": lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(
        x, (y > 0).to(x.dtype), reduction="none"
    ),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", FORMULAS)
def test_the_bound_holds_and_is_near(name: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(64, generator=generator).to(dtype) for _ in range(2))
    exact = FORMULAS[name](x.to(F64), y.to(F64))
    with RunningError() as tracker:
        tracker.announce(x)
        tracker.announce(y)
        computed = FORMULAS[name](x, y)
    bound, error = tracker.bound(computed), (computed.to(F64) - exact).abs()
    assert (error <= bound).all(), (error / bound).max()
    assert bound.max() <= 600 * error.max() + torch.finfo(dtype).eps * 4  # the bound is a bound, not a blank cheque


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_derivatives_have_bounds_of_their_own(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(16, generator=generator).to(dtype) for _ in range(2))
    wide = x.to(F64).requires_grad_()
    (exact,) = torch.autograd.grad(gaussian_kl(wide, y.to(F64), 0.0, 0.5).sum(), wide)
    with RunningError() as tracker:
        tracker.announce(x)
        tracker.announce(y)
        leaf = x.requires_grad_()
        (slope,) = torch.autograd.grad(gaussian_kl(leaf, y, 0.0, 0.5).sum(), leaf)
    error = (slope.to(F64) - exact).abs()
    assert (error <= tracker.bound(slope)).all()
    assert tracker.bound(slope).max() < 50 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("picked", [False, True])
def test_shares_are_differentiated_within_their_bounds(dtype: torch.dtype, picked: bool) -> None:
    def total(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if picked:
            return torch.log_softmax(3 * x, 0).gather(0, torch.tensor([2])).sum()
        return (torch.softmax(3 * x, 0) * y).sum()

    generator = torch.Generator().manual_seed(2)
    x, y = (torch.randn(16, generator=generator).to(dtype) for _ in range(2))
    wide = x.to(F64).requires_grad_()
    (exact,) = torch.autograd.grad(total(wide, y.to(F64)), wide)
    with RunningError() as tracker:
        tracker.announce(x)
        tracker.announce(y)
        leaf = x.requires_grad_()
        (slope,) = torch.autograd.grad(total(leaf, y), leaf)
    assert ((slope.to(F64) - exact).abs() <= tracker.bound(slope)).all()


def test_an_error_of_one_rounding_too_many_is_seen() -> None:
    """A value stored in bfloat16 on the way is outside the bound of a float32 computation that does not know of it."""
    x = torch.randn(64, generator=torch.Generator().manual_seed(2))
    with RunningError() as tracker:
        tracker.announce(x)
        honest = x * 3.0 + 1.0
    assert ((honest.to(torch.bfloat16).to(F64) - (x.to(F64) * 3 + 1)).abs() > tracker.bound(honest)).any()


def test_what_is_announced_as_rounded_is_carried_on() -> None:
    x = torch.ones(3, dtype=F64)
    with RunningError() as tracker:
        tracker.announce(x, 1e-3)
        doubled, summed = tracker.bound(2.0 * x), tracker.bound(x.reshape(3, 1).expand(3, 2).sum())
    assert doubled.tolist() == pytest.approx([2e-3] * 3)
    assert float(summed) == pytest.approx(6e-3)


def test_a_table_that_nobody_announced_counts_as_rounded() -> None:
    table = torch.full((4,), 0.1, dtype=F64)
    with RunningError(coefficients=100) as tracker:
        bound = tracker.bound(table[1:3] * 1.0)
    assert 100 * 2.0**-53 * 0.1 <= float(bound.max()) < 110 * 2.0**-53 * 0.1


def test_an_operator_without_a_rule_stops_the_analysis() -> None:
    assert "cosh" not in RULES
    with RunningError(), pytest.raises(UnknownOperator, match=r"no rule says how aten\.cosh"):
        torch.cosh(torch.ones(2))


def test_an_infinite_bound_is_better_than_a_wrong_one() -> None:
    x = torch.tensor([0.5])
    with RunningError() as tracker:
        tracker.announce(x, 1.0)
        bounds = [tracker.bound(torch.log(x)), tracker.bound(1.0 / x)]
    assert [float(bound) for bound in bounds] == [torch.inf, torch.inf]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1,), (1, 1), (7,)])
def test_a_wider_number_of_a_table_is_rounded_before_it_is_multiplied(
    dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    """By how much, the shape decides; the bound holds for all of them, and one is beyond what two roundings make."""
    generator = torch.Generator().manual_seed(0)
    most = 0.0
    for _ in range(200):
        coefficient = torch.rand((), dtype=torch.float64, generator=generator) + 1
        x = (torch.rand(shape, generator=generator) + 1).to(dtype)
        with RunningError() as tracker:
            tracker.announce(x)
            product = coefficient * x
        apart = (product.to(torch.float64) - coefficient * x.to(torch.float64)).abs()
        assert product.dtype == dtype and bool((apart <= tracker.bound(product)).all())
        most = max(most, float((apart / (product.abs() * UNIT[dtype])).max()))
    assert most > (1.1 if shape != (7,) else 0.5)
