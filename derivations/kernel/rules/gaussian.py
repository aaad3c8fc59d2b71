"""Gaussian laws: densities, first and second moments, change of variable, composition. Nothing here integrates."""

from __future__ import annotations

from functools import partial
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Context, Rule, StepFails, everywhere, walk
from derivations.kernel.rules.matrices import FullNormalMoments, full_log_density
from derivations.kernel.rules.probability import termwise
from derivations.kernel.scope import free_variables, is_member, may_touch, mentioned
from derivations.kernel.terms import (
    AffineImage,
    Averaging,
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
    Mean,
    Norm2,
    Normal,
    SumTo,
    Variance,
    unfold_all,
)

# --- densities --------------------------------------------------------------------------------------------------------


def log_density_of(law: Any) -> Any:
    """The closed form of a law's log-density at its variables (nats)."""
    if isinstance(law, Normal):
        x, mean, variance, dim = law.args
        return -dim * sp.log(2 * sp.pi * variance) / 2 - Norm2(x - mean) / (2 * variance)
    if isinstance(law, DiagonalNormal):
        z, i, mean, variance, dim = law.args
        return SumTo(_normal_log_density(Coord(z, i), mean, variance), i, 1, dim)
    if isinstance(law, BernoulliProduct):
        x, i, p, dim = law.args
        return SumTo(Coord(x, i) * sp.log(p) + (1 - Coord(x, i)) * sp.log(1 - p), i, 1, dim)
    if isinstance(law, FullNormal):
        return full_log_density(law)
    return None


def _normal_log_density(x: Any, mean: Any, variance: Any) -> Any:
    """log N(x; mean, variance) of a number x."""
    return -sp.log(2 * sp.pi * variance) / 2 - (x - mean) ** 2 / (2 * variance)


def _unfold_densities(node: Any, _: Context) -> Any:
    closed = log_density_of(node.args[0]) if isinstance(node, LogDensity) else None
    return node if closed is None else closed


density = Rule(
    "density", "decided", "the closed form that defines the normal or Bernoulli law", everywhere(_unfold_densities)
)

# --- moments ----------------------------------------------------------------------------------------------------------


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
        return termwise(moments.expand(body), law, moments.moment, context)
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
        mean, variance = (part.xreplace({law.args[1]: i}) for part in law.args[2:4])
    return mean if power == 1 else mean**2 + variance


moments = Rule(
    "Gaussian moments",
    "law",
    "E z = m, E (z-m)(z-m)^T = the covariance, for polynomials of degree <= 2",
    everywhere(_moments),
)

# --- change of variable -----------------------------------------------------------------------------------------------


def reparameterize(noise: Any, location: Any = None, scale: Any = None) -> Rule:
    """E over z ~ N(m, v I) of f(z) is E over eps ~ N(0, I) of f(m + sqrt(v) eps); a diagonal law names both."""

    def rewrite(e: Any, context: Context) -> Any:
        def change(node: Any, local: Context) -> Any:
            if not (isinstance(node, Expect) and isinstance(node.args[0], Normal | DiagonalNormal)):
                return node
            law, body = node.args
            z = law.args[0]
            if z == noise or (law.args[1] == 0 and isinstance(law, Normal) and law.args[2] == 1):
                return node
            if may_touch(body, [noise]) or may_touch(sp.Tuple(*law.args[1:]), [noise]):
                raise StepFails(f"{noise} is not fresh: it occurs in the expression already")
            if isinstance(law, Normal):
                image, base = law.args[1] + sp.sqrt(law.args[2]) * noise, Normal(noise, 0, 1, law.args[3])
            else:
                image, base = _diagonal_image(law, noise, location, scale, local)
            return Expect(base, _moved(body, z, image, local.domain))

        return walk(e, change, context)

    return Rule("change of variable", "law", "z = m + s eps has the law N(m, s^2); eps is fresh", rewrite)


