"""The judge of the witnesses: what it accepts, and every way in which a witness must not slip through."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from threefold.witnesses.registry import (
    Cases,
    Comparison,
    Differs,
    Evidence,
    Missing,
    NotApplicable,
    Registry,
    RegistryError,
    load,
    not_applicable,
    numeric,
    torch_witness,
)

ID = "gaussian.kl.isotropic"


def evidence_of(*yielded: Any, expects: str = "proved", **settings: Any) -> Evidence:
    """Judge a numeric witness that yields these."""
    registry = Registry("numeric")

    @numeric(ID, method="by hand", registry=registry, **settings)
    def _(case: Cases) -> Iterator[Any]:
        yield from yielded

    result = registry.testify(ID, expects=expects)
    assert isinstance(result, Evidence)
    return result


def torch_evidence_of(*yielded: Any, **settings: Any) -> Evidence:
    registry = Registry("torch")

    @torch_witness(ID, registry=registry, **settings)
    def _(case: Cases) -> Iterator[Any]:
        yield from yielded

    result = registry.testify(ID)
    assert isinstance(result, Evidence)
    return result


def only_problem(evidence: Evidence) -> str:
    assert evidence.verdict == "disagrees"
    assert len(evidence.problems) == 1, evidence.problems
    return evidence.problems[0]


def test_agreement_reports_the_worst_relative_error_and_counts_the_comparisons() -> None:
    evidence = evidence_of(("a", 2.0 + 2e-12, 2.0), ("b", [1.0, 4.0], [1.0, 4.0]), Comparison("c", 3.0, 3.0))
    assert evidence.verdict == "agrees"
    assert evidence.cases == 3
    assert evidence.max_error == pytest.approx(1e-12, rel=1e-3)
    assert evidence.tolerance == 1e-10
    assert evidence.method == "by hand"


def test_error_of_an_array_is_relative_to_its_largest_entry() -> None:
    assert evidence_of(("a", [1000.0, 1e-8], [1000.0, 0.0])).max_error == pytest.approx(1e-11)


def test_value_just_beyond_the_tolerance_disagrees_and_shows_both_numbers() -> None:
    problem = only_problem(evidence_of(("variance", 1.0 + 1.1e-10, 1.0)))
    assert problem.startswith("variance: relative error 1.1e-10 is over the tolerance 1e-10 (1.00000000011 for 1)")


def test_one_bad_comparison_among_many_is_enough() -> None:
    evidence = evidence_of(*[("fine", 1.0, 1.0)] * 50, ("bad", 1.5, 1.0), *[("fine", 1.0, 1.0)] * 50)
    assert "bad" in only_problem(evidence)
    assert evidence.max_error == 0.5


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_failures_on_either_side(bad: float) -> None:
    assert "NaN or infinity" in only_problem(evidence_of(("x", bad, 1.0)))
    assert "NaN or infinity" in only_problem(evidence_of(("x", 1.0, bad)))
    assert "NaN or infinity" in only_problem(evidence_of(("x", bad, bad)))
    assert "NaN or infinity" in only_problem(evidence_of(("x", [1.0, bad], [1.0, 1.0])))


def test_a_witness_that_compares_nothing_disagrees() -> None:
    assert "compared nothing" in only_problem(evidence_of())


def test_empty_arrays_are_not_a_comparison() -> None:
    assert "empty arrays" in only_problem(evidence_of(("x", [], [])))


def test_shapes_are_never_broadcast_to_agree() -> None:
    problem = only_problem(evidence_of(("x", np.ones((2, 1)), np.ones((1, 2)))))
    assert problem == "x: shapes differ: value (2, 1), expected (1, 2)"


def test_what_is_no_number_disagrees() -> None:
    assert "not a number" in only_problem(evidence_of(("x", "one", 1.0)))


def test_what_cancels_to_zero_needs_a_scale() -> None:
    assert "give the scale" in only_problem(evidence_of(("x", 1e-17, 0.0)))
    assert evidence_of(("exactly zero", 0.0, 0.0)).verdict == "agrees"
    assert evidence_of(Comparison("x", 1e-12, 0.0, scale=1.0)).verdict == "agrees"
    assert evidence_of(Comparison("x", 1e-9, 0.0, scale=1.0)).verdict == "disagrees"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_an_unusable_scale_is_a_failure(scale: float) -> None:
    assert "its scale is" in only_problem(evidence_of(Comparison("x", 1.0, 1.0, scale=scale)))


def test_an_exception_in_a_witness_is_a_disagreement_with_its_reason() -> None:
    registry = Registry("numeric")

    @numeric(ID, method="by hand", registry=registry)
    def _(case: Cases) -> Iterator[Comparison]:
        yield Comparison("fine", 1.0, 1.0)
        raise ZeroDivisionError("beta is 0")

    result = registry.testify(ID)
    assert isinstance(result, Evidence)
    assert only_problem(result) == "the witness stopped with ZeroDivisionError: beta is 0"


@pytest.mark.parametrize("junk", [1.0, None, ("label", 1.0), ("label", 1.0, 1.0, None, None, None), True])
def test_yielding_something_else_is_a_disagreement(junk: Any) -> None:
    assert any("must yield Comparison" in problem for problem in evidence_of(junk).problems)


def test_a_witness_that_returns_instead_of_yielding_disagrees() -> None:
    registry = Registry("numeric")

    @numeric(ID, method="by hand", registry=registry)
    def _(case: Cases) -> Any:
        return True

    result = registry.testify(ID)
    assert isinstance(result, Evidence)
    assert result.verdict == "disagrees"


def test_a_looser_tolerance_needs_a_reason_and_company() -> None:
    float32 = Comparison("float32", 1.0 + 1e-7, 1.0, tolerance=1e-6, because="8 roundings of 2^-24")
    exact = Comparison("float64", 1.0, 1.0)
    assert evidence_of(exact, float32).verdict == "agrees"
    assert evidence_of(exact, float32).max_error == 0.0
    assert "at least one must meet the witness's" in only_problem(evidence_of(float32))
    unexplained = Comparison("float32", 1.0, 1.0, tolerance=1e-6)
    assert "needs `because`" in only_problem(evidence_of(exact, unexplained))
    beyond = Comparison("float32", 1.0 + 2e-6, 1.0, tolerance=1e-6, because="8 roundings of 2^-24")
    assert "over the tolerance 1e-06" in only_problem(evidence_of(exact, beyond))
    silly = Comparison("float32", 1.0, 1.0, tolerance=1.0, because="x")
    assert "must lie in (0, 1)" in only_problem(evidence_of(exact, silly))


def test_sampled_comparison_is_judged_in_standard_errors() -> None:
    evidence = evidence_of(Comparison("mean", 1.003, 1.0, standard_error=0.001), max_standard_error=0.01)
    assert evidence.verdict == "agrees"
    assert evidence.sampled == 1
    assert evidence.max_sigmas == pytest.approx(3.0)
    assert (evidence.max_error, evidence.tolerance) == (pytest.approx(0.003), pytest.approx(0.05))
    problem = only_problem(evidence_of(("mean", 1.006, 1.0, 0.001), max_standard_error=0.01))
    assert "off by 6 standard errors" in problem


def test_a_blunt_standard_error_is_refused() -> None:
    problem = only_problem(evidence_of(("mean", 1.0, 1.0, 0.02), max_standard_error=0.01))
    assert "draw more samples" in problem


def test_a_sampled_comparison_must_say_how_sharp_it_has_to_be() -> None:
    assert "needs max_standard_error" in only_problem(evidence_of(("mean", 1.0, 1.0, 0.001)))


@pytest.mark.parametrize("standard_error", [0.0, -1.0, float("nan"), float("inf")])
def test_an_unusable_standard_error_is_a_failure(standard_error: float) -> None:
    problem = only_problem(evidence_of(("mean", 1.0, 1.0, standard_error), max_standard_error=0.01))
    assert "must be positive and finite" in problem


def test_standard_errors_are_matched_element_by_element() -> None:
    value, expected = [10.0, 1.01], [10.0, 1.0]
    assert evidence_of(("moments", value, expected, [0.05, 0.01]), max_standard_error=0.01).max_sigmas == pytest.approx(
        1
    )
    assert "off by 10 standard errors" in only_problem(
        evidence_of(("moments", value, expected, [0.05, 0.001]), max_standard_error=0.01)
    )
    assert "must be one number or (2,)" in only_problem(
        evidence_of(("moments", value, expected, [0.05, 0.001, 0.001]), max_standard_error=0.01)
    )


def test_figures_of_a_mixed_witness_are_those_of_the_deterministic_part() -> None:
    evidence = evidence_of(("exact", 1.0, 1.0), ("mean", 1.003, 1.0, 0.001), max_standard_error=0.01)
    assert (evidence.cases, evidence.sampled, evidence.max_error, evidence.tolerance) == (2, 1, 0.0, 1e-10)


def test_a_false_claim_must_be_shown_to_differ() -> None:
    corrected = Comparison("corrected form", 1.0435, 1.0435)
    printed = Differs("printed form", 0.8157, 1.0435)
    assert evidence_of(corrected, printed, expects="refuted").verdict == "agrees"
    assert "no Differs shows" in only_problem(evidence_of(corrected, expects="refuted"))
    assert "compared nothing" in only_problem(evidence_of(printed, expects="refuted"))
    same = Differs("printed form", 1.0435, 1.0435)
    assert "should differ by more than 0.001" in only_problem(evidence_of(corrected, same, expects="refuted"))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_does_not_count_as_different(bad: float) -> None:
    problem = only_problem(evidence_of(("x", 1.0, 1.0), Differs("printed", bad, 1.0), expects="refuted"))
    assert "NaN or infinity" in problem


def test_differing_needs_a_positive_gap() -> None:
    assert "must be positive" in only_problem(evidence_of(("x", 1.0, 1.0), Differs("printed", 2.0, 1.0, gap=0.0)))


def test_torch_witness_needs_a_gradient_or_the_reason_why_not() -> None:
    value = Comparison("loss", 1.0, 1.0)
    slope = Comparison("d loss / d mean", 2.0, 2.0, gradient=True)
    assert torch_evidence_of(value, slope).gradient == "agrees"
    evidence = torch_evidence_of(value)
    assert evidence.gradient == "disagrees"
    assert "no gradient was compared" in only_problem(evidence)
    excused = torch_evidence_of(value, no_gradient="a table has no parameters")
    assert (excused.verdict, excused.gradient, excused.gradient_reason) == (
        "agrees",
        "not applicable",
        "a table has no parameters",
    )
    assert "although no_gradient says" in only_problem(torch_evidence_of(value, slope, no_gradient="none"))


def test_a_wrong_gradient_is_a_disagreement_of_its_own() -> None:
    evidence = torch_evidence_of(Comparison("loss", 1.0, 1.0), Comparison("slope", -2.0, 2.0, gradient=True))
    assert (evidence.verdict, evidence.gradient) == ("disagrees", "disagrees")


def test_torch_tolerance_is_1e12_unless_said() -> None:
    assert torch_evidence_of(("x", 1.0 + 2e-12, 1.0), no_gradient="a table").verdict == "disagrees"


def test_tensors_of_every_dtype_are_read() -> None:
    torch = pytest.importorskip("torch")
    evidence = torch_evidence_of(
        ("float64", torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True), [1.0, 2.0]),
        ("bfloat16", torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        no_gradient="a table",
    )
    assert evidence.verdict == "agrees"


def test_a_claim_without_a_witness_is_missing_and_says_so() -> None:
    result = Registry("torch").testify(ID)
    assert isinstance(result, Missing)
    assert (result.verdict, result.reason) == ("missing", f"no torch witness is registered for {ID}")


def test_not_applicable_carries_its_reason() -> None:
    registry = Registry("numeric")
    not_applicable(ID, "a definition: nothing to measure", witness="numeric", registry=registry)
    assert registry.testify(ID) == NotApplicable("a definition: nothing to measure")


def test_registration_refuses_what_it_cannot_judge() -> None:
    registry = Registry("numeric")
    with pytest.raises(RegistryError, match="empty reason"):
        not_applicable(ID, " ", witness="numeric", registry=registry)
    with pytest.raises(RegistryError, match="empty method"):
        numeric(ID, method="", registry=registry)
    for tolerance in (0.0, 1.0, -1e-3, float("nan")):
        with pytest.raises(RegistryError, match=r"must lie in \(0, 1\)"):
            numeric(ID, method="by hand", tolerance=tolerance, registry=registry)
    with pytest.raises(RegistryError, match="max_standard_error"):
        numeric(ID, method="by hand", max_standard_error=2.0, registry=registry)
    assert registry.ids() == ()


def test_two_witnesses_for_one_claim_are_an_error() -> None:
    registry = Registry("numeric")
    numeric(ID, method="by hand", registry=registry)(lambda case: [])
    with pytest.raises(RegistryError, match="has two numeric witnesses"):
        numeric(ID, method="again", registry=registry)(lambda case: [])
    with pytest.raises(RegistryError, match="has two numeric witnesses"):
        not_applicable(ID, "none", witness="numeric", registry=registry)


def test_a_witness_for_an_unknown_claim_is_an_error() -> None:
    registry = Registry("numeric")
    numeric("gaussian.kl.isotropc", method="by hand", registry=registry)(lambda case: [])
    registry.check(["gaussian.kl.isotropc"])
    with pytest.raises(RegistryError, match=r"'gaussian\.kl\.isotropc': no such claim"):
        registry.check([ID])


def test_cases_depend_on_seed_claim_and_kind_only() -> None:
    draw = {
        key: float(Cases.seeded(*key).rng.random())  # type: ignore[arg-type]  # the kinds are literals in the tuple
        for key in [(0, ID, "numeric"), (1, ID, "numeric"), (0, "other", "numeric"), (0, ID, "torch")]
    }
    assert len(set(draw.values())) == 4
    assert draw[(0, ID, "numeric")] == float(Cases.seeded(0, ID, "numeric").rng.random())
    assert Cases.seeded(0, ID, "numeric").n == 64


def test_load_imports_every_module_and_checks_the_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "loaded_witnesses" / "numeric"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "chapter.py").write_text(
        textwrap.dedent(
            """
            from threefold.witnesses.registry import Comparison, numeric

            @numeric("loaded.claim", method="by hand")
            def _(case):
                yield Comparison("x", 1.0, 1.0)
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    fresh = {"numeric": Registry("numeric"), "torch": Registry("torch")}
    monkeypatch.setattr("threefold.witnesses.registry.REGISTRIES", fresh)
    registry = load("numeric", ["loaded.claim"], package="loaded_witnesses")
    assert registry.ids() == ("loaded.claim",)
    with pytest.raises(RegistryError, match="no such claim"):
        load("numeric", ["another.claim"], package="loaded_witnesses")


