"""What the command line says of samplers, read from their rows when it is asked for: PyTorch is loaded only then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from threefold.errors import Unusable

__all__ = ["SamplerChoice", "SamplerCommand"]


class SamplerChoice(click.ParamType[str]):
    """The name of a sampler."""

    name = "sampler"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from torch_impl.samplers.registry import sampler

        try:
            return str(value) if str(value) in _rows() else sampler(str(value)).name
        except ValueError as error:
            raise Unusable(str(error).replace("method =", "--sampler is", 1)) from None


def _rows() -> Mapping[str, Any]:
    """Every sampler by its name, and every solver of flows."""
    from torch_impl.samplers.registry import SAMPLERS, solvers

    return {**solvers(), **{row.name: row for row in SAMPLERS}}


class SamplerCommand(click.Command):
    """A command with `--sampler`, and one option for each that a sampler declares; they arrive as `sampler_options`.

    Options of another sampler are refused. A sampler that is added needs no word here.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        place = next(i for i, param in enumerate(params) if param.name == "sampler")
        return [*params[:place], *self._declared(params[place]), *params[place + 1 :]]

    def _declared(self, choice: click.Parameter) -> list[click.Parameter]:
        from torch_impl.samplers.registry import METHODS, solvers

        assert isinstance(choice, click.Option)
        others = ", ".join(solvers())
        choice.help = (
            f"{', '.join(METHODS[:-1])} or {METHODS[-1]}; of models in "
            f"continuous time and of few-step models {others}. [default: the first that the model takes]"
        )
        options: dict[str, click.Option] = {}
        for row in _rows().values():
            for option in row.options:
                default = row.defaults[option.name]
                flag = "--" + option.name.replace("_", "-")
                words = f"{option.help[0].upper()}{option.help[1:]}."
                there = f"{default} for {row.name}"
                if option.name in options:
                    known = options[option.name]
                    known.help = f"{str(known.help).removesuffix(']')}, {there}]"
                else:
                    options[option.name] = click.Option(
                        [flag, option.name], type=type(default), help=f"{words} [default: {there}]"
                    )
        return [choice, *options.values()]

    def invoke(self, ctx: click.Context) -> Any:
        rows = _rows()
        declared = {option.name for row in rows.values() for option in row.options}
        given = {name: ctx.params.pop(name) for name in declared & ctx.params.keys()}
        options = {name: value for name, value in given.items() if value is not None}
        row = rows[ctx.params["sampler"] or "ddim"]
        for name, value in options.items():
            if name not in row.defaults:
                owners = " or ".join(other.name for other in rows.values() if name in other.defaults)
                flag = "--" + name.replace("_", "-")
                raise Unusable(
                    f"{flag} is {value}, but sampler {row.name!r} has none; leave it out, or use --sampler {owners}"
                )
        ctx.params["sampler_options"] = options
        return super().invoke(ctx)
