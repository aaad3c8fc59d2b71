"""Change of variable: a Gaussian variable as the image of noise, and the law of an image."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra
from derivations.kernel.binders import bound, fresh, opened, ranged
from derivations.kernel.dependence import free_variables, is_member, may_touch
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node
from derivations.kernel.rules.gaussian import normal_log_density
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import (
    AffineImage,
    Coord,
    D,
    DiagonalNormal,
    Expect,
    Hadamard,
    LogDensity,
    Malformed,
    Normal,
    SumTo,
)


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
    body = normal_log_density(noise, *opened(base, i)[2:4]) - sp.log(scale)
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