def test_reading_the_registry_does_not_import_torch() -> None:
    code = "import sys, threefold.witnesses.registry as r; print(r.CASES, 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, ["64", "False"], "")


def test_the_largest_standard_error_of_the_elements_counts() -> None:
    blunt = evidence_of(("moments", [1.0, 1.0], [1.0, 1.0], [0.02, 1e-6]), max_standard_error=0.01)
    assert "draw more samples" in only_problem(blunt)
    assert evidence_of(("moments", [1.0, 1.0], [1.0, 1.0], [0.009, 1e-6]), max_standard_error=0.01).verdict == "agrees"


def test_a_bound_is_judged_element_by_element_and_needs_a_reason() -> None:
    near = Comparison("x", [1.0, 2.0], [1.0 + 1e-9, 2.0], bound=[2e-9, 0.0], because="derived")
    assert evidence_of(near).verdict == "agrees"
    tight = Comparison("x", [1.0, 2.0 + 1e-12], [1.0, 2.0], bound=[1.0, 0.0], because="derived")
    assert "off by 1e-12, over its bound 0" in only_problem(evidence_of(tight))
    assert "needs `because`" in only_problem(evidence_of(Comparison("x", 1.0, 1.0, bound=1.0)))
    for bound in (-1.0, float("nan"), float("inf")):
        assert "must be finite" in only_problem(evidence_of(Comparison("x", 1.0, 1.0, bound=bound, because="x")))
    wrong = Comparison("x", [1.0, 2.0], [1.0, 2.0], bound=[1.0, 1.0, 1.0], because="x")
    assert "its bound has shape (3,)" in only_problem(evidence_of(wrong))


