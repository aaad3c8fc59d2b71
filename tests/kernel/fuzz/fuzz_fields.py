"""Claims about gradients, divergences and means of scores: what is right of them, and what people get wrong."""

from __future__ import annotations

from typing import Any

import sympy as sp
from fuzz_terms import Words, a, b, f, g, u, v, w, z
from fuzz_walks import Draft

from derivations.kernel.terms import DIM
from derivations.notation import decay, integrable, interchange_hypothesis, smooth
from derivations.rules import (
    POSITIVE,
    REAL,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Gradient,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    StopGradient,
    Vjp,
    above,
    algebra,
    bayes,
    by_parts,
    inner_mean,
    linearity,
    log_p,
    mean_derivative,
    moments,
    stein,
    stop_gradient,
    vector_calculus,
    vector_function,
)

h, k = vector_function("fuzz_field_h"), vector_function("fuzz_field_k")
DOMAIN = Domain({"fuzz_a": REAL, "fuzz_b": REAL, "fuzz_c": REAL, "fuzz_g": POSITIVE})
SUPPOSED = (smooth, decay, integrable, interchange_hypothesis)


def step(lhs: Any, rhs: Any, by: Any, words: Words, kind: str) -> Draft:
    supposed = tuple(one for one in SUPPOSED if words.chance(0.9))
    return Draft([(lhs, "=", algebra), (rhs, "=", by)], DOMAIN, supposed, kind=kind)


def calculus(words: Words) -> Draft:
    """Products, chains and directions; a Jacobian is not its own transpose, and a dimension is no 1."""
    along, size = words.one(u, z, a * w, u + w), words.one(DIM, DIM, 1)
    variance = words.one(sp.S.One, 1 + a**2, g(1))
    law = Normal(z, words.one(u, b * u), variance)
    lhs, rhs = words.one(
        (Grad(f(z) * Norm2(z), z), Norm2(z) * Grad(f(z), z) + words.one(2, 1) * f(z) * z),
        (Div(f(z) * h(z), z), f(z) * Div(h(z), z) + words.one(1, 0) * Inner(Grad(f(z), z), h(z))),
        (Div(z - a * u, z), size),
        (Jvp(h(z) + a * k(z), z, along), Jvp(h(z), z, along) + a * Jvp(k(z), z, along)),
        (Vjp(h(z), z, along), words.one(Vjp, Jvp)(h(z), z, along)),
        (Jvp(Grad(f(z), z), z, along), words.one(Vjp, Jvp)(Grad(f(z), z), z, along)),
        (Grad(Inner(h(z), k(z)), z), words.one(Vjp, Jvp)(h(z), z, k(z)) + Vjp(k(z), z, h(z))),
        (Inner(v, Vjp(h(z), z, u)), Inner(u, words.one(Jvp, Vjp)(h(z), z, v))),
        (Div(words.one(Jvp, Vjp)(h(w), w, z), z), Div(h(w), w)),
        (Div(Jvp(h(z), z, z), z), Div(h(z), z)),
        (Grad(Inner(z, Jvp(h(w), w, z)), z), Jvp(h(w), w, z) + words.one(Vjp, Jvp)(h(w), w, z)),
        (Laplacian(f(z) ** 2, z), 2 * f(z) * Laplacian(f(z), z) + words.one(2, 1) * Norm2(Grad(f(z), z))),
        (Grad(LogDensity(law), z), words.one(1, -1) * (law.args[1] - z) / variance),
        (Laplacian(LogDensity(law), z), -size / variance),
        (Grad(LogDensity(law), u), words.one((z - law.args[1]) / variance, b * (z - law.args[1]) / variance)),
        (Grad(f(u) * Inner(z, v), z), words.one(f(u) * v, v)),
    )
    return step(lhs, rhs, vector_calculus, words, "vector calculus")


def scores(words: Words) -> Draft:
    """A density is integrated by parts against its own score, and against no other."""
    law = words.one(Density("p", z), Density("p", z, u), Density("p", [z, w]))
    other = words.one(law, law, Density("p", z, v), Density("q", z))
    score = Grad(LogDensity(other), z)
    field, divergence = words.one(
        (h(z), Div(h(z), z)), (z, DIM), (u, sp.S.Zero), (f(z) * u, Inner(Grad(f(z), z), u)), (h(u), sp.S.Zero)
    )
    sign = words.one(-1, -1, 1)
    rhs = sign * Expect(law, divergence) if sp.sympify(divergence).has(z) else sign * divergence
    return step(Expect(law, Inner(field, score)), rhs, by_parts, words, "scores")


