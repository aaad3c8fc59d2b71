"""The Gaussian chain in 30-digit floats, at which witnesses read statements: its averages are Gauss-Hermite sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from derivations.refutation.arithmetic import hermite_grid, mp, number
from derivations.refutation.floating import exp_of_quadratic
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import Assignment, Key, Vector


class GaussianChain:
    """x_t = sqrt(alpha_t) x_{t-1} + sqrt(1 - alpha_t) noise, coordinates independent, x_0 drawn from a few points.

    Without `starts` only laws that know x_0, or do not depend on it, can be computed.
    """

    def __init__(self, alphas: list[Any], d: int, starts: tuple[tuple[Any, Vector], ...] = ()) -> None:
        self.d, self.T, self.starts = d, len(alphas), starts
        self.gain = [mp.mpf(1)]
        self.cov = mp.matrix(self.T + 1, self.T + 1)
        for t, a in enumerate(alphas, 1):
            a = number(a)
            self.gain.append(mp.sqrt(a) * self.gain[-1])
            for s in range(t):
                self.cov[s, t] = self.cov[t, s] = mp.sqrt(a) * self.cov[s, t - 1]
            self.cov[t, t] = a * self.cov[t - 1, t - 1] + (1 - a)
        self._regressions: dict[Any, Any] = {}

    # --- x_1..x_T given x_0 -------------------------------------------------------------------------------------------

    def _regression(self, wanted: tuple[int, ...], known: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
        """(gain on the known, Cholesky root, its inverse, log of its determinant) of x_wanted given x_0 and x_known."""
        if (wanted, known) not in self._regressions:
            cov, gain = self._block(wanted, wanted), None
            if known:
                gain = self._block(wanted, known) * mp.inverse(self._block(known, known))
                cov = cov - gain * self._block(known, wanted)
            root = mp.cholesky(cov)
            log_det = mp.fsum(mp.log(root[i, i]) for i in range(len(wanted)))
            self._regressions[wanted, known] = gain and gain.tolist(), root.tolist(), mp.inverse(root).tolist(), log_det
        found: tuple[Any, Any, Any, Any] = self._regressions[wanted, known]
        return found

    def _block(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> Any:
        return mp.matrix([[self.cov[a, b] for b in columns] for a in rows])

    def _mean(
        self, c: int, wanted: tuple[int, ...], known: tuple[int, ...], given: Assignment, x0: Vector
    ) -> list[Any]:
        """Coordinate c of the mean of x_wanted given x_0 and x_known."""
        prior = [self.gain[t] * x0[c] for t in wanted]
        if not known:
            return prior
        surprise = [given[("x", t)][c] - self.gain[t] * x0[c] for t in known]
        return [m + s for m, s in zip(prior, _times(self._regression(wanted, known)[0], surprise), strict=True)]

    def _times(self, keys: Any) -> tuple[int, ...]:
        """The Gaussian states among keys ("x", t), in order."""
        if any(not 0 <= key[1] <= self.T for key in keys):
            raise Undefined(f"this chain has the states x_0..x_{self.T} only")
        return tuple(sorted(key[1] for key in keys if key[1] >= 1))

    def _log_normal(self, values: Assignment, given: Assignment, x0: Vector) -> Any:
        wanted, known = self._times(values), self._times(given)
        if not wanted:
            return mp.mpf(0)
        _, _, whiten, log_det = self._regression(wanted, known)
        total = -self.d * (log_det + len(wanted) * mp.log(2 * mp.pi) / 2)
        for c in range(self.d):
            mean = self._mean(c, wanted, known, given, x0)
            white = _times(whiten, [values[("x", t)][c] - m for t, m in zip(wanted, mean, strict=True)])
            total -= mp.fsum(w * w for w in white) / 2
        return total

    # --- x_0 as well --------------------------------------------------------------------------------------------------

    def _weighted_starts(self, wanted: tuple[int, ...], given: Assignment) -> list[tuple[Any, Vector]]:
        """The points where x_0 may be, given what is known, with their probabilities."""
        known = self._times(given)
        if ("x", 0) in given:
            return [(mp.mpf(1), given[("x", 0)])]
        if known and min(wanted) > min(known):
            return [(mp.mpf(1), (mp.mpf(0),) * self.d)]  # given an earlier state, x_0 no longer matters
        if not self.starts:
            raise Uncomputable("this chain has no law of x_0")
        likely = [number(w) * mp.exp(self._log_normal(given, {}, x0)) for w, x0 in self.starts]
        return [(w / mp.fsum(likely), tuple(map(number, x0))) for w, (_, x0) in zip(likely, self.starts, strict=True)]

    def log_density(self, variables: Assignment, given: Assignment) -> Any:
        if ("x", 0) in variables:
            raise Uncomputable("x_0 is discrete here: it has no density")
        starts = self._weighted_starts(self._times(variables), given)
        return mp.log(mp.fsum(w * mp.exp(self._log_normal(variables, given, x0)) for w, x0 in starts))

    def outcomes(self, variables: tuple[Key, ...], given: Assignment) -> Iterator[tuple[Any, Assignment]]:
        wanted, known = self._times(variables), self._times(given)
        everything = (0, *wanted) if ("x", 0) in variables else wanted
        for chance, x0 in self._weighted_starts(everything, given):
            start = {("x", 0): x0} if ("x", 0) in variables else {}
            if not wanted:
                yield chance, start
                continue
            means = [self._mean(c, wanted, known, given, x0) for c in range(self.d)]
            root, n = self._regression(wanted, known)[1], len(wanted)
            for weight, noise in hermite_grid(n * self.d):
                shifts = [_times(root, noise[c * n : (c + 1) * n]) for c in range(self.d)]
                values = {
                    ("x", t): tuple(means[c][i] + shifts[c][i] for c in range(self.d)) for i, t in enumerate(wanted)
                }
                yield chance * weight, start | values

    def exp_quadratic(self, key: Key, given: Assignment, exponent: Callable[[Vector], Any]) -> Any:
        """E exp(exponent(x_t)) over one variable, the exponent a quadratic polynomial of it."""
        wanted, known, total = self._times([key]), self._times(given), mp.mpf(0)
        scale = self._regression(wanted, known)[1][0][0]
        for chance, x0 in self._weighted_starts(wanted, given):
            means = [self._mean(c, wanted, known, given, x0)[0] for c in range(self.d)]
            average = exp_of_quadratic(partial(_along, exponent, means, scale), self.d)
            if average is None:
                raise Uncomputable("the exponent is not a quadratic polynomial")
            total += chance * average
        return total


def _times(rows: Any, vector: Sequence[Any]) -> list[Any]:
    return [mp.fdot(zip(row, vector, strict=True)) for row in rows]


def _along(exponent: Callable[[Vector], Any], means: list[Any], scale: Any, noise: Vector) -> Any:
    return exponent(tuple(m + scale * e for m, e in zip(means, noise, strict=True)))
