"""What the ledger of the site says of every claim: what its proof assumes, and what it rests on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import derivations

# Every assumption that a proof makes, by the claim that makes it and the name of the rule.
ALLOWED = {
    # Densities and velocities of paths are smooth, and the posteriors behind a noisy point have all moments.
    ("flow.marginal_velocity", "derivative of a mean"),
    ("flow.gaussian_velocity", "derivative of a mean"),
    ("flow.gaussian_velocity", "derivative under the expectation"),
    # The density is smooth and decays with its derivatives, as a density does that noise has smoothed.
    ("sde.fokker_planck", "derivative of a mean"),
    ("sde.fokker_planck", "derivative under the expectation"),
    # Two such densities under one diffusion: the divergence is differentiated under the integral, with no flux outside.
    ("sde.kl_dissipation", "derivative of a mean"),
    ("sde.kl_dissipation", "integration by parts"),
    # The law of the noise is fixed and f, mu, sigma are smooth: the derivative passes under the expectation.
    ("vae.reparameterization.gradient", "derivative under the expectation"),
    # A smooth density of the codes may be differentiated under the mean, and falls faster than what is averaged grows.
    ("vae.reparameterization.nondifferentiable_sampling", "derivative of a mean"),
    ("vae.reparameterization.nondifferentiable_sampling", "integration by parts"),
    # The network is smooth in its parameters, and the gradient passes under the mean over data and noise.
    ("ddpm.training.noise", "derivative under the expectation"),
    ("ddpm.training.data", "derivative under the expectation"),
    # Gaussian noise makes every posterior smooth in x, and its derivatives bounded: they pass under the mean.
    ("score.fisher_identity", "derivative of a mean"),
    ("score.tweedie", "derivative of a mean"),
    # The hypothesis `decay` says that no flux is left at infinity; for a noised law and a field of linear growth so.
    ("score.moments", "integration by parts"),
    ("score.implicit_matching", "integration by parts"),
}


@pytest.fixture(scope="module")
def symbolic() -> dict[str, dict[str, Any]]:
    """What the kernel said of each claim, by its id."""
    path = Path(os.environ.get("THREEFOLD_LEDGER", "build/ledger.json"))
    assert path.is_file(), f"{path} is no ledger; `make test-site` writes one and names it"
    return {row["id"]: row["symbolic"] for row in json.loads(path.read_text(encoding="utf-8"))["claims"]}


def test_every_claim_is_in_the_ledger_and_is_what_it_should_be(symbolic: dict[str, dict[str, Any]]) -> None:
    assert {name: row["verdict"] for name, row in symbolic.items()} == {
        name: claim.expects for name, claim in derivations.claims().items()
    }


def test_nothing_else_is_assumed(symbolic: dict[str, dict[str, Any]]) -> None:
    assert {(claim, rule) for claim, row in symbolic.items() for rule in row["assumptions"]} == ALLOWED


def test_no_claim_rests_on_itself(symbolic: dict[str, dict[str, Any]]) -> None:
    for claim, row in symbolic.items():
        waiting, seen = list(row["uses"]), set()
        while waiting:
            used = waiting.pop()
            assert used != claim
            if used not in seen:
                seen.add(used)
                waiting += symbolic[used]["uses"]
