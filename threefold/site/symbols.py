"""What every symbol means, in words, by the name that the derivations give it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sympy as sp

import derivations
from derivations import Claim
from derivations.kernel import terms
from derivations.printing import latex
from threefold.site.condition_meanings import CONDITIONS
from threefold.site.meanings import CODES, COUNTS, ENDS, FLOWS, MOVING, SCALES, STEPS

FAMILIES = (terms.VectorFunction, terms.ScalarFunction, terms.DefinedFunction)

MEANING: Mapping[str, str] = {
    **CODES,
    **FLOWS,
    **SCALES,
    **MOVING,
    **ENDS,
    **COUNTS,
    **STEPS,
    **CONDITIONS,
    "t": "a step of the chain, an integer from 1 to T",
    "T": "the number of steps of the chain",
    "d": "the number of coordinates of the data",
    "k": "the number of coordinates of the code z",
    "i": "a coordinate",
    "j": "a coordinate",
    "n": "the number of a draw",
    "L": "how many draws of noise are averaged",
    "x": "the state of the chain: x at step 0 is the data, at step T almost pure noise",
    "x_obs": "one observation",
    "z": "the code, or latent variable, of an observation",
    "p": "a density of the model",
    "q": "a density of the encoder; in diffusion models, of the fixed noising chain",
    "p_data": "the law of the data",
    "p_theta": "the model with parameters theta",
    "p_theta_prime": "the same model with other parameters",
    "H": "the entropy of a law, in nats",
    "I": "the mutual information of two variables, in nats",
    "ELBO": "the evidence lower bound of a diffusion model of T steps, in nats",
    "ELBO_vae": "the evidence lower bound, in nats",
    "ELBO_normal": "the evidence lower bound of a VAE with Gaussian encoder and decoder, in nats",
    "alpha": "the share of the signal's power that step t keeps",
    "alpha_one": "the share of the signal's power that the only step keeps",
    "alpha_bar": "the share of the signal's power that is left, any number from 0 to 1",
    "abar": "the share of the signal's power that is left after t steps: the product of the alphas up to t",
    "abar_x": "the share of the signal's power that is left",
    "abar_linear": "abar of the standard linear schedule",
    "beta": "the variance of the noise that step t adds",
    "beta_linear": "beta of the linear schedule",
    "beta_1": "the first beta of the linear schedule",
    "beta_T": "the last beta of the linear schedule",
    "beta_tilde": "the variance of the encoder's own step back, given the data",
    "sigma": "the standard deviation of the model's step back from t",
    "SNR": "the signal-to-noise ratio at step t",
    "Sigma": "the covariance of the state at step t, read along two directions",
    "eps": "standard normal noise",
    "eps_draw": "the n-th draw of standard normal noise",
    "mu": "the mean of the encoder's Gaussian",
    "std": "the standard deviations of the encoder's Gaussian, coordinate by coordinate",
    "log_variance": "the logarithms of the encoder's variances, coordinate by coordinate",
    "mu_phi": "the encoder network's mean",
    "std_phi": "the encoder network's standard deviations",
    "mu_of": "the mean of the encoder's Gaussian, as a function of a parameter",
    "std_of": "the standard deviations of the encoder's Gaussian, as a function of a parameter",
    "phi": "one parameter of the encoder",
    "sigma_x": "the standard deviation of the Gaussian decoder",
    "sigma_best": "the root of the decoder's mean squared error",
    "mu_theta": "the mean that a network gives: of the decoder, or of the model's step back from t",
    "mu_tilde": "the mean of the encoder's own step back, given the data",
    "pi_theta": "the probabilities of a Bernoulli decoder",
    "logit": "the logits of a Bernoulli decoder",
    "sigm": "the logistic sigmoid, coordinate by coordinate",
    "eps_theta": "a network that predicts the noise",
    "eps_theta_prime": "the same network with other parameters",
    "x0_theta": "a network that predicts the data",
    "v_theta": "a network that predicts the velocity v",
    "x0_hat": "the data that a noise implies, given the noisy state",
    "eps_hat": "the noise that an image implies, given the noisy state",
    "noisy": "the noisy state at step t, drawn from the data in one go",
    "noised": "the noisy state, drawn from the data in one go",
    "velocity": "the velocity: noise minus data in the rotated frame of v-prediction",
    "x0_of_v": "the data that a velocity implies, given the noisy state",
    "eps_of_v": "the noise that a velocity implies, given the noisy state",
    "x_mixed": "the noisy image of the one-step model",
    "x0_restored": "the clean image that a noise prediction implies, one-step model",
    "L_onestep": "the bound of the one-step model, in nats",
    "L_simple": "the simplified objective: the mean squared error of the predicted noise",
    "L_step": "the simplified objective at one step",
    "w_x0": "the weight of the data error in the bound",
    "w_eps": "the weight of the noise error in the bound",
    "weight": "any positive weight for step t",
    "C": "what is left of the bound when the mean network is taken out",
    "c": "a coefficient shared by all steps",
    "f": "any function that is averaged",
    "u": "any direction",
    "v": "any direction",
    "mu_p": "the mean of the first Gaussian",
    "mu_q": "the mean of the second Gaussian",
    "Sigma_p": "the covariance of the first Gaussian",
    "Sigma_q": "the covariance of the second Gaussian",
    "m_1": "the mean of the first Gaussian",
    "m_2": "the mean of the second Gaussian",
    "v_1": "the variance of the first Gaussian",
    "v_2": "the variance of the second Gaussian",
    "x_pixel": "a pixel",
    "e": "the noise of a pixel",
    "g": "a guess of the noise of a pixel",
    "pixel_noised": "the noisy pixel",
    "pixel_signal": "the signal's part of a noisy pixel",
    "pixel_noise": "the noise's part of a noisy pixel",
    "pixel_loss": "the squared error of a guess",
    "pixel_guess": "the clean pixel that a guess of the noise implies",
    "pixel_stride": "the pixel after one deterministic stride",
    # of printed statements that are refuted: numbers, since one pixel is enough to refute
    "a": "the gain of a linear decoder",
    "w": "the variance of the decoder",
    "m": "the mean of the data",
    "s_d": "the standard deviation of the data",
    "m1": "the mean along the first direction",
    "m2": "the mean along the second direction",
    "v1": "the variance along the first direction",
    "v2": "the variance along the second direction",
    "s": "an earlier step than t",
    "r": "an earlier step than s",
    "h": "the size of a step of Langevin sampling",
    "tau": "time along a flow, from 0 to 1",
    "B": "the noise added so far: the integral of beta over time",
    "rate": "the rate at which noise is added",
    "share": "a share between 0 and 1 of the data",
    "guidance": "the guidance weight",
    "lambda": "the parameter of a Bernoulli law, read as a pixel's probability",
    "pi_shown": "the probability that a decoder gives to a pixel, as the text writes it",
    "pi_0": "the probability that a decoder gives to a pixel",
    "beta_heavier": "another weight of the divergence in the objective of a VAE, the larger one",
    "beta_kl": "the factor before the divergence in the objective of a beta-VAE",
    "best": "the best mean log-likelihood",
    "mse": "the summed squared error of a reconstruction",
    "sse": "the summed squared error of a reconstruction",
    "kl": "the divergence of the encoder from the prior",
    "noise": "standard normal noise",
    "x_0": "one pixel of the data",
    "x_t": "one pixel of the noisy state",
    "alpha_1": "the share of the signal's power that the only step keeps",
    "abar_1": "the share of the signal's power that is left, at some step",
    "abar_s": "the share of the signal's power that is left at an earlier step s",
    "abar_t": "the share of the signal's power that is left at step t",
    "I_code": "the information that a code carries about the data, in nats",
    "ELBO_beta": "the objective of a beta-VAE, in nats",
    "beta_vae": "the factor before the divergence in the objective of a beta-VAE",
    "V": "the variance of each coordinate of the state at step t, for Gaussian data",
    "data_variance": "the variance of each coordinate of the data",
    "scale": "the number that a path is multiplied by",
    "on_path": "the point on a path: signal times data plus level times noise",
    "signal": "the weight of the data on a path",
    "level": "the weight of the noise on a path",
    "clean_of_noise": "the data that a noise implies, given the point",
    "prediction": "what a network says the noise is",
    "noise_of_clean": "the noise that the data imply, given the point",
    "log_ratio_rate": "the rate of the logarithm of signal over noise level",
    "path_velocity": "the velocity of a point on a path",
    "answer": "what a network puts out, in the units at hand",
    "clean_of_v": "the data that a v implies, given the point",
    "clean_of_u": "the data that a velocity of the straight path implies, given the point",
    "clean_of_score": "the data that a score implies, given the point",
    "data_std": "the standard deviation of the data, as EDM assumes it",
    "ddim_mean": "the mean of a member of the DDIM family, from step t to s",
    "rho": "the share of fresh noise in the noise that x_s must have",
    "ddim_variance": "the variance of the fresh noise",
    "ddim_step": "where the deterministic DDIM step from t to s leads",
    "noise_ratio": "the ratio of noise to signal at a step",
    "time": "the time up to which an SDE has run",
    "clock": "time, while the SDE runs",
    "earlier": "an earlier time",
    "before": "the time at which noise came in",
    "x_at": "the state at time t",
    "x_begin": "the state at time 0",
    "drift_rate": "the rate at which the drift pulls: f",
    "noise_rate": "the variance of the noise that comes in per unit of time",
    "vp_rate": "the rate at which a variance-preserving SDE adds noise",
    "lam": "the logarithm of signal over noise level where a step starts",
    "lam_step": "the size of a step in that logarithm",
    "lam_left": "how far the logarithm still has to go",
    "inside": "how far into the step",
    "step_share": "the share of the step that is done",
    "m_along": "what the network says the data are, read along the exact trajectory",
    "xbar_along": "x over the weight of the signal, along a trajectory",
    "xbar_now": "x over the weight of the signal, where the step starts",
    "clean_along": "what the network says the data are, kept for the whole step",
    "noise_along": "what the network says the noise is, kept for the whole step",
    "varsigma": "the ratio of noise level to signal where a step starts",
    "varsigma_now": "the ratio of noise level to signal where a step starts",
    "varsigma_step": "the size of a step in that ratio",
    "eps_field": "what the network says the noise is, of x over the signal and the ratio of noise to signal",
    "ratio_0": "the last step, in units of this one",
    "ratio_1": "the step before the last, in units of this one",
    "ratio_2": "the step before that, in units of this one",
    "first_share": "the first step, in units of the others",
    "signal_s": "the weight of the data at the later end of a step",
    "signal_t": "the weight of the data where a step begins",
    "level_s": "the weight of the noise at the later end of a step",
    "level_t": "the weight of the noise where a step begins",
    "clean_guess": "what a network says the data are",
    "state_of_flow": "the state where a step of a flow begins",
    "state_now": "the state where a step back begins",
    "state_then": "the state where a step back ends",
    "level_now": "the noise level where a step back begins",
    "level_share": "the ratio of the squared noise levels after and before the step",
    "now": "the state before a Langevin step",
    "then": "the state after a Langevin step",
    "centre": "the mean of the target",
    "kept_variance": "the variance that Langevin steps leave as it is",
    "target_variance": "the variance of the target",
    "start_variance": "the variance of the law that a chain starts from",
    "step_fraction": "the step in units of the largest stable one",
    "noisy_point": "a noisy point: the data times the signal, and noise besides",
    "clean": "the data behind a noisy point",
    "one_way": "any direction",
    "another_way": "any direction",
    "log_weight": "the logarithm of a density, up to a number",
    "partition": "the normalising constant: the integral of the unnormalised density",
    "one_image": "one of two images",
    "other_image": "the other of two images",
    "start_velocity": "the velocity at time 0",
    "velocity_rate": "how much the velocity changes per unit of time",
    "gain": "the slope of a linear model",
    "guess": "any function of the noisy point that is to predict the data",
    "score_model": "a network that stands for the score",
    "score_of_noise": "the score that a noise implies",
    "step_alpha": "the share of the signal's power that a step keeps",
    "step_variance": "the variance of a step back",
    "steered_noise": "the predicted noise, steered by the gradient of a classifier",
    "step_mean": "the mean of a step back, from a predicted noise",
    "affine_view": "an output in other units: a share of x plus a multiple of the output",
    "c_x": "the share of x in another view of an output",
    "c_o": "the factor of the output in another view",
    "guided": "the guided output",
    "unconditioned": "the output without the condition",
    "conditioned": "the output with the condition",
    "condition": "the condition",
    "new_count": "the average count of a codeword after a batch",
    "new_sum": "the average sum of the vectors of a codeword after a batch",
    "decay": "the decay of a moving average",
    "codeword_count": "the average count of a codeword",
    "assigned": "how many vectors of a batch are assigned to a codeword",
    "codeword": "a codeword",
    "batch_mean": "the mean of the vectors of a batch that are assigned to a codeword",
    "batches": "the number of batches before this one",
    "second_rate": "the variance of the noise that a second step adds",
    "least_level": "the smallest noise level of a variance-exploding process",
    "log_growth": "the logarithm of the ratio of the largest and the smallest noise level",
    "location": "the mean of a Gaussian",
    "deviation": "the standard deviation of a Gaussian",
    "log_std": "the logarithm of a standard deviation",
    "log_var": "the logarithm of a variance",
    "variance_one": "the variance of the model's step back from 1",
    "variance_t": "the variance of the model's step back from t",
    "eps_c": "the noise that is predicted with the condition",
    "eps_u": "the noise that is predicted without the condition",
    "target": "the point at which a path ends",
    "snr": "the signal-to-noise ratio at some step",
    "beta_large": "the larger of the two variances between which a learned one lies",
    "beta_small": "the smaller of the two variances between which a learned one lies",
    "code": "what an encoder puts out, one coordinate",
    "word": "the codeword that is nearest to it, one coordinate",
    "heldcode": "the same output, with its gradient stopped",
    "heldword": "the same codeword, with its gradient stopped",
    "commitment": "the weight of the commitment loss",
    "drift": "the drift of a process",
    "score": "the score times the squared diffusion coefficient",
    "step": "a step of time",
}


# Signs that are no letters: what they say of what stands beside them. The notation page shows each with an example.
SIGNS: Mapping[str, str] = {
    "E": "the mean of what stands in the brackets, under the law at the foot",
    "KL": "the Kullback-Leibler divergence of the first law from the second, in nats: the mean, under the first, of "
    "the logarithm of their ratio",
    "Normal": "a normal law: the variable, its mean, its covariance",
    "Norm2": "the squared length of a vector: the sum of the squares of its coordinates",
    "Inner": "the inner product of two vectors: the sum of the products of their coordinates",
    "Mean": "the mean of a law",
    "Variance": "the variance of a law, the same in every coordinate",
    "Grad": "the gradient: the derivatives in all coordinates of the variable at its foot",
    "Div": "the divergence: each coordinate differentiated in its own variable, and summed",
    "Laplacian": "the Laplacian: the second derivatives in all coordinates, summed",
    "Jvp": "a derivative along a direction: the Jacobian, times the vector that follows",
    "Vjp": "the transposed Jacobian, times the vector that follows",
    "Trace": "the trace of a matrix: the sum of its diagonal",
}


def name_of(node: Any) -> str:
    """The derivations' name of the symbol at the head of an expression, or nothing where there is none."""
    if isinstance(node, FAMILIES):
        return str(type(node).__name__)
    if isinstance(node, sp.Symbol):
        return str(node.name)
    return ""


