"""What a draw leaves behind: a code and then a picture, a step with more noise, and gradients of two kinds of draws."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.algorithms import aimed, drawn, guess, noise, parameter, x_0, x_t
from derivations.ddpm.forward import noisy
from derivations.notation import (
    abar,
    alpha,
    beta_tilde,
    d,
    eps,
    integrable,
    interchange_hypothesis,
    mu_tilde,
    obs,
    p,
    schedule,
    smooth,
    t,
    z,
)
from derivations.rules import (
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Expect,
    Norm2,
    Statement,
    define,
    definition,
    interchange,
    moments,
    scalar_function,
    tower,
    vector_function,
)

# --- a code, then a picture -------------------------------------------------------------------------------------------

seen = scalar_function("test_function", "f")

generation = Claim(
    id="vae.sampling.ancestral",
    title="Generation: a code from the prior, a picture from the decoder",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            Expect(p(z), Expect(p(obs, z), seen(obs))),
            "=",
            Expect(p(obs), seen(obs)),
            name="law",
            words="whatever is asked of the picture has the mean that it has under the model",
        ),
    ),
    hypotheses=(integrable,),
    scope="any densities of prior and decoder, any function with a mean; the cost is one pass of the decoder",
    sources=("notes, 1.2", "slides, VAE"),
    words="Drawing is exact, whatever the model is worth. No encoder is asked for.",
)


@generation.proves("law")
def _(line: Chain) -> None:
    line(Expect(p(z), Expect(p(obs, z), seen(obs))))
    line(Expect(p([obs, z]), seen(obs)), by=tower)
    line(Expect(p(obs), seen(obs)), by=tower)


# --- a step with the variance of the forward step ---------------------------------------------------------------------

upper = define(
    "upper_step",
    "A",
    lambda n, at, clean, new: mu_tilde(n, at, clean) + sp.sqrt(1 - alpha(n)) * new,
    is_vector_valued=True,
)

larger = Claim(
    id="ddpm.sampling.sigma_beta",
    title="Ancestral sampling with the variance beta",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            drawn(Norm2(upper(t, x_t, guess, z) - aimed)),
            "=",
            Norm2(mu_tilde(t, x_t, guess) - aimed) + d * (1 - alpha(t)),
            name="law",
            words="the mean of the step is as before, and beta_t is the variance in every dimension",
        ),
        Statement(
            1 - alpha(t) - beta_tilde(t),
            "=",
            (1 - alpha(t)) * (1 - alpha(t)) * abar(t - 1) / (1 - abar(t)),
            name="more",
            words="which is more than beta_tilde_t, by beta_t^2 abar_{t-1}/(1 - abar_t)",
        ),
    ),
    domain=schedule(2),
    scope="any dimension d, any schedule, any t >= 2, any answer of the network",
    sources=("Ho et al. 2020, section 3.2", "notes, Algorithm 3"),
    words="The larger of the two usual variances; ddpm.ancestral.gaussian_variance tells for which data it is right.",
)


@larger.proves("law")
def _(line: Chain) -> None:
    line(drawn(Norm2(upper(t, x_t, guess, z) - aimed)))
    line(drawn(Norm2(mu_tilde(t, x_t, guess) + sp.sqrt(1 - alpha(t)) * z - aimed)), by=definition)
    line(Norm2(mu_tilde(t, x_t, guess) - aimed) + d * (1 - alpha(t)), by=moments)


@larger.proves("more")
def _(line: Chain) -> None:
    line(1 - alpha(t) - beta_tilde(t))
    line(
        (1 - alpha(t)) * (1 - alpha(t)) * abar(t - 1) / (1 - abar(t)),
        by=definition,
        why="over 1 - abar_t: beta_t times abar_{t-1} - abar_t, which is beta_t abar_{t-1}",
    )


# --- training on the data ---------------------------------------------------------------------------------------------

network = vector_function("data_network", r"x_\theta")
one_loss = Norm2(x_0 - network(parameter, noisy(t, x_0, eps), t))

training = Claim(
    id="ddpm.training.data",
    title="Training by predicting data: one draw is unbiased",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            Expect(noise, D(one_loss, parameter)),
            "=",
            D(Expect(noise, one_loss), parameter),
            name="gradient",
            words="the same loop with another target: the gradient at one draw of the noise is right on average",
        ),
    ),
    domain=Domain({**schedule().intervals, "parameter": REAL}, schedule().indices, schedule().products),
    hypotheses=(smooth, interchange_hypothesis),
    scope="any dimension d, any schedule, any smooth network, any parameter, any datum and time",
    sources=("notes, Algorithm 1",),
    words="What is minimised without weights is another objective than with the noise as the target: at each t by a "
    "factor of the signal-to-noise ratio.",
)


@training.proves("gradient")
def _(line: Chain) -> None:
    line(Expect(noise, D(one_loss, parameter)))
    line(D(Expect(noise, one_loss), parameter), by=interchange, why="the noise's law has no parameter")
