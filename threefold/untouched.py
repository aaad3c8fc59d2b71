"""Did a file of claims change what judges it? Running it must only define claims.

A file of claims is a Python program, and nothing keeps a program from writing into the memory of the process that it
runs in. What can be seen is seen: a function or a class of the theory, of SymPy, of mpmath or of
Python that is another one afterwards, a table or a constant of the theory, what SymPy's classes say of themselves, its
tables and its settings, a look of a name that was declared before, a thread that goes on, a tracer. What SymPy
remembers is forgotten, since a class of the file's own may have had itself remembered for a number. This is no wall; it
is why nobody does it by mistake.
"""

from __future__ import annotations

import builtins
import importlib
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

JUDGES = ("derivations.judge.replay", "derivations.refutation.refute", "derivations.shadow", "derivations.printing")
WATCHED = ("derivations", "sympy", "mpmath")
FUNCTIONS = (FunctionType, property, classmethod, staticmethod)
THREADS, TRACERS, ALARMS = "the threads that run", "the tracer or profiler", "the alarms that limit a step's time"
SHADOWS = "the builtins of a module"
SETTINGS = {"_global_parameters"}  # the class of how SymPy calculates
FILLED = {"_constructor_postprocessor_mapping"}  # a memory of a class of SymPy, which fills up by itself
GROWING = {"Looks"}  # the class of how names are shown, which a file may add to
Seen = Mapping[str, Any]


@dataclass(frozen=True)
class Names:
    """The names that a class, or a module beside its own, gives a meaning to: none may be added."""

    names: frozenset[str]


@dataclass(frozen=True)
class Entries:
    """The entries of a table: each must stay, and others may be added."""

    items: tuple[tuple[Any, Any], ...]


def snapshot() -> Seen:
    """What must stay as it is, by name."""
    for name in JUDGES:
        importlib.import_module(name)
    seen = {f"builtins.{name}": _content(value) for name, value in vars(builtins).items() if name != "_"}
    for name, module in _watched():
        seen.update(_of_module(name, module))
    return MappingProxyType({**seen, **_of_process()})


def changes(before: Seen) -> Iterator[str]:
    """What is not as it was before, in words."""
    process = _of_process()
    if set(process[THREADS]) - set(before[THREADS]):
        yield "it leaves a thread running"
    for path, value in before.items():
        if path != THREADS and not _same(value, process[path] if path in process else _now(path)):
            yield f"it changes {path}"


def _watched() -> list[tuple[str, Any]]:
    """The modules of the theory, of SymPy and of mpmath, by name."""
    found = [(name, module) for name, module in list(sys.modules.items()) if name.partition(".")[0] in WATCHED]
    return [(name, module) for name, module in found if module is not None]


def _of_process() -> Seen:
    """Threads, tracers and what listens to the alarms that limit the time of a step."""
    alarms = (getattr(signal, name, None) for name in ("SIGALRM", "SIGPROF"))
    shadowed = (f"{name}.{key}" for name, module in _watched() for key in vars(module) if key in vars(builtins))
    return {
        SHADOWS: Names(frozenset(path for path in shadowed if ".__" not in path)),
        THREADS: tuple(threading.enumerate()),
        TRACERS: (sys.gettrace(), sys.getprofile()),
        ALARMS: tuple(signal.getsignal(alarm) for alarm in alarms if alarm is not None),
    }


def _of_module(name: str, module: Any) -> Iterator[tuple[str, Any]]:
    ours = name.partition(".")[0] == "derivations"
    for key, value in list(vars(module).items()):
        if key.startswith("__") or isinstance(value, ModuleType):
            continue
        if isinstance(value, type) and value.__module__ == name:
            yield f"{name}.{key}", _content(value)
            for member, found in list(vars(value).items()):
                if isinstance(found, FUNCTIONS) or (_is_data(member, found) if ours else _is_said(member, found)):
                    yield f"{name}.{key}.{member}", _content(found)
        elif callable(value) or isinstance(value, dict) or (ours and _is_data(key, value)):
            yield f"{name}.{key}", _content(value, not ours)
        elif type(value).__name__ in SETTINGS:
            yield f"{name}.{key}", _content(value)


def _is_said(name: str, value: Any) -> bool:
    """What a class of SymPy or mpmath says of its instances: a flag, an assumption, a part of a number."""
    counts = name.startswith("_") and isinstance(value, int) and not isinstance(value, bool)
    return not (name.startswith("__") or counts or name in FILLED) and (
        value is None or isinstance(value, bool | int | str | dict)
    )


def _is_data(name: str, value: Any) -> bool:
    """A table or a constant. A table with a private name is a memory, which fills up by itself."""
    is_table = isinstance(value, dict | set | list)
    return not (name.startswith("__") or (is_table and name.startswith("_")))


def _content(value: Any, may_grow: bool = False) -> Any:
    """A value with what could be changed inside of it: what a function is made of, the entries of a table."""
    if isinstance(value, type):
        return (value, Names(frozenset(vars(value))))
    inner = getattr(value, "__func__", getattr(value, "fget", value))
    if isinstance(inner, FunctionType):
        given = (inner.__defaults__, tuple((inner.__kwdefaults__ or {}).items()))
        ours = (inner.__module__ or "").partition(".")[0] == "derivations"
        return (value, inner.__code__, *given, tuple(map(_kept, inner.__closure__ or ())) if ours else ())
    table = getattr(value, "__self__", value)  # of a table's own method, that table
    if type(value).__name__ in SETTINGS:
        return (value, tuple(vars(value).items()))
    if isinstance(table, dict):
        entries = tuple(table.items())
        return (value, Entries(entries) if may_grow or type(table).__name__ in GROWING else entries)
    return (value, tuple(value)) if isinstance(value, list | set) else value


def _kept(cell: Any) -> Any:
    """What a function keeps out of everybody's reach. Of a table there, only which one it is: families may be added."""
    try:
        found = cell.cell_contents
    except ValueError:  # nothing yet
        return None
    return (found, tuple(found)) if isinstance(found, list) else found


def _now(path: str) -> Any:
    """What stands under that name at present; None when nothing does."""
    parts = path.split(".")
    for cut in (len(parts) - 1, len(parts) - 2):
        holder = sys.modules.get(".".join(parts[:cut]))
        if holder is not None and (cut == len(parts) - 1 or isinstance(vars(holder).get(parts[cut]), type)):
            break
    for part in parts[cut:-1]:
        holder = vars(holder).get(part)
    may_grow = parts[0] != "derivations" and not isinstance(holder, type)
    return None if holder is None else _content(vars(holder).get(parts[-1]), may_grow)


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, Entries) and isinstance(now, Entries):
        kept = {id(key): value for key, value in now.items}
        return all(id(key) in kept and _same(value, kept[id(key)]) for key, value in before.items)
    if isinstance(before, Names):
        return bool(before == now)
    if isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        return all(map(_same, before, now))
    return before is now
