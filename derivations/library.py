"""Every claim, in the order of the journey, and one judge for all of them."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from derivations.equivalence import no_mistake
from derivations.kernel.claims import Claim
from derivations.kernel.judge import Judge, Judgement
from derivations.kernel.verdict import Verdict
from derivations.refutation import mutants as mutation
from derivations.refutation.refute import refute
from derivations.shadow import watch

CHAPTERS = (
    "vae.divergence",
    "vae.evidence",
    "vae.chain_rule",
    "vae.variants",
    "vae.importance",
    "vae.hierarchy",
    "vae.limits",
    "vae.gaussian_kl",
    "vae.latent_term",
    "vae.decoders",
    "vae.spread",
    "vae.linear",
    "vae.principal",
    "vae.counted",
    "vae.objective",
    "vae.reparameterization",
    "vae.score_gradient",
    "onestep",
    "ddpm.forward",
    "ddpm.schedule",
    "ddpm.posterior",
    "ddpm.reverse",
    "ddpm.elbo",
    "ddpm.gaussian_elbo",
    "ddpm.means",
    "ddpm.parameterizations",
    "ddpm.weighted_losses",
    "ddpm.losses",
    "ddpm.ends",
    "ddpm.emptied",
    "flow.paths",
    "flow.units",
    "score.functions",
    "score.marginal",
    "score.matching",
    "score.langevin",
    "score.ladder",
    "sde.laws",
    "sde.fokker_planck",
    "sde.reverse",
    "sde.likelihood",
    "sde.limit",
    "sde.euler_maruyama",
    "ddim.family",
    "ddim.as_euler",
    "ddim.objective",
    "ddim.chain",
    "ddim.gaussian",
    "ddim.exploding",
    "solvers.exact",
    "solvers.one_step",
    "solvers.multistep",
    "solvers.third_order",
    "solvers.unipc",
    "ddim.inversion",
    "flow.matching",
    "flow.continuity",
    "score.best_losses",
    "sde.dissipation",
    "flow.mean_velocity",
    "flow.straightness",
    "flow.transport",
    "flow.times",
    "flow.few_steps",
    "solvers.constant",
    "flow.preconditioning",
    "guidance.classifier_free",
    "guidance.classifier",
    "guidance.steps",
    "guidance.gaussian",
    "vq.objective",
    "vq.assignment",
    "vq.codebook",
    "latent.interpolation",
    "latent.contrast",
    "vq.drawn_codes",
    "ddpm.readings",
    "ddpm.definitions",
    "ddpm.algorithms",
    "ddpm.draws",
    "ddpm.clipping",
    "ddpm.profile",
    "score.behind",
    "flow.log_snr",
    "ddpm.cosine",
    "score.small_step",
    "sde.invertible",
    "solvers.steps",
    "guidance.rescale",
    "latent.conditioning",
    "ddpm.examples",
)


class UnknownClaim(KeyError):
    """No claim has this id; `suggestions` are the nearest ones."""

    def __init__(self, claim_id: str) -> None:
        super().__init__(claim_id)
        self.id = claim_id
        self.suggestions = difflib.get_close_matches(claim_id, claims(), n=3, cutoff=0.4)

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
        return f"no claim is called {self.id!r}{hint}"


class DuplicateClaim(ValueError):
    """Two chapters define a claim of the same id."""


class EmptyClaim(ValueError):
    """A claim has a statement whose two sides are one term as it was built."""


@cache
def claims() -> Mapping[str, Claim]:
    """All claims by id, in the order of the chapters."""
    found: dict[str, Claim] = {}
    for chapter in CHAPTERS:
        module = importlib.import_module(f"derivations.{chapter}")
        for claim in (value for value in vars(module).values() if isinstance(value, Claim)):
            if found.setdefault(claim.id, claim) is not claim:
                raise DuplicateClaim(f"{claim.id} is defined twice: rename one of the two")
            if claim.nothing_said:
                raise EmptyClaim(f"{claim.id}: {claim.nothing_said}")
    return MappingProxyType(found)


@cache
def _judge(shadows: bool) -> Judge:
    return Judge(claims(), refute, watch=watch if shadows else None)


def find(id_or_claim: str | Claim) -> Claim:
    if isinstance(id_or_claim, Claim):
        return id_or_claim
    if id_or_claim not in claims():
        raise UnknownClaim(id_or_claim)
    return claims()[id_or_claim]


def judge(id_or_claim: str | Claim, *, shadows: bool = True) -> Judgement:
    """Replay a claim's derivation: its verdict, every step's, and all that is computed from the proof.

    shadows: whether each accepted step is evaluated in worlds of its own too, where it may be disputed.
    """
    return _judge(shadows).judge(find(id_or_claim))


def prove(id_or_claim: str | Claim, *, shadows: bool = True) -> Verdict:
    """The verdict alone; truthy only when proved."""
    return judge(id_or_claim, shadows=shadows).verdict


def mutants(id_or_claim: str | Claim) -> list[Claim]:
    """The claim's statement with one mistake in it, many times over."""
    return [m.claim for m in mutation.mutants(find(id_or_claim))]


def judge_mutants(id_or_claim: str | Claim, seed: int = 0) -> mutation.MutantReport:
    """Each mutant refuted by a witness, proved equivalent, or surviving; `seed` chooses the worlds that are tried."""
    return mutation.judge_mutants(find(id_or_claim), seed, no_mistake=no_mistake)
