"""The DDIM family: reverse kernels that all keep the marginals of the chain, with a free amount of fresh noise.

The step back goes from t to any earlier s. Of the noise that x_s must have, 1 - abar_s, the share rho is fresh and the
rest keeps the direction of the noise in x_t: sigma^2 = rho (1 - abar_s) runs through (0, 1 - abar_s) as rho runs
through (0, 1). rho = 0 is deterministic and has a claim of its own.
"""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.notation import (
    SCHEDULE,
    T,
    abar,
    alpha,
    beta,
    beta_tilde,
    eps,
    eps_theta,
    forward_markov,
    gaussian_forward,
    marginal,
    mu_tilde,
    q,
    s,
    schedule,
    t,
    x,
)
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    Domain,
    Expect,
    LogDensity,
    Normal,
    Statement,
    above,
    by_claim,
    composition,
    define,
    definition,
    identify,
    scalar,
)

rho = scalar("rho", r"\rho")
x_0, x_t = x(0), x(t)

toward = define(
    "ddim_mean",
    "m",
    lambda r, n, m, x_n, clean: (
        sp.sqrt(abar(m)) * clean
        + sp.sqrt((1 - r) * (1 - abar(m))) * (x_n - sp.sqrt(abar(n)) * clean) / sp.sqrt(1 - abar(n))
    ),
    is_vector_valued=True,
)
fresh = define("ddim_variance", r"\sigma^2", lambda r, m: r * (1 - abar(m)))


def back(r: sp.Expr, n: sp.Expr, m: sp.Expr) -> Normal:
    """The family's kernel q_rho(x_m | x_n, x_0)."""
    return Normal(x(m), toward(r, n, m, x(n), x_0), fresh(r, m))


ANY_PAIR = Domain(
    {**SCHEDULE, "sigma": POSITIVE, "rho": UNIT},
    {T: (sp.Integer(2), sp.oo), t: (sp.Integer(2), T), s: (sp.Integer(1), t - 1)},
    {"abar": "alpha"},
)
PAIR = "any dimension d, any T, any steps 1 <= s < t <= T, however far apart, any schedule, any share rho in (0, 1)"

# --- the marginals ----------------------------------------------------------------------------------------------------

marginal_preservation = Claim(
    id="ddim.marginal_preservation",
    title="Every member of the family keeps the marginals",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            Expect(marginal(t), sp.exp(LogDensity(back(rho, t, s)))),
            "=",
            sp.exp(LogDensity(marginal(s))),
            words="one step back from the right law at t gives the right law at s",
        ),
        Statement(
            Expect(q(x_t, x_0), sp.exp(LogDensity(back(rho, t, s)))),
            "=",
            sp.exp(LogDensity(q(x(s), x_0))),
            words="so for the forward chain of DDPM",
        ),
    ),
    domain=ANY_PAIR,
    hypotheses=(gaussian_forward, forward_markov),
    scope=PAIR + "; given x_0, so for any data law",
    sources=("Song et al. 2021 (DDIM), Lemma 1", "slides, DDIM", "staircase, DDIM"),
    words="Old noise that is kept and fresh noise that is added always amount to the noise that x_s must have. Nobody "
    "asks for s = t - 1: any subsequence of the steps will do.",
)


@marginal_preservation.proves()
def _(line: Chain) -> None:
    kept = sp.sqrt((1 - rho) * (1 - abar(s))) / sp.sqrt(1 - abar(t))
    line(Expect(marginal(t), sp.exp(LogDensity(back(rho, t, s)))))
    line(
        sp.exp(
            LogDensity(
                Normal(
                    x(s),
                    (sp.sqrt(abar(s)) - kept * sp.sqrt(abar(t))) * x_0 + kept * sp.sqrt(abar(t)) * x_0,
                    rho * (1 - abar(s)) + kept**2 * (1 - abar(t)),
                )
            )
        ),
        by=[definition, composition],
        why="the mean is linear in x_t: its noise, scaled by what is kept, adds to the fresh one",
    )
    line(sp.exp(LogDensity(marginal(s))), why="kept and fresh noise add up to 1 - abar_s, and x_0 keeps its weight")


@marginal_preservation.proves(1)
def _(line: Chain) -> None:
    line(Expect(q(x_t, x_0), sp.exp(LogDensity(back(rho, t, s)))))
    line(
        Expect(marginal(t), sp.exp(LogDensity(back(rho, t, s)))),
        by=identify(q(x_t, x_0), marginal(t), by_claim("ddpm.forward.marginal")),
    )
    line(sp.exp(LogDensity(marginal(s))), by=above(0))
    line(sp.exp(LogDensity(q(x(s), x_0))), by=by_claim("ddpm.forward.marginal", at={t: s}), why="what x_s has")


# --- the update -------------------------------------------------------------------------------------------------------

predicted = eps_theta(x_t, t)
guess = x0_hat(x_t, predicted, t)