def _moved(body: Any, z: Any, image: Any, domain: Domain) -> Any:
    """The body read at the image of z; StepFails where z, or a variable of the image, is averaged over inside.

    No derivative may be inside either: one by a parameter of the law would act on the image, too.
    """
    if any(is_member(v, [z], domain) is not False for v in free_variables(body, domain) - {z}):
        raise StepFails(f"the body may depend on {z} by another name")
    opened = unfold_all(body)
    if opened.atoms(D):
        raise StepFails(f"{z} cannot be replaced by {image} inside a derivative")
    for inner in opened.atoms(Averaging):
        if any(is_member(v, inner.args[0].variables, domain) is not False for v in (z, *mentioned(image))):
            raise StepFails(f"{image} cannot stand for {z} inside {inner}, which averages over the same variables")
    return body.xreplace({z: image})


def _diagonal_image(law: DiagonalNormal, noise: Any, location: Any, scale: Any, context: Context) -> tuple[Any, Any]:
    _, i, mean, variance, dim = law.args
    if location is None or scale is None:
        raise StepFails("a diagonal law needs the vectors location and scale by name")
    algebra = Algebra(context.domain.with_index(i, sp.S.One, dim))
    if not (algebra.is_zero(Coord(location, i) - mean) and algebra.is_zero(Coord(scale, i) ** 2 - variance)):
        raise StepFails(f"{location} and {scale} are not the location and scale of {law}")
    return location + Hadamard(scale, noise), DiagonalNormal(noise, i, 0, 1, dim)


def _affine_image(node: Any, _: Context) -> Any:
    """log density of z = shift + scale * noise: the base density at (z - shift)/scale, minus the sum of log scale."""
    if not (isinstance(node, LogDensity) and isinstance(node.args[0], AffineImage)):
        return node
    z, i, shift, scale, base, dim = node.args[0].args
    if not isinstance(base, DiagonalNormal) or base.args[1] != i or base.args[4] != dim:
        raise StepFails("the base of an affine image must be a diagonal normal over the same index")
    noise = (Coord(z, i) - shift) / scale
    return SumTo(_normal_log_density(noise, *base.args[2:4]) - sp.log(scale), i, 1, dim)


jacobian = Rule(
    "density of an affine image", "law", "divide by the scale (> 0) of every coordinate", everywhere(_affine_image)
)


def _push_forward(node: Any, context: Context) -> Any:
    """E over the law of z = shift + scale * noise of f(z) is E over the noise of f(shift + scale * noise)."""
    if not (isinstance(node, Expect) and isinstance(node.args[0], AffineImage)):
        return node
    (z, i, shift, scale, base, _dim), body = node.args[0].args, node.args[1]
    for coordinate in (shift, scale):
        if not (isinstance(coordinate, Coord) and coordinate.args[1] == i):
            raise StepFails(f"{coordinate} is not coordinate {i} of a vector")
    noise = base.args[0]
    if may_touch(body, [noise]) or may_touch(sp.Tuple(shift, scale), [noise]):
        raise StepFails(f"{noise} is not fresh: it occurs in the expression already")
    return Expect(base, _moved(body, z, shift.args[0] + Hadamard(scale.args[0], noise), context.domain))


push_forward = Rule(
    "expectation under an image law",
    "law",
    "to average f over z = g(noise) is to average f(g(noise))",
    everywhere(_push_forward),
)

# --- composition ------------------------------------------------------------------------------------------------------


def _compose(node: Any, _: Context) -> Any:
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
    if dim != dim_y or may_touch(sp.Tuple(y, rest, v, a), [x]):
        return node
    return sp.exp(LogDensity(Normal(y, a * m + rest, v + a**2 * w, dim)))


composition = Rule(
    "sum of independent Gaussians",
    "law",
    "an affine map of a Gaussian plus independent Gaussian noise is Gaussian; means and variances add",
    everywhere(_compose),
)


def identify(law: Law, normal: Law, because: Rule) -> Rule:
    """Write `normal` for the law: `because` (a hypothesis, an earlier claim) says that the log-densities are equal."""

    def rewrite(e: Any, context: Context) -> Any:
        if law.variables != normal.variables:
            raise StepFails(f"{law} and {normal} are laws of different variables")

        def change(node: Any, local: Context) -> Any:
            if not (isinstance(node, type(law)) and Algebra(local.domain).equal(node, law)):
                return node
            if not Algebra(local.domain).equal(because.rewrite(LogDensity(law), local), LogDensity(normal)):
                raise StepFails(f"{because.name} does not say that {law} is {normal}")
            return normal

        return walk(e, change, context)

    return Rule("same density, same law", "law", f"equal densities everywhere, {because.name}", rewrite)
