"""Gaussian laws: densities, first and second moments, change of variable, composition. Nothing here integrates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.binders import bound, fresh, opened, ranged
from derivations.kernel.dependence import free_variables, is_member, may_touch
from derivations.kernel.formation import refuse_conditions_on_itself
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, rewriting, walk
from derivations.kernel.rules.equations import matches
from derivations.kernel.rules.matrices import FullNormalMoments, full_log_density
from derivations.kernel.rules.probability import termwise
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import (
    AffineImage,
    BernoulliProduct,
    Coord,
    D,
    DiagonalNormal,
    Expect,
    FullNormal,
    Hadamard,
    Inner,
    Law,
    LogDensity,
    Malformed,
    Mean,
    Norm2,
    Normal,
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
        return ranged(SumTo, _normal_log_density(Coord(z, i), mean, variance), i, sp.S.One, dim)
    if isinstance(law, BernoulliProduct):
        i = fresh()
        x, _, p, dim = opened(law, i)
        body = Coord(x, i) * sp.log(p) + (1 - Coord(x, i)) * sp.log(1 - p)
        return ranged(SumTo, body, i, sp.S.One, dim)
    if isinstance(law, FullNormal):
        return full_log_density(law)
    return None


def _normal_log_density(x: Any, mean: Any, variance: Any) -> Any:
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
        return termwise(_expand_inner(body, law.args[0]), law, partial(_normal_moment, law=law), context)
    if isinstance(law, DiagonalNormal):
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
    base, power = factors[0].as_base_exp()
    if not (isinstance(base, Coord) and base.args[0] == z and power in (1, 2)):
        return None
    i = base.args[1]
    if isinstance(law, Normal):
        mean, variance = Coord(law.args[1], i) if law.args[1] != 0 else sp.S.Zero, law.args[2]
    else:
        _, _, mean, variance, _ = opened(law, i)
    return mean if power == 1 else mean**2 + variance


moments = Rule("Gaussian moments")

# --- change of variable -----------------------------------------------------------------------------------------------


def reparameterize(noise: Any, location: Any = None, scale: Any = None) -> Rule:
    """E over z ~ N(m, v I) of f(z) is E over eps ~ N(0, I) of f(m + sqrt(v) eps); a diagonal law names both."""
    named = () if location is None or scale is None else (sp.sympify(location), sp.sympify(scale))
    return Rule("change of variable", (sp.sympify(noise), *named))


@at_every_node("change of variable", "law", "z = m + s eps has the law N(m, s^2); eps is fresh")
def _reparameterized(node: Any, local: Context, noise: Any, *given: Any) -> Any:
    if not (isinstance(node, Expect) and isinstance(node.args[0], Normal | DiagonalNormal)):
        return node
    law, body = node.args
    z = law.args[0]
    if isinstance(law, Normal) and law.args[1] == 0 and law.args[2] == 1:
        return node
    noise, *named = _read_here((noise, *given), law, local)
    if z == noise:
        return node
    if may_touch(body, [noise]) or may_touch(sp.Tuple(*law.args[1:]), [noise]):
        raise StepFails(f"{noise} is not fresh: it occurs in the expression already")
    if isinstance(law, Normal):
        image, base = law.args[1] + sp.sqrt(law.args[2]) * noise, Normal(noise, 0, 1, law.args[3])
    else:
        image, base = _diagonal_image(law, noise, named, local)
    return Expect(base, _moved(body, z, image, local))


def _read_here(arguments: tuple[Any, ...], law: Any, local: Context) -> tuple[Any, ...]:
    """What a rule was given, its indices read as those of the sums around where the domain does not know them."""
    unknown = [
        s
        for s in sp.Tuple(*arguments).free_symbols
        if s.is_integer and s not in local.domain.indices and not law.has(s)
    ]
    if not unknown or not local.around:
        return arguments
    return tuple(substitute(a, dict.fromkeys(unknown, local.around[0])) for a in arguments)


def _moved(body: Any, z: Any, image: Any, local: Context) -> Any:
    """The body read at the image of z; StepFails where z, or a variable of the image, is averaged over inside.

    No derivative may be inside either: one by a parameter of the law would act on the image, too.
    """
    if any(is_member(v, [z], local.domain) is not False for v in free_variables(body, local.domain) - {z}):
        raise StepFails(f"the body may depend on {z} by another name")
    if body.atoms(D):
        raise StepFails(f"{z} cannot be replaced by {image} inside a derivative")
    try:
        return substitute(body, {z: image}, local.domain)
    except Malformed as reason:
        raise StepFails(f"{image} cannot stand for {z} in {body}: {reason}") from reason


def _diagonal_image(law: DiagonalNormal, noise: Any, named: Any, context: Context) -> tuple[Any, Any]:
    i = fresh()
    _, _, mean, variance, dim = opened(law, i)
    if not named:
        raise StepFails("a diagonal law needs the vectors location and scale by name")
    location, scale = named
    inside = context.domain.with_index(i, sp.S.One, dim)
    algebra = Algebra(inside)
    if not (algebra.is_zero(Coord(location, i) - mean) and algebra.is_zero(Coord(scale, i) ** 2 - variance)):
        raise StepFails(f"{location} and {scale} are not the location and scale of {law}")
    return location + Hadamard(scale, noise), _standard(noise, dim)


def _standard(noise: Any, dim: Any) -> Any:
    """N(noise; 0, I) on R^dim, coordinate by coordinate, as a core term."""
    return DiagonalNormal(noise, bound(1), 0, 1, dim)


@at_every_node("density of an affine image", "law", "divide by the scale (> 0) of every coordinate")
def _affine_image(node: Any, _: Context) -> Any:
    """log density of z = shift + scale * noise: the base density at (z - shift)/scale, minus the sum of log scale."""
    if not (isinstance(node, LogDensity) and isinstance(node.args[0], AffineImage)):
        return node
    i = fresh()
    z, _, shift, scale, base, dim = opened(node.args[0], i)
    if not isinstance(base, DiagonalNormal) or base.args[4] != dim:
        raise StepFails("the base of an affine image must be a diagonal normal of the same size")
    noise = (Coord(z, i) - shift) / scale
    body = _normal_log_density(noise, *opened(base, i)[2:4]) - sp.log(scale)
    return ranged(SumTo, body, i, sp.S.One, dim)


jacobian = Rule("density of an affine image")


@at_every_node("expectation under an image law", "law", "to average f over z = g(noise) is to average f(g(noise))")
def _push_forward(node: Any, context: Context) -> Any:
    """E over the law of z = shift + scale * noise of f(z) is E over the noise of f(shift + scale * noise)."""
    if not (isinstance(node, Expect) and isinstance(node.args[0], AffineImage)):
        return node
    i = fresh()
    (z, _, shift, scale, base, _dim), body = opened(node.args[0], i), node.args[1]
    for coordinate in (shift, scale):
        if not (isinstance(coordinate, Coord) and coordinate.args[1] == i and not coordinate.args[0].has(i)):
            raise StepFails(f"{coordinate} is not one and the same coordinate of a vector")
    noise = base.args[0]
    if may_touch(body, [noise]) or may_touch(sp.Tuple(shift, scale), [noise]):
        raise StepFails(f"{noise} is not fresh: it occurs in the expression already")
    return Expect(base, _moved(body, z, shift.args[0] + Hadamard(scale.args[0], noise), context))


push_forward = Rule("expectation under an image law")

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