update = Claim(
    id="ddim.update",
    title="The DDIM update",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            toward(rho, t, s, x_t, guess),
            "=",
            sp.sqrt(abar(s)) * (x_t - sp.sqrt(1 - abar(t)) * predicted) / sp.sqrt(abar(t))
            + sp.sqrt((1 - rho) * (1 - abar(s))) * predicted,
            words="the kernel's mean with the network's guess of x_0: predicted data, and the direction to x_t",
        ),
        Statement(
            toward(rho, t, s, noisy(t, x_0, eps), x_0),
            "=",
            sp.sqrt(abar(s)) * x_0 + sp.sqrt((1 - rho) * (1 - abar(s))) * eps,
            words="with the noise that really was drawn",
        ),
        Statement(
            (1 - abar(s)) - fresh(rho, s),
            "=",
            (1 - rho) * (1 - abar(s)),
            words="in the paper's letters: 1 - abar_s - sigma^2 stands under the second root",
        ),
    ),
    domain=ANY_PAIR,
    scope=PAIR + ", any network",
    sources=("Song et al. 2021 (DDIM), eq. 12", "slides, DDIM", "staircase, DDIM"),
    words="Take out the noise that the network sees, shrink what is left to where it belongs at s, and put noise back: "
    "partly the same, partly fresh.",
)


@update.proves()
def _(line: Chain) -> None:
    line(toward(rho, t, s, x_t, guess))
    kept = sp.sqrt((1 - rho) * (1 - abar(s)))
    line(
        sp.sqrt(abar(s)) * guess + kept * (x_t - sp.sqrt(abar(t)) * guess) / sp.sqrt(1 - abar(t)),
        by=definition,
        why="the mean of the family's kernel, with the guess for x_0",
    )
    line(
        sp.sqrt(abar(s)) * (x_t - sp.sqrt(1 - abar(t)) * predicted) / sp.sqrt(abar(t)) + kept * predicted,
        by=definition,
        why="what is left of x_t without the guessed data is the predicted noise",
    )


@update.proves(1)
def _(line: Chain) -> None:
    drawn = noisy(t, x_0, eps)
    kept = sp.sqrt((1 - rho) * (1 - abar(s)))
    line(toward(rho, t, s, drawn, x_0))
    line(
        sp.sqrt(abar(s)) * x_0 + kept * (drawn - sp.sqrt(abar(t)) * x_0) / sp.sqrt(1 - abar(t)),
        by=definition,
    )
    line(sp.sqrt(abar(s)) * x_0 + kept * eps, by=definition, why="x_t less its data is its noise")


@update.proves(2)
def _(line: Chain) -> None:
    line((1 - abar(s)) - fresh(rho, s))
    line((1 - abar(s)) - rho * (1 - abar(s)), by=definition)
    line((1 - rho) * (1 - abar(s)), why="1 - abar_s comes out of both terms")


# --- DDPM is a member -------------------------------------------------------------------------------------------------

of_ddpm = (1 - alpha(t)) / (1 - abar(t))  # the share that makes sigma^2 beta_tilde

ddpm_recovery = Claim(
    id="ddim.ddpm_recovery",
    title="DDPM is the member with sigma^2 = beta_tilde",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(fresh(of_ddpm, t - 1), "=", beta_tilde(t), words="its share of fresh noise"),
        Statement(
            toward(of_ddpm, t, t - 1, x_t, x_0),
            "=",
            mu_tilde(t, x_t, x_0),
            words="its mean is that of the encoder turned round",
        ),
        Statement(
            (1 - abar(t - 1)) - beta(t),
            "=",
            alpha(t) - abar(t - 1),
            words="for sigma^2 = beta_t this would stand under the root: beyond the family where abar_{t-1} > alpha_t",
        ),
    ),
    domain=schedule(2),
    scope="any dimension d, any t >= 2, any schedule; s = t - 1",
    sources=("Song et al. 2021 (DDIM), section 4.1", "slides, DDIM", "staircase, DDIM"),
    words="With this share the kept noise has exactly the weight that Bayes gives x_t. The other common variance, "
    "beta_t, is not a member: its mean is another one, and early in the chain its root does not exist.",
)


@ddpm_recovery.proves()
def _(line: Chain) -> None:
    line(fresh(of_ddpm, t - 1))
    line((1 - alpha(t)) / (1 - abar(t)) * (1 - abar(t - 1)), by=definition)
    line(beta_tilde(t), why="this product of quotients is beta_tilde_t")


@ddpm_recovery.proves(1)
def _(line: Chain) -> None:
    kept = sp.sqrt(alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t))
    line(toward(of_ddpm, t, t - 1, x_t, x_0))
    line(
        sp.sqrt(abar(t - 1)) * x_0 + kept * (x_t - sp.sqrt(abar(t)) * x_0),
        by=definition,
        why="1 - share = alpha_t (1 - abar_{t-1})/(1 - abar_t): the root is a square",
    )
    line(mu_tilde(t, x_t, x_0), by=definition, why="collect x_0")


@ddpm_recovery.proves(2)
def _(line: Chain) -> None:
    line((1 - abar(t - 1)) - beta(t))
    line(alpha(t) - abar(t - 1), by=definition, why="beta is 1 - alpha_t")
