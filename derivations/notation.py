"""The symbols of the journey, each defined once: schedules, the chain x_0..x_T, networks, laws, hypotheses.

Conventions: t = 1..T, abar(0) = 1, alpha(t) = 1 - beta(t), d is the dimension of the data; logs are natural (nats).
"""

from __future__ import annotations

import sympy as sp

from derivations.kernel.domain import POSITIVE, UNIT, Domain
from derivations.kernel.hypotheses import ASSUMPTIONS, Hypothesis
from derivations.kernel.terms import (
    DIM,
    Block,
    Coord,
    Density,
    DiagonalNormal,
    LogDensity,
    Normal,
    SumTo,
    define,
    log_p,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

# --- integers ---------------------------------------------------------------------------------------------------------
t = sp.Symbol("t", integer=True, positive=True)
T = sp.Symbol("T", integer=True, positive=True)
s = sp.Symbol("s", integer=True, positive=True)
i = sp.Symbol("i", integer=True, positive=True)
j = sp.Symbol("j", integer=True, positive=True)
k = sp.Symbol("k", integer=True, positive=True)
d = DIM

# --- the schedule -----------------------------------------------------------------------------------------------------
alpha = scalar_function("alpha", r"\alpha", positive=True)
abar = scalar_function("abar", r"\bar\alpha", positive=True)
sigma = scalar_function("sigma", r"\sigma", positive=True)
beta = define("beta", r"\beta", lambda n: 1 - alpha(n))
snr = define("SNR", r"\mathrm{SNR}", lambda n: abar(n) / (1 - abar(n)))
beta_tilde = define("beta_tilde", r"\tilde\beta", lambda n: (1 - alpha(n)) * (1 - abar(n - 1)) / (1 - abar(n)))

# --- vectors ----------------------------------------------------------------------------------------------------------
x = vector_function("x", "x")  # the diffusion chain x(0), ..., x(T)
eps = vector("eps", r"\epsilon")
obs = vector("x_obs", "x")  # a single observation (VAE chapters)
z = vector("z", "z")  # its latent variable
eps_theta = vector_function("eps_theta", r"\epsilon_\theta")
x0_theta = vector_function("x0_theta", r"x_{0,\theta}")
mu_theta = vector_function("mu_theta", r"\mu_\theta")
v_theta = vector_function("v_theta", r"v_\theta")

# --- VAEs: a diagonal Gaussian on R^k, the networks that give it, the spread of a Gaussian decoder --------------------
mu = vector("mu", r"\mu")
std = vector("std", r"\sigma")  # standard deviations, coordinate by coordinate
log_variance = vector("log_variance", r"\ell")  # log sigma_i^2, what encoders put out
mu_phi = vector_function("mu_phi", r"\mu_\phi")
std_phi = vector_function("std_phi", r"\sigma_\phi")
sigma_x = scalar("sigma_x", r"\sigma", positive=True)


def posterior_mean(x_0: sp.Expr, x_t: sp.Expr, n: sp.Expr) -> sp.Expr:
    """a_t x_0 + b_t x_t, the mean of q(x_{t-1} | x_t, x_0) (claim ddpm.posterior.mean)."""
    a = sp.sqrt(abar(n - 1)) * (1 - alpha(n)) / (1 - abar(n))
    b = sp.sqrt(alpha(n)) * (1 - abar(n - 1)) / (1 - abar(n))
    return a * x_0 + b * x_t


mu_tilde = define("mu_tilde", r"\tilde\mu", lambda n, x_t, x_0: posterior_mean(x_0, x_t, n), is_vector_valued=True)

# --- domains ----------------------------------------------------------------------------------------------------------
SCHEDULE = {"alpha": UNIT, "abar": UNIT}


def schedule(first: int = 1, **intervals: object) -> Domain:
    """Any T, t in first..T, every beta in (0, 1), sigma_t > 0, and whatever else is named."""
    indices = {T: (sp.Integer(first), sp.oo), t: (sp.Integer(first), T)}
    return Domain({**SCHEDULE, "sigma": POSITIVE, **intervals}, indices, {"abar": "alpha"})  # type: ignore[dict-item]


# --- laws of the chain ------------------------------------------------------------------------------------------------


def kernel(n: sp.Expr) -> Normal:
    """q(x_n | x_{n-1}) of DDPM."""
    return Normal(x(n), sp.sqrt(alpha(n)) * x(n - 1), 1 - alpha(n))


def marginal(n: sp.Expr) -> Normal:
    """q(x_n | x_0) of DDPM (claim ddpm.forward.marginal)."""
    return Normal(x(n), sp.sqrt(abar(n)) * x(0), 1 - abar(n))


def q(variables: object, given: object = ()) -> Density:
    return Density("q", variables, given)


def p(variables: object, given: object = ()) -> Density:
    return Density("p", variables, given)


def standard_normal(variable: object, dim: sp.Expr) -> DiagonalNormal:
    """N(variable; 0, I) on R^dim, coordinate by coordinate."""
    return DiagonalNormal(variable, i, 0, 1, dim)


def diagonal_normal(variable: object, mean: sp.Expr, deviation: sp.Expr, dim: sp.Expr) -> DiagonalNormal:
    """N(variable; mean, diag(deviation^2)) on R^dim."""
    return DiagonalNormal(variable, i, Coord(mean, i), Coord(deviation, i) ** 2, dim)


path = Block(x, 1, T)  # x_1..x_T
whole = Block(x, 0, T)  # x_0..x_T

# --- hypotheses -------------------------------------------------------------------------------------------------------
integrable = Hypothesis(
    "integrable",
    ASSUMPTIONS["integrable"],
    needed_because="a convenience in finite and Gaussian models, where every mean exists; heavy tails may have none",
)
absolute_continuity = Hypothesis(
    "absolute continuity", "a law that is averaged over vanishes wherever a law it is compared with does"
)
common_support = Hypothesis("common support", ASSUMPTIONS["common support"])
interchange_hypothesis = Hypothesis(
    "interchange",
    ASSUMPTIONS["interchange"],
    needed_because="a convenience for polynomials of Gaussians; undominated derivatives may not pass under a mean",
)
smooth = Hypothesis(
    "smooth",
    ASSUMPTIONS["smooth"],
    needed_because="a convenience in models of polynomials and Gaussian densities, which are smooth",
)
decay = Hypothesis(
    "decay",
    ASSUMPTIONS["decay"],
    needed_because="a convenience in Gaussian models, whose densities decay; an exponential law on a half-line has an "
    "end where it does not",
)
forward_factorisation = Hypothesis(
    "forward chain",
    "q(x_1..x_T | x_0) is the product of q(x_t | x_{t-1}, x_0)",
    log_p("q", path, x(0)),
    SumTo(log_p("q", x(t), [x(t - 1), x(0)]), t, 1, T),
)
reverse_factorisation = Hypothesis(
    "reverse chain",
    "p(x_0..x_T) is p(x_T) times the product of p(x_{t-1} | x_t)",
    log_p("p", whole),
    log_p("p", x(T)) + SumTo(log_p("p", x(t - 1), x(t)), t, 1, T),
)
forward_markov = Hypothesis(
    "forward Markov",
    "given x_{t-1}, x_t does not depend on x_0",
    log_p("q", x(t), [x(t - 1), x(0)]),
    log_p("q", x(t), x(t - 1)),
    {t: (sp.Integer(1), T)},
)
gaussian_reverse = Hypothesis(
    "Gaussian reverse kernel",
    "p(x_{t-1} | x_t) = N(mu_theta(x_t, t), sigma_t^2 I), with sigma_t > 0",
    log_p("p", x(t - 1), x(t)),
    LogDensity(Normal(x(t - 1), mu_theta(x(t), t), sigma(t) ** 2)),
    {t: (sp.Integer(1), T)},
)
data_prediction = Hypothesis(
    "data prediction",
    "mu_theta(x_t, t) is mu_tilde_t with the network's x_{0,theta}(x_t, t) in place of x_0",
    mu_theta(x(t), t),
    posterior_mean(x0_theta(x(t), t), x(t), t),
    {t: (sp.Integer(1), T)},
)
noise_prediction = Hypothesis(
    "noise prediction",
    "mu_theta(x_t, t) = (x_t - (1 - alpha_t)/sqrt(1 - abar_t) eps_theta(x_t, t)) / sqrt(alpha_t)",
    mu_theta(x(t), t),
    (x(t) - (1 - alpha(t)) / sp.sqrt(1 - abar(t)) * eps_theta(x(t), t)) / sp.sqrt(alpha(t)),
    {t: (sp.Integer(1), T)},
)
standard_prior = Hypothesis(
    "standard normal prior",
    "p(x_T) = N(0, I)",
    log_p("p", x(T)),
    LogDensity(Normal(x(T), 0, 1)),
)
gaussian_forward = Hypothesis(
    "Gaussian forward kernel",
    "q(x_t | x_{t-1}) = N(sqrt(alpha_t) x_{t-1}, (1 - alpha_t) I)",
    log_p("q", x(t), x(t - 1)),
    LogDensity(kernel(t)),
    {t: (sp.Integer(1), T)},
)
