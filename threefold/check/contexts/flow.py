"""Flow matching: t uniform on [0, 1], p_t(x | z) a conditional path, u_t its field, z the data.

Every law is conditional on the time: p_t(x | z) is p(x | z, t), and the data do not depend on t.
"""

from __future__ import annotations

from typing import Any

from derivations import notation as N
from derivations.rules import Density, vector, vector_function
from threefold.check.contexts.base import Context, Settings
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

time = vector("t_time", "t")
network = vector_function("u_theta", r"u_\theta")
marginal = vector_function("u_marginal", "u")
conditional = vector_function("u_conditional", "u")


def close(e: Any, settings: Settings) -> Any:
    """No law is fixed."""
    return e


def variable(reader: Any, name: Name) -> Any:
    """x the point of the path, z (or x_1) the data, x_0 the start, t the time."""
    if name.accents or name.primes or name.above:
        raise NotRead("a variable with a mark")
    steps = [p.signs for p in name.index]
    if name.letter in ("x", "X"):
        if steps in ([], [("t",)]):
            return N.obs
        if steps in ([("0",)], [("1",)]):
            return vector(f"x_at_{steps[0][0]}", f"x_{steps[0][0]}")
    if name.letter in ("z", "Z") and not steps:
        return N.z
    if name.letter == "t" and not steps:
        return time
    raise NotRead("no random variable")


def _field(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    """u_t^theta(x) is the network; u_t(x) and u_t(x | z) are targets."""
    if "theta" in name.labels:
        return network(*_points(arguments, 1), time)
    if any(label not in ("target", "t") for label in name.labels):
        raise NotRead(f"the field of {', '.join(name.labels)}")
    if len(arguments) == 2:
        return conditional(*_points(arguments, 2), time)
    return marginal(*_points(arguments, 1), time)


def _points(arguments: tuple[Any, ...], most: int) -> tuple[Any, ...]:
    found = tuple(a for a in arguments if a not in (N.t, time))
    if len(found) != most:
        raise NotRead(f"a field of {len(found)} arguments")
    return found


def uniform() -> Any:
    """The law of t."""
    return Density("p", [time])


CONTEXT = Context(
    name="flow-matching",
    words="t uniform on [0, 1], p_t(x | z) the conditional path, u_t its field, u_theta the network, z the data",
    chain=False,
    hypotheses=(N.integrable, N.absolute_continuity, N.common_support),
    intervals={},
    products={},
    symbols={"x": variable, "z": variable, "X": variable, "Z": variable},
    functions={"u": _field, "v": _field},
    close=close,
    variable=variable,
)
