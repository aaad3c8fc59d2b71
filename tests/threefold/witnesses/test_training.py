"""The shapes of torch witnesses: what they accept, and that each fails for its nearest mistake, in every dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from derivations import claims
from threefold.witnesses.built import diffusion, schedule
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.gaussians import Isotropic, Isotropics
from threefold.witnesses.cases.linear import two_laws
from threefold.witnesses.cases.schedules import Once
from threefold.witnesses.evidence import Evidence
from threefold.witnesses.registry import Registry
from threefold.witnesses.training import Computed, Decides, Holds, Misprinted, On, Sampled, Shape, trained
from torch_impl import gaussian_kl

MEAN, VARIANCE = "ddpm.posterior.mean", "ddpm.posterior.variance"
Run = Callable[[Any, On], Iterator[Shape]]


def evidence_of(claim: str, function: Run, cases: Any, **settings: Any) -> Evidence:
    registry = Registry("torch")
    trained(claim, method="by hand", cases=cases, registry=registry, **settings)(function)
    found = registry.testify(claim, expects=claims()[claim].expects)
    assert isinstance(found, Evidence)
    return found


STEPS = Steps(least_t=2, share=2)


def posterior(s: Step, on: On, change: Callable[[torch.Tensor], torch.Tensor] = lambda v: v) -> Iterator[Shape]:
    x0, x_t = on(s.x0), on(s.x_t)
    mean = diffusion(s.betas).posterior(x0[None], x_t[None], s.t)[0][0]
    yield Computed(0, s.point(), change(mean), {("x", 0): x0, ("x", s.t): x_t})


def test_the_code_is_measured_in_three_dtypes_with_its_gradients() -> None:
    found = evidence_of(MEAN, posterior, STEPS)
    assert (found.verdict, found.gradient) == ("agrees", "agrees"), found.problems
    (statement,) = found.statements
    assert set(statement.dtypes) == {"float64", "float32", "bfloat16"}
    assert statement.gradients > 50
    assert statement.max_error < statement.tolerance < 1e-8


@pytest.mark.parametrize(
    "change",
    [lambda v: -v, lambda v: v * (1 + 1e-9), lambda v: v.abs().sqrt(), lambda v: v.roll(1) if v.numel() > 1 else -v],
    ids=["sign", "ninth digit", "root", "index"],
)
def test_a_value_that_is_off_disagrees(change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert evidence_of(MEAN, lambda s, on: posterior(s, on, change), STEPS).verdict == "disagrees"


def test_a_wrong_gradient_of_a_right_value_disagrees() -> None:
    def doubled(s: Step, on: On) -> Iterator[Shape]:
        yield from posterior(s, on, lambda v: 2 * v - v.detach())

    found = evidence_of(MEAN, doubled, STEPS)
    assert (found.verdict, found.gradient) == ("disagrees", "disagrees")
    assert all("d/d x" in problem for problem in found.problems)


def test_an_error_in_half_precision_alone_is_noticed() -> None:
    def coarse(s: Step, on: On) -> Iterator[Shape]:
        yield from posterior(s, on, lambda v: v if v.dtype != torch.bfloat16 else v * 1.25)

    problems = evidence_of(MEAN, coarse, STEPS).problems
    assert problems and all("bfloat16" in problem for problem in problems)


def test_nan_in_half_precision_is_no_excuse() -> None:
    def broken(s: Step, on: On) -> Iterator[Shape]:
        yield from posterior(s, on, lambda v: v if v.dtype != torch.bfloat16 else v * float("nan"))

    assert evidence_of(MEAN, broken, STEPS).verdict == "disagrees"


def test_a_dtype_in_which_nothing_can_be_told_is_a_problem() -> None:
    def blurred(s: Step, on: On) -> Iterator[Shape]:
        x0, x_t = on(s.x0), on(s.x_t)
        mean = diffusion(s.betas).posterior(x0[None], x_t[None], s.t)[0][0]
        big = on.fixed([2.0**20] * s.d)
        yield Computed(0, s.point(), mean + big - big if on.name == "bfloat16" else mean)

    problems = evidence_of(MEAN, blurred, STEPS, no_gradient="not asked").problems
    assert any("no bfloat16 value was compared within 0.25 of itself" in problem for problem in problems)


def test_an_operator_that_nobody_knows_stops_the_witness() -> None:
    def strange(s: Step, on: On) -> Iterator[Shape]:
        yield from posterior(s, on, lambda v: torch.cosh(torch.acosh(v.abs() + 1)) - 1)

    assert "no rule says how" in evidence_of(MEAN, strange, STEPS).problems[0]


def variances(s: Step, on: On, factor: float = 1.0) -> Iterator[Shape]:
    x = on.fixed(s.x0)[None]
    variance = factor * diffusion(s.betas).posterior(x, x, s.t)[1].reshape(())
    if factor == 1.0:
        yield Computed(0, s.point(), variance)
    yield Holds(1, s.point(), variance, schedule(s.betas).beta(s.t))


def test_an_order_holds_within_rounding() -> None:
    settings: dict[str, Any] = {"no_gradient": "of no input"}
    assert evidence_of(VARIANCE, variances, STEPS, **settings).verdict == "agrees"
    off = evidence_of(VARIANCE, lambda s, on: variances(s, on, 1e9), STEPS, excused={0: "left out"}, **settings)
    assert off.verdict == "disagrees"


KL = "gaussian.kl.nonnegative"


def divergences(s: Isotropic, on: On, error: float = 0.0) -> Iterator[Shape]:
    logs = [on.computed(torch.tensor(v).double().log().item()) for v in (s.v_1, s.v_2)]
    value = gaussian_kl(on.fixed(s.m_1), logs[0], on.fixed(s.m_2), logs[1]).sum() + error
    if len(s.m_1) < 3:
        yield Computed(0, two_laws(s), value, side="lhs")
        yield Decides(1, two_laws(s), value, torch.zeros_like(value))


def test_a_proposition_is_decided_as_the_statement_says() -> None:
    settings: dict[str, Any] = {"no_gradient": "not asked"}
    assert evidence_of(KL, divergences, Isotropics(share=2), **settings).verdict == "agrees"
    off = evidence_of(KL, lambda s, on: divergences(s, on, 1e-3), Isotropics(share=2), **settings)
    assert any("is it true" in problem for problem in off.problems)


def test_draws_are_judged_in_standard_errors() -> None:
    def drawn(s: Step, on: On, shift: float = 0.0) -> Iterator[Shape]:
        yield from posterior(s, on)
        mean = on.fixed(s.point().rhs(MEAN))
        noise = torch.randn(400, s.d, dtype=mean.dtype, generator=torch.Generator().manual_seed(s.n))
        yield Sampled(0, s.point(), mean + shift + noise)

    settings: dict[str, Any] = {"max_standard_error": 0.5}
    good = evidence_of(MEAN, drawn, STEPS, **settings)
    assert good.verdict == "agrees" and good.statements[0].sampled == 32
    assert evidence_of(MEAN, lambda s, on: drawn(s, on, 1.0), STEPS, **settings).verdict == "disagrees"


def test_a_misprint_must_be_missed_by_the_code_and_met_on_its_left() -> None:
    claim = "ddpm.loss.simple_is_elbo"

    def printed(s: Once, on: On, off: float = 0.0, gap: float = 0.2) -> Iterator[Shape]:
        from threefold.witnesses.point import Point

        betas = Once.linear_betas()
        point = Point(1, {"T": 1000, "t": 1000}, betas)
        yield Misprinted(0, point, on.computed(point.lhs(claim) + off), gap=gap)

    settings: dict[str, Any] = {"no_gradient": "a number"}
    assert evidence_of(claim, printed, Once(), **settings).verdict == "agrees"
    assert evidence_of(claim, lambda s, on: printed(s, on, off=1e-2), Once(), **settings).verdict == "disagrees"
    assert evidence_of(claim, lambda s, on: printed(s, on, gap=0.9), Once(), **settings).verdict == "disagrees"


def test_inputs_that_a_dtype_rounds_are_announced_as_rounded() -> None:
    """0.3 is no number of eight digits: the bound of a bfloat16 result knows."""

    def scaled(s: Step, on: On) -> Iterator[Shape]:
        yield from posterior(s, on, lambda v: v * on.computed(0.3) / on.computed(0.3))

    assert evidence_of(MEAN, scaled, STEPS).verdict == "agrees"
