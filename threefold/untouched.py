"""Did a file of claims change what judges it? Running it must only define claims.

A file of claims is a Python program, and nothing keeps a program from writing into the memory of the process that it
runs in. What can be seen is seen: a function or a class of the theory, of SymPy, of mpmath or of
Python that is another one afterwards, a table or a constant of the theory, a thread that goes on, a tracer. This is no
wall; it is why nobody does it by mistake.
"""

from __future__ import annotations

import builtins
import importlib
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

JUDGES = ("derivations.judge.replay", "derivations.refutation.refute", "derivations.shadow", "derivations.printing")
WATCHED = ("derivations", "sympy", "mpmath")
FUNCTIONS = (FunctionType, property, classmethod, staticmethod)
OPEN_TO_ALL = {"LATEX"}  # how names are shown, which a file may add to
THREADS, TRACERS, ALARMS = "the threads that run", "the tracer or profiler", "the alarms that limit a step's time"
Seen = Mapping[str, Any]


def snapshot() -> Seen:
    """What must stay as it is, by name."""
    for name in JUDGES:
        importlib.import_module(name)
    seen = {f"builtins.{name}": value for name, value in vars(builtins).items() if name != "_"}
    for name, module in list(sys.modules.items()):
        if module is not None and name.partition(".")[0] in WATCHED:
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


def _of_process() -> Seen:
    """Threads, tracers and what listens to the alarms that limit the time of a step."""
    alarms = (getattr(signal, name, None) for name in ("SIGALRM", "SIGPROF"))
    return {
        THREADS: tuple(threading.enumerate()),
        TRACERS: (sys.gettrace(), sys.getprofile()),
        ALARMS: tuple(signal.getsignal(alarm) for alarm in alarms if alarm is not None),
    }


def _of_module(name: str, module: Any) -> Iterator[tuple[str, Any]]:
    ours = name.partition(".")[0] == "derivations"
    for key, value in list(vars(module).items()):
        if key.startswith("__") or key in OPEN_TO_ALL or isinstance(value, ModuleType):
            continue
        if isinstance(value, type) and value.__module__ == name:
            yield f"{name}.{key}", value
            for member, found in list(vars(value).items()):
                if isinstance(found, FUNCTIONS) or (ours and _is_data(member, found)):
                    yield f"{name}.{key}.{member}", _content(found)
        elif callable(value) or (ours and _is_data(key, value)):
            yield f"{name}.{key}", _content(value)


def _is_data(name: str, value: Any) -> bool:
    """A table or a constant. A table with a private name is a memory, which fills up by itself."""
    is_table = isinstance(value, dict | set | list)
    return not (name.startswith("__") or (is_table and name.startswith("_")))


def _content(value: Any) -> Any:
    """A value with what could be changed inside of it: what a function is made of, the entries of a table."""
    inner = getattr(value, "__func__", getattr(value, "fget", value))
    if isinstance(inner, FunctionType):
        given = (inner.__defaults__, tuple((inner.__kwdefaults__ or {}).items()))
        ours = (inner.__module__ or "").partition(".")[0] == "derivations"
        return (value, inner.__code__, *given, tuple(map(_kept, inner.__closure__ or ())) if ours else ())
    table = getattr(value, "__self__", value)  # of a table's own method, that table
    if isinstance(table, dict):
        return (value, tuple(table.items()))
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
    return None if holder is None else _content(vars(holder).get(parts[-1]))


def _same(before: Any, now: Any) -> bool:
    if isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        return all(map(_same, before, now))
    return before is now
