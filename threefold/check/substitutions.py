"""Equations that may be put in before two sides are compared: the chain's own, and the document's parameterisations.

Each is put in everywhere or nowhere. One that replaces a random variable is not used where that variable may be bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import Averaging, Law, VectorFunction, is_vector
from derivations.rules import vector_function
from threefold.check.contexts import ddpm, flow, onestep, score_sde
from threefold.check.contexts.base import Context, Settings
from threefold.check.definitions import Definition, Definitions
from threefold.check.lowering import Unfold
from threefold.check.read import Reader, settle
from threefold.check.tokens import NotRead

NETWORKS = (
    N.mu_theta,
    N.x0_theta,
    N.eps_theta,
    N.v_theta,
    N.mu_phi,
    N.std_phi,
    flow.network,
    score_sde.score_theta,
)
OTHER = {head: vector_function(f"{head.__name__}_other") for head in NETWORKS}
SLOTS = {N.mu_theta: "mu", N.x0_theta: "x", N.eps_theta: "epsilon", N.v_theta: "v"}


@dataclass(frozen=True)
class Substitution:
    """`words` for the reader; `of_variable`: it replaces a random variable, so nothing may average over it.

    `of_noise`: it takes whatever noise stands there for the one that separates x_t from x_0, so there may be but one.
    """

    words: str
    apply: Callable[[Any], Any]
    of_variable: bool = False
    of_noise: bool = False

    def __call__(self, e: Any) -> Any:
        return settle(self.apply(e))

    def fits(self, lhs: Any, rhs: Any) -> bool:
        both = sp.Tuple(lhs, rhs)
        noises = {N.eps, *(noise(N.t) for noise in ddpm.NOISES)} & (both.atoms(*ddpm.NOISES) | both.free_symbols)
        if self.of_noise and len(noises) > 1:
            return False
        return not (self.of_variable and both.atoms(Averaging, Law))


def of_heads(head: Any, value: Callable[..., Any]) -> Callable[[Any], Any]:
    """Replace every value of a network by what `value` makes of its arguments, the inner ones first."""
    return lambda e: e.replace(lambda a: type(a) is head, lambda a: value(*a.args))


def available(
    context: Context, settings: Settings, definitions: Definitions, unfold: Unfold = "all"
) -> list[Substitution]:
    """What may be put in at this place of the document: its own parameterisations first.

    `unfold`: which of the document's names were written out in the sides that it is put into.
    """
    if context.name == "onestep":
        return list(_one_step())
    if context.name == "linear-gaussian":
        return list(_of_document(context, settings, definitions, unfold))
    if context.name not in ("ddpm", "ddim"):
        return []
    own = list(_of_document(context, settings, definitions, unfold))
    if settings.foreign:
        return own
    return [*_variables(), *own, *_networks(bool(own))]


def _one_step() -> Iterator[Substitution]:
    a = onestep.alpha
    state = sp.sqrt(a) * N.x(0) + sp.sqrt(1 - a) * N.eps
    predicted = (N.x(1) - sp.sqrt(1 - a) * ddpm.eps_hat) / sp.sqrt(a)
    yield Substitution(
        "x_1 and the prediction of x_0 put in",
        lambda e: e.xreplace({ddpm.x0_hat: predicted}).xreplace({N.x(1): state}),
        True,
    )


def _variables() -> Iterator[Substitution]:
    t = N.t
    noise = (N.x(t) - sp.sqrt(N.abar(t)) * N.x(0)) / sp.sqrt(1 - N.abar(t))
    jump = sp.sqrt(N.abar(t)) * N.x(0) + sp.sqrt(1 - N.abar(t)) * N.eps
    before = sp.sqrt(N.alpha(t - 1)) * N.x(t - 2) + sp.sqrt(1 - N.alpha(t - 1)) * ddpm.step_noise(t - 1)
    yield Substitution(
        "eps is what separates x_t from x_0",
        lambda e: e.xreplace({N.eps: noise, **dict.fromkeys((n(t) for n in ddpm.NOISES), noise)}),
        True,
        True,
    )
    yield Substitution(
        "x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps",
        lambda e: e.xreplace({**dict.fromkeys((n(t) for n in ddpm.NOISES), N.eps), N.x(t): jump}),
        True,
        True,
    )
    yield Substitution("the step to x_{t-1} put in", lambda e: e.xreplace({N.x(t - 1): before}), True)
    yield Substitution(
        "x_0 by eps and eps_theta",
        lambda e: of_heads(N.x0_theta, _data_from_noise)(e).xreplace({N.eps: noise}),
        True,
    )


def _data_from_noise(x_t: Any, n: Any) -> Any:
    return (x_t - sp.sqrt(1 - N.abar(n)) * N.eps_theta(x_t, n)) / sp.sqrt(N.abar(n))


def _noise_from_data(x_t: Any, n: Any) -> Any:
    return (x_t - sp.sqrt(N.abar(n)) * N.x0_theta(x_t, n)) / sp.sqrt(1 - N.abar(n))


def _mean_from_noise(x_t: Any, n: Any) -> Any:
    return (x_t - (1 - N.alpha(n)) / sp.sqrt(1 - N.abar(n)) * N.eps_theta(x_t, n)) / sp.sqrt(N.alpha(n))


def _mean_from_data(x_t: Any, n: Any) -> Any:
    return N.posterior_mean(N.x0_theta(x_t, n), x_t, n)


def _networks(own: bool) -> Iterator[Substitution]:
    del own
    yield Substitution("x0_theta by eps_theta", of_heads(N.x0_theta, _data_from_noise))
    yield Substitution("mu_theta by x0_theta", of_heads(N.mu_theta, _mean_from_data))
    yield Substitution("mu_theta by eps_theta", of_heads(N.mu_theta, _mean_from_noise))
    yield Substitution("eps_theta by x0_theta", of_heads(N.eps_theta, _noise_from_data))


def _of_document(
    context: Context, settings: Settings, definitions: Definitions, unfold: Unfold
) -> Iterator[Substitution]:
    for made in reversed(definitions.deviations):
        chosen = _deviation(context, settings, definitions, made)
        if chosen is not None:
            yield chosen
    for made in [d for group in definitions.fields.values() for d in reversed(group)]:
        found = _parameterisation(context, settings, definitions, made, unfold)
        if found is not None:
            yield found


def _deviation(context: Context, settings: Settings, definitions: Definitions, made: Definition) -> Substitution | None:
    """sigma_t := ... as a function of any step; None where the value is not read."""
    reader = Reader(context, settings, replace(definitions, fields={}, deviations=()), opaque=False)
    try:
        value, step = reader.value(made.node), reader.index(made.name.indices[0])
    except (NotRead, ValueError, TypeError, AttributeError):
        return None
    head = type(N.sigma(N.t))
    if step != N.t or value.atoms(head) or is_vector(value):
        return None
    return Substitution(f"sigma as in line {made.line}", of_heads(head, lambda n: value.xreplace({N.t: n})))


def _parameterisation(
    context: Context, settings: Settings, definitions: Definitions, made: Definition, unfold: Unfold = "all"
) -> Substitution | None:
    """mu_theta(x_t, t) := ... as a function of any state and step."""
    reader = Reader(context, settings, replace(definitions, fields={}), opaque=unfold != "all", unfold=unfold)
    try:
        assert made.call is not None
        head, value = reader.value(made.call), reader.value(made.node)
    except (NotRead, ValueError, TypeError, AttributeError):
        return None
    if type(head) not in SLOTS or head.args != (N.x(N.t), N.t) or value.atoms(type(head)):
        return None

    def at(state: Any, step: Any) -> Any:
        return value.xreplace({N.x(N.t): state, N.t: step})

    return Substitution(f"{type(head).__name__} as in line {made.line}", of_heads(type(head), at))


def as_field(context: Context, settings: Settings, definitions: Definitions, made: Definition) -> Any:
    """The value that a parameterisation gives mu_theta(x_t, t); None for any other, or one that is not read."""
    found = _parameterisation(context, settings, definitions, made)
    mean = N.mu_theta(N.x(N.t), N.t)
    value = None if found is None else found(mean)
    return None if value is None or value == mean else value


def canonical(value: Any) -> Any:
    """What the chain makes mu_theta(x_t, t) of the one network in this value; None for several networks, or others."""
    heads = {type(f) for f in value.atoms(VectorFunction) if type(f) in NETWORKS}
    known = {N.eps_theta: _mean_from_noise, N.x0_theta: _mean_from_data}
    return known[heads.pop()](N.x(N.t), N.t) if len(heads) == 1 and heads <= set(known) else None


def with_other_networks(e: Any) -> Any:
    """The same with every network exchanged for another one."""
    return e.replace(lambda a: type(a) in OTHER, lambda a: OTHER[type(a)](*a.args))
