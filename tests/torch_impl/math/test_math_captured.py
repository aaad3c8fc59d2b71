"""Recorded calls: the logic by a stand-in on the processor, the same on a GPU by CUDA graphs."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.ops.captured import Captured
from torch_impl.samplers import METHODS


class StandIn:
    """Records a call by keeping it, and replays it into the same memory: what a graph does, seen from outside."""

    replays = 0

    def record(self, call: Callable[[], Tensor]) -> Tensor:
        self.call, self.output = call, call()
        return self.output

    def replay(self) -> None:
        StandIn.replays += 1
        self.output.copy_(self.call())


class Refusing(StandIn):
    def record(self, call: Callable[[], Tensor]) -> Tensor:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


def stood_in(model: Callable[..., Tensor], **options: object) -> Captured:
    return Captured(model, **{"recorder": StandIn, "serves": lambda tensors: True, **options})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _none_replayed() -> None:
    StandIn.replays = 0


def test_replays_begin_after_the_warm_up_and_give_the_same_numbers() -> None:
    net, inputs = nn.Linear(3, 3), [torch.randn(5, 3) for _ in range(7)]
    model = stood_in(net, warmup=2)
    with torch.no_grad():
        for x in inputs:
            assert torch.equal(model(x), net(x))
    assert StandIn.replays == 4  # two to warm up, the third is recorded


def test_each_result_is_memory_of_its_own_and_inputs_are_kept() -> None:
    model = stood_in(lambda x: 2 * x, warmup=1)
    inputs = [torch.full((2,), float(i)) for i in range(6)]
    results = [model(x) for x in inputs]
    assert [float(r[0]) for r in results] == [0, 2, 4, 6, 8, 10] and [float(x[0]) for x in inputs] == [*range(6)]


def test_weights_changed_in_place_are_seen() -> None:
    net = nn.Linear(2, 2)
    model, x = stood_in(net, warmup=1), torch.randn(4, 2)
    with torch.no_grad():
        for _ in range(3):
            model(x)
        net.weight.mul_(3)
        assert StandIn.replays == 1 and torch.equal(model(x), net(x))


def test_another_shape_dtype_or_layout_is_recorded_by_itself_up_to_a_number() -> None:
    model = stood_in(lambda x: x + 1, warmup=1, most=2)
    shapes = [torch.zeros(2, 3), torch.zeros(4, 3), torch.zeros(2, 3, dtype=torch.float64), torch.zeros(3, 2).T]
    for _ in range(5):
        for x in shapes:
            assert model(x).shape == x.shape and model(x).dtype == x.dtype
    assert len(model._recorded) == 2 and not model.refused


def test_what_cannot_be_recorded_is_called_as_ever_and_says_why() -> None:
    model, x = stood_in(lambda x: x * 2, warmup=1, recorder=Refusing), torch.ones(3)
    for _ in range(5):
        assert torch.equal(model(x), 2 * x)
    assert list(model.refused.values()) == ["operation not permitted when stream is capturing"]


def test_errors_of_the_model_itself_are_not_hidden() -> None:
    def broken(x: Tensor) -> Tensor:
        raise ValueError("no such label")

    model = stood_in(broken)
    for _ in range(5):
        with pytest.raises(ValueError, match="no such label"):
            model(torch.ones(2))


def test_gradients_are_recorded_by_nobody() -> None:
    model, x = stood_in(lambda x: x.square(), warmup=1), torch.ones(3, requires_grad=True)
    for _ in range(4):
        (gradient,) = torch.autograd.grad(model(x).sum(), x)
        assert torch.equal(gradient, 2 * torch.ones(3))
    assert StandIn.replays == 0


def test_on_a_processor_nothing_is_recorded() -> None:
    model = Captured(lambda x: x + 1, warmup=1)
    for _ in range(4):
        model(torch.zeros(2))
    assert not model._recorded and not model._calls


@pytest.mark.parametrize("method", METHODS)
def test_every_sampler_gives_the_same_with_a_recorded_network(method: str) -> None:
    """Samplers that keep earlier predictions would mix them up, were the memory of a replay handed out."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    diffusion, x = GaussianDiffusion(NoiseSchedule.linear(40, 0.001, 0.2), "v"), torch.randn(4, 3).double()

    def model(x: Tensor, t: Tensor) -> Tensor:
        out: Tensor = net(x) * (1 + t.view(-1, 1) / 40)
        return out

    results = [
        sample(m, diffusion, x, method, [40, 33, 25, 18, 11, 5, 2, 0], generator=torch.Generator().manual_seed(1))
        for m in (model, stood_in(model, warmup=1))
    ]
    assert torch.equal(*results) and StandIn.replays > 0


def test_counts_are_checked() -> None:
    with pytest.raises(ValueError, match="warmup = 0"):
        Captured(lambda x: x, warmup=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_a_cuda_graph_gives_the_same_samples(method: str) -> None:
    net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 3)).cuda()
    diffusion, x = GaussianDiffusion(NoiseSchedule.linear(40, 0.001, 0.2), "v"), torch.randn(64, 3, device="cuda")
    captured = Captured(lambda x, t: net(x) * (1 + t.view(-1, 1) / 40), warmup=2)
    results = [
        sample(m, diffusion, x, method, generator=torch.Generator("cuda").manual_seed(1))
        for m in (captured.model, captured)
    ]
    assert torch.equal(*results) and captured._recorded and not captured.refused


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_call_that_looks_at_values_falls_back_on_a_gpu() -> None:
    def looks(x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x * 3

    model, x = Captured(looks, warmup=1), torch.ones(4, device="cuda")
    for sign in (1, 1, 1, -1, 1):
        assert torch.equal(model(sign * x), looks(sign * x))
    assert model.refused
