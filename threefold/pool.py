"""Work over processes, where one task that hangs or crashes costs only itself.

`concurrent.futures` cannot end a task that runs too long, and one crash there loses every task in flight; a prover and
numerical code can do both. So: one pipe a worker, one task at a time, a clock for each. Workers have one numeric
thread each and a fixed hash seed, so that a run does not depend on how many there are. They are forked, but not from
us (threads and forks do not mix): from a process that has only imported what they need, once for all of them.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from threefold.errors import Unusable

Task = TypeVar("Task")
Result = TypeVar("Result")

FORKS = "forkserver" in multiprocessing.get_all_start_methods()
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


PATIENCE = 10.0  # seconds for a worker's goodbye, and for the end of a message that it began
TALKED = "a worker process said more than it was asked; what it ran, such as a file of claims, must not answer for it"


class _Goodbye:
    """What a worker is sent when there is nothing left to do."""


def _nothing() -> None:
    """What a worker has to prepare when nothing is said."""


@dataclass(frozen=True)
class Failed:
    """A task that gave no result, and why."""

    reason: str


@dataclass(frozen=True)
class Done(Generic[Task, Result]):
    """A finished task: its result, or why there is none, and how long it took."""

    task: Task
    result: Result | Failed
    seconds: float


@dataclass
class _Worker(Generic[Task]):
    process: BaseProcess
    connection: Connection
    backwards: bool = False
    ready: bool = False
    gone: bool = False
    task: Task | None = None
    started: float = 0.0


def run(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    limit: float,
    prepare: Callable[[], object] = _nothing,
    prepare_limit: float = math.inf,
    imports: Sequence[str] = (),
) -> Iterator[Done[Task, Result]]:
    """Yield each task as it is done, in the order in which they finish.

    Every second worker begins at the end of the tasks: neighbours need the same (a lemma that is proved, a module that
    is imported), and are better left to one worker.

    function, prepare: module-level functions (or partials of them); they, the tasks and the results travel by pickle.
    A worker calls `prepare` once, before its first task and outside of every clock: imports go there.
    limit: seconds for one task; one that takes longer is ended and reported as Failed.
    prepare_limit: seconds for what a worker prepares, its start included.
    imports: modules that all workers of this process share, if they are named when it starts the first one; others are
        imported by each worker that needs them.
    Raises Unusable if a worker does, or if it is not prepared in time: that is about the input, not about one task. So
    it does if something else than the worker speaks through its pipe, which what it runs could reach.
    """
    waiting = deque(tasks)
    workers: list[_Worker[Task]] = []
    try:
        while waiting or any(worker.task is not None for worker in workers):
            while len(workers) < min(jobs, len(waiting) + sum(worker.task is not None for worker in workers)):
                backwards = 2 * sum(worker.backwards for worker in workers) < len(workers)
                workers.append(_start(function, prepare, backwards, imports))
            for worker in workers:
                if worker.ready and worker.task is None and waiting:
                    _refuse_more(worker)
                    worker.task = waiting.pop() if worker.backwards else waiting.popleft()
                    worker.started = time.perf_counter()
                    worker.connection.send(worker.task)
            for worker in _heard(workers, limit, prepare_limit):
                done: Done[Task, Result] | None = _hear(worker, limit)
                if worker.gone:
                    workers.remove(worker)
                if done is not None:
                    yield done
        for worker in workers:
            _dismiss(worker)
    finally:
        for worker in workers:
            _end(worker)


def _heard(workers: Sequence[_Worker[Any]], limit: float, prepare_limit: float) -> list[_Worker[Any]]:
    """The workers that have something to say or are out of time; none if a second passes without.

    A Ctrl-C that came while a worker was being started may have woken another thread: this one then learns of it when
    it wakes itself.
    """
    now = time.perf_counter()
    clocks = [worker.started + limit - now for worker in workers if worker.task is not None]
    for worker in workers:
        if not worker.ready and now > worker.started + prepare_limit and not worker.connection.poll():
            raise Unusable(f"running the file of claims again took over {prepare_limit:g} s; make it quicker")
    heard = wait([worker.connection for worker in workers], timeout=max(0.0, min([1.0, *clocks])))
    now = time.perf_counter()
    return [
        worker
        for worker in workers
        if worker.connection in heard or (worker.task is not None and now >= worker.started + limit)
    ]


def _hear(worker: _Worker[Task], limit: float) -> Done[Task, Any] | None:
    """Take one message, or end the worker if there is none: then its time is up."""
    task, seconds = worker.task, time.perf_counter() - worker.started
    if not worker.connection.poll():
        _end(worker)
        assert task is not None
        return Done(task, Failed(f"it took longer than the {limit:g} s allowed and was stopped"), seconds)
    try:
        kind, content = _received(worker)
    except (EOFError, OSError):
        worker.process.join(5)
        code = worker.process.exitcode
        _end(worker)
        if task is None:
            raise RuntimeError(f"a worker process ended with exit code {code} before it took a task") from None
        return Done(task, Failed(f"its process ended with exit code {code}"), seconds)
    except Exception:  # what is no message may fail to be read in any way
        raise Unusable(TALKED) from None
    if kind == "unusable":
        raise Unusable(content)
    if kind == "ready":
        worker.ready = True
        return None
    worker.task = None
    assert task is not None
    return Done(task, Failed(content) if kind == "failed" else content, seconds)


def _received(worker: _Worker[Any]) -> Any:
    """One message. A worker that begins one and does not end it is ended: its pipe then closes."""
    watch = threading.Timer(PATIENCE, worker.process.kill)
    watch.start()
    try:
        return worker.connection.recv()
    finally:
        watch.cancel()


def _dismiss(worker: _Worker[Any]) -> None:
    """Hear a worker's goodbye: whoever answered in its place left its own answers unheard."""
    if not worker.ready:
        return
    try:
        worker.connection.send(_Goodbye())
        if worker.connection.poll(PATIENCE) and _received(worker) == ("goodbye", None):
            return
    except Exception:  # a pipe that closes, or what is no message
        pass
    raise Unusable(TALKED)


