"""The bound as a weighted sum of squared errors, of data or of noise, and its weights in signal-to-noise terms."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.elbo import bound
from derivations.ddpm.forward import jump, noise, noisy
from derivations.ddpm.gaussian_elbo import GAUSSIAN_MODEL, WHOLE_CHAIN, Constant, last_miss, miss
from derivations.ddpm.means import eps_form
from derivations.notation import (
    T,
    abar,
    alpha,
    beta,
    beta_tilde,
    data_prediction,
    eps,
    eps_theta,
    marginal,
    mu_tilde,
    noise_prediction,
    q,
    schedule,
    sigma,
    snr,
    t,
    x,
    x0_theta,
)
from derivations.rules import (
    Chain,
    Claim,
    Expect,
    Norm2,
    Statement,
    SumTo,
    by_claim,
    define,
    given,
    identify,
    induction,
    linearity,
    reparameterize,
)

# --- the weights ------------------------------------------------------------------------------------------------------

w_x0 = define(
    "w_x0", "w^{x_0}", lambda n, variance: abar(n - 1) * (1 - alpha(n)) ** 2 / (2 * variance * (1 - abar(n)) ** 2)
)
w_eps = define(
    "w_eps", r"w^{\epsilon}", lambda n, variance: (1 - alpha(n)) ** 2 / (2 * variance * alpha(n) * (1 - abar(n)))
)
weight_x0 = abar(t - 1) * (1 - alpha(t)) ** 2 / (2 * sigma(t) ** 2 * (1 - abar(t)) ** 2)
weight_eps = (1 - alpha(t)) ** 2 / (2 * sigma(t) ** 2 * alpha(t) * (1 - abar(t)))
over_x1, over_xt = q(x(1), x(0)), q(x(t), x(0))

# --- the bound as a loss ----------------------------------------------------------------------------------------------

data_miss = Norm2(x0_theta(x(t), t) - x(0))

x0_weighted = Claim(
    id="ddpm.loss.x0_weighted",
    title="Bound in data-prediction form",
    chapter="ELBO to loss",
    kind="identity",
    says=(Statement(bound, "=", Constant(T, x(0)) - SumTo(weight_x0 * Expect(over_xt, data_miss), t, 1, T)),),
    domain=WHOLE_CHAIN,
    hypotheses=(*GAUSSIAN_MODEL, data_prediction),
    scope="any dimension d, any T >= 1, any schedule, any network, any sigma_t > 0 for t = 1..T; the constant is "
    "that of ddpm.elbo.gaussian_form",
    sources=("notes, eq 2.7",),
    words="Up to a constant, maximising the bound is minimising a weighted sum of squared errors of the predicted "
    "image, one for every step. At t = 1 the weight is 1/(2 sigma_1^2), so sigma_1 = 0 is not allowed.",
    errata=("N3", "N4"),
)


@x0_weighted.proves()
def _(line: Chain) -> None:
    first = Norm2(x0_theta(x(1), 1) - x(0)) / (2 * sigma(1) ** 2)
    line(bound)
    line(
        Constant(T, x(0)) - Expect(over_x1, last_miss) - SumTo(Expect(over_xt, miss), t, 2, T),
        by=by_claim("ddpm.elbo.gaussian_form"),
    )
    line(
        Constant(T, x(0)) - Expect(over_x1, first) - SumTo(Expect(over_xt, weight_x0 * data_miss), t, 2, T),
        by=[by_claim("ddpm.mean.x0_form", part=2), by_claim("ddpm.mean.x0_form", part=1)],
        why="the mean misses by a multiple of what the prediction misses",
    )
    line(
        Constant(T, x(0)) - SumTo(weight_x0 * Expect(over_xt, data_miss), t, 1, T),
        by=[linearity, induction(T, 1)],
        why="with abar_0 = 1 the first term has the same form: take it into the sum",
    )


noise_miss = Norm2(eps_theta(jump(t), t) - eps)

eps_weighted = Claim(
    id="ddpm.loss.eps_weighted",
    title="Bound in noise-prediction form",
    chapter="ELBO to loss",
    kind="identity",
    says=(Statement(bound, "=", Constant(T, x(0)) - SumTo(weight_eps * Expect(noise, noise_miss), t, 1, T)),),
    domain=WHOLE_CHAIN,
    hypotheses=(*GAUSSIAN_MODEL, noise_prediction),
    scope="any dimension d, any T >= 1, any schedule, any network, any sigma_t > 0 for t = 1..T; the constant is "
    "that of ddpm.elbo.gaussian_form",
    sources=("notes, eq 2.8", "staircase, The reparameterization"),
    words="The same bound for a network that predicts noise: draw t-step noise in one go, ask for it back, and weigh "
    "the squared error by a factor that depends on t.",
    errata=("N3", "N4"),
)


@eps_weighted.proves()
def _(line: Chain) -> None:
    one = by_claim("ddpm.forward.marginal", at={t: sp.Integer(1)})
    first = Norm2(eps_theta(jump(sp.Integer(1)), 1) - eps) * weight_eps.xreplace({t: sp.Integer(1)})
    drawn, start = noisy(t, x(0), eps), noisy(1, x(0), eps)

    def split(at_one: sp.Expr, later: sp.Expr) -> sp.Expr:
        """The constant less the average at t = 1 and those of all later steps."""
        return Constant(T, x(0)) - Expect(noise, at_one) - SumTo(Expect(noise, later), t, 2, T)

    def squared(miss_of_mean: sp.Expr, n: sp.Expr) -> sp.Expr:
        return Norm2(miss_of_mean) / (2 * sigma(n) ** 2)

    by_noise, by_noise_1 = eps_form(drawn, eps_theta(drawn, t), t), eps_form(start, eps_theta(start, 1), sp.Integer(1))
    line(bound)
    line(
        Constant(T, x(0)) - Expect(over_x1, last_miss) - SumTo(Expect(over_xt, miss), t, 2, T),
        by=by_claim("ddpm.elbo.gaussian_form"),
    )
    line(
        Constant(T, x(0)) - Expect(marginal(1), last_miss) - SumTo(Expect(marginal(t), miss), t, 2, T),
        by=[
            identify(over_x1, marginal(1), one),
            identify(over_xt, marginal(t), by_claim("ddpm.forward.marginal")),
        ],
        why="x_t given x_0 is Gaussian",
    )
    line(
        split(squared(x(0) - by_noise_1, 1), squared(by_noise - mu_tilde(t, drawn, x(0)), t)),
        by=[given(noise_prediction), given(noise_prediction, t=1), reparameterize(eps)],
        why="write x_t as signal plus noise, and the mean through the predicted noise",
    )
    line(
        split(squared(x(0) - by_noise_1, 1), squared(by_noise - eps_form(drawn, eps, t), t)),
        by=by_claim("ddpm.mean.eps_form", part=1),
        why="the encoder's mean, too, through the noise that was drawn",
    )
    pull = (1 - alpha(t)) / (sp.sqrt(alpha(t)) * sp.sqrt(1 - abar(t)))
    wrong, wrong_1 = eps_theta(jump(t), t) - eps, eps_theta(jump(sp.Integer(1)), 1) - eps
    line(
        split(squared(pull.xreplace({t: sp.Integer(1)}) * wrong_1, 1), squared(pull * wrong, t)),
        why="both means use x_t in the same way: what is left is a multiple of the error of the noise",
    )
    line(split(first, weight_eps * noise_miss), why="the multiple, squared, over twice the variance is the weight")
    line(
        Constant(T, x(0)) - SumTo(weight_eps * Expect(noise, noise_miss), t, 1, T),
        by=[linearity, induction(T, 1)],
        why="the first term has the same form: take it into the sum",
    )


weights_snr = Claim(
    id="ddpm.loss.weights_snr",
    title="Weights in SNR form",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            w_x0(t, beta_tilde(t)), "=", (snr(t - 1) - snr(t)) / 2, words="data error, the encoder's own variance"
        ),
        Statement(w_eps(t, beta_tilde(t)), "=", (snr(t - 1) / snr(t) - 1) / 2, words="noise error, same variance"),
        Statement(w_eps(t, beta_tilde(t)), "=", beta(t) / (2 * alpha(t) * (1 - abar(t - 1)))),
        Statement(
            w_eps(t, beta(t)),
            "=",
            beta(t) / (2 * alpha(t) * (1 - abar(t))),
            words="noise error, sigma_t^2 = beta_t",
            domain=schedule(),
        ),
        Statement(
            w_x0(t, sigma(t) ** 2),
            "=",
            snr(t) * w_eps(t, sigma(t) ** 2),
            words="the two weights belong to the same bound, whatever the variance",
            domain=schedule(),
        ),
    ),
    domain=schedule(2),
    scope="any schedule; t >= 2 for sigma_t^2 = beta_tilde_t (beta_tilde_1 = 0), t >= 1 otherwise",
    sources=("notes, eq 2.7, 2.8",),
    words="With the encoder's own variance a step weighs what it loses of the signal-to-noise ratio: the bound pays "
    "for information about x_0, wherever it is lost.",
    errata=("N3", "N7"),
)


@weights_snr.proves()
def _(line: Chain) -> None:
    line(w_x0(t, beta_tilde(t)))
    line(
        abar(t - 1) * (1 - alpha(t)) / (2 * (1 - abar(t)) * (1 - abar(t - 1))),
        why="one factor 1 - alpha_t and one factor 1 - abar_t cancel against beta_tilde_t",
    )
    line(
        (abar(t - 1) * (1 - abar(t)) - abar(t) * (1 - abar(t - 1))) / (2 * (1 - abar(t)) * (1 - abar(t - 1))),
        why="abar_{t-1} (1 - alpha_t) = abar_{t-1} - abar_t; add and subtract abar_t abar_{t-1}",
    )
    line(
        (snr(t - 1) - snr(t)) / 2,
        why="divide each term by the denominator: one factor cancels, abar/(1 - abar) is left, the SNR",
    )


@weights_snr.proves(1)
def _(line: Chain) -> None:
    line(w_eps(t, beta_tilde(t)))
    line((1 - alpha(t)) / (2 * alpha(t) * (1 - abar(t - 1))), why="cancel against beta_tilde_t")
    line(
        ((1 - abar(t)) / (alpha(t) * (1 - abar(t - 1))) - 1) / 2,
        why="1 - abar_t = 1 - alpha_t + alpha_t (1 - abar_{t-1})",
    )
    line((snr(t - 1) / snr(t) - 1) / 2, why="1/alpha_t = abar_{t-1}/abar_t")


@weights_snr.proves(2)
def _(line: Chain) -> None:
    line(w_eps(t, beta_tilde(t)))
    line(beta(t) / (2 * alpha(t) * (1 - abar(t - 1))), why="cancel against beta_tilde_t")


@weights_snr.proves(3)
def _(line: Chain) -> None:
    line(w_eps(t, beta(t)))
    line(beta(t) / (2 * alpha(t) * (1 - abar(t))), why="1 - alpha_t = beta_t, once of its square cancels")


@weights_snr.proves(4)
def _(line: Chain) -> None:
    line(w_x0(t, sigma(t) ** 2))
    line(
        abar(t) / (1 - abar(t)) * (1 - alpha(t)) ** 2 / (2 * sigma(t) ** 2 * alpha(t) * (1 - abar(t))),
        why="abar_{t-1} = abar_t / alpha_t",
    )
    line(
        snr(t) * w_eps(t, sigma(t) ** 2),
        why="abar_t/(1 - abar_t) is SNR(t), the rest is the weight of the error in the noise",
    )