def test_comparisons_with_wide_bounds_are_counted_apart() -> None:
    loose = Comparison("x", 1.0 + 1e-6, 1.0, bound=1e-5, because="derived")
    found = evidence_of(("tight", 1.0 + 1e-12, 1.0), loose)
    assert (found.verdict, found.loose, found.loosest) == ("agrees", 1, pytest.approx(1e-5))
    assert found.max_error == pytest.approx(1e-12, rel=1e-3)


@pytest.mark.parametrize(("bound", "loose"), [(0.9e-8, 0), (1.1e-8, 1)])
def test_a_bound_is_wide_from_the_eighth_digit_on(bound: float, loose: int) -> None:
    """Relative to the value: of 2, twice the bound."""
    found = evidence_of(("tight", 1.0, 1.0), Comparison("x", 2.0, 2.0, bound=2 * bound, because="derived"))
    assert found.loose == loose


def test_a_witness_can_be_stopped_at_its_first_problem() -> None:
    registry = Registry("numeric")
    seen = []

    @numeric(ID, method="by hand", registry=registry)
    def _(case: Cases) -> Iterator[Comparison]:
        for n in range(5):
            seen.append(n)
            yield Comparison("x", float(n), 0.0, scale=1.0)

    assert registry.testify(ID, until_problem=True).verdict == "disagrees"
    assert seen == [0, 1]
