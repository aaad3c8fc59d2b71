"""Generative chains with networks for means: their densities are known, their other laws are not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from derivations.refutation.arithmetic import FLOATING, Arithmetic
from derivations.refutation.densities import log_normal
from derivations.refutation.undefined import Uncomputable
from derivations.refutation.worlds import Assignment, Key, Vector, World


class ReverseChain:
    """p(x_0..x_T) = N(x_T; 0, spread I) times N(x_{t-1}; mu_theta(x_t, t) + shift, sigma_t^2 I) for t = T..1.

    `shift` and `spread` other than 0 and 1 make a model that breaks the hypotheses on the kernels and on the prior.
    With `linked` x_0 also leans on x_2, while p(x_0 | x_1) stays what it is: that needs mu_theta(x, 2) to be constant,
    so that x_1 and x_2 are independent.
    """

    def __init__(self, world: World, last: int, shift: int = 0, spread: int = 1, linked: bool = False) -> None:
        self.world, self.last, self.shift, self.spread = world, last, Fraction(shift), Fraction(spread)
        self.linked = linked

    def _law(self, time: int, above: Assignment) -> tuple[Vector, Any]:
        """Mean and variance of x_time given the state above it."""
        number = self.world.arithmetic.number
        if time == self.last:
            return (number(0),) * self.world.d, number(self.spread)
        state = tuple(map(number, above[("x", time + 1)]))
        mean = self.world.network("mu_theta", state, number(time + 1), counted=(False, True))
        sigma = self.world.family("sigma", number(time + 1), counted=(True,))
        return tuple(m + number(self.shift) for m in mean), sigma**2

    def _times(self, variables: Any, given: Assignment) -> list[int]:
        """The states asked for, when they run down from the one above them that is given, or from x_T."""
        times = sorted(key[1] for key in variables)
        known = sorted(key[1] for key in given)
        below = [times[-1] + 1] if times[-1] < self.last else []
        if times != list(range(times[0], times[-1] + 1)) or known != below or times[0] < 0 or times[-1] > self.last:
            raise Uncomputable("this law of a nonlinear chain has no closed form")
        return times

    def log_density(self, variables: Assignment, given: Assignment, arithmetic: Arithmetic = FLOATING) -> Any:
        total, states = arithmetic.number(0), {**given, **variables}
        for time in self._times(variables, given):
            mean, variance = self._law(time, states)
            if self.linked and time == 0 and ("x", 2) in variables:
                mean, variance = self._leaning(mean, variance, states)
            value = [arithmetic.number(v) for v in variables[("x", time)]]
            total = total + log_normal(value, mean, [variance] * len(mean), arithmetic.log, arithmetic.pi())
        return total

    def _leaning(self, mean: Vector, variance: Any, states: Assignment) -> tuple[Vector, Any]:
        """The law of x_0 given x_1 and x_2 when 3/5 of the noise in x_0 is the noise that made x_2."""
        arithmetic = self.world.arithmetic
        centre, width = self._law(2, states)
        root = arithmetic.power(variance, arithmetic.number(Fraction(1, 2)))
        narrow = arithmetic.power(width, arithmetic.number(Fraction(1, 2)))
        noise = [(arithmetic.number(v) - m) / narrow for v, m in zip(states[("x", 2)], centre, strict=True)]
        share = arithmetic.number(Fraction(3, 5))
        return tuple(m + share * root * e for m, e in zip(mean, noise, strict=True)), variance * 16 / 25

    def outcomes(
        self, variables: tuple[Key, ...], given: Assignment, arithmetic: Arithmetic = FLOATING
    ) -> Iterator[Any]:
        (time,) = self._times(variables, given)
        mean, variance = self._law(time, given)
        root = arithmetic.power(variance, arithmetic.number(Fraction(1, 2)))
        for weight, noises in arithmetic.noises(len(mean)):
            drawn = {("x", time): tuple(m + root * e for m, e in zip(mean, noises, strict=True))}
            yield (weight, drawn, noises) if arithmetic.strict else (weight, drawn)
