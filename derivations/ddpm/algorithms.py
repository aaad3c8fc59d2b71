"""Algorithms, step by step: what one step computes, which law it leaves behind, what a draw of training estimates."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR
from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.guidance.classifier_free import conditioned, free
from derivations.guidance.classifier_free import guidance as weight
from derivations.notation import (
    abar,
    alpha,
    beta_tilde,
    d,
    eps,
    interchange_hypothesis,
    marginal,
    mu_tilde,
    s,
    schedule,
    smooth,
    t,
    x,
    z,
)
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Expect,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    below,
    composition,
    constant_vector,
    define,
    definition,
    interchange,
    moments,
    scalar,
    vector,
    vector_function,
)

x_0, x_t = x(0), x(t)
way, aimed = constant_vector("way", "w"), vector("aimed_at", "c")
said, fresh = vector("answer", r"\hat o"), Normal(z, 0, 1)  # what the network says, and the noise that is drawn


def drawn(body: sp.Expr) -> sp.Expr:
    return Expect(fresh, body)


# --- training ---------------------------------------------------------------------------------------------------------

parameter = scalar("parameter", r"\theta")
network = vector_function("noise_network", r"\epsilon_\theta")
one_loss = Norm2(eps - network(parameter, noisy(t, x_0, eps), t))
noise = Normal(eps, 0, 1)

training = Claim(
    id="ddpm.training.noise",
    title="Training by predicting noise: one draw is unbiased",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            Expect(noise, D(one_loss, parameter)),
            "=",
            D(Expect(noise, one_loss), parameter),
            name="gradient",
            words="the gradient at one draw of the noise is, on average, that of the loss at this datum and time; "
            "averaged over data and times, that of the whole loss",
        ),
    ),
    domain=Domain({**schedule().intervals, "parameter": REAL}, schedule().indices, schedule().products),
    hypotheses=(smooth, interchange_hypothesis),
    scope="any dimension d, any schedule, any smooth network, any parameter, any datum and time",
    sources=("Ho et al. 2020, algorithm 1", "notes, Algorithm 2", "slides, training"),
    words="Draw a datum, a time and a noise; noise the datum in one stride; step along the gradient of the squared "
    "error. Nothing is differentiated through a draw.",
)


@training.proves("gradient")
def _(line: Chain) -> None:
    line(Expect(noise, D(one_loss, parameter)))
    line(D(Expect(noise, one_loss), parameter), by=interchange, why="the noise's law has no parameter")


# --- one step back ----------------------------------------------------------------------------------------------------

ancestral = define(
    "ancestral_step",
    "A",
    lambda n, at, e, new: (
        (at - (1 - alpha(n)) / sp.sqrt(1 - abar(n)) * e) / sp.sqrt(alpha(n)) + sp.sqrt(beta_tilde(n)) * new
    ),
    is_vector_valued=True,
)
guess = x0_hat(x_t, said, t)

sampling = Claim(
    id="ddpm.sampling.ancestral",
    title="Ancestral sampling, step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            ancestral(t, x_t, said, z),
            "=",
            mu_tilde(t, x_t, guess) + sp.sqrt(beta_tilde(t)) * z,
            name="step",
            words="what is computed from the noise that the network sees is the encoder's mean at the data that this "
            "noise implies, and fresh noise of the encoder's variance",
        ),
        Statement(
            drawn(Norm2(ancestral(t, x_t, said, z) - aimed)),
            "=",
            Norm2(mu_tilde(t, x_t, guess) - aimed) + d * beta_tilde(t),
            name="law",
            words="so a step leaves behind this mean and this variance in every dimension: its distance from any point",
        ),
    ),
    domain=schedule(2),
    scope="any dimension d, any schedule, any t >= 2, any answer of the network; at t = 1 the mean is returned. One "
    "evaluation a step",
    sources=("Ho et al. 2020, algorithm 2", "notes, Algorithm 3"),
    words="A normal step with the model's mean and variance: that is all that sampling from the model means.",
)


@sampling.proves("step")
def _(line: Chain) -> None:
    line(ancestral(t, x_t, said, z))
    line(mu_tilde(t, x_t, guess) + sp.sqrt(beta_tilde(t)) * z, by=definition)


@sampling.proves("law")
def _(line: Chain) -> None:
    line(drawn(Norm2(ancestral(t, x_t, said, z) - aimed)))
    line(drawn(Norm2(mu_tilde(t, x_t, guess) + sp.sqrt(beta_tilde(t)) * z - aimed)), by=above("step"))
    line(Norm2(mu_tilde(t, x_t, guess) - aimed) + d * beta_tilde(t), by=moments)


# --- fewer steps ------------------------------------------------------------------------------------------------------

STRIDE = Domain(ANY_PAIR.intervals, ANY_PAIR.indices, ANY_PAIR.products, conditions=(below(abar(t), abar(s)),))
spent = define("respaced_beta", r"\beta'", lambda n, m: 1 - abar(n) / abar(m))
respaced = define(
    "respaced_mean",
    "m'",
    lambda n, m, at, clean: (
        sp.sqrt(abar(m)) * spent(n, m) / (1 - abar(n)) * clean
        + sp.sqrt(abar(n) / abar(m)) * (1 - abar(m)) / (1 - abar(n)) * at
    ),
    is_vector_valued=True,
)
left = define("respaced_variance", r"\tilde\beta'", lambda n, m: spent(n, m) * (1 - abar(m)) / (1 - abar(n)))

strides = Claim(
    id="ddpm.sampling.respaced",
    title="Ancestral sampling in fewer steps",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            Expect(marginal(t), sp.exp(LogDensity(Normal(x(s), respaced(t, s, x_t, x_0), left(t, s))))),
            "=",
            sp.exp(LogDensity(marginal(s))),
            name="law",
            words="a stride from t to s with beta' = 1 - abar_t/abar_s leaves the marginal at s behind",
        ),
        Statement(
            respaced(t, t - 1, x_t, x_0),
            "=",
            mu_tilde(t, x_t, x_0),
            name="mean",
            words="and a stride to the next step is that step",
            domain=schedule(2),
        ),
        Statement(
            left(t, t - 1),
            "=",
            beta_tilde(t),
            name="variance",
            words="with its variance",
            domain=schedule(2),
        ),
    ),
    domain=STRIDE,
    scope="any dimension d, any schedule, any steps 1 <= s < t <= T; given x_0, so for any data law. No retraining",
    sources=("Nichol and Dhariwal 2021", "Song et al. 2021 (DDIM), section 4.2"),
    words="Skipped steps are no harm to the law of the forward chain: what is left is a chain with other betas. With "
    "the old betas a stride would take away too little noise.",
)


@strides.proves("law")
def _(line: Chain) -> None:
    used = 1 - abar(t) / abar(s)
    kept = sp.sqrt(abar(t) / abar(s)) * (1 - abar(s)) / (1 - abar(t))
    line(Expect(marginal(t), sp.exp(LogDensity(Normal(x(s), respaced(t, s, x_t, x_0), left(t, s))))))
    line(
        sp.exp(
            LogDensity(
                Normal(
                    x(s),
                    sp.sqrt(abar(s)) * used / (1 - abar(t)) * x_0 + kept * sp.sqrt(abar(t)) * x_0,
                    used * (1 - abar(s)) / (1 - abar(t)) + kept**2 * (1 - abar(t)),
                )
            )
        ),
        by=[definition, composition],
    )
    line(sp.exp(LogDensity(marginal(s))), why="both add up")


@strides.proves("mean")
def _(line: Chain) -> None:
    line(respaced(t, t - 1, x_t, x_0))
    line(mu_tilde(t, x_t, x_0), by=definition, why="beta' is beta_t")


@strides.proves("variance")
def _(line: Chain) -> None:
    line(left(t, t - 1))
    line(beta_tilde(t), by=definition)


# --- guidance ---------------------------------------------------------------------------------------------------------

strided = define(
    "ddim_by_noise",
    r"\mathrm{D}",
    lambda n, m, at, e: (
        sp.sqrt(abar(m)) * (at - sp.sqrt(1 - abar(n)) * e) / sp.sqrt(abar(n)) + sp.sqrt(1 - abar(m)) * e
    ),
    is_vector_valued=True,
)

guided = Claim(
    id="guidance.classifier_free",
    title="Classifier-free guidance, step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            strided(t, s, x_t, free + weight * (conditioned - free)),
            "=",
            strided(t, s, x_t, free) + weight * (strided(t, s, x_t, conditioned) - strided(t, s, x_t, free)),
            name="step",
            words="a guided step goes from the unconditional one w times as far as to the conditional one",
        ),
    ),
    domain=Domain({**ANY_PAIR.intervals, "guidance": REAL}, ANY_PAIR.indices, ANY_PAIR.products),
    scope="any dimension d, any schedule, any stride of deterministic DDIM, any w; two evaluations, one at w = 1",
    sources=("Ho and Salimans 2022", "slides, classifier-free guidance", "article, guidance"),
    words="One network, asked twice. w = 1 is the conditional model, w = 0 the unconditional one, and beyond 1 the "
    "step leaves the span between the two.",
)


@guided.proves("step")
def _(line: Chain) -> None:
    line(strided(t, s, x_t, free + weight * (conditioned - free)))
    line(
        strided(t, s, x_t, free) + weight * (strided(t, s, x_t, conditioned) - strided(t, s, x_t, free)),
        by=definition,
        why="the step is affine in the noise",
    )


# --- Langevin dynamics ------------------------------------------------------------------------------------------------

size, slope, here = scalar("walk_size", r"\eta", positive=True), vector("slope_here", "s"), vector("now", "x")
walked = define(
    "langevin_step", r"\Lambda", lambda h, at, score, new: at + h * score + sp.sqrt(2 * h) * new, is_vector_valued=True
)

langevin = Claim(
    id="score.langevin",
    title="Langevin sampling, step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            drawn(Inner(way, walked(size, here, slope, z))),
            "=",
            Inner(way, here + size * slope),
            name="mean",
            words="a step leaves behind a mean that lies uphill, read along any direction",
        ),
        Statement(
            drawn(Norm2(walked(size, here, slope, z) - here)),
            "=",
            2 * size * d + size**2 * Norm2(slope),
            name="distance",
            words="and goes this far: the noise counts in first order of the step, the slope in second",
        ),
    ),
    domain=Domain({"walk_size": POSITIVE}),
    scope="any dimension d, any step, any score; what many steps keep is langevin.gaussian_bias",
    sources=("Roberts and Tweedie 1996", "staircase, Langevin"),
    words="Uphill by a little, and about by more. The density is never asked for.",
)


@langevin.proves("mean")
def _(line: Chain) -> None:
    line(drawn(Inner(way, walked(size, here, slope, z))))
    line(drawn(Inner(way, here + size * slope + sp.sqrt(2 * size) * z)), by=definition)
    line(Inner(way, here + size * slope), by=moments)


@langevin.proves("distance")
def _(line: Chain) -> None:
    line(drawn(Norm2(walked(size, here, slope, z) - here)))
    line(drawn(Norm2(size * slope + sp.sqrt(2 * size) * z)), by=definition)
    line(2 * size * d + size**2 * Norm2(slope), by=moments)


# --- noise at the end -------------------------------------------------------------------------------------------------

last_variance = scalar("last_variance", r"\sigma_1^2", positive=True)

final = Claim(
    id="ddpm.sampling.final_noise",
    title="Noise that is added at the last step stays in the picture",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            drawn(Norm2(said + sp.sqrt(last_variance) * z - aimed)),
            "=",
            Norm2(said - aimed) + d * last_variance,
            name="error",
            words="whatever the network's last answer is off by: the noise comes on top",
        ),
    ),
    domain=Domain({"last_variance": POSITIVE}),
    scope="any dimension d, any last answer, any variance",
    sources=("slides, sampling loop", "Ho et al. 2020, algorithm 2"),
    words="So at t = 1 the mean is returned. With sigma_1^2 = beta_1 = 1e-4 the noise has a deviation of 0.01.",
)


@final.proves("error")
def _(line: Chain) -> None:
    line(drawn(Norm2(said + sp.sqrt(last_variance) * z - aimed)))
    line(Norm2(said - aimed) + d * last_variance, by=moments)
