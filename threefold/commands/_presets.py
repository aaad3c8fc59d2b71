"""The group `train`: its commands are the presets, each with the options that its own parts declare."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource

from threefold.commands._endings import unusable_input
from threefold.errors import Unusable

__all__ = ["PresetCommand", "TrainGroup"]

_PATHS = ("--config", "--data", "--out", "--resume-from", "--from", "--set")
_RUN = "This run"
_PATH = click.Path(path_type=Path)


def _run_options() -> list[click.Option]:
    """What every preset can be asked for, whatever it trains."""
    words = {
        "--config": "Begin with what a TOML or JSON file says, such as the config.toml of a run; options go first.",
        "--data": "Folder or file with your data; or a law, such as mixture:grid25.",
        "--out": "Output folder, outside the data. [default: runs/PRESET]",
        "--resume": "Go on from the latest checkpoint of the output folder, as begun.",
        "--resume-from": "Go on from this one; later ones are moved aside.",
        "--skip-bad": "Go on without images that cannot be decoded; their names are kept.",
        "--accept-changed-data": "Resume although files were added, removed or changed.",
        "--lr-restart": "On --resume: warm up anew from the rate as it is, without a jump.",
        "--device": "auto, cpu, cuda, cuda:N or mps. [default: auto]",
        "--set": "A field of the preset by its name in config.toml.",
        "--pictures/--no-pictures": "Portraits and report after the last step. [default: pictures]",
        "--tensorboard": "Write the metrics for TensorBoard too, into OUT/tensorboard.",
        "--dry-run": "Check everything, print the configuration (JSON), train nothing.",
    }
    kinds: dict[str, dict[str, Any]] = {
        "--config": {"type": _PATH, "metavar": "FILE"},
        "--data": {"metavar": "D"},
        "--out": {"type": _PATH},
        "--resume-from": {"type": _PATH, "metavar": "CHECKPOINT"},
        "--device": {"default": "auto"},
        "--set": {"multiple": True, "metavar": "FIELD=VALUE"},
        "--pictures/--no-pictures": {"default": True},
    }
    made = []
    for name, help in words.items():
        flag = name not in kinds or "/" in name
        settings = {"is_flag": True} if flag and "/" not in name else {}
        destination = ["settings"] if name == "--set" else []
        made.append(click.Option([name, *destination], help=help, **settings, **kinds.get(name, {})))
    return made


# -- options of fields ------------------------------------------------------------------------------------------------


class FieldOption(click.Option):
    """An option that overrides a field of the preset; absent, the preset's own value stays."""

    group = _RUN


class _Text(click.ParamType[Any]):
    """A value of a field as text: numbers with commas for a tuple, none for None."""

    def __init__(self, field: str, declared: Any) -> None:
        self.field, self.declared = field, declared
        self.name = _metavar(declared)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        return self.name if self.name.startswith("[") else None

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from torch_impl.training.fields import read_value

        if not isinstance(value, str):
            return value
        with unusable_input():
            return read_value(self.field, value, self.declared)


def _metavar(declared: Any) -> str:
    if get_origin(declared) is tuple:
        return "N,N,..."
    if get_origin(declared) is Literal:
        return f"[{'|'.join(get_args(declared))}]"
    return {int: "integer", float: "float", str: "text"}.get(declared, "value")


def _field_options(preset: str) -> Iterator[FieldOption]:
    """The options of the fields of a preset, its model's first."""
    from torch_impl.data.catalogue import row_of
    from torch_impl.runs.presets import preset as chosen_preset
    from torch_impl.training.fields import declared_types, option_of

    chosen = chosen_preset(preset)
    takes = row_of(chosen.data.name).takes
    for part, heading in ((chosen.system, "Model"), (chosen.trainer, "Training"), (chosen.data, "Data")):
        for field in dataclasses.fields(part):
            declared = option_of(field)
            if declared is None or (part is chosen.data and not _has(chosen, field.name, takes)):
                continue
            made = _option(field.name, declared_types(type(part))[field.name], declared.flag, declared.help)
            made.group = declared.group or heading
            made.help = f"{declared.help} [default: {_said(getattr(part, field.name))}]"
            yield made
        if part is chosen.trainer:
            yield from _average_options()
    stage = chosen.system.stage
    if stage:
        own = ["--compressor"] if stage == "compressor" else []
        words = f"A trained {stage} to take, by its run's folder or a checkpoint."
        made = FieldOption(["--from", *own, "compressor"], type=_PATH, default=None, metavar="RUN", help=words)
        made.group = stage.capitalize()
        yield made


def _has(chosen: Any, field: str, takes: tuple[str, ...]) -> bool:
    """Whether a field of the choice of data leaves people a choice."""
    if chosen.system.unit != "images":
        return field == "workers"
    return field in takes if field in ("image_size", "channels", "label") else True


