"""What the noise does: noising, posterior, the four views of a prediction, and the variance of the way back."""

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from torch_impl.ops.checks import check_pair
from torch_impl.ops.combine import coefficient_dtype, combine
from torch_impl.process.parameterization import PREDICTIONS, Prediction, check_prediction, view
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Tables, Time, as_time

Variance = Literal["posterior", "beta", "learned"]


class GaussianProcess:
    """A schedule, what the network predicts, and the variance of the reverse steps.

    prediction: "eps" | "x0" | "v" | "score". variance of p(x_{t-1} | x_t): "posterior" (beta-tilde_t), "beta", or
    "learned" (the network returns 2C channels; the second half v in [-1, 1] interpolates log beta-tilde_t and
    log beta_t: Nichol and Dhariwal 2021, eq. 15).
    beta-tilde_1 is zero, so the bound uses `reconstruction_variance` at t = 1, by default beta_1
    (`planned:ddpm.elbo.t1_singular`).

    x has shape (batch, ...), floating point; t is an int or an integer tensor of shape (batch,). Results have the
    dtype of the data; coefficients are rounded from float64 once, to float64 for float64 data and else to float32.
    Shapes, dtypes and times are checked; NaN in the data passes through, since a look would cost a pass over memory and
    a synchronisation (the bound, `sample` and `ode_log_likelihood`, which run long, do refuse it).
    ValueError for eps or score with alpha_bar_T = 0: there x_0 cannot be recovered from them.
    """

    def __init__(
        self,
        schedule: NoiseSchedule,
        prediction: Prediction = "eps",
        variance: Variance = "posterior",
        *,
        reconstruction_variance: float | None = None,
    ) -> None:
        if not isinstance(schedule, NoiseSchedule):
            raise TypeError(f"schedule is a {type(schedule).__name__}, but a NoiseSchedule is needed")
        self.schedule = schedule
        self.prediction: Prediction = check_prediction(prediction)
        if variance not in get_args(Variance):
            raise ValueError(f"variance = {variance!r} is not one of 'posterior', 'beta', 'learned'")
        if schedule.has_zero_terminal_snr and prediction in ("eps", "score"):
            raise ValueError(
                f"prediction = {prediction!r} with alpha_bar_T = 0 divides by sqrt(alpha_bar_T): "
                "x_0 is not determined there; use prediction='v' or 'x0'"
            )
        if reconstruction_variance is not None and not 0 < reconstruction_variance < math.inf:
            raise ValueError(
                f"reconstruction_variance = {reconstruction_variance!r}, but a variance is positive and finite"
            )
        self.variance: Variance = variance
        self.reconstruction_variance = reconstruction_variance or float(schedule.beta(1))
        self.tables = self._build_tables()

    @property
    def T(self) -> int:
        return self.schedule.T

    # ---------------------------------------------------------------- the forward process

    def q_sample(self, x0: Tensor, t: Time, noise: Tensor, *, out: Tensor | None = None) -> Tensor:
        """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise, t = 0..T.

        Claim `ddpm.forward.marginal` (Ho et al. 2020, eq. 4). `out` takes the result without a new allocation, and
        may be x0 or noise; as everywhere in torch it then is not differentiable.
        """
        check_pair(x0, noise, "x0", "noise")
        signal, sigma = self.lookup("noising", t, x0, lowest=0)
        return combine(x0, noise, signal, sigma, out=out)  # 0A17

    def posterior(self, x0: Tensor, x_t: Tensor, t: Time) -> tuple[Tensor, Tensor]:
        """Mean (shape of x_0) and variance (broadcastable to it) of q(x_{t-1} | x_t, x_0), t = 1..T.

        Claims `ddpm.posterior.mean`, `ddpm.posterior.variance`, `ddpm.posterior.t1` (Ho et al. 2020, eq. 6 and 7).
        """
        check_pair(x0, x_t, "x0", "x_t")
        from_x0, from_xt = self.lookup("posterior_mean", t, x0)
        (variance,) = self.lookup("posterior_variance", t, x0)
        return combine(x0, x_t, from_x0, from_xt), _as_data(variance, x0)

    # ---------------------------------------------------------------- views of a prediction

    def to_x0(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """The predicted x_0 (`ddpm.parameterization.bijection`, `ddpm.parameterization.v`)."""
        return self._view("x0", output, x_t, t)

    def to_eps(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """The predicted noise."""
        return self._view("eps", output, x_t, t)

    def to_v(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """The predicted velocity v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0."""
        return self._view("v", output, x_t, t)

    def to_score(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """The predicted score, -eps / sqrt(1 - alpha_bar) (`score.eps_relation`)."""
        return self._view("score", output, x_t, t)

    def target(self, x0: Tensor, noise: Tensor, t: Time) -> Tensor:
        """What the network should predict for x_t made of x_0 and noise; t = 1..T."""
        check_pair(x0, noise, "x0", "noise")
        if self.prediction == "eps":
            return noise
        if self.prediction == "x0":
            return x0
        return combine(x0, noise, *self.lookup("target", t, x0))

    def reverse(self, output: Tensor, x_t: Tensor, t: Time, clip_x0: bool = False) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of p(x_{t-1} | x_t), t = 1..T (`ddpm.mean.x0_form`, `ddpm.mean.eps_form`).

        The log-variance broadcasts against the mean; at t = 1 it is that of the reconstruction term.
        """
        x0 = self.to_x0(output, x_t, t)
        if clip_x0:
            x0 = x0.clamp(-1, 1)
        mean = combine(x0, x_t, *self.lookup("posterior_mean", t, x_t))
        return mean, self.log_variance(output, x_t, t)

    # ---------------------------------------------------------------- inside

    def log_variance(self, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        """log of the reverse variance, broadcastable to x_t; at t = 1 that of the reconstruction term."""
        if self.variance != "learned":
            (fixed,) = self.lookup("log_variance", t, x_t)
            return _as_data(fixed, x_t)
        low, high = self.lookup("log_variance_range", t, x_t)
        fraction = (self.split(output, x_t)[1] + 1) / 2
        return fraction * high + (1 - fraction) * low

    def split(self, output: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        """A learned-variance output as (prediction, variance fraction in [-1, 1])."""
        channels = x_t.shape[1] if x_t.ndim > 1 else 0
        if output.ndim != x_t.ndim or not channels or output.shape != (x_t.shape[0], 2 * channels, *x_t.shape[2:]):
            raise ValueError(
                f"variance='learned' needs an output with twice the channels of the data {tuple(x_t.shape)}, "
                f"got {tuple(output.shape)}"
            )
        return output[:, :channels], output[:, channels:]

    def _view(self, wanted: Prediction, output: Tensor, x_t: Tensor, t: Time) -> Tensor:
        if self.variance == "learned" and output.shape != x_t.shape:
            output = self.split(output, x_t)[0]
        check_pair(output, x_t, "output", "x_t")
        if wanted == self.prediction:
            self.lookup(wanted, t, x_t)  # the same complaints about t as every other view
            return output
        return combine(x_t, output, *self.lookup(wanted, t, x_t))

    def lookup(self, name: str, t: Time, like: Tensor, lowest: int = 1) -> tuple[Tensor, ...] | tuple[float, ...]:
        """A row of `tables`: floats for an int t, tensors that broadcast against `like` for a tensor t."""
        if lowest == 0 and isinstance(t, Tensor) and t.dtype == torch.int64 and not torch.compiler.is_compiling():
            try:
                return self.tables.at(name, t, like)  # which finds a time out of 0..T by itself
            except (IndexError, RuntimeError):
                as_time(t, lowest, self.T)  # says which
                raise
        return self.tables.at(name, as_time(t, lowest, self.T), like)

    def _build_tables(self) -> Tables:
        """Every coefficient of t = 0..T; rows that do not exist (t = 0) are NaN."""
        schedule = self.schedule
        t = torch.arange(1, self.T + 1)
        signal, sigma, beta = schedule.signal(t), schedule.sigma(t), schedule.beta(t)
        before, noise = schedule.one_minus_alpha_bar(t - 1), schedule.one_minus_alpha_bar(t)
        beta_tilde = beta * before / noise
        log_beta_tilde = beta_tilde.log()
        log_first = torch.tensor([math.log(self.reconstruction_variance)], dtype=torch.float64)
        chosen = beta.log() if self.variance == "beta" else log_beta_tilde
        lower = torch.cat([log_beta_tilde[1:2] if self.T > 1 else log_first, log_beta_tilde[1:]])
        columns: dict[str, tuple[Tensor, ...]] = {
            "posterior_mean": (schedule.signal(t - 1) * beta / noise, schedule.alpha(t).sqrt() * before / noise),
            "posterior_variance": (beta_tilde,),
            "posterior_log_variance": (log_beta_tilde,),
            "log_variance": (torch.cat([log_first, chosen[1:]]),),
            "log_variance_range": (lower, torch.cat([torch.maximum(log_first, lower[:1]), beta.log()[1:]])),
        }
        for wanted in PREDICTIONS:
            columns[wanted] = view(self.prediction, wanted, signal, sigma)
        if self.prediction == "v":
            columns["target"] = (-sigma, signal)
        elif self.prediction == "score":
            columns["target"] = (0 * sigma, -1 / sigma)
        tables = Tables({name: tuple(from_one(column) for column in stack) for name, stack in columns.items()})
        every = torch.arange(self.T + 1)
        tables.add("noising", schedule.signal(every), schedule.sigma(every))
        return tables


def from_one(values: Tensor) -> Tensor:
    """A table over t = 0..T of values over t = 1..T: what does not exist is NaN."""
    return torch.cat([values.new_full((1,), math.nan), values])


def _as_data(value: Tensor | float, like: Tensor) -> Tensor:
    """A coefficient as a tensor that broadcasts against the data."""
    if isinstance(value, Tensor):
        return value.to(like.dtype) if like.dtype == torch.float64 else value
    return torch.full((1,) * like.ndim, value, dtype=coefficient_dtype(like.dtype), device=like.device)
