"""One step of noise: x_1 = sqrt(alpha) x_0 + sqrt(1 - alpha) eps, with one alpha in (0, 1)."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import POSITIVE, UNIT, Density, Normal, scalar
from threefold.check.contexts import ddpm
from threefold.check.contexts.base import Context, Settings
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

alpha = scalar("alpha_one", r"\alpha", positive=True)


def close(e: Any, settings: Settings) -> Any:
    """q(x_1 | x_0) = N(sqrt(alpha) x_0, (1 - alpha) I)."""
    law = Density("q", [N.x(1)], [N.x(0)])
    return e.xreplace({law: Normal(N.x(1), sp.sqrt(alpha) * N.x(0), 1 - alpha)})


def _alpha(reader: Any, name: Name) -> Any:
    if name.index:
        raise NotRead("alpha with a step, where there is one step alone")
    return alpha


def _network(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 1 or not is_vector(arguments[0]):
        raise NotRead("a network of one step takes the state alone")
    return N.eps_theta(*arguments)


CONTEXT = Context(
    name="onestep",
    words="x_1 = sqrt(alpha) x_0 + sqrt(1 - alpha) eps, one alpha in (0, 1)",
    chain=True,
    hypotheses=(N.integrable, N.absolute_continuity, N.common_support),
    intervals={"alpha_one": UNIT, "sigma_x": POSITIVE},
    products={},
    symbols={
        **{name: read for name, read in ddpm.SYMBOLS.items() if name != "ELBO"},
        "alpha": _alpha,
        "sigma": lambda reader, name: N.sigma_x,
    },
    functions={
        "epsilon": _network,
        "hat epsilon": _network,
        "mu": lambda reader, name, a: N.mu_theta(*a),
    },
    close=close,
)