def gaussian_parts(words: Words) -> Draft:
    variance, mean = words.one(sp.S.One, 1 + a**2, g(1)), words.one(u, sp.S.Zero, a * u)
    law, other = Normal(z, mean, variance), Normal(z, mean, words.one(variance, variance, 2 * variance))
    score = Grad(LogDensity(other), z)
    lhs, rhs = words.one(
        (Inner(z, score), -DIM),
        (Inner(z, v) * Inner(w, score), -Inner(v, w)),
        (Norm2(z) * Inner(v, score), -2 * Inner(z, v)),
        (Inner(z, v) * Inner(z, score), -words.one(DIM + 1, DIM) * Inner(z, v)),
    )
    value = Expect(law, rhs) if rhs.has(z) else rhs
    by = words.one(stein, [stein, moments])
    return step(Expect(law, lhs), value, by, words, "Stein")


def moving_laws(words: Words) -> Draft:
    """A mean moves with what is averaged, and with the law that averages."""
    law = words.one(Density("p", w, z), Normal(w, z, 1), Normal(w, a * z + u, g(1)), Density("p", w), Normal(w, u, 1))
    own = Grad(LogDensity(law), z)
    body = words.one(f(w), f(z), f(w) * f(z), Inner(w, z), Norm2(w))
    inside = Grad(body, z) + words.one(1, 1, 0) * body * own
    if words.chance(0.3):
        vector = words.one(w, z, h(w), f(z) * w)
        return step(
            Div(Expect(law, vector), z),
            Expect(law, Div(vector, z) + words.one(1, 0) * Inner(vector, own)),
            [mean_derivative, vector_calculus],
            words,
            "moving laws",
        )
    return step(
        Grad(Expect(law, body), z), Expect(law, inside), [mean_derivative, vector_calculus], words, "moving laws"
    )


def captured(words: Words) -> Draft:
    """A lemma about a gradient, read where its variable is something else."""
    lhs, rhs = words.one(
        (Inner(Grad(a * Norm2(z), z), u), 2 * a * Inner(z, u)),
        (Jvp(a * f(z), z, u), a * Inner(Grad(f(z), z), u)),
        (Div(a * h(z), z), a * Div(h(z), z)),
        (Laplacian(a * Norm2(z) + Inner(z, u), z), 2 * a * DIM),
    )
    first = ((lhs, "=", rhs), [(lhs, "=", algebra), (rhs, "=", vector_calculus)])
    key, value = words.one(
        (a, Norm2(z)), (a, b + 1), (z, v), (z, 2 * v), (u, z), (u, h(z)), (a, f(z)), (z, u), (a, Inner(u, v))
    )
    try:
        left, right = (side.xreplace({key: value}) for side in (lhs, rhs))
    except ValueError:
        left, right = lhs, rhs
    lines = [(left + b, "=", algebra), (right + b, "=", above(0, at={key: value}))]
    return Draft(lines, DOMAIN, SUPPOSED, first=first, kind="captured gradients")


def posterior_means(words: Words) -> Draft:
    law = Density("p", w, z)
    mean = Expect(law, w)
    conditional, marginal = Grad(log_p("p", z, w), z), Grad(log_p("p", z), z)
    lhs, rhs, by = words.one(
        (Inner(u, mean), Expect(law, Inner(u, w)), inner_mean),
        (Inner(w, mean), Expect(law, Inner(w, w)), inner_mean),
        (Inner(mean, mean), Expect(law, Inner(w, mean)), inner_mean),
        (Expect(law, Inner(w, u) * f(z)), f(z) * Expect(law, Inner(w, u)), linearity),
        (Expect(law, Inner(w, mean)), words.one(Inner(mean, mean), Norm2(w)), [linearity, inner_mean]),
        (marginal + Grad(LogDensity(law), z), conditional, [bayes, vector_calculus]),
        (marginal, conditional, [bayes, vector_calculus]),
        (Expect(law, marginal), marginal, linearity),
    )
    return step(lhs, rhs, by, words, "posterior means")


def stopped(words: Words) -> Draft:
    """What a stop-gradient holds fixed, in values and in gradients; and what forgets it, or puts it in too early."""
    held, value = words.one((u, u), (z, z), (h(z), h(z)), (a * z + u, a * z + u))
    number, amount = words.one((f(z), f(z)), (Norm2(z), Norm2(z)), (a, a))
    sg = words.one(StopGradient, StopGradient, lambda e: e)
    body, slope = words.one(
        (Norm2(sg(held) - z), 2 * (z - value)),
        (sg(number) * Norm2(z), 2 * amount * z),
        (sg(number) * f(z), amount * Grad(f(z), z)),
        (Inner(z + sg(held), v), v),
        (f(z + sg(h(z) - z)), Gradient(f, h(z))),
        (Norm2(sg(z)) + b * Inner(sg(held), z), b * value),
    )
    if words.chance(0.2):
        return step(body, body.replace(StopGradient, lambda e: e), algebra, words, "stop-gradients")
    by = words.one([vector_calculus, stop_gradient], [stop_gradient, vector_calculus])
    return step(Grad(body, z), slope, by, words, "stop-gradients")


FIELDS = (calculus, calculus, scores, gaussian_parts, moving_laws, captured, posterior_means, stopped)
