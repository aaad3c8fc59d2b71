"""What is minimised: the losses of a diffusion and its bound, the evidence bounds of autoencoders.

Everything is in nats, one value per example: shape (batch,); sums over dimensions unless a mean is named.
"""

from torch_impl.distributions.gaussian import reparameterize, standard_normal_kl
from torch_impl.distributions.likelihoods import BernoulliLikelihood, GaussianLikelihood, Likelihood
from torch_impl.objectives.bound import VLB, Decoder, bound_term, prior_kl, transition_kl, variational_bound
from torch_impl.objectives.diffusion import Reduction, TimeSampling, diffusion_loss, draw_times, learned_variance_loss
from torch_impl.objectives.elbo import ELBO, elbo, importance_weighted_bound
from torch_impl.objectives.weights import MinSNR, SNRPower, Weighting, log_weights

__all__ = [
    "ELBO",
    "VLB",
    "BernoulliLikelihood",
    "Decoder",
    "GaussianLikelihood",
    "Likelihood",
    "MinSNR",
    "Reduction",
    "SNRPower",
    "TimeSampling",
    "Weighting",
    "bound_term",
    "diffusion_loss",
    "draw_times",
    "elbo",
    "importance_weighted_bound",
    "learned_variance_loss",
    "log_weights",
    "prior_kl",
    "reparameterize",
    "standard_normal_kl",
    "transition_kl",
    "variational_bound",
]
