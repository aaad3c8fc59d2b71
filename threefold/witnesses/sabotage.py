"""Whether the measuring witnesses would notice: mistakes are made on purpose, and each must make its witness disagree.

Two kinds. Statements: every mutant of a claim (`derivations.mutants`) is given to the claim's numeric witness alone, in
the place of the claim. Code: single mistakes are made in the functions of `torch_impl` that the claim's torch witness
runs (a sign, an index, a root, a factor), one at a time, and the witness alone runs again. What is caught is counted,
what is not is named; a mutant that provably says the same is no mistake and is left out by name of its equivalence.

This module costs minutes for all claims: it is for `threefold verify --sabotage` and for long tests.
"""

from __future__ import annotations
import __future__

import ast
import copy
import gc
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import derivations
from threefold.witnesses.evidence import Comparison, Differs
from threefold.witnesses.point import instead_of
from threefold.witnesses.registry import Cases, Registry
from threefold.witnesses.verdict import Registered, judge


@dataclass(frozen=True)
class Sabotage:
    """What became of the mistakes that one witness was given."""

    claim: str
    witness: str
    total: int
    caught: int
    survivors: tuple[str, ...]
    equivalent: int = 0

    @property
    def rate(self) -> float:
        """The share that was caught; 1 where there was nothing to catch."""
        return self.caught / self.total if self.total else 1.0


# --- mistakes in statements -------------------------------------------------------------------------------------------


def statements(claim: str, registry: Registry, *, seed: int = 0, cases: int = 64) -> Sabotage:
    """Give every mutant of a claim to its numeric witness alone.

    A mutant that the kernel's own report calls equivalent or implied states nothing false, and does not count. A claim
    that is false as printed has none: one of its mutants is the right form.
    """
    if derivations.claims()[claim].expects != "proved":
        return Sabotage(claim, "numeric", 0, 0, ())
    report = derivations.judge_mutants(claim)
    expects = derivations.claims()[claim].expects
    caught, equivalent, survivors = 0, 0, []
    for case in report.cases:
        if case.outcome in ("equivalent", "implied"):
            equivalent += 1
            continue
        with instead_of(claim, case.claim):
            found = registry.testify(claim, seed=seed, expects=expects, cases=cases, until_problem=True)
        if found.verdict == "disagrees":
            caught += 1
        else:
            survivors.append(f"{case.operator}: {case.claim.says[case.part].text()}")
    total = len(report.cases) - equivalent
    return Sabotage(claim, "numeric", total, caught, tuple(survivors), equivalent)


# --- mistakes in code -------------------------------------------------------------------------------------------------


def code(claim: str, registry: Registry, *, seed: int = 0, cases: int = 24, most: int = 12) -> Sabotage:
    """Make up to `most` single mistakes in the torch code that the claim's torch witness runs, one at a time.

    The places are chosen by the claim's id among all that the witness reaches, so that every run makes the same ones.
    A change that moves no number of the witness by a bit (in a table that it builds and never reads, say) is no mistake
    in what the claim is about, and is passed over.
    """
    entry = registry.entry(claim)
    if not isinstance(entry, Registered):
        return Sabotage(claim, "torch", 0, 0, ())
    expects = derivations.claims()[claim].expects
    drawn = partial(Cases.seeded, seed, claim, "torch", cases)
    run = places(lambda: judge(entry, drawn(), must_differ=expects == "refuted"))
    made = [mistake for function, lines in run.items() for mistake in mistakes(function, lines)]
    made.sort(key=lambda m: hashlib.sha256(f"{claim} {m.name}".encode()).digest())
    right = _numbers(entry, drawn())
    caught, untouched = 0, 0
    survivors: list[str] = []
    for mistake in made:
        if caught + len(survivors) >= most:
            break
        with mistake:
            found = judge(entry, drawn(), must_differ=expects == "refuted", until_problem=True)
            moved = found.verdict == "disagrees" or _numbers(entry, drawn()) != right
        if found.verdict == "disagrees":
            caught += 1
        elif moved:
            survivors.append(mistake.name)
        else:
            untouched += 1
    return Sabotage(claim, "torch", caught + len(survivors), caught, tuple(survivors), untouched)