def meaning(expression: Any) -> str:
    return MEANING.get(name_of(expression), "")


def expressions(claim: Claim) -> Iterator[Any]:
    """Everything that is displayed of a claim: both sides of its statements, then the lines of its derivation."""
    for statement in claim.says:
        yield from (statement.lhs, statement.rhs)
    for proof in claim.proofs.values():
        for chain in proof.chains:
            yield from (line.expression for line in chain.lines)


def occurrences(claim: Claim) -> Iterator[tuple[str, Any]]:
    """Every symbol of a claim, with the expression in which it first stands."""
    return occurrences_in(expressions(claim))


def occurrences_in(shown: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Every symbol of some expressions, with the one in which it first stands."""
    seen: set[str] = set()
    for expression in shown:
        for node in sp.preorder_traversal(expression):
            name = name_of(node)
            if name and name not in seen:
                seen.add(name)
                yield name, node


def signs() -> dict[str, Any]:
    """For each sign the expression with it, of all that are displayed, that is the shortest in print."""
    found: dict[str, Any] = {}
    for claim in derivations.claims().values():
        for expression in expressions(claim):
            for node in sp.preorder_traversal(expression):
                name = {"Expect": "E"}.get(type(node).__name__, type(node).__name__)
                if name in SIGNS and (name not in found or len(latex(node)) < len(latex(found[name]))):
                    found[name] = node
    return {name: found[name] for name in SIGNS if name in found}


def anchor(name: str) -> str:
    """Where the notation page explains the symbol."""
    return f"symbol-{name}"
