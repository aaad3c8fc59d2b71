"""What the help of `train` says of data and presets, read from their declarations; PyTorch is loaded only for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import click

__all__ = ["FieldOption", "PresetCommand"]


class FieldOption(click.Option):
    """An option that overrides the field of a preset that has its name."""


class PresetCommand(click.Command):
    """`train`: help lists the data sets and the models; with a preset named, only the options that this one has."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        asked = any(word in ("--help", "-h") for word in args)
        self._fields = _fields_of(args) if asked else None
        return super().make_context(info_name, args, parent, **extra)

    _fields: frozenset[str] | None = None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shown = [
            record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and self._shows(param)
            if (record := param.get_help_record(ctx)) is not None
        ]
        with formatter.section("Options"):
            formatter.write_dl(shown)

    def _shows(self, option: click.Option) -> bool:
        if self._fields is None:
            return True
        return not isinstance(option, FieldOption) or option.name in self._fields

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self._fields is not None:
            return
        from torch_impl.data.catalogue import ROWS
        from torch_impl.training.families import FAMILIES
        from torch_impl.training.recipe import recipe, recipe_names

        with formatter.section("Presets are named <data>-<model>; data"):
            formatter.write_dl([(row.name, row.words) for row in ROWS if row.shape is not None])
        with formatter.section("and models"):
            formatter.write_dl([(name, words) for name, (_, words) in FAMILIES.items()])
        with formatter.section("Besides these there are"):
            formatter.write_dl([(name, recipe(name)[0]) for name in recipe_names()])
        super().format_epilog(ctx, formatter)


def _fields_of(words: Sequence[str]) -> frozenset[str] | None:
    """The fields that can be set of the preset among the words of a command line; None where none is named."""
    from torch_impl.training.presets import preset, preset_names

    named = [word for word in words if word in preset_names()]
    if not named:
        return None
    chosen = preset(named[0])
    parts = (chosen.system, chosen.trainer, chosen.data)
    fields = {field.name for part in parts for field in dataclasses.fields(part)} | {"ema_decay"}
    if "compressor_steps" in fields:
        fields.add("compressor")
    for name in ("image_size", "label"):  # those that the data leave no choice of
        if name not in row_options(chosen.data.name):
            fields.discard(name)
    return frozenset(fields)


def row_options(name: str) -> tuple[str, ...]:
    """The options of a data set."""
    from torch_impl.data.catalogue import row_of

    return row_of(name).takes