def _numbers(entry: Registered, cases: Cases) -> list[tuple[str, bytes]]:
    """Every number that a witness yields, to the bit."""
    found = []
    try:
        for item in entry.function(cases):
            if isinstance(item, Comparison | Differs):
                found.append((item.label, np.asarray(item.value, dtype=np.float64).tobytes()))
    except Exception as error:  # whatever broken code may raise
        found.append((type(error).__name__, b""))
    return found


def places(run: Callable[[], Any], package: str = "torch_impl") -> dict[types.FunctionType, frozenset[int]]:
    """The functions of a package that are called while `run` runs, and the lines of each that are reached."""
    lines: dict[types.CodeType, set[int]] = {}

    def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
        name = frame.f_globals.get("__name__", "")
        if not (name == package or name.startswith(f"{package}.")):
            return None
        seen = lines.setdefault(frame.f_code, set())

        def inside(inner: types.FrameType, what: str, _: Any) -> Any:
            if what == "line":
                seen.add(inner.f_lineno)
            return inside

        return inside

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    found: dict[types.FunctionType, frozenset[int]] = {}
    for made, reached in lines.items():
        function = _function_of(made)
        if function is not None:
            found[function] = found.get(function, frozenset()) | reached
    return found


def _function_of(made: types.CodeType) -> types.FunctionType | None:
    """The plain function or method with this code, or with it inside: what is nested is changed with what makes it.

    It is found by its name in its module; None for what is not to be found there.
    """
    module = next((m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == made.co_filename), None)
    if made.co_qualname == "<lambda>":  # in a table of its module
        return next((f for f in gc.get_referrers(made) if isinstance(f, types.FunctionType)), None)
    held: Any = module
    for name in made.co_qualname.partition(".<locals>")[0].split("."):
        held = vars(held).get(name) if isinstance(held, type) else getattr(held, name, None)
        held = held.__func__ if isinstance(held, staticmethod | classmethod) else held
        held = held.fget if isinstance(held, property) else held
    held = inspect.unwrap(held) if callable(held) else None
    return held if isinstance(held, types.FunctionType) and _holds(held.__code__, made) else None


def _holds(outer: types.CodeType, made: types.CodeType) -> bool:
    """Whether one code is another, or a function, a comprehension or a lambda somewhere inside it."""
    return outer is made or any(_holds(part, made) for part in outer.co_consts if isinstance(part, types.CodeType))


@dataclass(frozen=True)
class Mistake:
    """One changed place in one function; entering it puts the changed code there, leaving it takes it back."""

    function: types.FunctionType
    changed: types.CodeType
    name: str

    def __enter__(self) -> None:
        object.__setattr__(self, "_kept", self.function.__code__)
        self.function.__code__ = self.changed
        forget()

    def __exit__(self, *_: object) -> None:
        self.function.__code__ = self._kept  # type: ignore[attr-defined]  # set on entering
        forget()


def forget(packages: Sequence[str] = ("torch_impl", "threefold.witnesses")) -> None:
    """Empty what functions of these packages keep of earlier calls: a result that is kept hides every mistake."""
    for name, module in list(sys.modules.items()):
        if name.startswith(tuple(f"{package}." for package in packages)):
            for held in list(vars(module).values()):
                if callable(getattr(held, "cache_clear", None)):
                    held.cache_clear()


