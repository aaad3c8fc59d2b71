"""Scores and stochastic differential equations: x the state, f and g drift and diffusion, p_t the law at time t.

A score is known by its law: the gradient of log p(x | y) is that of log p(x, y), since log p(y) is free of x.
"""

from __future__ import annotations

from typing import Any

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import POSITIVE, UNIT, scalar_function, vector, vector_function
from threefold.check.contexts.base import Context, Settings, only_index
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

drift = vector_function("f_drift", "f")
diffusion = scalar_function("g_diffusion", "g", positive=True)
rate = scalar_function("beta_rate", r"\beta", positive=True)
weight = scalar_function("lambda_weight", r"\lambda", positive=True)
score_theta = vector_function("s_theta", r"s_\theta")
condition = vector("y_condition", "y")


def close(e: Any, settings: Settings) -> Any:
    """Nothing is fixed here: every law is only named."""
    return e


def variable(reader: Any, name: Name) -> Any:
    """x at any time is the state; y is what is conditioned on."""
    if name.accents or name.primes or name.above:
        raise NotRead("a state with a mark")
    if name.letter in ("x", "X"):
        steps = [p.signs for p in name.index]
        if steps in ([], [("t",)]):
            return N.obs
        return vector("state_" + "".join(c for s in steps for c in s if c.isalnum()), "x")
    if name.letter in ("y", "c", "Y"):
        return condition
    if name.letter in ("z", "Z") and not name.index:
        return N.z
    raise NotRead("no random variable")


def _of_state(network: Any) -> Any:
    def read(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
        if not 1 <= len(arguments) <= 3 or not is_vector(arguments[0]):
            raise NotRead(f"a function of {len(arguments)} arguments")
        return network(*arguments)

    return read


def _of_time(family: Any) -> Any:
    def read(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
        if len(arguments) != 1:
            raise NotRead("a function of time takes the time")
        return family(*arguments)

    return read


def _potential(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    """f(x, t) is the drift; f_theta(x) an energy."""
    if "theta" in name.labels:
        return scalar_function("f_energy", r"f_\theta")(*arguments)
    if not arguments or not is_vector(arguments[0]):
        raise NotRead("the drift takes a state and the time")
    return drift(*arguments)


CONTEXT = Context(
    name="score-sde",
    words="x the state at time t, p_t its law, f the drift, g the diffusion, s_theta a network for the score",
    chain=False,
    hypotheses=(N.integrable, N.absolute_continuity, N.common_support),
    intervals={
        "g_diffusion": POSITIVE,
        "beta_rate": POSITIVE,
        "lambda_weight": POSITIVE,
        "abar": UNIT,
        "alpha": UNIT,
    },
    products={"abar": "alpha"},
    symbols={
        "x": variable,
        "X": variable,
        "y": variable,
        "z": variable,
        "bar alpha": lambda reader, name: N.abar(only_index(reader, name)),
        "beta": lambda reader, name: rate(only_index(reader, name)),
        "epsilon": lambda reader, name: N.eps,
    },
    functions={
        "f": _potential,
        "g": _of_time(diffusion),
        "beta": _of_time(rate),
        "lambda": _of_time(weight),
        "s": _of_state(score_theta),
        "epsilon": _of_state(N.eps_theta),
    },
    close=close,
    variable=variable,
)
