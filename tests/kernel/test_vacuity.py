"""Nothing is claimed about the empty set, and no hypothesis is there for show."""

import re
from dataclasses import replace
from itertools import product

import pytest
import sympy as sp

import derivations
from derivations.kernel.continuous import NAMED
from derivations.kernel.judge import Judge
from derivations.kernel.terms import DIM, HEADS
from derivations.refutation.arithmetic import ENCLOSING
from derivations.refutation.refute import TRIES, violation
from derivations.refutation.sampling import sample
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.vacuity import inhabited, needs
from derivations.refutation.worlds import World
from derivations.rules import Hypothesis, Statement, smoothness

CLAIMS = list(derivations.claims().values())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_domain_is_inhabited(claim):
    assert inhabited(claim)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_every_world_that_may_become_a_witness_lies_in_the_domain(claim):
    """A refutation at numbers that the claim does not speak of would be none."""
    for part, n in product(range(len(claim.says)), range(TRIES // 2)):
        domain, world = claim.domain_of(part), sample(claim, part, n)
        try:
            violation(claim.says[part], world)  # which draws the members of families that it reads
        except Undefined:
            continue
        numbers = {DIM: sp.Integer(world.d), **{i: sp.Integer(world.numbers[i.name]) for i in domain.indices}}
        for index, bounds in domain.indices.items():
            lo, hi = (sp.sympify(bound).xreplace(numbers) for bound in bounds)
            assert lo <= numbers[index] <= hi, (index, numbers)
        drawn = {**world.numbers, **{label.split("(")[0] + "()": value for label, value in world.drawn.items()}}
        for name, interval in domain.intervals.items():
            for value in (drawn[key] for key in (name, f"{name}()") if key in drawn):
                for number in re.findall(r"[-+.\de/]+", str(value)):  # one, or the coordinates of a vector
                    assert interval.contains(sp.Rational(number)), (name, value)


# Without the Gaussian kernel no world is left in which these averages over all steps can be enclosed.
NOT_ENCLOSED = {
    (name, "Gaussian forward kernel")
    for name in ("ddpm.elbo.gaussian_form", "ddpm.loss.x0_weighted", "ddpm.loss.eps_weighted")
}

# Worlds drawn without one of these meet it all the same, or the statement holds there: the search is too narrow.
NOT_REACHED: dict[str, tuple[str, ...]] = {
    "ae.nonunique": ("bijection of codes",),
    "decoder.discretized.normalised": (
        "open below",
        "open above",
    ),
    "flow.rectified": ("above its tangent",),
    "gumbel.softmax": ("shares",),
    "hvae.elbo": ("absolute continuity",),
    "iwae.bounds": (
        "common support",
        "alike draws",
    ),
    "noise.interpolation": (
        "length of a",
        "length of b",
        "angle of a and b",
    ),
    "sde.kl_dissipation": ("absolute continuity",),
    "sdedit.data_processing": (
        "one sampler",
        "absolute continuity",
    ),
    "vq.perplexity": ("shares",),
}
NOT_SHOWN = NOT_ENCLOSED | {(name, what) for name, whats in NOT_REACHED.items() for what in whats}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.expects == "proved"], ids=lambda c: c.id)
def test_every_hypothesis_is_needed_or_labelled_a_convenience(claim):
    rows = {need.what: need for need in needs(claim)}
    for hypothesis in (h for h in claim.hypotheses if not NAMED.fullmatch(h.name)):
        need = rows[hypothesis.name]
        shown = need.needed or "convenience" in need.because
        assert shown == ((claim.id, hypothesis.name) not in NOT_SHOWN), need
    assert all(need.because for need in rows.values())


SMOOTH = [
    pytest.param(c, h, id=f"{c.id}: {h.name}")
    for c in CLAIMS
    for h in c.hypotheses
    if c.expects == "proved" and NAMED.fullmatch(h.name)
]


@pytest.mark.parametrize(("claim", "hypothesis"), SMOOTH)
def test_with_one_derivative_less_nothing_is_proved(claim, hypothesis):
    """Functions are smooth in worlds, so none can show the need of a derivative; the kernel asks for each."""
    name, count = NAMED.fullmatch(hypothesis.name).groups()
    fewer = [smoothness(HEADS[name], int(count) - 1)] if int(count) else []
    rest = tuple(h for h in claim.hypotheses if h is not hypothesis)
    verdict = Judge(derivations.claims()).judge(replace(claim, hypotheses=(*rest, *fewer))).verdict
    assert verdict.kind == "undecided"
    assert any(words in verdict.reason for words in ("continuous", "derivative", "rates of change")), verdict.reason


def test_an_idle_hypothesis_is_not_called_needed():
    claim = derivations.claims()["ddpm.posterior.mean"]
    idle = replace(claim, hypotheses=(*claim.hypotheses, Hypothesis("full moon", "the moon is full")))
    row = next(need for need in needs(idle) if need.what == "full moon")
    assert not row.needed


def test_the_markov_property_is_needed_for_the_posterior():
    """Without it the encoder's reverse conditional is not the Gaussian of the claim."""
    rows = {need.what: need for need in needs(derivations.claims()["ddpm.elbo.decomposition"])}
    assert rows["forward chain"].needed
    assert rows["reverse chain"].needed


def test_what_a_world_cannot_compute_is_no_ground_to_call_a_statement_false():
    unknown = sp.Function("unknown_to_worlds")(sp.S(1))
    with pytest.raises(Uncomputable, match="no meaning is given to unknown_to_worlds"):
        violation(Statement(1, "=", unknown), World(arithmetic=ENCLOSING))


def test_a_side_without_a_value_is_no_ground_either():
    with pytest.raises(Undefined, match="log of -1"):
        violation(Statement(1, "=", sp.log(sp.S(-1) * DIM)), World(arithmetic=ENCLOSING))
    assert violation(Statement(1, "=", sp.log(sp.S(2) * DIM)), World(arithmetic=ENCLOSING)) == ("1.0", "0.69314718")
