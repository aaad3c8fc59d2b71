"""The page of a definition names the claims that unfold it."""

from __future__ import annotations

import derivations
from threefold.site.unfolding import names, unfolded_by, written

DEFINITIONS = [name for name, claim in derivations.claims().items() if claim.expects == "definition"]
UNUSED = {"ae.deterministic", "vae.elbo.objective", "ddpm.reverse.model_kernel"}  # of use to readers alone


def test_a_claim_that_writes_an_abbreviation_is_named() -> None:
    assert "ddpm.posterior.variance" in unfolded_by("ddpm.notation")
    assert {"ddim.marginal_preservation", "ddim.update", "ddim.ddpm_recovery"} <= set(
        unfolded_by("ddim.inference_kernel")
    )
    assert "onestep.loss.equivalence" in unfolded_by("onestep.forward")


def test_no_claim_is_named_that_does_not_write_it_and_no_definition_itself() -> None:
    assert "gaussian.kl.nonnegative" not in unfolded_by("ddpm.notation")
    for name in DEFINITIONS:
        own = names(s.lhs for s in derivations.claims()[name].says)
        assert own and name not in unfolded_by(name)
        assert all(own & names(written(derivations.claims()[other])) for other in unfolded_by(name))


def test_every_definition_is_unfolded_but_for_those_that_only_readers_use() -> None:
    assert {name for name in DEFINITIONS if not unfolded_by(name)} == UNUSED