def _average_options() -> Iterator[FieldOption]:
    kinds = click.Choice(["none", "constant", "warmup", "power"])
    for option in (
        FieldOption(["--ema"], type=kinds, default=None, help="Moving average of the weights."),
        FieldOption(["--ema-decay"], type=float, default=None, help="Its decay."),
    ):
        option.group = "Training"
        yield option


def _option(name: str, declared: Any, flag: str, help: str) -> FieldOption:
    spelled = flag or "--" + name.replace("_", "-")
    if declared is bool:
        both = spelled if "/" in spelled else f"{spelled}/--no-{spelled[2:]}"
        return FieldOption([both, name], default=None, help=help)
    kind: Any = declared if declared in (int, float) else _Text(name, declared)
    return FieldOption([spelled, name], type=kind, default=None, help=help)


def _said(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, tuple):
        return ",".join(map(_said, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


# -- commands ---------------------------------------------------------------------------------------------------------


class PresetCommand(click.Command):
    """One preset, with the options of its own parts and no others."""

    def __init__(self, name: str, summary: str) -> None:
        options = [*_run_options(), *_field_options(name)]
        super().__init__(name, callback=self._train, params=list(options), help=summary, short_help=summary)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise Unusable(self._foreign(error.option_name)) from None

    def _foreign(self, option: str) -> str:
        """What to say of an option that this preset does not have."""
        from torch_impl.runs.presets import preset, refuse_field

        own = [name for param in self.params for name in (*param.opts, *param.secondary_opts)]
        assert self.name is not None
        try:
            refuse_field(preset(self.name), option.lstrip("-").replace("-", "_"))
        except ValueError as error:
            near = difflib.get_close_matches(option, own, n=1, cutoff=0.7)
            return f"{error}; did you mean {near[0]}?" if near else str(error)
        return f"{self.name} has no {option}; --help shows its options"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(param, "group", _RUN), []).append(record)
        for heading in sorted(groups, key=lambda heading: heading == _RUN):
            with formatter.section(heading):
                formatter.write_dl(groups[heading])

    def _train(self, **options: Any) -> None:
        from threefold.commands._training import run_training
        from torch_impl.runs.request import Request

        fields = {param.name for param in self.params if isinstance(param, FieldOption)} - {"compressor"}
        source = click.get_current_context().get_parameter_source
        changes = {name: options[name] for name in fields if source(name) is ParameterSource.COMMANDLINE}
        own: Mapping[str, Any] = {name: value for name, value in options.items() if name not in fields}
        resume = own["resume"] or own["resume_from"] is not None
        run_training(
            lambda: Request(**{"compressor": None, **own, "resume": resume, "preset": self.name, "changes": changes})
        )


class TrainGroup(click.Group):
    """`train`: presets are its commands; the preset may also be named by the file that `--config` gives."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks = any(word in ("--help", "-h") for word in args)
        if not args or args[0].startswith("-"):
            args = _preset_first(args) if args else args
            if not (asks and (not args or args[0].startswith("-"))) and (not args or args[0].startswith("-")):
                raise Unusable("which PRESET to train? Name one, or give a --config FILE that does; --help lists them")
        if not asks:
            click.echo(f"threefold: {args[0]} begins", err=True)  # loading what trains takes a while by itself
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        from torch_impl.runs.presets import preset_names

        return preset_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from torch_impl.runs.presets import summary

        if cmd_name not in self.list_commands(ctx):
            return None
        return PresetCommand(cmd_name, summary(cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from torch_impl.runs.presets import preset

        if args and args[0] not in self.list_commands(ctx):
            with unusable_input():
                preset(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from torch_impl.data.catalogue import ROWS
        from torch_impl.runs.presets import preset_names, summary

        with formatter.section("Presets"):
            formatter.write_dl([(name, summary(name)) for name in preset_names()])
        with formatter.section("Data sets"):
            formatter.write_dl([(row.name, row.words) for row in ROWS if row.shape is not None])


def _preset_first(args: list[str]) -> list[str]:
    """The words with the preset in front, wherever it stands, or as the configuration file names it."""
    from torch_impl.runs.config_file import read_config
    from torch_impl.runs.presets import preset_names

    names = preset_names()
    for i, word in enumerate(args):
        if word in names and args[i - 1] not in _PATHS:
            return [word, *args[:i], *args[i + 1 :]]
    files = [args[i + 1] for i, word in enumerate(args[:-1]) if word == "--config"]
    files += [word.partition("=")[2] for word in args if word.startswith("--config=")]
    if not files:
        return args
    with unusable_input():
        named = read_config(Path(files[0])).get("preset")
        if named is not None and not isinstance(named, str):
            raise ValueError(f"--config {files[0]}: preset is {named!r}; it must be a name")
    return args if named is None else [named, *args]
