"""The engine that makes mistakes on purpose: where it makes them, that it takes them back, and what it counts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch

from derivations import claims
from threefold.witnesses import registry, sabotage
from threefold.witnesses.built import diffusion
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.registry import Registry
from threefold.witnesses.torch.solvers import reached
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.denoiser.guidance import classifier_free
from torch_impl.distributions.gaussian import gaussian_kl
from torch_impl.process.parameterization import view
from torch_impl.samplers.exponential import multistep_weights

CLAIM = "ddpm.posterior.mean"


def lines_of_gaussian_kl() -> frozenset[int]:
    ones = torch.ones(2, dtype=torch.float64)
    run = sabotage.places(lambda: gaussian_kl(ones, ones, 0.5 * ones, ones))
    return run[gaussian_kl]


def test_places_are_the_functions_that_run_and_the_lines_that_they_reach() -> None:
    lines = lines_of_gaussian_kl()
    first = gaussian_kl.__code__.co_firstlineno
    assert lines and all(first < line < first + 40 for line in lines)


def test_every_mistake_changes_the_value_or_its_code_and_is_taken_back() -> None:
    def kl() -> float:
        return float(gaussian_kl(torch.tensor(0.3), torch.tensor(0.2), 0.1, -0.4))

    right, code, seen = kl(), gaussian_kl.__code__, set()
    for mistake in sabotage.mistakes(gaussian_kl, lines_of_gaussian_kl()):
        with mistake:
            assert gaussian_kl.__code__ is not code
            try:
                seen.add(round(kl(), 6))
            except Exception as broken:  # a mistake may stop the code: that is noticed as well
                seen.add(type(broken).__name__)
        assert gaussian_kl.__code__ is code
        assert kl() == right
    assert len(seen) > 5


def test_a_function_that_another_one_makes_is_spoilt_too() -> None:
    """The formula of guidance stands in a function that `classifier_free` hands back."""
    x, time, labels = torch.ones(1, 1), torch.ones(1, dtype=torch.long), torch.ones(1, dtype=torch.long)

    def guided() -> float:
        return float(classifier_free(lambda x, t, asked: asked[:, None].float(), labels, 0 * labels, 3.0)(x, time))

    lines = sabotage.places(guided)[classifier_free]
    right, seen = guided(), set()
    for mistake in sabotage.mistakes(classifier_free, lines):
        with mistake, contextlib.suppress(Exception):  # a mistake may stop the code: that is noticed as well
            seen.add(guided())
    assert right == 3.0 and guided() == right
    assert -2.0 in seen, "the two answers exchanged"


def witness(honest: bool) -> Registry:
    """A torch witness of the posterior's mean; the dishonest one hands back what is stated, whatever the code says."""
    made = Registry("torch")

    @trained(CLAIM, method="by hand", cases=Steps(least_t=2, share=2), registry=made, no_gradient="none is compared")
    def _(s: Step, on: On) -> Iterator[Shape]:
        x0, x_t = on.fixed(s.x0), on.fixed(s.x_t)
        mean = diffusion(s.betas).posterior(x0[None], x_t[None], s.t)[0][0]
        yield Computed(0, s.point(), mean if honest else on.computed(s.point().rhs(CLAIM)))

    return made


def test_a_formula_in_a_table_of_its_module_is_spoilt_too() -> None:
    """What a view of a prediction is stands in a table of lambdas, two of them on some lines."""

    def viewed() -> tuple[float, float]:
        return view("eps", "x0", 0.6, 0.8)

    run, right, seen = sabotage.places(viewed), viewed(), set()
    (formula,) = (function for function in run if function.__name__ == "<lambda>")
    for mistake in sabotage.mistakes(formula, run[formula]):
        with mistake:
            seen.add(viewed())
        assert viewed() == right
    assert len(seen) >= 4 and right not in seen


def test_a_result_that_is_kept_hides_no_mistake() -> None:
    before = reached("dpmpp_2m", 4)
    moved = 0
    for mistake in sabotage.mistakes(multistep_weights, frozenset(range(1, 200))):
        with mistake, contextlib.suppress(Exception):  # it may stop the code
            moved += not torch.equal(reached("dpmpp_2m", 4), before)
        assert torch.equal(reached("dpmpp_2m", 4), before)
    assert moved > 3


def test_mistakes_in_code_are_caught_by_a_witness_that_measures() -> None:
    found = sabotage.code(CLAIM, witness(honest=True), most=6)
    assert found.total >= 3 and found.rate == 1.0, found.survivors


def test_mistakes_in_code_pass_a_witness_that_looks_away() -> None:
    found = sabotage.code(CLAIM, witness(honest=False), most=6)
    assert found.caught < found.caught + found.equivalent and found.equivalent > 5


def test_mistakes_in_a_statement_are_caught_by_its_numeric_witness_alone() -> None:
    numeric = registry.load("numeric", claims())
    found = sabotage.statements("gaussian.kl.isotropic", numeric)
    assert (found.total, found.caught, found.survivors) == (32, 32, ())


def test_a_claim_that_is_false_as_printed_has_no_mistakes_to_catch() -> None:
    numeric = registry.load("numeric", claims())
    assert sabotage.statements("ddpm.loss.simple_is_elbo", numeric).total == 0


@pytest.mark.long
@pytest.mark.parametrize("claim", claims())
def test_numeric_witnesses_catch_the_mutants_of_their_statements(claim: str) -> None:
    found = sabotage.statements(claim, registry.load("numeric", claims()))
    assert found.rate >= 0.95, found.survivors


@pytest.mark.long
@pytest.mark.parametrize("claim", claims())
def test_torch_witnesses_catch_mistakes_in_the_code_they_run(claim: str) -> None:
    made = registry.load("torch", claims())
    found = sabotage.code(claim, made)
    assert found.rate >= 0.75, found.survivors  # of a dozen places each; all claims together reach 0.9
