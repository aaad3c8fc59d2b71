"""The command line: finds the commands in `threefold/commands/`, one file each, and loads the one that is asked for."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from typing import Any

import click

import threefold
from threefold import commands
from threefold.errors import Interrupted, Unusable, nearest

# The order of the overview; a command that is not named here comes after these.
ORDER = (
    "check",
    "verify",
    "show",
    "list",
    "errata",
    "presets",
    "train",
    "sample",
    "evaluate",
    "export",
    "pages",
    "book",
)

EPILOG = """
\b
First steps:
  threefold check notes.md              which equations of a document are wrong
  threefold verify                      every claim, three witnesses
  threefold verify 'ddpm.*'             the claims whose id matches
  threefold verify --witness symbolic   the proofs alone
  threefold verify --json ledger.json   the same for machines
  threefold list 'gaussian.*'           what there is, one line each
  threefold show ddpm.posterior.mean    one derivation, step by step
  threefold errata                      what is printed wrong, with numbers

\b
Exit status: 0 all is well; 1 something was checked and found wrong;
2 the input cannot be used (the message says what to do).
"""


class CommandsFromFiles(click.Group):
    """A group whose commands are files. The overview reads their docstrings and imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = {path.stem for folder in commands.__path__ for path in Path(folder).glob("[a-z]*.py")}
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name}")
        found = [item for item in vars(module).values() if isinstance(item, click.Command) and item.name == cmd_name]
        if not found:
            raise RuntimeError(f"{module.__name__} has no click command named {cmd_name!r}")
        return found[0]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            near = nearest(args[0], self.list_commands(ctx))
            raise Unusable(f"there is no command {args[0]!r}{near} `threefold --help` shows them all")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(name)) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


def _first_line(command: str) -> str:
    for folder in commands.__path__:
        path = Path(folder) / f"{command}.py"
        if path.is_file():
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            return docstring.partition("\n")[0].rstrip(".")
    return ""


@click.group(cls=CommandsFromFiles, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(threefold.__version__, prog_name="threefold")
def cli() -> None:
    """Every formula from VAEs to diffusion models, witnessed three times.

    Proved step by step in SymPy, measured in NumPy by another method, and trained in PyTorch by code that is matched
    against both.
    """


def main() -> None:
    """Entry point of `threefold` and `python -m threefold`."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal without α or ✓ gets '?' for them, not a traceback
            reconfigure(errors="replace")
    cli(prog_name="threefold")