def mistakes(function: types.FunctionType, lines: frozenset[int]) -> Iterator[Mistake]:
    """Every single mistake at the lines of a function that were reached."""
    tree = _parsed(function)
    nodes = [node for node in ast.walk(tree) if getattr(node, "lineno", 0) in lines]
    for number, node in enumerate(nodes):
        for words, change in _changes(node):
            changed = copy.deepcopy(tree)
            change([n for n in ast.walk(changed) if getattr(n, "lineno", 0) in lines][number])
            made = _compiled(changed, function)
            if made is not None:
                where = f"{function.__module__}.{function.__qualname__}:{node.lineno}"  # type: ignore[attr-defined]
                yield Mistake(function, made, f"{where}: {words} in `{ast.unparse(node)}`")


def _parsed(function: types.FunctionType) -> ast.Module:
    """The definition of a function alone, at the lines of its file; empty where there is no source."""
    made = function.__code__
    try:
        if made.co_name != "<lambda>":
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
            ast.increment_lineno(tree, made.co_firstlineno - 1)
            return tree
        whole = ast.parse(inspect.getsource(sys.modules[function.__module__]))
    except OSError:
        return ast.Module([], [])
    for node in ast.walk(whole):
        if isinstance(node, ast.Lambda) and node.lineno == made.co_firstlineno:
            alone = ast.Module([ast.Expr(node)], [])
            same = _compiled(copy.deepcopy(alone), function)
            if same is not None and (same.co_code, same.co_consts) == (made.co_code, made.co_consts):
                return alone
    return ast.Module([], [])


def _compiled(tree: ast.Module, function: types.FunctionType) -> types.CodeType | None:
    """The code of the changed function, with the free variables of the original; None if they are not the same."""
    (definition,) = tree.body
    if isinstance(definition, ast.FunctionDef):
        definition.decorator_list = []
    elif not (isinstance(definition, ast.Expr) and isinstance(definition.value, ast.Lambda)):
        return None
    ast.fix_missing_locations(tree)
    holder: types.CodeType = compile(
        tree, function.__code__.co_filename, "exec", dont_inherit=True, flags=_flags(function)
    )
    codes = [c for c in holder.co_consts if isinstance(c, types.CodeType) and c.co_name == function.__name__]
    return next((made for made in codes if made.co_freevars == function.__code__.co_freevars), None)


def _flags(function: types.FunctionType) -> int:
    return function.__code__.co_flags & __future__.annotations.compiler_flag


Change = tuple[str, Callable[[Any], None]]
SWAPS: Sequence[tuple[type, type, str]] = (
    (ast.Add, ast.Sub, "+ turned to -"),
    (ast.Sub, ast.Add, "- turned to +"),
    (ast.Mult, ast.Div, "* turned to /"),
    (ast.Div, ast.Mult, "/ turned to *"),
)
EXCHANGED = {"lerp": (0, 1), "sub": (0, 1), "div": (0, 1), "pow": (0, 1), "where": (1, 2)}
FUNCTIONS = {"sqrt": "square", "square": "sqrt", "exp": "log", "expm1": "exp", "log1p": "log", "log": "exp"}


def _changes(node: ast.AST) -> Iterator[Change]:
    """The mistakes that can be made at this node."""
    if isinstance(node, ast.BinOp):
        for kind, other, words in SWAPS:
            if isinstance(node.op, kind):
                yield words, _setting("op", other())
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) and node.right.value == 2:
            yield "a square lost", _setting("right", ast.Constant(1))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "a sign lost", _setting("op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value not in (0, -1):
        words = "a one made two" if node.value == 1 else "a number doubled"
        yield words, _setting("value", 2 * node.value)  # type: ignore[operator]  # a number, as was asked
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
        name = FUNCTIONS[node.func.attr]
        yield f"{name} for {node.func.attr}", lambda n: setattr(n.func, "attr", name)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXCHANGED:
        first, second = EXCHANGED[node.func.attr]
        if len(node.args) > second:
            yield f"arguments {first + 1} and {second + 1} exchanged", lambda n: _exchange(n.args, first, second)


def _exchange(held: list[Any], first: int, second: int) -> None:
    held[first], held[second] = held[second], held[first]


def _setting(field: str, value: Any) -> Callable[[Any], None]:
    return lambda node: setattr(node, field, value)
