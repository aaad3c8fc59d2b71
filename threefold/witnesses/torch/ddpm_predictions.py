"""What a network may predict, and the terms of the bound that `torch_impl` computes, against the claims."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from derivations.refutation.laws import mp
from threefold.witnesses.built import diffusion, from_levels, schedule
from threefold.witnesses.cases.chains import Step, Steps
from threefold.witnesses.cases.runs import Run, Runs
from threefold.witnesses.cases.schedules import Level, Levels
from threefold.witnesses.point import Place
from threefold.witnesses.training import Computed, Misprinted, On, Shape, trained
from torch_impl.objectives.bound import bound_term, prior_kl, transition_kl

By = dict[Place, torch.Tensor]

# --- the terms of the bound -------------------------------------------------------------------------------------------


@trained("ddpm.latent_term.closed_form", method="bound.prior_kl; q_sample at T", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    process, x0 = diffusion(s.betas), on(s.x0)
    by: By = {("x", 0): x0}
    yield Computed(0, s.point(), prior_kl(process, x0[None])[0], by)
    signs = on.signs(s.d)
    end = process.q_sample(x0.expand(len(signs), s.d), s.T, signs)
    yield Computed(1, s.point(), end.square().sum(1).mean(), by)


@trained(
    "ddpm.consistency.kl",
    method="bound.transition_kl with the reverse variance beta_t, and with the posterior's",
    cases=Steps(least_t=2, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    root = mp.sqrt(mp.mpf(s.betas[s.t - 1]))
    answer, moved = s.mean_at(s.noise), s.by_prediction("mu_theta", {"sigma": lambda _: root})
    point = s.point(exact={"mu_theta": lambda *_: answer, "sigma": lambda _: root})
    for part, variance in ((0, "beta"), (1, "beta"), (2, "posterior")):
        output, x0, x_t = on(s.noise), on.fixed(s.x0)[None], on.fixed(s.x_t)[None]
        value = transition_kl(diffusion(s.betas, variance=variance), output[None], x0, x_t, s.t).sum()
        yield Computed(part, point, value, {("moved", moved): output})


@trained(
    "ddpm.reconstruction.gaussian",
    method="bound.bound_term at t = 1, noise at +1 and -1 (exact for quadratics)",
    cases=Runs(affine=True, share=2),
)
def _(s: Run, on: On) -> Iterator[Shape]:
    process = diffusion(s.betas, reconstruction_variance=s.sigmas[0] ** 2)
    start, network = on(s.x0), on.network(s.network)
    x0 = start.expand(2, 1)
    x_1 = process.q_sample(x0, 1, on.signs(1))
    value = -bound_term(process, network(x_1, torch.tensor([1, 1])), x0, x_1, 1).mean()
    yield Computed(0, s.point("mu_theta"), value, {("x", 0): start})


@trained(
    "ddpm.elbo.gaussian_form",
    method="GaussianDiffusion.vlb of an affine network, and of a perfect one, noise at +1 and -1; the terms that train",
    cases=Runs(affine=True, posterior_like=True, most=4),
)
def _(s: Run, on: On) -> Iterator[Shape]:
    process = diffusion(s.betas, variance="beta", reconstruction_variance=s.betas[0])
    start, network = on(s.x0), on.network(s.network)
    noise, x0 = on.signs(1), start.expand(2, 1)
    point = s.data_predictor_point()
    terms = [process.vlb(network, x0[:1].detach(), noise_fn=lambda *_, e=e: e[None]).elbo[0] for e in noise]
    yield Computed(0, point, (terms[0] + terms[1]) / 2)
    total = -prior_kl(process, start[None])[0]
    for t in range(1, s.T + 1):
        x_t = process.q_sample(x0, t, noise)
        total = total - bound_term(process, network(x_t, torch.full((2,), t)), x0, x_t, t).mean()
    yield Computed(0, point, total, {("x", 0): start})
    perfect = process.vlb(lambda *_: x0[:1].detach(), x0[:1].detach(), noise_fn=lambda *_: noise[:1]).elbo[0]
    yield Computed(1, point, perfect)


# --- means ------------------------------------------------------------------------------------------------------------


@trained("ddpm.mean.x0_form", method="GaussianDiffusion.reverse of a data predictor", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    process, output, x_t = diffusion(s.betas), on(s.noise), on(s.x_t)
    by: By = {("answers", "x0_theta"): output}
    point = s.point(answers={"x0_theta": s.noise})
    mean = process.reverse(output[None], x_t[None], s.t)[0][0]
    yield Computed(0, point, mean, by | {("x", s.t): x_t})
    yield Computed(
        1, s.point(x={1: s.x_t}, answers={"x0_theta": s.noise}), process.reverse(output[None], x_t[None], 1)[0][0], by
    )
    if s.t > 1:
        truth = process.posterior(on.fixed(s.x0)[None], x_t[None], s.t)[0][0]
        yield Computed(2, point, mean - truth, by)


@trained("ddpm.mean.eps_form", method="GaussianDiffusion.reverse of a noise predictor", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    process, output, x_t = diffusion(s.betas, "eps"), on(s.x_prev), on(s.x_t)
    by: By = {("answers", "eps_theta"): output, ("x", s.t): x_t}
    point = s.point(answers={"eps_theta": s.x_prev})
    yield Computed(0, point, process.reverse(output[None], x_t[None], s.t)[0][0], by)
    x0, noise = on(s.x0), on(s.noise)
    drawn = process.q_sample(x0[None], s.t, noise[None])
    yield Computed(1, point, process.reverse(noise[None], drawn, s.t)[0][0], {("x", 0): x0, ("vectors", "eps"): noise})


@trained(
    "ddpm.mean.eps_form.notes_display",
    method="GaussianDiffusion.reverse given the noise that was drawn",
    cases=Steps(least_t=2, printed=True, share=3),
)
def _(s: Step, on: On) -> Iterator[Shape]:
    process, x0, noise = diffusion(s.betas, "eps"), on(s.x0), on(s.noise)
    mean = process.reverse(noise[None], process.q_sample(x0[None], s.t, noise[None]), s.t)[0][0]
    by: By = {("x", 0): x0, ("vectors", "eps"): noise}
    for part in (0, 1):
        if s.n == 0:
            yield Misprinted(part, s.point(), mean, by)
        else:
            yield Computed(part, s.point(), mean, by, side="lhs")


# --- predictions ------------------------------------------------------------------------------------------------------


@trained("ddpm.parameterization.bijection", method="GaussianDiffusion.to_x0 and to_eps", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    by_eps, by_x0 = (diffusion(s.betas, kind) for kind in ("eps", "x0"))
    output, x_t = on(s.noise), on(s.x_t)
    data = by_eps.to_x0(output[None], x_t[None], s.t)
    noise = by_x0.to_eps(output[None], x_t[None], s.t)
    for part, name, value in (
        (0, "eps_theta", data),
        (1, "x0_theta", noise),
        (2, "x0_theta", by_eps.to_x0(noise, x_t[None], s.t)),
        (3, "eps_theta", by_x0.to_eps(data, x_t[None], s.t)),
    ):
        yield Computed(part, s.point(answers={name: s.noise}), value[0], {("answers", name): output}, side="lhs")


@trained("ddpm.loss.eps_x0_equivalence", method="errors of to_x0 and to_eps for one output", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    x0, noise, output = on.fixed(s.x0)[None], on.fixed(s.noise)[None], on(s.x_prev)
    by_eps, by_x0 = (diffusion(s.betas, kind) for kind in ("eps", "x0"))
    x_t, snr = by_eps.q_sample(x0, s.t, noise), schedule(s.betas).snr(s.t).to(output.dtype)
    point = s.point(answers={"eps_theta": s.x_prev})
    by: By = {("answers", "eps_theta"): output}
    yield Computed(0, point, (by_eps.to_x0(output[None], x_t, s.t) - x0).square().sum(), by, side="lhs")
    yield Computed(1, point, (output - noise[0]).square().sum() / snr, by)
    error = (by_x0.to_eps(output[None], x_t, s.t) - noise).square().sum()
    yield Computed(2, s.point(answers={"x0_theta": s.x_prev}), error, {("answers", "x0_theta"): output}, side="lhs")


@trained(
    "ddpm.parameterization.v",
    method="target, to_x0 and to_eps of a velocity predictor, abar from 0 to 1",
    excused={3: "abar = 1 is t = 0, where nothing is predicted; the limit is that of statement 1, measured near it"},
    cases=Levels(share=3, start=False),
)
def _(s: Level, on: On) -> Iterator[Shape]:
    process, x0, noise = from_levels([s.level], "v"), on(s.x0), on(s.noise)
    by: By = {("x", 0): x0, ("vectors", "eps"): noise}
    x_t, v = process.q_sample(x0[None], 1, noise[None]), process.target(x0[None], noise[None], 1)
    yield Computed(0, s.point(), v[0], by)
    yield Computed(1, s.point(), process.to_x0(v, x_t, 1)[0], by, side="lhs")
    yield Computed(2, s.point(), process.to_eps(v, x_t, 1)[0], by, side="lhs")
    yield Computed(4, s.point(), from_levels([0.0], "v").target(x0[None], noise[None], 1)[0], by)
    yield Computed(5, s.point(), x_t.square().sum() + v.square().sum(), by, side="lhs")


@trained("ddpm.parameterization.v_loss", method="errors of to_x0, to_eps and to_v for one output", cases=Steps(share=3))
def _(s: Step, on: On) -> Iterator[Shape]:
    process, table = diffusion(s.betas, "v"), schedule(s.betas)
    x0, noise, output = on.fixed(s.x0)[None], on.fixed(s.noise)[None], on(s.x_prev)
    x_t = process.q_sample(x0, s.t, noise)
    kept, lost, snr = (row(s.t).to(output.dtype) for row in (table.alpha_bar, table.one_minus_alpha_bar, table.snr))
    data = (process.to_x0(output[None], x_t, s.t) - x0).square().sum()
    error = (process.to_eps(output[None], x_t, s.t) - noise).square().sum()
    speed = (process.to_v(output[None], x_t, s.t) - process.target(x0, noise, s.t)).square().sum()
    point = s.point(answers={"v_theta": s.x_prev})
    by: By = {("answers", "v_theta"): output}
    yield Computed(0, point, speed, by, side="lhs")
    for part, value in ((0, data / lost), (1, (snr + 1) * data), (2, error / kept)):
        yield Computed(part, point, value, by)
