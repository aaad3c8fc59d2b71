"""Gaussian laws: densities, first and second moments, composition. Nothing here integrates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.binders import fresh, opened, ranged
from derivations.kernel.dependence import may_touch
from derivations.kernel.formation import refuse_conditions_on_itself
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, rewriting, walk
from derivations.kernel.rules.instances import matches
from derivations.kernel.rules.matrices import FullNormalMoments, form, full_log_density
from derivations.kernel.rules.probability import termwise
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import (
    Apply,
    BernoulliProduct,
    Coord,
    DiagonalNormal,
    Entry,
    Expect,
    FullNormal,
    Inner,
    Law,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Quadratic,
    SumTo,
    Variance,
)

# --- densities --------------------------------------------------------------------------------------------------------


def log_density_of(law: Any) -> Any:
    """The closed form of a law's log-density at its variables (nats)."""
    if isinstance(law, Normal):
        x, mean, variance, dim = law.args
        return -dim * sp.log(2 * sp.pi * variance) / 2 - Norm2(x - mean) / (2 * variance)
    if isinstance(law, DiagonalNormal):
        i = fresh()
        z, _, mean, variance, dim = opened(law, i)
        return ranged(SumTo, normal_log_density(Coord(z, i), mean, variance), i, sp.S.One, dim)
    if isinstance(law, BernoulliProduct):
        i = fresh()
        x, _, p, dim = opened(law, i)
        body = Coord(x, i) * sp.log(p) + (1 - Coord(x, i)) * sp.log(1 - p)
        return ranged(SumTo, body, i, sp.S.One, dim)
    if isinstance(law, FullNormal):
        return full_log_density(law)
    return None


def normal_log_density(x: Any, mean: Any, variance: Any) -> Any:
    """log N(x; mean, variance) of a number x."""
    return -sp.log(2 * sp.pi * variance) / 2 - (x - mean) ** 2 / (2 * variance)


@at_every_node("density", "decided", "the closed form that defines the normal or Bernoulli law")
def _unfold_densities(node: Any, _: Context) -> Any:
    closed = log_density_of(node.args[0]) if isinstance(node, LogDensity) else None
    return node if closed is None else closed


density = Rule("density")

# --- moments ----------------------------------------------------------------------------------------------------------


@at_every_node("Gaussian moments", "law", "E z = m, E (z-m)(z-m)^T = the covariance, for polynomials of degree <= 2")
def _moments(node: Any, context: Context) -> Any:
    if isinstance(node, Mean) and isinstance(node.args[0], Normal | FullNormal):
        return node.args[0].args[1]
    if isinstance(node, Variance) and isinstance(node.args[0], Normal):
        return node.args[0].args[2]
    if not isinstance(node, Expect):
        return node
    law, body = node.args
    if isinstance(law, Normal):
        if body.has(Quadratic, Apply):
            body = FullNormalMoments(law).expand(body, context)
        return termwise(_expand_inner(body, law.args[0]), law, partial(_normal_moment, law=law), context)
    if isinstance(law, DiagonalNormal):
        if body.has(Quadratic, Apply):
            body = FullNormalMoments(law).expand(body, context)
        return termwise(body, law, partial(_coordinate_moment, law=law), context)
    if isinstance(law, FullNormal):
        moments = FullNormalMoments(law)
        return termwise(moments.expand(body, context), law, moments.moment, context)
    return node


def _expand_inner(body: Any, z: Any) -> Any:
    """Inner products that involve z, expanded into inner products of vector atoms."""

    def split(node: Any) -> Any:
        if isinstance(node, Norm2):
            u = v = linear_form(node.args[0])
        elif isinstance(node, Inner):
            u, v = (linear_form(a) for a in node.args)
        else:
            return (
                node if not node.args else node.func(*[split(a) for a in node.args]) if _is_scalar_node(node) else node
            )
        if z not in u and z not in v:
            return node
        return sp.Add(*[a * b * Inner(x, y) for x, a in u.items() for y, b in v.items()])

    return split(body)


def _is_scalar_node(node: Any) -> bool:
    return isinstance(node, sp.Add | sp.Mul | sp.Pow)


def _normal_moment(factors: list[Any], law: Normal) -> Any:
    """E of a product of at most two linear forms in z, or of |z|^2, for z ~ N(m, v I): the first two moments."""
    z, mean, variance, dim = law.args
    if any(f.has(Quadratic) for f in factors):
        return FullNormalMoments(law).moment(factors)
    if any(isinstance(f, Coord) or (isinstance(f, sp.Pow) and isinstance(f.args[0], Coord)) for f in factors):
        return _coordinate_moment(factors, law)
    linear: list[Any] = []
    for f in factors:
        base, power = f.as_base_exp()
        if base == Inner(z, z) and power == 1 and len(factors) == 1:
            return Norm2(mean) + dim * variance
        if not (isinstance(base, Inner) and z in base.args and power.is_Integer and power > 0):
            return None
        other = base.args[0] if base.args[1] == z else base.args[1]
        if may_touch(other, law.variables):
            return None
        linear += [other] * int(power)
    if len(linear) == 1:
        return Inner(mean, linear[0])
    if len(linear) == 2:
        a, b = linear
        return Inner(mean, a) * Inner(mean, b) + variance * Inner(a, b)
    return None


