"""One row declares a sampler; help texts, refusals, the documentation's table and the tests are computed from rows."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

__all__ = ["Option", "Sampler", "check_rows"]


@dataclass(frozen=True)
class Option:
    """A keyword of a sampler's function that people may set; its default stands in the function's signature."""

    name: str
    help: str


@dataclass(frozen=True)
class Sampler:
    """One sampler: a pure function, named as people name it, and what is true of it.

    `run(denoiser, x, timesteps, noise, *, callback, **options)` returns x at the last time. `evaluations(steps,
    **options)` and `draws(steps, **options)` count the network's evaluations and the noises drawn on the way to s = 0;
    they name those options of `run` that matter to them.
    """

    run: Callable[..., Tensor]
    solves: str
    order: int | None = None
    """The exponent of the step in its error; of a stochastic sampler, that of its drift, the noise left out."""
    order_note: str = ""
    evaluations: Callable[..., int] = lambda steps: steps
    draws: Callable[..., int] = lambda steps: 0
    options: Sequence[Option] = field(default=())

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def defaults(self) -> dict[str, Any]:
        """option -> its default."""
        parameters = inspect.signature(self.run).parameters
        return {option.name: parameters[option.name].default for option in self.options}

    def count(self, counter: Callable[..., int], steps: int, **options: Any) -> int:
        """`self.evaluations` or `self.draws` for a number of steps, with the options that it names."""
        named = list(inspect.signature(counter).parameters)[1:]
        given = {**self.defaults, **options}
        return counter(steps, **{name: given[name] for name in named})

    def check_options(self, options: dict[str, Any]) -> None:
        """TypeError for options that the sampler does not take."""
        unknown = [name for name in options if name not in self.defaults]
        if unknown:
            offers = ", ".join(map(repr, self.defaults)) or "none"
            raise TypeError(
                f"method {self.name!r} does not take {', '.join(map(repr, unknown))}; its options: {offers}"
            )

    @property
    def switches(self) -> list[str]:
        """The options that make a sampler add noise which adds none by itself."""
        if self.count(self.draws, 9):
            return []
        return [option.name for option in self.options if self.count(self.draws, 9, **{option.name: 1})]

    # ---------------------------------------------------------------- words for people

    @property
    def cost(self) -> str:
        """Evaluations a step, in words."""
        return self._rate(self.evaluations)

    @property
    def noise(self) -> str:
        """Whether noise is added: yes, no, or where an option asks for it."""
        if self.count(self.draws, 9):
            return "yes"
        return " or ".join(f"where `{name}` > 0" for name in self.switches) or "no"

    @property
    def words(self) -> str:
        """Order of the error, in words."""
        return " ".join([str(self.order or ""), self.order_note]).strip()

    def _rate(self, counter: Callable[..., int]) -> str:
        """The growth of a count per step as a number, with each option that multiplies."""
        named = list(inspect.signature(counter).parameters)[1:]

        def slope(**options: int) -> int:
            return self.count(counter, 9, **options) - self.count(counter, 8, **options)

        none = dict.fromkeys(named, 0)
        terms = [str(slope(**none))] if slope(**none) or not named else []
        return " + ".join([*terms, *(f"`{name}`" for name in named if slope(**{**none, name: 1}) > slope(**none))])


def check_rows(rows: Sequence[Sampler]) -> tuple[Sampler, ...]:
    """The rows themselves; ValueError for two of one name or an option that the function does not have."""
    seen: dict[str, Sampler] = {}
    for row in rows:
        if row.name in seen:
            raise ValueError(f"two samplers are called {row.name!r}: give one of the functions another name")
        parameters = inspect.signature(row.run).parameters
        for option in row.options:
            if option.name not in parameters or parameters[option.name].default is inspect.Parameter.empty:
                raise ValueError(f"sampler {row.name!r} declares the option {option.name!r}, but has no such default")
        seen[row.name] = row
    return tuple(rows)
