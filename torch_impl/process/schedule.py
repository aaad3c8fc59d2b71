"""Noise schedules: who owns beta_t, alpha_t, alpha_bar_t, the signal-to-noise ratio and everything made of them."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from torch_impl.process.tables import Tables, Time, as_time

Values = Tensor | np.ndarray | Sequence[float]


class Level(NamedTuple):
    """One time of a schedule as plain numbers: x_t = signal x_0 + sigma noise; lam = log(signal / sigma)."""

    t: int
    log_alpha_bar: float
    signal: float
    sigma: float
    lam: float


class NoiseSchedule:
    """beta_1..beta_T of a variance-preserving chain (claims `ddpm.notation`, `ddpm.forward.marginal`).

    q(x_t | x_0) = N(sqrt(alpha_bar_t) x_0, (1 - alpha_bar_t) I), alpha_bar_t = prod_{s<=t} (1 - beta_s), and
    alpha_bar_0 = 1.
    Tables are float64 and kept as log alpha_bar_t, so that 1 - alpha_bar_t and 1 - alpha_bar_t / alpha_bar_s keep their
    digits for any beta. beta_T = 1, a zero terminal signal-to-noise ratio, is an ordinary schedule.

    Every method takes t as an int in its range or as an integer tensor of any shape, and returns float64 of that shape
    on that tensor's device (float32 on devices that have no float64). ValueError for t out of range, TypeError for a
    t that is not an integer.
    """

    def __init__(self, beta: Tensor, log_alpha_bar: Tensor, one_minus_alpha_bar: Tensor) -> None:
        """From tables over t = 0..T that agree with each other; people use the constructors below."""
        self.T: int = beta.numel() - 1
        alpha_bar = log_alpha_bar.exp()
        log_snr = log_alpha_bar - one_minus_alpha_bar.log()
        self._tables = Tables(
            {
                "beta": (beta,),
                "alpha": (1 - beta,),
                "alpha_bar": (alpha_bar,),
                "log_alpha_bar": (log_alpha_bar,),
                "one_minus_alpha_bar": (one_minus_alpha_bar,),
                "snr": (alpha_bar / one_minus_alpha_bar,),
                "log_snr": (log_snr,),
                "signal": ((0.5 * log_alpha_bar).exp(),),
                "sigma": (one_minus_alpha_bar.sqrt(),),
                "lam": (0.5 * log_snr,),
                "flow_time": (torch.sigmoid(-0.5 * log_snr),),
            }
        )
        columns = (self._tables.exact(name)[:, 0].tolist() for name in ("log_alpha_bar", "signal", "sigma", "lam"))
        self._levels = [Level(t, *row) for t, row in enumerate(zip(*columns, strict=True))]

    @classmethod
    def from_betas(cls, betas: Values) -> "NoiseSchedule":
        """From beta_1..beta_T, each in (0, 1); the last may be 1 (zero terminal SNR). ValueError otherwise."""
        steps = _vector(betas, "betas")
        for t, beta in enumerate(steps.tolist(), start=1):
            if not 0 < beta < 1 and not (beta == 1 and t == steps.numel()):
                raise ValueError(
                    f"beta_{t} = {beta!r} is outside (0, 1); only the last beta may be 1 (zero terminal SNR)"
                )
        log_alpha_bar = torch.log1p(-steps).cumsum(0)
        one_minus = -torch.expm1(log_alpha_bar)
        one_minus[0] = steps[0]  # exactly beta_1, so that posterior(t=1) is exactly (x_0, 0): `ddpm.posterior.t1`
        return cls(_with_zeroth(steps, math.nan), _with_zeroth(log_alpha_bar, 0.0), _with_zeroth(one_minus, 0.0))

    @classmethod
    def from_alpha_bars(cls, alpha_bars: Values) -> "NoiseSchedule":
        """From alpha_bar_1..alpha_bar_T, strictly decreasing in (0, 1); the last may be 0.

        A leading alpha_bar_0 = 1 is welcome. ValueError otherwise.
        """
        bars = _vector(alpha_bars, "alpha_bars")
        if bars[0] != 1:
            bars = _with_zeroth(bars, 1.0)
        if bars.numel() < 2:
            raise ValueError("alpha_bars holds only alpha_bar_0 = 1; at least alpha_bar_1 is needed")
        for t, (before, now) in enumerate(zip(bars.tolist(), bars.tolist()[1:], strict=False), start=1):
            if not 0 <= now < before:
                raise ValueError(
                    f"alpha_bar_{t} = {now!r} is not in [0, {before!r}); alpha_bars must decrease strictly from 1"
                )
        beta = (bars[:-1] - bars[1:]) / bars[:-1]
        return cls(_with_zeroth(beta, math.nan), bars.log(), 1 - bars)

    @classmethod
    def linear(cls, T: int = 1000, beta_min: float = 1e-4, beta_max: float = 0.02) -> "NoiseSchedule":
        """beta_t linear from beta_min at 1 to beta_max at T (`ddpm.schedule.linear`; Ho et al. 2020, section 4).

        A chain of one step has its end, beta_max.
        """
        return cls.from_betas(_ramp(T, beta_min, beta_max))

    @classmethod
    def scaled_linear(cls, T: int = 1000, beta_min: float = 0.00085, beta_max: float = 0.012) -> "NoiseSchedule":
        """sqrt(beta_t) linear in t, as latent diffusion models have it (Rombach et al. 2022)."""
        return cls.from_betas(_ramp(T, math.sqrt(_positive(beta_min)), math.sqrt(_positive(beta_max))) ** 2)

    @classmethod
    def cosine(cls, T: int = 1000, s: float = 0.008, max_beta: float = 0.999) -> "NoiseSchedule":
        """alpha_bar_t = cos^2(angle_t) / cos^2(angle_0), angle_t = (t/T + s)/(1 + s) pi/2.

        Nichol and Dhariwal 2021, eq. 17. beta_t is clipped at max_beta; max_beta = 1 keeps the terminal zero. It comes
        from cos^2 a - cos^2 b = sin(b - a) sin(a + b), which does not cancel.
        """
        _check_steps(T)
        angles = (torch.arange(T + 1, dtype=torch.float64) / T + s) / (1 + s) * (math.pi / 2)
        a, b = angles[:-1], angles[1:]
        return cls.from_betas(_clip((b - a).sin() * (a + b).sin() / a.cos() ** 2, max_beta))

    @classmethod
    def sigmoid(
        cls, T: int = 1000, start: float = -3.0, end: float = 3.0, tau: float = 1.0, max_beta: float = 0.999
    ) -> "NoiseSchedule":
        """alpha_bar_t = (g(end) - g(u_t)) / (g(end) - g(start)), g = logistic(. / tau), u_t linear in t.

        Jabri et al. 2023, appendix B. Differences of logistic functions are taken as products of hyperbolic
        functions, which do not cancel.
        """
        _check_steps(T)
        if not (start < end and tau > 0):
            raise ValueError(f"start = {start!r}, end = {end!r}, tau = {tau!r}: start < end and tau > 0 are needed")
        u = (start + (end - start) * torch.arange(T + 1, dtype=torch.float64) / T) / (2 * tau)
        a, b, last = u[:-1], u[1:], u[-1]
        # logistic(2b) - logistic(2a) = sinh(b - a) / (2 cosh a cosh b), and alpha_bar_{t-1} is such a difference too
        beta = (b - a).sinh() * last.cosh() / ((last - a).sinh() * b.cosh())
        return cls.from_betas(_clip(beta, max_beta))

    def zero_terminal_snr(self) -> "NoiseSchedule":
        """sqrt(alpha_bar) shifted and scaled: alpha_bar_T = 0, alpha_bar_1 as before (Lin et al. 2024, algorithm 1)."""
        if self.T == 1:
            raise ValueError(
                "T = 1: keeping alpha_bar_1 and making alpha_bar_T zero contradict each other; T >= 2 is needed"
            )
        signal = self._tables.exact("signal")[1:, 0]
        first, last = signal[0], signal[-1]
        bars = (first * (signal - last) / (first - last)) ** 2
        bars[0] = first**2
        return NoiseSchedule.from_alpha_bars(bars)

    def shifted(self, shift: float) -> "NoiseSchedule":
        """Every signal-to-noise ratio divided by shift^2, as larger images need (Esser et al. 2024, eq. 23).

        In the flow time u = sigma / (signal + sigma) this is u' = shift u / (1 + (shift - 1) u). The shift becomes part
        of the schedule: samplers that visit a subset of its times apply nothing again. shifted(a).shifted(b) is
        shifted(a b). ValueError unless shift > 0.
        """
        if not 0 < shift < math.inf:
            raise ValueError(f"shift = {shift!r}, but a shift is positive and finite")
        log_snr = self._tables.exact("log_snr")[1:, 0] - 2 * math.log(shift)
        log_alpha_bar = torch.cat([torch.zeros(1, dtype=torch.float64), torch.nn.functional.logsigmoid(log_snr)])
        one_minus = _with_zeroth(torch.sigmoid(-log_snr), 0.0)
        beta = -torch.expm1(log_alpha_bar[1:] - log_alpha_bar[:-1])
        beta[0] = one_minus[1]
        return NoiseSchedule(_with_zeroth(beta, math.nan), log_alpha_bar, one_minus)

    def respaced(self, timesteps: Iterable[int]) -> "NoiseSchedule":
        """The chain seen at an increasing subsequence S of 1..T alone, itself one (`ddpm.sampling.respaced`).

        beta'_i = 1 - alpha_bar_{S_i} / alpha_bar_{S_{i-1}}, with S_0 = 0. ValueError unless S increases strictly.
        """
        kept = [0, *(as_time(t, 1, self.T) for t in timesteps)]
        if len(kept) < 2 or any(not isinstance(t, int) for t in kept) or any(a >= b for a, b in pairwise(kept)):
            raise ValueError(f"timesteps = {kept[1:]} must be one or more strictly increasing integers in 1..{self.T}")
        index = torch.tensor(kept)
        log_alpha_bar = self._tables.exact("log_alpha_bar")[index, 0]
        beta = -torch.expm1(log_alpha_bar[1:] - log_alpha_bar[:-1])
        one_minus = self._tables.exact("one_minus_alpha_bar")[index, 0]
        beta[0] = one_minus[1]
        return NoiseSchedule(_with_zeroth(beta, math.nan), log_alpha_bar, one_minus)

    def beta(self, t: Time) -> Tensor:
        """beta_t, the variance that step t adds; t = 1..T."""
        return self._at("beta", t, lowest=1)

    def alpha(self, t: Time) -> Tensor:
        """alpha_t = 1 - beta_t; t = 1..T."""
        return self._at("alpha", t, lowest=1)

    def alpha_bar(self, t: Time) -> Tensor:
        """alpha_bar_t = prod_{s<=t} alpha_s; t = 0..T, alpha_bar_0 = 1."""
        return self._at("alpha_bar", t)

    def log_alpha_bar(self, t: Time) -> Tensor:
        """log alpha_bar_t; t = 0..T."""
        return self._at("log_alpha_bar", t)

    def one_minus_alpha_bar(self, t: Time) -> Tensor:
        """1 - alpha_bar_t, with all its digits; t = 0..T."""
        return self._at("one_minus_alpha_bar", t)

    def snr(self, t: Time) -> Tensor:
        """alpha_bar_t / (1 - alpha_bar_t); t = 0..T, infinite at t = 0 (`ddpm.forward.snr_monotone`)."""
        return self._at("snr", t)

    def log_snr(self, t: Time) -> Tensor:
        """log of the signal-to-noise ratio; t = 0..T, +inf at 0, -inf where alpha_bar_T = 0."""
        return self._at("log_snr", t)

    def signal(self, t: Time) -> Tensor:
        """sqrt(alpha_bar_t), the factor of x_0 in x_t; t = 0..T."""
        return self._at("signal", t)

    def sigma(self, t: Time) -> Tensor:
        """sqrt(1 - alpha_bar_t), the factor of the noise in x_t; t = 0..T."""
        return self._at("sigma", t)

    def lam(self, t: Time) -> Tensor:
        """lambda_t = log(signal_t / sigma_t), half the log-SNR; t = 0..T."""
        return self._at("lam", t)

    def flow_time(self, t: Time) -> Tensor:
        """u_t = sigma_t / (signal_t + sigma_t): x_t / (signal_t + sigma_t) = (1 - u) x_0 + u noise; t = 0..T."""
        return self._at("flow_time", t)

    def level(self, t: int) -> Level:
        """Time t as plain numbers."""
        step = as_time(t, 0, self.T)
        if not isinstance(step, int):
            raise TypeError("level takes one integer; use signal(t), sigma(t), lam(t) for tensors")
        return self._levels[step]

    @property
    def betas(self) -> Tensor:
        """beta_1..beta_T, float64, shape (T,). A copy."""
        return self._tables.exact("beta")[1:, 0]

    @property
    def alpha_bars(self) -> Tensor:
        """alpha_bar_0..alpha_bar_T, float64, shape (T+1,), starting at 1. A copy."""
        return self._tables.exact("alpha_bar")[:, 0]

    @property
    def has_zero_terminal_snr(self) -> bool:
        return self._tables.floats("alpha_bar", self.T)[0] == 0.0

    def _at(self, name: str, t: Time, lowest: int = 0) -> Tensor:
        step = as_time(t, lowest, self.T)
        if isinstance(step, int):
            return torch.tensor(self._tables.floats(name, step)[0], dtype=torch.float64)
        dtype = torch.float32 if step.device.type == "mps" else torch.float64
        table = self._tables.on(name, step.device, dtype)[0]
        return table.index_select(0, step.reshape(-1)).view(step.shape)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NoiseSchedule):
            return NotImplemented
        return self.T == other.T and torch.equal(
            self.log_alpha_bar(torch.arange(self.T + 1)), other.log_alpha_bar(torch.arange(self.T + 1))
        )

    __hash__ = None  # type: ignore[assignment]  # compared by its tables, not for use as a key

    def __repr__(self) -> str:
        first, last = self._tables.floats("beta", 1)[0], self._tables.floats("beta", self.T)[0]
        end = self._tables.floats("alpha_bar", self.T)[0]
        return f"NoiseSchedule(T={self.T}, beta_1={first:.6g}, beta_T={last:.6g}, alpha_bar_T={end:.6g})"


def _vector(values: Values, name: str) -> Tensor:
    vector = torch.as_tensor(values, dtype=torch.float64).detach().cpu().clone()
    if vector.ndim != 1 or not vector.numel():
        raise ValueError(
            f"{name} has shape {tuple(vector.shape)}; one value per step, shape (T,) with T >= 1, is needed"
        )
    if not torch.isfinite(vector).all():
        bad = int((~torch.isfinite(vector)).nonzero()[0, 0])
        raise ValueError(f"{name}[{bad}] = {vector[bad].item()!r}; finite numbers are needed")
    return vector


def _with_zeroth(values: Tensor, zeroth: float) -> Tensor:
    return torch.cat([torch.tensor([zeroth], dtype=torch.float64), values])


def _check_steps(T: int) -> None:
    if isinstance(T, bool) or not isinstance(T, int):
        raise TypeError(f"T = {T!r} is a {type(T).__name__}, but the number of steps is an integer")
    if T < 1:
        raise ValueError(f"T = {T}, but a schedule has at least one step")


def _ramp(T: int, first: float, last: float) -> Tensor:
    """first + (t - 1)/(T - 1) (last - first), t = 1..T; just `last` for T = 1, since the end is what sampling needs."""
    _check_steps(T)
    if T == 1:
        return torch.tensor([last], dtype=torch.float64)
    return first + (last - first) * torch.arange(T, dtype=torch.float64) / (T - 1)


def _positive(beta: float) -> float:
    if not beta > 0:
        raise ValueError(f"beta = {beta!r} is outside (0, 1)")
    return beta


def _clip(beta: Tensor, max_beta: float) -> Tensor:
    if not 0 < max_beta <= 1:
        raise ValueError(f"max_beta = {max_beta!r} is outside (0, 1]")
    clipped = beta.clamp(max=max_beta)
    if max_beta == 1:
        clipped[-1] = 1.0  # alpha_bar_T = 0 exactly, not up to rounding
    return clipped
