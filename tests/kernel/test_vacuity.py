"""Nothing is claimed about the empty set, and no hypothesis is there for show."""

from dataclasses import replace

import pytest

import derivations
from derivations.refutation.vacuity import inhabited, needs
from derivations.rules import Hypothesis

CLAIMS = list(derivations.claims().values())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_domain_is_inhabited(claim):
    assert inhabited(claim)


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.expects == "proved"], ids=lambda c: c.id)
def test_every_hypothesis_is_needed_or_labelled_a_convenience(claim):
    rows = {need.what: need for need in needs(claim)}
    for hypothesis in claim.hypotheses:
        need = rows[hypothesis.name]
        assert need.needed or "convenience" in need.because, need
    assert all(need.because for need in rows.values())


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
