"""The measured witness: every quantity again, in NumPy float64, by a method that shares nothing with its proof.

Quadrature, conditioning of joint normal laws by linear algebra, enumeration of finite models, exact rational
arithmetic, numerically solved equations, and sampling with a standard error. Time runs t = 1..T with abar_0 = 1;
divergences and bounds are in nats and summed over coordinates unless said.
"""

from reference import (
    bounds,
    chain,
    ddim,
    decoders,
    divergences,
    enclosures,
    finite,
    finite_diffusion,
    gaussians,
    gradients,
    guidance,
    information,
    latent,
    linear_gaussian,
    mixtures,
    montecarlo,
    ode,
    pixels,
    quadrature,
    reverse,
    sampling,
    schedules,
    sde,
    solvers,
    views,
)
from reference.chain import posterior
from reference.divergences import gaussian_kl, gaussian_kl_diag
from reference.linear_gaussian import vlb_terms
from reference.schedules import alpha_bars

__all__ = [
    "alpha_bars",
    "bounds",
    "chain",
    "ddim",
    "decoders",
    "divergences",
    "enclosures",
    "finite",
    "finite_diffusion",
    "gaussian_kl",
    "gaussian_kl_diag",
    "gaussians",
    "gradients",
    "guidance",
    "information",
    "latent",
    "linear_gaussian",
    "mixtures",
    "montecarlo",
    "ode",
    "pixels",
    "posterior",
    "quadrature",
    "reverse",
    "sampling",
    "schedules",
    "sde",
    "solvers",
    "views",
    "vlb_terms",
]
