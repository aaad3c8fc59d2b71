"""The shapes of numeric witnesses: what they accept, and that each fails for its nearest mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from derivations import claims, mutants
from reference import chain
from threefold.witnesses import conditioning
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.evidence import Evidence, by_statement, unmeasured
from threefold.witnesses.point import Point, instead_of
from threefold.witnesses.registry import Registry, RegistryError
from threefold.witnesses.shapes import Inequality, Law, Order, Refuted, Shape, Truth, Value, measured

MEAN, VARIANCE = "ddpm.posterior.mean", "ddpm.posterior.variance"
STEPS = Steps(least_t=2)


def evidence_of(
    claim: str, function: Callable[[Any], Iterator[Shape]], cases: Any = STEPS, **settings: Any
) -> Evidence:
    registry = Registry("numeric")
    measured(claim, method="by hand", cases=cases, registry=registry, **settings)(function)
    found = registry.testify(claim, expects=claims()[claim].expects)
    assert isinstance(found, Evidence)
    return found


def posterior(s: Step, scale: float = 1.0) -> Iterator[Shape]:
    yield Value(0, s.point(), scale * chain.posterior(s.x0, s.x_t, s.t, s.betas).mean)


def test_a_measured_statement_has_evidence_of_its_own() -> None:
    found = evidence_of(MEAN, posterior)
    assert found.verdict == "agrees", found.problems
    (statement,) = found.statements
    assert (statement.verdict, statement.comparisons, statement.method) == ("agrees", 128, "by hand")
    assert 0 < statement.max_error < statement.tolerance < 1e-8


@pytest.mark.parametrize("scale", [-1.0, 1 + 1e-9, np.sqrt(2)])
def test_a_value_off_by_a_sign_a_root_or_the_ninth_digit_disagrees(scale: float) -> None:
    assert evidence_of(MEAN, lambda s: posterior(s, scale)).verdict == "disagrees"


@pytest.mark.parametrize(("units", "verdict"), [(1000.0, "agrees"), (3000.0, "disagrees")])
def test_a_value_may_be_off_by_two_thousand_roundings_and_no_more(units: float, verdict: str) -> None:
    """In units of the running error of the stated expression, not of a scale that somebody chose."""

    def moved(s: Step) -> Iterator[Shape]:
        right, world = claims()[MEAN].says[0].rhs, s.point().world()
        yield Value(0, s.point(), s.point().value(right) + units * 2.0**-53 * conditioning.size(right, world))

    assert evidence_of(MEAN, moved).verdict == verdict


def test_a_value_at_the_wrong_index_disagrees() -> None:
    def shifted(s: Step) -> Iterator[Shape]:
        yield Value(0, s.point(), chain.posterior(s.x0, s.x_t, s.t - 1, s.betas).mean)

    assert evidence_of(MEAN, shifted).verdict == "disagrees"


def test_every_mutant_of_a_measured_statement_disagrees() -> None:
    registry = Registry("numeric")
    measured(MEAN, method="by hand", cases=STEPS, registry=registry)(posterior)
    for mutant in mutants(MEAN):
        with instead_of(MEAN, mutant):
            assert registry.testify(MEAN).verdict == "disagrees", mutant.says[0].text()


def test_a_statement_left_out_is_a_problem_unless_it_is_excused() -> None:
    def first(s: Step) -> Iterator[Shape]:
        yield Value(0, s.point(), chain.posterior(s.x0, s.x_t, s.t, s.betas).variance)

    assert evidence_of(VARIANCE, first).problems == (
        "statement 2 is not measured: compare something with it, or say why that cannot be done",
    )
    excused = evidence_of(VARIANCE, first, excused={1: "only an order"})
    assert excused.verdict == "agrees"
    assert [s.verdict for s in excused.statements] == ["agrees", "not applicable"]
    assert excused.statements[1].reason == "only an order"
    assert unmeasured(excused.statements) == (1,)
    assert "excused: said" in evidence_of(VARIANCE, first, excused={0: "said", 1: "so"}).problems[0]
    with pytest.raises(RegistryError, match="empty reason"):
        evidence_of(VARIANCE, first, excused={1: " "})


def test_evidence_by_statement_of_a_witness_that_does_not_say() -> None:
    found = Evidence("by hand", 3, 0.0, 1e-10)
    assert [s.verdict for s in by_statement(found, 2)] == ["missing", "missing"]


def variance(s: Step, factor: float = 1.0, least: float = 0.0) -> Iterator[Shape]:
    value = chain.posterior(s.x0, s.x_t, s.t, s.betas).variance
    beta = s.betas[s.t - 1]
    yield Value(0, s.point(), value)
    if value / beta >= least:
        yield Inequality(1, s.point(), factor * value, beta)


def test_an_inequality_compares_both_sides_and_asks_for_a_case_near_equality() -> None:
    assert evidence_of(VARIANCE, variance).verdict == "agrees"
    assert evidence_of(VARIANCE, lambda s: variance(s, 1 + 1e-6)).verdict == "disagrees"

    def far(s: Step) -> Iterator[Shape]:
        shapes = list(variance(s))
        apart = isinstance(shapes[1], Inequality) and not shapes[1].near()
        yield from shapes if apart else shapes[:1]

    assert evidence_of(VARIANCE, far).problems == (
        "statement 2 was never tried near equality: off by 1, over its bound 0 (1 for 0)",
    )


def test_an_inequality_turned_round_disagrees() -> None:
    claim = claims()[VARIANCE]
    turned = replace(claim, says=(claim.says[0], replace(claim.says[1], relation=">")))
    registry = Registry("numeric")
    measured(VARIANCE, method="by hand", cases=STEPS, registry=registry)(variance)
    with instead_of(VARIANCE, turned):
        assert registry.testify(VARIANCE).verdict == "disagrees"


@dataclass(frozen=True)
class Fixed:
    """One case after the other, at the edges that are said."""

    cases: tuple[Any, ...]
    must: frozenset[str] = frozenset()

    def draw(self, case: Any) -> Iterator[Any]:
        yield from self.cases


@dataclass(frozen=True)
class Odds:
    """Two laws over two values."""

    p: float
    q: float
    edges: frozenset[str] = frozenset()

    def point(self) -> Point:
        from threefold.witnesses.point import finite_law

        laws = {"p": self.p, "q": self.q}
        return Point(tables={name: finite_law([("x_obs",)], [v, 1 - v]) for name, v in laws.items()})


def test_a_proposition_must_be_seen_true_and_false() -> None:
    def nonnegative(s: Odds) -> Iterator[Shape]:
        kl = s.p * np.log(s.p / s.q) + (1 - s.p) * np.log((1 - s.p) / (1 - s.q))
        yield Inequality(0, s.point(), kl, 0.0)
        yield Truth(1, s.point(), s.p == s.q)

    both = Fixed((Odds(0.5, 0.25), Odds(0.5, 0.5)))
    assert evidence_of("gaussian.kl.nonnegative", nonnegative, both).verdict == "agrees"
    one = evidence_of("gaussian.kl.nonnegative", nonnegative, Fixed((Odds(0.5, 0.5),)))
    assert "statement 2 was True in every case" in one.problems[0]

    def liar(s: Odds) -> Iterator[Shape]:
        yield from (replace(x, measured=not x.measured) if isinstance(x, Truth) else x for x in nonnegative(s))

    assert evidence_of("gaussian.kl.nonnegative", liar, both).verdict == "disagrees"


def test_an_edge_that_is_not_reached_is_a_problem() -> None:
    @dataclass(frozen=True)
    class Far(Steps):
        must: frozenset[str] = frozenset({"t = 1000"})  # type: ignore[misc]  # a property there

    assert evidence_of(MEAN, posterior, Far(least_t=2)).problems == (
        "no case of Far reached the edge 't = 1000': off by 1, over its bound 0 (1 for 0)",
    )


def test_dropping_an_edge_schedule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threefold.witnesses.cases.chains.KINDS", ("ordinary",))
    problems = evidence_of(MEAN, posterior).problems
    assert any("'abar near 0'" in p for p in problems) and any("'abar near 1'" in p for p in problems)


def test_a_law_is_judged_in_standard_errors() -> None:
    def drawn(s: Step, shift: float = 0.0) -> Iterator[Shape]:
        yield from posterior(s)
        truth = chain.posterior(s.x0, s.x_t, s.t, s.betas)
        noise = truth.variance**0.5 * np.random.default_rng(s.n).standard_normal((400, s.d)).mean(0)
        yield Law(0, s.point(), truth.mean + noise + shift, np.full(s.d, (truth.variance / 400) ** 0.5 + 1e-9))

    settings: dict[str, Any] = {"max_standard_error": 0.5}
    good = evidence_of(MEAN, drawn, **settings)
    assert good.verdict == "agrees" and good.statements[0].sampled == 128
    assert evidence_of(MEAN, lambda s: drawn(s, 1.0), **settings).verdict == "disagrees"
    assert "max_standard_error" in evidence_of(MEAN, drawn).problems[0]


def test_a_refuted_form_must_differ_and_its_left_side_must_not() -> None:
    claim = "ddpm.mean.eps_form.notes_display"

    def printed(s: Step, off: float = 0.0, gap: float = 1e-3) -> Iterator[Shape]:
        kept = np.prod(1 - s.betas[: s.t])
        x_t = np.sqrt(kept) * s.x0 + np.sqrt(1 - kept) * s.noise
        for part in (0, 1):
            yield Refuted(part, s.point(), chain.posterior(s.x0, x_t, s.t, s.betas).mean + off, gap)

    first = Fixed((next(iter(Steps(least_t=2, printed=True).draw(_cases()))),))
    assert evidence_of(claim, printed, first).verdict == "agrees"
    assert evidence_of(claim, lambda s: printed(s, off=1e-6), first).verdict == "disagrees"
    assert evidence_of(claim, lambda s: printed(s, gap=10.0), first).verdict == "disagrees"


def _cases() -> Any:
    from threefold.witnesses.registry import Cases

    return Cases.seeded(0, "any", "numeric")


@pytest.mark.parametrize(
    ("order", "leading", "verdict"),
    [(2, 0.5, "agrees"), (2, -0.5, "disagrees"), (1, None, "disagrees"), (3, None, "disagrees"), (2, 1.0, "disagrees")],
)
def test_an_order_is_the_slope_of_the_errors_and_their_leading_coefficient(
    order: int, leading: float | None, verdict: str
) -> None:
    steps = np.array([0.1, 0.05, 0.025])

    def halved(s: Step) -> Iterator[Shape]:
        yield from posterior(s)
        yield Order(0, steps, 0.5 * steps**2 + 0.1 * steps**3, order, leading)

    assert evidence_of(MEAN, halved).verdict == verdict


@pytest.mark.parametrize(("power", "verdict"), [(2.0, "agrees"), (2.02, "disagrees")])
def test_errors_that_have_settled_allow_no_more_than_they_still_move(power: float, verdict: str) -> None:
    steps = np.array([0.01, 0.005, 0.0025])

    def settled(s: Step) -> Iterator[Shape]:
        yield from posterior(s)
        yield Order(0, steps, 0.5 * steps**power, 2)

    assert evidence_of(MEAN, settled).verdict == verdict


def test_a_size_of_ones_own_needs_a_reason() -> None:
    def sized(s: Step) -> Iterator[Shape]:
        yield Value(0, s.point(), chain.posterior(s.x0, s.x_t, s.t, s.betas).mean, rounding=10.0)

    assert "say in `because` why" in evidence_of(MEAN, sized).problems[0]


def test_a_loose_comparison_is_counted_and_shown() -> None:
    def loose(s: Step) -> Iterator[Shape]:
        value = chain.posterior(s.x0, s.x_t, s.t, s.betas).mean
        yield Value(0, s.point(), value, rounding=1e9, because="to be seen")

    found = evidence_of(MEAN, loose)
    assert found.verdict == "agrees"
    assert found.loose == found.statements[0].loose == found.cases > 0
    assert found.loosest > 1e-8


def test_running_error_grows_where_terms_cancel_and_where_a_logarithm_is_small() -> None:
    says = claims()["gaussian.kl.isotropic"].says[0]
    same = {"m_1": [1.0], "m_2": [1.0]}
    far = Point(1, {"v_1": 1.0, "v_2": 4.0}, vectors=same)
    near = Point(1, {"v_1": 1.0, "v_2": 1.0 + 2.0**-20}, vectors=same)
    values = [float(p.value(says.rhs)) for p in (far, near)]
    sizes = [float(conditioning.size(says.rhs, p.world())) for p in (far, near)]
    assert values[1] < 1e-12 < 0.1 < sizes[1]  # the value vanishes, the roundings of its terms do not
    assert sizes[0] / values[0] < 100
