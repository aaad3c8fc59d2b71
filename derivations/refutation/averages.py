"""Laws, and what is averaged over them: densities, expectations, divergences, means and variances."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.refutation import floating
from derivations.refutation.arithmetic import close, surely
from derivations.refutation.densities import log_bernoulli, log_normal, log_normal_full
from derivations.refutation.matrices import Matrix, as_matrix, cholesky
from derivations.refutation.reading import Viewpoint, reads
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import Assignment

Outcome = tuple[Any, Assignment, tuple[Any, ...]]  # weight, values of the law's variables, the noises they are made of
MOST_OUTCOMES = 4096


def law_named(name: str, at: Viewpoint) -> Any:
    if name not in at.world.laws:
        raise Uncomputable(f"this world has no law called {name}")
    return at.world.laws[name]


# --- densities --------------------------------------------------------------------------------------------------------


@reads(terms.LogDensity)
def _log_density(e: Any, at: Viewpoint) -> Any:
    law = e.args[0]
    if isinstance(law, terms.Density):
        given = at.assign(law.given)
        wanted = {key: v for key, v in at.assign(law.variables).items() if key not in given}
        named = law_named(law.args[0].name, at)
        if not at.arithmetic.strict:
            return named.log_density(wanted, given)
        return named.log_density(wanted, given, at.arithmetic) if wanted else at.arithmetic.number(0)
    if isinstance(law, terms.AffineImage):
        return _log_density_of_image(law, at)
    law = solved(law) if isinstance(law, terms.LinearSDE) else law
    (key,), (value,) = at.keys(law.variables), at.assign(law.variables).values()
    value, log, pi = tuple(map(at.arithmetic.number, value)), at.arithmetic.log, at.arithmetic.pi()
    if isinstance(law, terms.BernoulliProduct):
        return log_bernoulli(value, _chances(law, at), log)
    if isinstance(law, terms.FullNormal):
        _refuse_sizes(key, len(value), at.integer(law.args[3]))
        return log_normal_full(value, location(law, at), _covariance_of(law, at).rows, log, pi)
    if isinstance(law, terms.Normal | terms.DiagonalNormal):
        _refuse_sizes(key, len(value), at.integer(law.args[-1]))
        return log_normal(value, location(law, at), variances(law, at), log, pi)
    raise Uncomputable(f"no density for {law}")


def solved(law: Any) -> Any:
    """The law of a linear SDE by variation of constants: what has moved since each u, and the noise that came in."""
    x, u, start, slope, noise, time, dim = law.args
    since = sp.Dummy("since", real=True)
    moved = terms.IntegralTo(slope.xreplace({u: since}), since, u, time)
    arrived = terms.IntegralTo(sp.exp(2 * moved) * noise, u, sp.S.Zero, time)
    return terms.Normal(x, sp.exp(terms.IntegralTo(slope, u, sp.S.Zero, time)) * start, arrived, dim)


def _refuse_sizes(key: Any, size: int, dim: int) -> None:
    if dim < 1:
        raise Undefined(f"a law in dimension {dim}")
    if size != dim:
        raise Uncomputable(f"{key[0]} is of size {size} in this world, and its law of {dim}")


def location(law: Any, at: Viewpoint) -> list[Any]:
    """The mean of a normal law; the zero vector is written 0."""
    if isinstance(law, terms.DiagonalNormal):
        return [place.value(law.args[2]) for place in at.places(law.args[1], law.args[-1])]
    mean = at.value(law.args[1])
    if at.integer(law.args[-1]) < 1:
        raise Undefined(f"a law in dimension {at.integer(law.args[-1])}")
    return list(mean) if isinstance(mean, tuple) else [at.arithmetic.number(0)] * at.integer(law.args[-1])


def variances(law: Any, at: Viewpoint) -> list[Any]:
    """The variances of a normal law's coordinates, which are independent; each must be positive."""
    if isinstance(law, terms.Normal):
        return [at.value(law.args[2])] * at.integer(law.args[3])
    return [place.value(law.args[3]) for place in at.places(law.args[1], law.args[-1])]


