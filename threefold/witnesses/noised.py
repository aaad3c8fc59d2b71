"""The law of finitely many data to which Gaussian noise was added, in the evaluator's 30 digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derivations.refutation.laws import hermite_grid, mp
from derivations.refutation.undefined import Uncomputable

Key = tuple[Any, ...]


@dataclass(frozen=True)
class NoisedPoints:
    """x = signal y + level noise for a y drawn from `points` with `weights`: a mixture of normal laws.

    `clean` and `noisy` are the keys of y and x. A density of y is a probability. Averages over x alone are taken
    component by component, on a grid that is exact for polynomials only.
    """

    clean: Key
    noisy: Key
    points: Sequence[tuple[Any, ...]]
    weights: Sequence[Any]
    signal: Any
    level: Any

    def log_density(self, variables: Mapping[Key, Any], given: Mapping[Key, Any]) -> Any:
        both = {**given, **variables}
        return self._log_mass(both) - self._log_mass(given)

    def _log_mass(self, values: Mapping[Key, Any]) -> Any:
        """The log of the joint density of these variables, summed over those that are left out."""
        if not values:
            return mp.mpf(0)
        kept = [n for n, y in enumerate(self.points) if self.clean not in values or values[self.clean] == y]
        if not kept:
            raise Uncomputable("this value is none of the data")
        if self.noisy not in values:
            return mp.log(mp.fsum(mp.mpf(self.weights[n]) for n in kept))
        logs = [mp.log(mp.mpf(self.weights[n])) + self._log_noise(values[self.noisy], n) for n in kept]
        top = max(logs)
        return top + mp.log(mp.fsum(mp.exp(one - top) for one in logs))

    def _log_noise(self, x: Any, n: int) -> Any:
        variance = mp.mpf(self.level) ** 2
        square = mp.fsum((v - self.signal * y) ** 2 for v, y in zip(x, self.points[n], strict=True))
        return -square / (2 * variance) - len(x) * mp.log(2 * mp.pi * variance) / 2

    def outcomes(self, variables: Sequence[Key], given: Mapping[Key, Any]) -> Iterator[Any]:
        values = list(dict.fromkeys(self.points))  # a datum that occurs twice is one value, with both weights
        shares = [self._log_mass({**given, self.clean: y}) - self._log_mass(given) for y in values]
        for y, share in zip(values, shares, strict=True):
            if self.clean in given and given[self.clean] != y:
                continue
            weight = mp.mpf(1) if self.clean in given else mp.exp(share)
            drawn = {self.clean: y} if self.clean in variables else {}
            if self.noisy not in variables:
                yield weight, drawn
                continue
            for part, noises in hermite_grid(len(y)):
                x = tuple(self.signal * v + self.level * e for v, e in zip(y, noises, strict=True))
                yield weight * part, {**drawn, self.noisy: x}
