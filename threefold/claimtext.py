"""Where the claims of a file stand in its text: the lines of each claim and of each step of its derivations."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ClaimText:
    """Lines of a file by claim id.

    spans: first and last line of each statement of the file that is about a claim. steps: by claim and part.
    """

    made: dict[str, list[int]] = field(default_factory=dict)
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    steps: dict[tuple[str, str | int], list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str) -> ClaimText:
        """Read the text, as far as it is Python; an empty one otherwise."""
        text = cls()
        try:
            tree = ast.parse(Path(file).read_bytes())
        except (SyntaxError, ValueError, OSError):
            return text
        names: dict[str, str] = {}
        for node in tree.body:
            for call, name in _claims(node):
                text.made.setdefault(name, []).append(call.lineno)
                text.spans.append((node.lineno, node.end_lineno or node.lineno, name))
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    names[node.targets[0].id] = name
            for variable, part in _proves(node):
                if variable in names and isinstance(node, ast.FunctionDef):
                    first = min(decorator.lineno for decorator in node.decorator_list)
                    text.spans.append((first, node.end_lineno or node.lineno, names[variable]))
                    text.steps[names[variable], part] = list(_step_lines(node))
        return text

    def ids(self) -> list[str]:
        """The ids that are spelled out in a `Claim(...)`, in the order of the file."""
        return list(self.made)

    def lines(self, claim: str) -> list[int]:
        return self.made.get(claim, [])

    def line(self, claim: str) -> int:
        """Where the claim stands; 0 where its id is computed."""
        return self.made.get(claim, [0])[-1]

    def step_line(self, claim: str, part: str | int, step: int) -> int:
        """Where a step of a derivation stands; 0 where the derivation is not written line by line."""
        lines = self.steps.get((claim, part), [])
        return lines[step - 1] if 0 < step <= len(lines) else 0

    def claim_at(self, line: int) -> str:
        """The claim that a line is about; empty if it is about none."""
        return next((name for first, last, name in self.spans if first <= line <= last), "")


def _claims(node: ast.stmt) -> Iterator[tuple[ast.Call, str]]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _name(call.func) == "Claim":
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            value = named.get("id", call.args[0] if call.args else None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield call, value.value


def _proves(node: ast.stmt) -> Iterator[tuple[str, str | int]]:
    """The variable and the part of each `@variable.proves(part)` above a function."""
    for decorator in getattr(node, "decorator_list", []):
        called = decorator.func if isinstance(decorator, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr == "proves" and isinstance(called.value, ast.Name):
            named = {keyword.arg: keyword.value for keyword in decorator.keywords}
            part = named.get("part", decorator.args[0] if decorator.args else None)
            number = part.value if isinstance(part, ast.Constant) and isinstance(part.value, str | int) else 0
            yield called.value.id, number


def _step_lines(function: ast.FunctionDef) -> Iterator[int]:
    """The lines of `line(...)` and `line.le(...)`, chain by chain; none if some stand in a loop or a condition."""
    chains = [argument.arg for argument in function.args.args]
    if any(isinstance(node, ast.For | ast.While | ast.If) for node in ast.walk(function)):
        return
    for chain in chains:
        for node in function.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                called = node.value.func
                if _name(called.value if isinstance(called, ast.Attribute) else called) == chain:
                    yield node.lineno


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
