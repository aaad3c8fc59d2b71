"""A stop-gradient is its argument in value, and nothing to a derivative: what is proved of it, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

import derivations
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.held import HeldFixed, HeldVector
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed, unfold_all
from derivations.kernel.verdict import Proved, Refuted
from derivations.notation import alpha, d, i, integrable, interchange_hypothesis, smooth, t, x
from derivations.printing import latex, text
from derivations.rules import (
    POSITIVE,
    D,
    Density,
    Div,
    Domain,
    Expect,
    Grad,
    Gradient,
    Hypothesis,
    Inner,
    IntegralTo,
    Jvp,
    Laplacian,
    Norm2,
    Normal,
    Series,
    StopGradient,
    SumTo,
    Vjp,
    above,
    algebra,
    by_claim,
    define,
    differentiation,
    given,
    mean_derivative,
    moments,
    scalar,
    scalar_function,
    series,
    stop_gradient,
    vector,
    vector_calculus,
    vector_function,
)

z, e, u, m = (vector(f"stop_{name}") for name in "zeum")
weight, w, step = scalar("stop_weight", r"\beta"), scalar("stop_w"), scalar("stop_step", positive=True)
f, nearest = scalar_function("stop_f"), vector_function("stop_nearest")
DOMAIN = Domain({"stop_weight": POSITIVE, "stop_step": POSITIVE, "alpha": POSITIVE}, {t: (1, sp.oo)})
TAKEN = [vector_calculus, stop_gradient]

loss = define(
    "stop_loss", r"L", lambda z, e, b: Norm2(StopGradient(z) - e) + b * Norm2(z - StopGradient(e)), notation=False
)
straight_through = define("stop_through", r"s", lambda z, q: z + StopGradient(q - z), is_vector_valued=True)
of_it = StopGradient(f(z))
LEMMA = proved_lemma("stop.value", of_it, f(z), algebra, DOMAIN)

PROVED: dict[str, tuple[Any, Any, Any]] = {
    "the value of a loss": (loss(z, e, weight), (1 + weight) * Norm2(z - e), algebra),
    "its gradient in the codeword": (Grad(loss(z, e, weight), e), 2 * (e - z), TAKEN),
    "its gradient in the code": (Grad(loss(z, e, weight), z), 2 * weight * (z - e), TAKEN),
    "straight through, the value": (straight_through(z, nearest(z)), nearest(z), algebra),
    "straight through, the gradient": (
        Grad(f(straight_through(z, nearest(z))), z),
        Gradient(f, nearest(z)),
        TAKEN,
    ),
    "straight through, the Jacobian": (Jvp(straight_through(z, nearest(z)), z, u), u, TAKEN),
    "straight through, transposed": (Vjp(straight_through(z, nearest(z)), z, u), u, TAKEN),
    "nothing is left of what is stopped": (Grad(of_it, z), sp.S.Zero * z, TAKEN),
    "half of a product": (Grad(of_it * f(z), z), f(z) * Grad(f(z), z), TAKEN),
    "a stop in a stop": (Grad(StopGradient(f(z) * of_it) * Norm2(z), z), 2 * f(z) ** 2 * z, TAKEN),
    "a second derivative stops too": (
        Laplacian(Inner(StopGradient(z), z) + Norm2(z), z),
        2 * d,
        TAKEN,
    ),
    "a gradient that is stopped": (
        Grad(Inner(StopGradient(Grad(f(z), z)), z), z),
        Grad(f(z), z),
        TAKEN,
    ),
    "stopped outside of what is differentiated": (
        StopGradient(Grad(Norm2(z) * StopGradient(w), z)),
        2 * w * z,
        TAKEN,
    ),
    "divergence": (Div(w * z + StopGradient(z), z), d * w, TAKEN),
    "in a number": (D(StopGradient(w) * w**2, w), 2 * w**2, [differentiation, stop_gradient]),
    "in a member of a family": (
        D(StopGradient(alpha(t)) * alpha(t), alpha(t)),
        alpha(t),
        [differentiation, stop_gradient],
    ),
    "in a sum around": (
        SumTo(Inner(Grad(Norm2(StopGradient(x(i)) - e), e), u), i, 1, t),
        SumTo(2 * Inner(e - x(i), u), i, 1, t),
        TAKEN,
    ),
    "a sum inside, of what does not run": (
        Grad(SumTo(i * StopGradient(f(z)) * Norm2(z), i, 1, t), z),
        SumTo(2 * i * f(z) * z, i, 1, t),
        TAKEN,
    ),
    "a mean around": (
        Expect(Normal(z, m, 1), Inner(Grad(Norm2(StopGradient(z) - e), e), u)),
        2 * Inner(e - m, u),
        [*TAKEN, moments],
    ),
    "what does not vary in a mean inside": (
        Grad(StopGradient(f(m)) * Expect(Normal(z, m, 1), Inner(z, u)), m),
        f(m) * u,
        [moments, *TAKEN],
    ),
    "in a series, it is its argument": (Series(StopGradient(step) * step, step, 3), step**2, series),
}  # fmt: skip


@pytest.mark.parametrize("name", PROVED)
def test_it_is_proved_and_watched(name: str) -> None:
    lhs, rhs, by = PROVED[name]
    says = (Statement(lhs, "=", rhs),)
    claim = Claim("test.stop", "", "", "identity", says, "", (), DOMAIN, (smooth,))

    @claim.proves()
    def _(line: Any) -> None:
        line(lhs)
        line(rhs, by=by)

    found = derivations.judge(claim)
    assert isinstance(found.verdict, Proved), found.verdict
    assert found.shadow.full == len(found.shadow.steps), found.shadow.without


def bare(*sides: Any, by: Any = TAKEN, hypotheses: Any = (smooth, interchange_hypothesis, integrable), **more: Any):  # type: ignore[no-untyped-def]
    return lambda: Attack(*sides, by, DOMAIN, hypotheses, **more)


same_function = Hypothesis("same", "f(z) = |z|^2", f(z), Norm2(z))
FALSE: dict[str, Callable[[], Attack]] = {
    "a stop is nothing": bare(Grad(of_it, z), Grad(f(z), z)),
    "a stop is nothing, by algebra": bare(Grad(of_it, z), Grad(f(z), z), by=algebra),
    "nothing has a gradient": bare(Grad(f(z), z), sp.S.Zero * z),
    "one value, used under a gradient": bare(
        Grad(of_it, z), Grad(f(z), z), by=[by_claim("stop.value"), *TAKEN], lemmas=(LEMMA,)
    ),
    "one value, as a hypothesis": bare(
        Grad(of_it, z), Grad(f(z), z), by=[given(Hypothesis("one", "", of_it, f(z))), *TAKEN],
        hypotheses=(smooth, Hypothesis("one", "", of_it, f(z))),
    ),
    "what a function is, after it was stopped": bare(
        Grad(of_it, z), 2 * z, by=[given(same_function), *TAKEN], hypotheses=(smooth, same_function)
    ),
    "the codeword is pulled by both terms": bare(Grad(loss(z, e, weight), e), 2 * (1 + weight) * (e - z)),
    "the code is pulled by both terms": bare(Grad(loss(z, e, weight), z), 2 * (1 + weight) * (z - e)),
    "stops in each other's place": bare(Grad(loss(z, e, weight), e), 2 * weight * (e - z)),
    "the gradient of a quantizer": bare(
        Grad(f(straight_through(z, nearest(z))), z), Vjp(nearest(z), z, Gradient(f, nearest(z)))
    ),
    "through, read where it came from": bare(Grad(f(straight_through(z, nearest(z))), z), Gradient(f, z)),
    "what was put in too early": bare(
        Grad(f(z) * of_it, z), 2 * f(z) * Grad(f(z), z), by=[stop_gradient, vector_calculus]
    ),
    "a value by a lemma about a gradient": bare(
        Grad(f(z), z), sp.S.Zero * z, by=above(0), chain=lambda line: (line(Grad(f(z), z)), line(0 * z, by=TAKEN)),
    ),
    "the slope of a stopped number": bare(
        D(StopGradient(w) * w, w), 2 * w, by=[differentiation, stop_gradient]
    ),
    "a second derivative of what is stopped": bare(Laplacian(Inner(StopGradient(z), z), z), 2 * d),
    "a draw that is stopped inside of its mean": bare(
        Grad(Expect(Normal(z, m, 1), Inner(StopGradient(z), u)), m), sp.S.Zero * z, by=[moments, *TAKEN]
    ),
    "a weight that is stopped inside of its mean": bare(
        Grad(Expect(Density("q", z, m), StopGradient(f(z)) * f(z)), m), sp.S.Zero * z, by=[mean_derivative, *TAKEN]
    ),
    "a term that is stopped inside of a sum": bare(
        Grad(SumTo(StopGradient(f(i * z)) * f(z), i, 1, t), z), sp.S.Zero * z
    ),
    "a variable of an integral": bare(
        D(IntegralTo(StopGradient(w) * step, w, 0, 1), step), sp.Rational(1, 2), by=[differentiation, stop_gradient]
    ),
    "no gradient where there is no value": bare(
        Grad(StopGradient(sp.log(w)) * Norm2(z), z), 2 * sp.log(w) * z
    ),
    "no slope of a root at 0": bare(
        D(StopGradient(w) * sp.sqrt(w**2), w), w, by=[differentiation, stop_gradient]
    ),
    "what is held, written by hand": bare(
        HeldFixed(Grad(HeldVector("•held1", real=True) - z, z), [HeldVector("•held1", real=True)], [z]), sp.S.Zero * z
    ),
    "a constant of nobody": bare(Inner(HeldVector("stop_c", real=True), z), sp.S.Zero),
    "a name that was left out": bare(
        Grad(define("stop_hides", "h", lambda z: StopGradient(e) + z, is_vector_valued=True)(z), z), sp.S.Zero * z
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


REFUTED = ("its gradient in the codeword", "straight through, the gradient", "half of a product")


@pytest.mark.parametrize("name", REFUTED)
def test_a_lost_stop_is_refuted(name: str) -> None:
    """The refuter has a meaning of its own for it: it reads what is stopped where no derivative moved anything."""
    lhs, rhs, _ = PROVED[name]
    lost = unfold_all(lhs).replace(lambda a: isinstance(a, StopGradient), lambda a: a.args[0])
    for wrong in ((lhs, 2 * rhs), (lost, rhs)):
        claim = Claim("test.stop", "", "", "identity", (Statement(wrong[0], "=", wrong[1]),), "", (), DOMAIN, (smooth,))
        assert isinstance(derivations.judge(claim).verdict, Refuted)


def test_no_term_of_the_kernel_holds_a_stop() -> None:
    assert core(of_it) == f(z)
    made = core(Grad(of_it * Norm2(StopGradient(z) - z), z))
    assert isinstance(made, HeldFixed) and not made.has(StopGradient) and set(made.args[2]) == {f(z), z}
    assert core(made) == made
    assert core(Grad(StopGradient(z) + StopGradient(z + 0 * u), z)).args[2] == sp.Tuple(z)


def test_what_is_held_keeps_its_place_when_values_meet() -> None:
    held = core(Grad(Inner(StopGradient(u), z) + Inner(StopGradient(e), z), z))
    met = held.xreplace({u: e})
    assert met == core(Grad(2 * Inner(StopGradient(e), z), z)).func(*met.args)
    assert met.args[2] == sp.Tuple(e)


def test_one_derivative_holds_no_other() -> None:
    held = core(Grad(of_it * Norm2(z), z))
    with pytest.raises(Malformed, match="already"):
        HeldFixed(Grad(Inner(held, z), z), [], [])


def test_it_is_printed_as_it_is_written() -> None:
    shown = Grad(Norm2(StopGradient(z) - e), e)
    assert text(shown) == text(core(shown)) == "∇_stop_e ‖sg[stop_z] - stop_e‖²"
    assert latex(shown) == latex(core(shown))
    assert r"\operatorname{sg}\left[stop_z\right]" in latex(shown)