def _covariance_of(law: Any, at: Viewpoint) -> Matrix:
    return as_matrix(at.value(law.args[2]))


def _chances(law: Any, at: Viewpoint) -> list[Any]:
    return [place.value(law.args[2]) for place in at.places(law.args[1], law.args[3])]


def _log_density_of_image(law: Any, at: Viewpoint) -> Any:
    z, i, shift, scale, base, dim = law.args
    total, noise = at.arithmetic.number(0), []
    for place in at.places(i, dim):
        size = place.value(scale)
        noise.append((place.value(terms.Coord(z, i)) - place.value(shift)) / size)
        total = total - at.arithmetic.log(size)
    (key,) = at.keys(base.variables)
    return total + at.bind({key: tuple(noise)}).value(terms.LogDensity(base))


@reads(terms.LogJoint)
def _log_joint(e: Any, at: Viewpoint) -> Any:
    named, variables = law_named(e.args[0].name, at), at.assign(e.args[1])
    if at.arithmetic.strict:
        return named.log_density(variables, {}, at.arithmetic)
    return named.log_density(variables, {})


# --- averages ---------------------------------------------------------------------------------------------------------


def outcomes(law: Any, at: Viewpoint) -> Iterator[Outcome]:
    """What an average over the law is a sum of; with noises, each outcome is averaged over those besides."""
    law = solved(law) if isinstance(law, terms.LinearSDE) else law
    if isinstance(law, terms.Density):
        named, given = law_named(law.args[0].name, at), at.assign(law.given)
        if at.arithmetic.strict:
            yield from named.outcomes(at.keys(law.variables), given, at.arithmetic)
        else:
            yield from ((weight, drawn, ()) for weight, drawn in named.outcomes(at.keys(law.variables), given))
        return
    (key,) = at.keys(law.variables)
    if isinstance(law, terms.AffineImage):
        _, i, shift, scale, base, dim = law.args
        (source,) = at.keys(base.variables)
        for weight, drawn, noises in outcomes(base, at):
            moved = [
                place.value(shift) + place.value(scale) * e
                for place, e in zip(at.places(i, dim), drawn[source], strict=True)
            ]
            yield weight, {key: tuple(moved)}, noises
    elif isinstance(law, terms.BernoulliProduct):
        yield from _flips(key, _chances(law, at), at)
    elif isinstance(law, terms.Normal | terms.DiagonalNormal | terms.FullNormal):
        mean, root = location(law, at), _root(law, at)
        for weight, noises in at.arithmetic.noises(len(mean)):
            moved_by = root.times(noises)
            yield weight, {key: tuple(m + shift for m, shift in zip(mean, moved_by, strict=True))}, noises
    else:
        raise Uncomputable(f"no way to draw from {law}")


def _flips(key: Any, chances: list[Any], at: Viewpoint) -> Iterator[Outcome]:
    if 2 ** len(chances) > MOST_OUTCOMES:
        raise Uncomputable(f"{len(chances)} bits at once")
    number = at.arithmetic.number
    for bits in itertools.product((0, 1), repeat=len(chances)):
        weight = number(1)
        for bit, chance in zip(bits, chances, strict=True):
            weight = weight * (chance if bit else 1 - chance)
        yield weight, {key: tuple(map(number, bits))}, ()


def _root(law: Any, at: Viewpoint) -> Matrix:
    """A square root of the covariance of a normal law."""
    half = at.arithmetic.number(1) / 2
    if isinstance(law, terms.FullNormal):
        return cholesky(_covariance_of(law, at), lambda v: at.arithmetic.power(v, half))
    roots = [at.arithmetic.power(v, half) for v in variances(law, at)]
    return Matrix.of([[root if r == c else 0 * root for c in range(len(roots))] for r, root in enumerate(roots)])


