"""A Gaussian chain with scales of its own: x_t = gamma_t x_{t-1} + sigma_t eps_t, whatever gamma and sigma are.

The letters are the document's: it writes q(x_t | x_{t-1}) = N(c_t x_{t-1}, s_t^2 I), and c with a bar is the product
of c_1..c_t, s^2 with a bar the whole variance of x_t given x_0, which grows by s_t^2 = c_t^2 s_{t-1}^2 + s_t^2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import bound_indices
from derivations.rules import POSITIVE, Density, Normal, scalar_function, vector_function
from threefold.check.contexts import ddpm
from threefold.check.contexts.base import Context, Settings, only_index
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

scale = scalar_function("step_scale", r"\gamma", positive=True)
scales = scalar_function("all_scales", r"\bar\gamma", positive=True)
deviation = scalar_function("step_deviation", r"\sigma", positive=True)
total = scalar_function("whole_deviation", r"\bar\sigma", positive=True)
data = vector_function("s_theta_data", r"s_\theta")


def grown(n: Any) -> Any:
    """The whole variance of x_n, by that of x_{n-1}."""
    return scale(n) ** 2 * total(n - 1) ** 2 + deviation(n) ** 2


def kernel(n: Any) -> Normal:
    """q(x_n | x_{n-1})."""
    return Normal(N.x(n), scale(n) * N.x(n - 1), deviation(n) ** 2)


def marginal(n: Any) -> Normal:
    """q(x_n | x_0)."""
    return Normal(N.x(n), scales(n) * N.x(0), total(n) ** 2)


def posterior_mean(n: Any) -> Any:
    """The mean of q(x_{n-1} | x_n, x_0); the test of this module has the kernel prove it by Bayes' rule."""
    return start_weight(n) * N.x(0) + state_weight(n) * N.x(n)


def state_weight(n: Any) -> Any:
    """The weight of x_n in it."""
    return scale(n) * total(n - 1) ** 2 / total(n) ** 2


def start_weight(n: Any) -> Any:
    """The weight of x_0 in it."""
    return scales(n - 1) - state_weight(n) * scales(n)


def posterior_deviation(n: Any) -> Any:
    """The root of its variance."""
    return sp.sqrt(posterior_variance(n))


def posterior_variance(n: Any) -> Any:
    """The variance of q(x_{n-1} | x_n, x_0)."""
    return total(n - 1) ** 2 * deviation(n) ** 2 / total(n) ** 2


def posterior(n: Any) -> Normal:
    """q(x_{n-1} | x_n, x_0)."""
    return Normal(N.x(n - 1), posterior_mean(n), posterior_variance(n))


def close(e: Any, settings: Settings) -> Any:
    """The terms with the forward Gaussians of this chain written for its named laws."""
    table = {law: closed for law in e.atoms(Density) if (closed := _closed(law)) is not None}
    return by_growth(e.xreplace(table))


def _closed(law: Density) -> Any:
    variables, given = list(law.variables), list(law.given)
    alone = all(type(m) is N.x for m in (*variables, *given))
    if law.args[0].name != "q" or len(variables) != 1 or not alone:
        return None
    n, at = variables[0].args[0], {g.args[0] for g in given}
    if at in ({n - 1}, {n - 1, sp.Integer(0)}):
        return kernel(n)
    if at == {sp.Integer(0)}:
        return marginal(n)
    if at == {n + 1, sp.Integer(0)}:
        return posterior(n + 1)
    return unrolled(n, n - min(at, key=str)) if len(at) == 1 else None


def unrolled(n: Any, steps: Any) -> Normal | None:
    """q(x_n | x_{n-k}) for two or three steps: one step put into the next, the noises independent."""
    if steps not in (2, 3):
        return None
    factors = [sp.Mul(*[scale(n - j) for j in range(i)]) for i in range(int(steps) + 1)]
    spread = sp.Add(*[factors[i] ** 2 * deviation(n - i) ** 2 for i in range(int(steps))])
    return Normal(N.x(n), factors[-1] * N.x(n - steps), spread)


def at_two(e: Any) -> Any:
    """The second step, where the whole variance of x_1 is that of its step: an instance of every line about t.

    None where t runs, unless no whole variance is in it.
    """
    if N.t in bound_indices(e) or e.atoms(total) - {total(N.t), total(N.t - 1)}:
        return None if e.atoms(total, scales) else e
    second = e.xreplace({N.t: sp.Integer(2)})
    second = second.replace(lambda a: type(a) is total and a.args[0] == 2, lambda a: sp.sqrt(grown(a.args[0])))
    second = second.replace(lambda a: type(a) is total and a.args[0] == 1, lambda a: deviation(1))
    product = {scales(1): scale(1), scales(2): scale(1) * scale(2)}
    return second.xreplace({scales(sp.Integer(n)): product[scales(n)] for n in (1, 2)})


def by_growth(e: Any) -> Any:
    """Every whole variance of x_t by that of x_{t-1}."""
    return e.replace(lambda a: type(a) is total and a.args[0] == N.t, lambda a: sp.sqrt(grown(N.t)))


def _family(head: Any) -> Callable[[Any, Name], Any]:
    return lambda reader, name: head(only_index(reader, name))


def of(settings: Settings) -> Context:
    """The context with the document's letters for the scales and deviations of its chain."""
    step, noise = settings.own
    own = {step: _family(scale), f"bar {step}": _family(scales)}
    own |= {noise: _family(deviation), f"bar {noise}": _family(total)}
    for letter, value in zip(settings.posterior, (start_weight, state_weight, posterior_deviation), strict=False):
        own[letter] = _family(value)
    return replace(CONTEXT, symbols={**CONTEXT.symbols, **own})


def _data_network(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if "theta" not in name.labels or len(arguments) != 2:
        raise NotRead("a network takes a state and its step")
    return data(*arguments)


def _mean(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if name.accents or "theta" not in name.labels or len(arguments) != 2:
        raise NotRead("a mean other than the model's, in a chain of its own")
    return N.mu_theta(*arguments)


CONTEXT = Context(
    name="linear-gaussian",
    words="x_t = c_t x_{t-1} + s_t eps_t with the document's own c_t and s_t, q forward, p the model",
    chain=True,
    hypotheses=tuple(h for h in ddpm.HYPOTHESES if h not in (N.gaussian_forward, N.gaussian_reverse)),
    intervals={name: POSITIVE for name in ("step_scale", "all_scales", "step_deviation", "whole_deviation", "sigma")},
    products={"all_scales": "step_scale"},
    symbols={name: ddpm.SYMBOLS[name] for name in ("ELBO", "x", "X", "epsilon", "bar epsilon", "z", "Z")},
    functions={
        **{name: ddpm.FUNCTIONS[name] for name in ("epsilon", "hat epsilon", "hat x")},
        "s": _data_network,
        "mu": _mean,
    },
    close=close,
    instance=at_two,
)
