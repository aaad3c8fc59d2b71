"""DDIM: the chain of DDPM in the letters of that paper, and its family q_sigma of processes with the same marginals.

alpha_t is the product of all steps up to t (with a bar it may be written too; where the document has bars, a letter
without one is a single step). sigma_t^2 is a share of 1 - alpha_{t-1}, which keeps the family's roots real.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import POSITIVE, UNIT, Block, Density, Normal, scalar_function
from threefold.check.contexts import ddpm
from threefold.check.contexts.base import Context, Settings, only_index
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

FAMILY = "q_sigma"
share = scalar_function("ddim_share", r"\rho", positive=True)


def deviation(n: Any) -> Any:
    """sigma_n: of the noise that x_{n-1} must have, the root of the part that is fresh."""
    return sp.sqrt(share(n) * (1 - N.abar(n - 1)))


def kernel(n: Any) -> Normal:
    """q_sigma(x_{n-1} | x_n, x_0), claim ddim.marginal_preservation."""
    noise = (N.x(n) - sp.sqrt(N.abar(n)) * N.x(0)) / sp.sqrt(1 - N.abar(n))
    kept = sp.sqrt((1 - share(n)) * (1 - N.abar(n - 1)))
    return Normal(N.x(n - 1), sp.sqrt(N.abar(n - 1)) * N.x(0) + kept * noise, deviation(n) ** 2)


def close(e: Any, settings: Settings) -> Any:
    """The terms with the family's Gaussians, and those of DDPM's chain, written for their named laws."""
    table = {law: closed for law in e.atoms(Density) if (closed := _closed(law)) is not None}
    return ddpm.close(e.xreplace(table), settings)


def _closed(law: Density) -> Any:
    members = [*law.variables, *law.given]
    if law.args[0].name != FAMILY or len(law.variables) != 1:
        return None
    if any(isinstance(m, Block) or type(m) is not N.x for m in members):
        return None
    n, at = members[0].args[0], {g.args[0] for g in law.given}
    if at == {sp.Integer(0)}:
        return N.marginal(n)
    return kernel(n + 1) if at == {n + 1, sp.Integer(0)} else None


# --- letters ----------------------------------------------------------------------------------------------------------


def _alpha(reader: Any, name: Name) -> Any:
    n = only_index(reader, name)
    alone = reader.settings.bars and reader.settings.alpha != "cumulative"
    return N.alpha(n) if alone else N.abar(n)


def _sigma(reader: Any, name: Name) -> Any:
    if name.labels:
        raise NotRead(f"the deviation of {', '.join(name.labels)} is not known")
    if reader.definitions.deviations:
        reader.withheld = f"the text chooses sigma (line {reader.definitions.deviations[-1].line})"
    return deviation(only_index(reader, name))


def _predicted(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    """f_theta^{(t)}(x_t): the data that the noise network sees in a state."""
    if "theta" not in name.labels or not arguments or not is_vector(arguments[0]):
        raise NotRead("a function f other than the prediction of the data")
    noise = ddpm.FUNCTIONS["epsilon"](reader, name, arguments)
    state, n = noise.args
    return (state - sp.sqrt(1 - N.abar(n)) * noise) / sp.sqrt(N.abar(n))


CONTEXT = Context(
    name="ddim",
    words="x_0..x_T, alpha_t the product of all steps, q_sigma the family with the same marginals, p the model",
    chain=True,
    hypotheses=ddpm.HYPOTHESES,
    intervals={**N.SCHEDULE, "sigma": POSITIVE, "ddim_share": UNIT},
    products={"abar": "alpha"},
    symbols={**ddpm.SYMBOLS, "alpha": _alpha, "sigma": _sigma},
    functions={**ddpm.FUNCTIONS, "f": _predicted},
    close=close,
)