def places_of(law: Any, at: Viewpoint) -> Iterator[tuple[Any, Viewpoint, Any]]:
    """The outcomes with the place of each; in a steady world they are made once, and keep what is read there."""
    found = at.averaged if at.env else at.world.places
    if law in found:
        yield from found[law]
        return
    made: list[tuple[Any, Viewpoint, Any]] = []
    for weight, drawn, noises in outcomes(law, at):
        if len(made) > MOST_OUTCOMES:
            raise Uncomputable(f"an average over more than {MOST_OUTCOMES} outcomes")
        made.append((weight, at.bind(drawn), noises))
        yield made[-1]
    if at.world.steady:
        found[law] = made


def mean_over(law: Any, body: Any, at: Viewpoint) -> Any:
    """The mean of body over the law."""
    total: Any = None
    for weight, place, noises in places_of(law, at):
        value = at.arithmetic.average(place.value(body), noises)
        part = tuple(weight * v for v in value) if isinstance(value, tuple) else weight * value
        if total is None:
            total = part
        else:
            total = tuple(a + b for a, b in zip(total, part, strict=True)) if isinstance(part, tuple) else total + part
    if total is None:
        raise Undefined(f"{law} has no outcome")
    return total


@reads(terms.Expect)
def _expect(e: Any, at: Viewpoint) -> Any:
    law, body = e.args
    if not at.arithmetic.strict and isinstance(body, sp.exp):
        return _floating_mean(law, body, at)
    return mean_over(law, body, at)


def _floating_mean(law: Any, body: Any, at: Viewpoint) -> Any:
    """E of an exponential in floats: over independent normal coordinates and over a Gaussian chain, not by a grid."""
    if isinstance(law, terms.Density) and hasattr(law_named(law.args[0].name, at), "exp_quadratic"):
        chain, (key,) = law_named(law.args[0].name, at), at.keys(law.variables)
        return chain.exp_quadratic(key, at.assign(law.given), lambda v: at.bind({key: v}).value(body.args[0]))
    if not isinstance(law, terms.Normal | terms.DiagonalNormal):
        return mean_over(law, body, at)
    (key,) = at.keys(law.variables)
    exponent = body.args[0]
    return floating.mean_of_exponential(
        location(law, at), variances(law, at), lambda v: at.bind({key: v}).value(exponent)
    )


@reads(terms.KL)
def _kl(e: Any, at: Viewpoint) -> Any:
    p, q = e.args
    return mean_over(p, terms.LogDensity(p) - terms.LogDensity(q), at)


@reads(terms.Mean)
def _mean(e: Any, at: Viewpoint) -> Any:
    (variable,) = e.args[0].variables
    return mean_over(e.args[0], variable, at)


@reads(terms.Variance)
def _variance(e: Any, at: Viewpoint) -> Any:
    """The v of a law whose covariance is v I: there is none when the covariance is certainly another matrix."""
    law = e.args[0]
    (key,) = at.keys(law.variables)
    draws = [(weight, drawn[key], noises) for weight, drawn, noises in outcomes(law, at)]

    def mean(read: Any) -> Any:
        return sum((w * at.arithmetic.average(read(v), noises) for w, v, noises in draws), at.arithmetic.number(0))

    size = len(draws[0][1])
    means = [mean(lambda v, c=c: v[c] + at.arithmetic.number(0)) for c in range(size)]
    entries = {
        (r, c): mean(lambda v, r=r, c=c: (v[r] - means[r]) * (v[c] - means[c]))
        for r in range(size)
        for c in range(r + 1)
    }
    for (r, c), entry in entries.items():
        if at.arithmetic.strict and surely("=", entry, entries[0, 0] if r == c else at.arithmetic.number(0)) is False:
            raise Undefined(f"the covariance of {law} is no multiple of the identity")
    return entries[0, 0]


@reads(terms.SameLaw)
def _same_law(e: Any, at: Viewpoint) -> bool:
    p, q = e.args
    for _, drawn, _ in outcomes(p, at):
        left, right = (at.bind(drawn).value(terms.LogDensity(law)) for law in (p, q))
        told = surely("=", left, right) if at.arithmetic.strict else close(left, right)
        if told is None:
            raise Uncomputable("whether two laws coincide, the bounds do not tell")
        if not told:
            return False
    return True
