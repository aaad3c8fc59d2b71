"""The chain of DDPM: x_0..x_T, alpha_t = 1 - beta_t, abar_t their product; q the forward law, p the model."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.ddpm.elbo import ELBO
from derivations.kernel.terms import is_vector
from derivations.rules import POSITIVE, Block, Density, Normal, scalar, vector, vector_function
from threefold.check.contexts.base import Context, Settings, only_index
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

step_noise = vector_function("eps_step", r"\epsilon")
merged_noise = vector_function("eps_merged", r"\bar\epsilon")  # of several steps: not the noise of one
NOISES = (step_noise, merged_noise)
STARS = frozenset(["*", "⋆", r"\star", "′"])
eps_hat = vector("eps_hat_v", r"\hat\epsilon")
variance_of_start = scalar("variance_of_start", r"\nu_0", positive=True)  # Var x_0 in any one direction
x0_hat = vector("x0_hat_v", r"\hat x_0")
HYPOTHESES = (
    N.integrable,
    N.absolute_continuity,
    N.common_support,
    N.forward_factorisation,
    N.reverse_factorisation,
    N.forward_markov,
    N.gaussian_forward,
    N.gaussian_reverse,
    N.standard_prior,
)


def posterior_variance(n: Any) -> Any:
    """The variance of q(x_{n-1} | x_n, x_0)."""
    return (1 - N.alpha(n)) * (1 - N.abar(n - 1)) / (1 - N.abar(n))


def posterior(n: Any) -> Normal:
    """q(x_{n-1} | x_n, x_0), claim ddpm.posterior.law."""
    return Normal(N.x(n - 1), N.posterior_mean(N.x(0), N.x(n), n), posterior_variance(n))


def close(e: Any, settings: Settings) -> Any:
    """The terms with the Gaussians of the chain written for its named laws."""
    table: dict[Any, Any] = {}
    for law in e.atoms(Density):
        closed = None if settings.foreign and law.args[0].name == "q" else _closed(law)
        if closed is not None:
            table[law] = closed
    return e.xreplace(table) if table else e


def _closed(law: Density) -> Any:
    name, variables, given = law.args[0].name, list(law.variables), list(law.given)
    if len(variables) != 1 or isinstance(variables[0], Block) or type(variables[0]) is not N.x:
        return None
    if any(isinstance(g, Block) or type(g) is not N.x for g in given):
        return None
    m = variables[0].args[0]
    at = {g.args[0] for g in given}
    if name == "q" and at in ({m - 1}, {m - 1, sp.Integer(0)}):
        return N.kernel(m)
    if name == "q" and at == {sp.Integer(0)}:
        return N.marginal(m)
    if name == "q" and at == {m + 1, sp.Integer(0)}:
        return posterior(m + 1)
    if name == "q" and at == {m - 2}:  # one step put into the next, the noises independent
        kept = N.alpha(m) * N.alpha(m - 1)
        return Normal(N.x(m), sp.sqrt(kept) * N.x(m - 2), N.alpha(m) * (1 - N.alpha(m - 1)) + 1 - N.alpha(m))
    if name == "p" and at == {m + 1}:
        return Normal(N.x(m), N.mu_theta(N.x(m + 1), m + 1), N.sigma(m + 1) ** 2)
    if name == "p" and m == N.T and not at:
        return Normal(N.x(N.T), 0, 1)
    return None


# --- letters ----------------------------------------------------------------------------------------------------------


def _alpha(reader: Any, name: Name) -> Any:
    if not name.indices:
        raise NotRead("alpha without its step")
    n = only_index(reader, name)
    return N.abar(n) if reader.settings.alpha == "cumulative" else N.alpha(n)


def _sigma(reader: Any, name: Name) -> Any:
    if "encoder" in name.labels or "q" in name.labels:
        return sp.sqrt(posterior_variance(only_index(reader, name)))
    if name.labels and not set(name.labels) <= {"theta"}:
        raise NotRead(f"the deviation of {', '.join(name.labels)} is not known")
    return N.sigma(only_index(reader, name))


def _state(reader: Any, name: Name) -> Any:
    if not name.index:
        raise NotRead("x without its step")
    if name.above and name.labels:
        raise NotRead("a sample's number on x")
    return N.x(only_index(reader, name))


def _noise(reader: Any, name: Name) -> Any:
    if name.labels == ("theta",) and name.letter == "epsilon" and not name.accents:
        return _alone(reader, N.eps_theta)
    starred = set(name.labels) <= STARS
    if name.labels and not starred:
        raise NotRead("a network without its argument")
    merged = (name.accents and name.letter == "epsilon") or (name.labels and starred)
    noise = merged_noise if merged else step_noise
    if name.indices:
        return noise(reader.index(name.indices[0]))
    if reader.noise_letter not in ("", name.letter):
        raise NotRead("two letters for a noise in one line: each is a draw of its own")
    reader.noise_letter = name.letter
    return N.eps


def _alone(reader: Any, network: Any) -> Any:
    """A network that is written without its arguments: at x_t and t."""
    reader.repaired = True
    reader.note("a network without its arguments: at x_t and t")
    reader.indices.add(N.t)
    return network(N.x(N.t), N.t)


def _mean_alone(reader: Any, name: Name) -> Any:
    if name.labels != ("theta",) or name.indices:
        raise NotRead("a mean that nobody defined")
    return _alone(reader, N.mu_theta)


def _prediction(network: Any) -> Any:
    """x_{0,theta}(x_t, t): the state, and the step where it is not written the state's own."""

    def read(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
        if len(arguments) == 1 and is_vector(arguments[0]):
            reader.note("a network without its step: the step of its state")
            state = arguments[0]
            step = state.args[0] if isinstance(state, N.x) else N.t
            return network(state, step)
        if len(arguments) != 2 or not is_vector(arguments[0]) or is_vector(arguments[1]):
            raise NotRead("a network takes a state and its step")
        return network(*arguments)

    return read


def _mean(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if {"encoder", "q"} & set(name.labels) or "tilde" in name.accents:
        return _posterior_mean(reader, name, arguments)
    if "theta" in name.labels:
        return _prediction(N.mu_theta)(reader, name, arguments)
    raise NotRead("a mean that nobody defined")


def _posterior_mean(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    n = reader.index(name.indices[0]) if name.indices else N.t
    if len(arguments) == 2 and arguments[1] == n and is_vector(arguments[0]):
        reader.note("the posterior's mean at x_t and the x_0 it was made from")
        arguments = (arguments[0], N.x(0))
    if len(arguments) != 2 or not all(map(is_vector, arguments)):
        raise NotRead("the posterior's mean takes x_t and x_0")
    first, second = (_made_from(n, a) if _is_noise(a) else a for a in arguments)
    if first == N.x(0) and second != N.x(0):
        first, second = second, first
    return N.posterior_mean(second, first, n)


def _is_noise(value: Any) -> bool:
    return bool(value == N.eps or type(value) in (*NOISES, N.eps_theta))


def _made_from(n: Any, noise: Any) -> Any:
    """The x_0 that x_n was made from with this noise: tilde mu_t(x_t, eps) is the mean in terms of the noise."""
    return (N.x(n) - sp.sqrt(1 - N.abar(n)) * noise) / sp.sqrt(N.abar(n))


def _x_network(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if "theta" in name.labels or "hat" in name.accents:
        return _prediction(N.x0_theta)(reader, name, arguments)
    raise NotRead("x of something")


def _state_of(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    """x_t(x_0, epsilon): the state, as made from the data and the noise."""
    if "theta" in name.labels or "hat" in name.accents:
        return _x_network(reader, name, arguments)
    if len(arguments) == 2 and arguments[0] == N.x(0):
        n = only_index(reader, name)
        if reader.settings.foreign or not is_vector(arguments[1]):
            raise NotRead("a state made from data and noise, in a chain of its own")
        return sp.sqrt(N.abar(n)) * arguments[0] + sp.sqrt(1 - N.abar(n)) * arguments[1]
    raise NotRead("x of something")


def _mean_of_posterior(reader: Any, name: Name) -> Any:
    """tilde mu_t without its arguments: at x_t and x_0."""
    n = only_index(reader, name)
    return N.posterior_mean(N.x(0), N.x(n), n)


def _beta_of(reader: Any, name: Name) -> Any:
    return 1 - N.alpha(only_index(reader, name))


def _snr(reader: Any, name: Name) -> Any:
    n = only_index(reader, name)
    return N.abar(n) / (1 - N.abar(n))


def _bound(reader: Any, name: Name) -> Any:
    """The evidence lower bound of the chain."""
    return ELBO(N.T, N.x(0))


SYMBOLS = {
    "word SNR": _snr,
    "ELBO": _bound,
    "z": _noise,
    "Z": _noise,
    "bar epsilon": _noise,
    "tilde epsilon": _noise,
    "alpha": _alpha,
    "bar alpha": lambda reader, name: N.abar(only_index(reader, name)),
    "beta": _beta_of,
    "mu": _mean_alone,
    "tilde mu": _mean_of_posterior,
    "tilde beta": lambda reader, name: posterior_variance(only_index(reader, name)),
    "hat beta": lambda reader, name: posterior_variance(only_index(reader, name)),
    "sigma": _sigma,
    "x": _state,
    "X": _state,
    "epsilon": _noise,
    "hat epsilon": lambda reader, name: eps_hat,
    "hat x": lambda reader, name: x0_hat,
}
FUNCTIONS = {
    "epsilon": _prediction(N.eps_theta),
    "hat epsilon": _prediction(N.eps_theta),
    "mu": _mean,
    "tilde mu": _posterior_mean,
    "hat mu": _posterior_mean,
    "x": _state_of,
    "hat x": _x_network,
    "tilde x": _x_network,
    "v": _prediction(N.v_theta),
}

CONTEXT = Context(
    name="ddpm",
    words="x_0..x_T, alpha_t = 1 - beta_t, abar_t = alpha_1 ... alpha_t, q forward, p the model",
    chain=True,
    hypotheses=HYPOTHESES,
    intervals={**N.SCHEDULE, "sigma": POSITIVE, "variance_of_start": POSITIVE},
    products={"abar": "alpha"},
    symbols=SYMBOLS,
    functions=FUNCTIONS,
    close=close,
)
