"""Generative chains with networks for means: their densities are known, their other laws are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derivations.refutation.laws import Assignment, Key, Uncomputable, Vector, hermite_grid, mp, number
from derivations.refutation.worlds import World


class ReverseChain:
    """p(x_0..x_T) = N(x_T; 0, spread I) times N(x_{t-1}; mu_theta(x_t, t) + shift, sigma_t^2 I) for t = T..1.

    `shift` and `spread` other than 0 and 1 make a model that breaks the hypotheses on the kernels and on the prior.
    With `linked` x_0 also leans on x_2, while p(x_0 | x_1) stays what it is: that needs mu_theta(x, 2) to be constant,
    so that x_1 and x_2 are independent.
    """

    def __init__(self, world: World, last: int, shift: Any = 0, spread: Any = 1, linked: bool = False) -> None:
        self.world, self.last, self.shift, self.spread = world, last, mp.mpf(shift), mp.mpf(spread)
        self.linked = linked

    def _law(self, time: int, above: Assignment) -> tuple[Vector, Any]:
        """Mean and variance of x_time given the state above it."""
        if time == self.last:
            return (mp.mpf(0),) * self.world.d, self.spread
        mean = self.world.network("mu_theta", above[("x", time + 1)], mp.mpf(time + 1))
        return tuple(m + self.shift for m in mean), self.world.family("sigma", mp.mpf(time + 1)) ** 2

    def _times(self, variables: Any, given: Assignment) -> list[int]:
        """The states asked for, when they run down from the one above them that is given, or from x_T."""
        times = sorted(key[1] for key in variables)
        known = sorted(key[1] for key in given)
        below = [times[-1] + 1] if times[-1] < self.last else []
        if times != list(range(times[0], times[-1] + 1)) or known != below or times[0] < 0 or times[-1] > self.last:
            raise Uncomputable("this law of a nonlinear chain has no closed form")
        return times

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        total, states = mp.mpf(0), {**given, **variables}
        for time in self._times(variables, given):
            mean, variance = self._law(time, states)
            if self.linked and time == 0 and ("x", 2) in variables:
                mean, variance = self._leaning(mean, variance, states)
            square = mp.fsum((v - m) ** 2 for v, m in zip(map(number, variables[("x", time)]), mean, strict=True))
            total -= (len(mean) * mp.log(2 * mp.pi * variance) + square / variance) / 2
        return total

    def _leaning(self, mean: Vector, variance: Any, states: Assignment) -> tuple[Vector, Any]:
        """The law of x_0 given x_1 and x_2 when 3/5 of the noise in x_0 is the noise that made x_2."""
        centre, width = self._law(2, states)
        noise = [(v - m) / mp.sqrt(width) for v, m in zip(map(number, states[("x", 2)]), centre, strict=True)]
        share = mp.mpf(3) / 5
        return tuple(m + share * mp.sqrt(variance) * e for m, e in zip(mean, noise, strict=True)), variance * 16 / 25

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        (time,) = self._times(variables, given)
        mean, variance = self._law(time, given)
        for weight, noise in hermite_grid(len(mean)):
            yield weight, {("x", time): tuple(m + mp.sqrt(variance) * e for m, e in zip(mean, noise, strict=True))}
