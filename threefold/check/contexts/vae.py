"""A latent-variable model: x the observation, z its latent, p the model, q the encoder."""

from __future__ import annotations

from typing import Any

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import (
    POSITIVE,
    UNIT,
    BernoulliProduct,
    Coord,
    Density,
    Normal,
    covariance,
    vector,
    vector_function,
)
from derivations.vae.evidence import ELBO
from threefold.check.contexts.base import Context, Settings
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

x_hat = vector("x_hat", r"\hat x")
pi_theta = vector_function("pi_theta", r"\pi_\theta")
mu_of = {"p": vector("mu_p", r"\mu_p"), "q": vector("mu_q", r"\mu_q")}
cov_of = {
    "p": covariance("Sigma_p", r"\Sigma_p"),
    "q": covariance("Sigma_q", r"\Sigma_q"),
}


def close(e: Any, settings: Settings) -> Any:
    """The Gaussian prior and encoder, and the decoder that the document defined last, for their named laws."""
    table: dict[Any, Any] = {}
    for law in e.atoms(Density):
        key = (law.args[0].name, tuple(law.variables), tuple(law.given))
        if key == ("p", (N.z,), ()):
            table[law] = N.standard_normal(N.z, N.k)
        elif key == ("q", (N.z,), (N.obs,)):
            table[law] = N.diagonal_normal(N.z, N.mu_phi(N.obs), N.std_phi(N.obs), N.k)
        elif key == ("p", (N.obs,), (N.z,)):
            table[law] = decoder(settings)
    return e.xreplace({law: closed for law, closed in table.items() if closed is not None})


def decoder(settings: Settings, place: Any = N.z) -> Any:
    """p(x | z) as the document has it."""
    mean = settings.decoder_mean
    if settings.decoder == "bernoulli":
        bits = x_hat if mean is None else mean.xreplace({N.z: place})
        return BernoulliProduct(N.obs, N.i, Coord(bits, N.i), N.d)
    mean = N.mu_theta(place) if mean is None else mean.xreplace({N.z: place})
    variance = N.sigma_x**2 if settings.decoder_variance is None else settings.decoder_variance
    return Normal(N.obs, mean, variance)


# --- letters ----------------------------------------------------------------------------------------------------------


def _data(reader: Any, name: Name) -> Any:
    return _coordinate(reader, name, N.obs)


def _coordinate(reader: Any, name: Name, whole: Any) -> Any:
    if name.labels:
        raise NotRead(f"x of {', '.join(name.labels)}")
    if not name.indices:
        return whole
    index = reader.index(name.indices[0])
    if len(name.indices) != 1 or index not in (N.i, N.j):
        raise NotRead("a coordinate needs an index i or j")
    return Coord(whole, index)


def _latent(reader: Any, name: Name) -> Any:
    return _coordinate(reader, name, N.z)


def _mean_vector(reader: Any, name: Name) -> Any:
    for law in ("p", "q"):
        if name.labels == (law,):
            return mu_of[law]
    if "phi" in name.labels:
        return _coordinate_of(reader, name, N.mu_phi(N.obs))
    if "theta" in name.labels:
        return _coordinate_of(reader, name, N.mu_theta(N.z))
    return _coordinate(reader, name, N.mu_phi(N.obs))


def _coordinate_of(reader: Any, name: Name, whole: Any) -> Any:
    plain = [p.node for p in name.index if p.node is not None and not p.label]
    if not plain:
        return whole
    return Coord(whole, reader.index(plain[0]))


def _deviation(reader: Any, name: Name) -> Any:
    if "phi" in name.labels:
        return _coordinate_of(reader, name, N.std_phi(N.obs))
    if name.labels:
        raise NotRead("a deviation that nobody defined")
    if name.indices:
        return _coordinate(reader, name, N.std_phi(N.obs))
    return N.sigma_x


def _covariance(reader: Any, name: Name) -> Any:
    for law in ("p", "q"):
        if name.labels == (law,):
            return cov_of[law]
    raise NotRead("a covariance other than Sigma_p, Sigma_q")


def _of_data(network: Any) -> Any:
    def read(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
        if len(arguments) != 1 or not is_vector(arguments[0]):
            raise NotRead("a network takes one vector")
        return _coordinate_of(reader, name, network(*arguments))

    return read


def _mean_network(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if "phi" in name.labels:
        return _of_data(N.mu_phi)(reader, name, arguments)
    if "theta" in name.labels:
        return _of_data(N.mu_theta)(reader, name, arguments)
    network = N.mu_phi if arguments == (N.obs,) else N.mu_theta
    return _of_data(network)(reader, name, arguments)


SYMBOLS = {
    "ELBO": lambda reader, name: ELBO(N.obs),
    "x": _data,
    "X": _data,
    "z": _latent,
    "Z": _latent,
    "hat x": lambda reader, name: _coordinate(reader, name, x_hat),
    "tilde x": lambda reader, name: _coordinate(reader, name, x_hat),
    "epsilon": lambda reader, name: _coordinate(reader, name, N.eps),
    "mu": _mean_vector,
    "sigma": _deviation,
    "Sigma": _covariance,
}
FUNCTIONS = {
    "mu": _mean_network,
    "sigma": _of_data(N.std_phi),
    "pi": _of_data(pi_theta),
}

CONTEXT = Context(
    name="vae",
    words="x the observation, z its latent, p(x, z) the model, q(z | x) the encoder",
    chain=False,
    hypotheses=(N.integrable, N.absolute_continuity, N.common_support),
    intervals={
        "sigma_x": POSITIVE,
        "std_phi": POSITIVE,
        "pi_theta": UNIT,
        "x_hat": UNIT,
    },
    products={},
    symbols=SYMBOLS,
    functions=FUNCTIONS,
    close=close,
)
