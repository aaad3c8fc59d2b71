"""The squared error with its hand-written gradient against torch's own, under everything that differentiates."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.ops.squared_error import mean_squared_error


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    output, target = torch.randn(2, 4, 3, dtype=torch.float64, generator=g)
    return output.requires_grad_(), target


def derivative(output: Tensor, target: Tensor) -> Tensor:
    return 2 * (output.detach() - target) / output.numel()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_value_and_gradient_are_those_of_torch(dtype: torch.dtype) -> None:
    output, target = torch.randn(2, 7, 3, 5, dtype=dtype, generator=torch.Generator().manual_seed(1))
    results = []
    for function in (mean_squared_error, F.mse_loss):
        leaf = output.clone().requires_grad_()
        value = function(leaf, target)
        (3 * value).backward()
        results.append((value.detach(), leaf.grad))
    torch.testing.assert_close(*results, rtol=4 * torch.finfo(dtype).eps, atol=0)


def test_first_and_second_derivatives_are_those_of_finite_differences(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair
    assert torch.autograd.gradcheck(lambda x: mean_squared_error(x, target), output)
    assert torch.autograd.gradgradcheck(lambda x: mean_squared_error(x, target), output)


def test_the_gradient_can_be_taken_twice(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair
    value = mean_squared_error(output, target)
    first, second = (torch.autograd.grad(value, output, retain_graph=True)[0] for _ in range(2))
    assert first.data_ptr() != second.data_ptr()
    for gradient in (first, second):
        torch.testing.assert_close(gradient, derivative(output, target), rtol=1e-14, atol=0)


def test_inputs_are_never_written(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair
    before = output.detach().clone(), target.clone()
    mean_squared_error(output, target).backward()
    assert torch.equal(output, before[0]) and torch.equal(target, before[1])


def test_gradient_of_the_target_where_it_is_wanted(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair
    target.requires_grad_()
    mean_squared_error(output, target).backward()
    torch.testing.assert_close(target.grad, -derivative(output, target.detach()), rtol=1e-14, atol=0)


def test_function_transforms_see_the_same_gradient(pair: tuple[Tensor, Tensor]) -> None:
    output, target = pair[0].detach(), pair[1]
    expected = derivative(output, target)
    torch.testing.assert_close(torch.func.grad(mean_squared_error)(output, target), expected, rtol=1e-14, atol=0)
    rows = torch.func.vmap(torch.func.grad(mean_squared_error))(output, target)
    torch.testing.assert_close(rows, len(output) * expected, rtol=1e-14, atol=0)


def test_nothing_to_average_is_nan_as_in_torch() -> None:
    assert mean_squared_error(torch.randn(0, 3, requires_grad=True), torch.randn(0, 3)).isnan()


def test_no_error_has_a_gradient_of_zero() -> None:
    leaf = torch.ones(3, requires_grad=True)
    mean_squared_error(leaf, torch.ones(3)).backward()
    assert leaf.grad is not None and not leaf.grad.any()
