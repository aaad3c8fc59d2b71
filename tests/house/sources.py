"""The project's own files as data: modules, their docstrings and comments, who imports whom."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("derivations", "reference", "torch_impl", "threefold")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def docstrings(self) -> Iterator[tuple[int, str, bool]]:
        """Each docstring: its line, its text, and whether it is one literal on its own."""
        for node in ast.walk(self.tree):
            if isinstance(node, Documented) and (text := ast.get_docstring(node)) is not None:
                expression = node.body[0]
                written = "\n".join(self.lines[expression.lineno - 1 : expression.end_lineno])
                yield expression.lineno, text, _literals(written.lstrip()) == 1

    def comments(self) -> Iterator[tuple[int, str]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def imports(self, known: Iterable[str]) -> set[str]:
        """The modules among `known` that this one names in an import, wherever it stands, for types too."""
        modules = set(known)
        package = self.module if self.path.endswith("__init__.py") else self.module.rpartition(".")[0]
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                found |= {
                    base if f"{base}.{name.name}" not in modules else f"{base}.{name.name}" for name in node.names
                }
        return (found & modules) - {self.module}


def _literals(written: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(written).readline)
    return sum(token.type == tokenize.STRING for token in tokens)


def read(*folders: str) -> list[Source]:
    """Every Python file below these folders of the repository, in the order of their paths."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def circles(imports: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The sets of two modules or more that import each other, directly or by way of others."""
    reached = {name: _reached(name, imports) for name in imports}
    found = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in imports
        if name in reached[name]
    }
    return sorted(found)


def _reached(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(imports[name])
    while waiting:
        if (other := waiting.pop()) not in seen:
            seen.add(other)
            waiting.extend(imports.get(other, ()))
    return seen
