"""Scores as `torch_impl` takes them from what a network predicts."""

from __future__ import annotations

from collections.abc import Iterator

from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.registry import not_applicable
from threefold.witnesses.training import Computed, On, Shape, trained
from torch_impl.process.parameterization import view

ORACLES = "the oracle of a known law computes both; tests/torch_impl compares them by autograd of its log-density"


@trained(
    "score.conditional_gaussian",
    method="the view of a score that belongs to the true noise",
    cases=PathPoints(),
    excused={0: "the code never differentiates the corruption: it knows the noise", 2: "no code takes a Laplacian"},
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    _, share = view("eps", "score", on.fixed(s.signal), on.fixed(s.level))
    noise = on(s.noise)
    point = s.point(vectors={"noisy_point": s.x, "clean": s.x0})
    yield Computed(1, point, share * noise, {("vectors", "eps"): noise})


@trained(
    "score.eps_relation",
    method="the view of a score, and back",
    cases=PathPoints(),
    excused={0: "about the best network there is: " + ORACLES},
)
def _(s: OnPath, on: On) -> Iterator[Shape]:
    signal, level, answer = on.fixed(s.signal), on.fixed(s.level), on(s.answer)
    (_, to_score), (_, back) = view("eps", "score", signal, level), view("score", "eps", signal, level)
    yield Computed(1, s.point(), back * (to_score * answer), {("vectors", "prediction"): answer})


@trained("score.lsimple_dsm", method="squared errors of two views of a score", cases=PathPoints())
def _(s: OnPath, on: On) -> Iterator[Shape]:
    level, answer, noise = on.fixed(s.level), on(s.answer), on(s.noise)
    _, share = view("eps", "score", on.fixed(s.signal), level)
    off = (share * answer - share * noise).square().sum()
    by = {("vectors", "prediction"): answer, ("vectors", "eps"): noise}
    yield Computed(0, s.point(vectors={"clean": s.x0}), level.square() * off, by)


NOT_COMPUTED = {
    "score.partition_function": "no network here puts out an energy",
    "score.moments": "no code averages a score over its own law",
    "score.fisher_identity": "the average over all data is what a network is trained to stand for",
    "score.marginal_identity": ORACLES,
    "score.tweedie": "the code computes no posterior covariance; the first order is score.marginal_identity",
    "regression.pythagoras": "about the least loss that any network can reach, which the code does not split",
    "score.dsm.theorem": "the code trains on the noise: its loss is matched by score.lsimple_dsm",
    "score.dsm.constant": "the code trains on the noise, and computes neither of the constant's two forms",
    "score.implicit_matching": "no code takes the divergence of a network for a loss",
    "guidance.classifier": "classifier_guidance takes the gradient of a network by autograd; tests/torch_impl compares "
    "it with Bayes' rule for every prediction",
    "guidance.classifier_free.tilted_score": "the code mixes outputs, as in guidance.cfg.views",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