def _refuse_more(worker: _Worker[Any]) -> None:
    """A worker that is asked nothing says nothing."""
    if worker.connection.poll():
        raise Unusable(TALKED)


def _start(
    function: Callable[[Task], Any], prepare: Callable[[], object], backwards: bool, imports: Sequence[str]
) -> _Worker[Task]:
    context = multiprocessing.get_context("forkserver") if FORKS else multiprocessing.get_context("spawn")
    if FORKS:
        context.set_forkserver_preload(["threefold.imported", *imports])
    ours, theirs = context.Pipe()
    with _environment(ENVIRONMENT), _deaf_to_the_keyboard():
        surroundings = dict(os.environ)
        process = context.Process(target=_serve, args=(theirs, function, prepare, surroundings), daemon=True)
        process.start()
    theirs.close()
    return _Worker(process, ours, backwards, started=time.perf_counter())


def _end(worker: _Worker[Any]) -> None:
    worker.ready, worker.gone, worker.task = False, True, None
    worker.connection.close()
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _deaf_to_the_keyboard() -> Iterator[None]:
    """What starts in here never hears Ctrl-C, not even while it imports; we hear it, a moment later, and end it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # the first worker would start it, and its start lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    connection: Connection,
    function: Callable[[Any], Any],
    prepare: Callable[[], object],
    surroundings: dict[str, str],
) -> None:
    """A worker's life: prepare, say ready, then answer tasks until the pipe closes."""
    os.environ.clear()  # those of the process it was forked from, which are as old as that
    os.environ.update(surroundings)
    try:
        try:
            prepare()
        except Unusable as error:
            connection.send(("unusable", error.message))
            return
        connection.send(("ready", None))
        while True:
            task = connection.recv()
            if isinstance(task, _Goodbye):
                connection.send(("goodbye", None))
                return
            try:
                answer = ("done", function(task))
            except Unusable as error:
                answer = ("unusable", error.message)
            except Exception as error:
                answer = ("failed", f"{type(error).__name__}: {error}")
            try:
                connection.send(answer)
            except (TypeError, AttributeError, ValueError, pickle.PicklingError) as error:
                connection.send(("failed", f"its result cannot be handed over: {error}"))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