def _coordinate_moment(factors: list[Any], law: Any) -> Any:
    """E of z_i or z_i^2 (one coordinate) for a normal law with independent coordinates."""
    z = law.args[0]
    if len(factors) != 1:
        return None
    if isinstance(factors[0], Quadratic | Inner) and isinstance(law, DiagonalNormal):
        return _form_moment(factors[0], law)
    base, power = factors[0].as_base_exp()
    if not (isinstance(base, Coord) and base.args[0] == z and power in (1, 2)):
        return None
    i = base.args[1]
    if isinstance(law, Normal):
        mean, variance = Coord(law.args[1], i) if law.args[1] != 0 else sp.S.Zero, law.args[2]
    else:
        _, _, mean, variance, _ = opened(law, i)
    return mean if power == 1 else mean**2 + variance


def _form_moment(product: Any, law: DiagonalNormal) -> Any:
    """E of z^T M z or z^T M v, for independent coordinates whose means are those of a vector."""
    i = fresh()
    z, _, mean, variance, dim = opened(law, i)
    u, matrix, v = product.args if isinstance(product, Quadratic) else (product.args[0], sp.S.One, product.args[1])
    whole = mean.args[0] if isinstance(mean, Coord) and mean.args[1] == i else None
    if mean != 0 and (whole is None or whole.has(i)):
        return None
    put = [a if a != z else whole if whole is not None else sp.S.Zero for a in (u, v)]
    if any(a != z and may_touch(a, law.variables) for a in (u, matrix, v)):
        return None
    own = variance * (matrix if matrix.is_commutative else Entry(matrix, i, i))
    return form(put[0], matrix, put[1]) + (ranged(SumTo, own, i, sp.S.One, dim) if u == v == z else 0)


moments = Rule("Gaussian moments")

# --- composition ------------------------------------------------------------------------------------------------------


@at_every_node(
    "sum of independent Gaussians",
    "law",
    "an affine map of a Gaussian plus independent Gaussian noise is Gaussian; means and variances add",
)
def _compose(node: Any, context: Context) -> Any:
    """E_{N(x; m, w I)} N(y; a x + c, v I) = N(y; a m + c, (v + a^2 w) I)."""
    if not isinstance(node, Expect) or not isinstance(node.args[1], sp.exp):
        return node
    law, inside = node.args[0], node.args[1].args[0]
    if not (isinstance(law, Normal) and isinstance(inside, LogDensity) and isinstance(inside.args[0], Normal)):
        return node
    x, m, w, dim = law.args
    y, mean, v, dim_y = inside.args[0].args
    form = linear_form(mean)
    a = form.pop(x, sp.S.Zero)
    rest = sp.Add(*[c * atom for atom, c in form.items()])
    if dim != dim_y or may_touch(sp.Tuple(y, rest, v, a), [x], context.domain):
        return node
    return sp.exp(LogDensity(Normal(y, a * m + rest, v + a**2 * w, dim)))


composition = Rule("sum of independent Gaussians")


def identify(law: Law, normal: Law, because: Rule) -> Rule:
    """Write `normal` for the law: `because` (a hypothesis, an earlier claim) says that the log-densities are equal."""
    return Rule("same density, same law", (law, normal, because))


@rewriting(
    "same density, same law",
    "law",
    lambda law, normal, because: f"equal densities everywhere, {because.name}",
    shown=lambda law, normal, because: f"same density, same law ({because.name})",
)
def _identified(e: Any, context: Context, law: Law, normal: Law, because: Rule) -> Any:
    if law.variables != normal.variables:
        raise StepFails(f"{law} and {normal} are laws of different variables")
    for one in (law, normal):
        refuse_conditions_on_itself(one, context.domain)
    indices = sorted((s for s in law.free_symbols if s.is_integer and isinstance(s, sp.Symbol)), key=str)

    def change(node: Any, local: Context) -> Any:
        if not isinstance(node, type(law)):
            return node
        for table in matches(law, node, indices, {}, local):
            here, there = (substitute(one, table, local.domain) for one in (law, normal))
            if node == here or Algebra(local.domain).equal(node, here):
                _check_same(here, there, because, local)
                return there
        return node

    return walk(e, change, context)


def _check_same(law: Any, normal: Any, because: Rule, local: Context) -> None:
    """The densities are equal at every value of the law's variables, of which nothing is known here."""
    unaware = local.domain
    for v in law.variables:
        unaware = unaware.unaware_of(v)
    here = replace(local, domain=unaware)
    if not Algebra(unaware).equal(because.rewrite(LogDensity(law), here), because.rewrite(LogDensity(normal), here)):
        raise StepFails(f"{because.name} does not say that {law} is {normal}")
