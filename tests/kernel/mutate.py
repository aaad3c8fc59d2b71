"""Would the kernel's tests notice? Spoil one place of it at a time, at random, and see whether they fail.

    python tests/kernel/mutate.py 120 --seed 1      # 120 spoilt kernels; prints the survivors, and the share killed

Each mutant is a copy of `derivations` with one node of one file changed. The tests run on it in two goes, those that
kill most first. What no test can tell from the original is named in EQUIVALENT, with the reason, and does not count.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
KERNEL = Path("derivations/kernel")
GOES = (
    ("tests/kernel/holes", "tests/kernel/test_reject.py", "tests/kernel/test_soundness_attacks.py"),
    ("tests/kernel", "tests/reject"),
)
SECONDS = 900  # for one go; a mutant that hangs is noticed

# (file, line as it stands, line as it is spoilt): why nobody can tell the two apart.
EQUIVALENT: dict[tuple[str, str, str], str] = {}

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CALCULATED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr}


@dataclass(frozen=True)
class Mutant:
    """One file with one node changed. `number` tells which of the changes of that file it is."""

    file: str
    number: int
    line: int
    before: str
    after: str

    @property
    def words(self) -> str:
        return f"{self.file}:{self.line}\n    - {self.before}\n    + {self.after}"


def changes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every way to spoil one node: the tree is changed while it is yielded, and whole again afterwards."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for place, operator in enumerate(node.ops):
                if type(operator) in COMPARED:
                    yield from _put(node, node.ops, place, COMPARED[type(operator)]())
        elif isinstance(node, ast.BoolOp):
            yield from _set(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for place in range(len(node.values)):
                yield from _set(node, "values", node.values[:place] + node.values[place + 1 :])
        elif isinstance(node, ast.IfExp | ast.While):
            yield from _set(node, "test", ast.UnaryOp(ast.Not(), node.test))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield from _set(node, "op", ast.UAdd())
        elif isinstance(node, ast.BinOp) and type(node.op) in CALCULATED:
            yield from _set(node, "op", CALCULATED[type(node.op)]())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, bool):
            yield from _set(node, "value", not node.value if type(node.value) is bool else node.value + 1)
        elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
            yield from _set(node, "value", ast.Constant(None))
        elif isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.With):
            if isinstance(node, ast.If):
                yield from _set(node, "test", ast.UnaryOp(ast.Not(), node.test))
            for place, statement in enumerate(node.body):
                if isinstance(statement, ast.Raise | ast.Expr | ast.AugAssign) and not _is_docstring(statement):
                    nothing = ast.copy_location(ast.Pass(), statement)
                    yield from _put(nothing, node.body, place, nothing)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _set(node: ast.AST, name: str, value: object) -> Iterator[ast.AST]:
    kept = getattr(node, name)
    setattr(node, name, value)
    yield node
    setattr(node, name, kept)


def _put(node: ast.AST, items: list, place: int, value: ast.AST) -> Iterator[ast.AST]:
    kept, items[place] = items[place], value
    yield node
    items[place] = kept


def mutants(root: Path) -> list[Mutant]:
    """All mutants of the kernel, in a fixed order."""
    found = []
    for path in sorted((root / KERNEL).rglob("*.py")):
        source = path.read_text()
        tree, lines = ast.parse(source), source.splitlines()
        for number, node in enumerate(changes(tree)):
            line = getattr(node, "lineno", 0)
            after = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())[:160]
            found.append(Mutant(str(path.relative_to(root)), number, line, lines[line - 1].strip(), after))
    return found


def spoilt(source: str, number: int) -> str:
    """The source with the change of that number."""
    tree = ast.parse(source)
    for found, _ in enumerate(changes(tree)):
        if found == number:
            return ast.unparse(ast.fix_missing_locations(tree))
    raise IndexError(number)


def is_killed(mutant: Mutant, root: Path = ROOT, goes: tuple[tuple[str, ...], ...] = GOES) -> bool:
    """Does a test fail, or not come to an end, on a copy of the repository with this change?"""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("derivations", "tests/kernel", "tests/reject"):
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "fuzz"))
        for name in ("pyproject.toml", "tests/conftest.py"):
            shutil.copy(root / name, copy / name)
        path = copy / mutant.file
        path.write_text(spoilt(path.read_text(), mutant.number))
        environment = {**os.environ, "PYTHONPATH": f"{copy}:{root}", "PYTHONDONTWRITEBYTECODE": "1"}
        for tests in goes:
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not long", "-p", "no:cacheprovider", *tests]
            try:
                if subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS).returncode:
                    return True
            except subprocess.TimeoutExpired:
                return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--out", type=Path, default=Path("build/mutation.json"))
    chosen = parser.parse_args()
    every = mutants(ROOT)
    sample = Random(chosen.seed).sample(every, min(chosen.count, len(every)))
    survivors, equivalent = [], []
    for done, mutant in enumerate(sample, 1):
        if (mutant.file, mutant.before, mutant.after) in EQUIVALENT:
            equivalent.append(mutant)
        elif not is_killed(mutant):
            survivors.append(mutant)
            print(f"survived: {mutant.words}", flush=True)
        counted = done - len(equivalent)
        print(f"{done}: {counted - len(survivors)} of {counted} killed", flush=True)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        found = {"seed": chosen.seed, "of": len(every), "mutants": done, "equivalent": [m.words for m in equivalent]}
        chosen.out.write_text(json.dumps({**found, "survivors": [m.words for m in survivors]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
