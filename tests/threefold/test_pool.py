"""Work over processes: a task that fails, hangs or crashes costs only itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from threefold import pool
from threefold.errors import Unusable
from threefold.pool import Done, Failed, run


@pytest.fixture(autouse=True)
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "by_hand"))
    import tasks_by_hand

    yield tasks_by_hand


def results(done: Iterator[Done[Any, Any]]) -> dict[Any, Any]:
    return {item.task: item.result for item in done}


def test_every_task_is_done_once_whatever_the_number_of_processes(tasks: Any) -> None:
    for jobs in (1, 3, 50):
        assert results(run(tasks.square, range(7), jobs=jobs, limit=60)) == {n: n * n for n in range(7)}


def test_two_workers_begin_at_the_two_ends(tasks: Any) -> None:
    """So that neighbours, which need the same, are left to one of them."""
    order = [done.task for done in run(tasks.square, range(2), jobs=1, limit=60)]
    assert order == [0, 1]
    by_worker: dict[Any, list[int]] = {}
    for done in run(tasks.unhurried, range(100), jobs=2, limit=60):
        by_worker.setdefault(done.result, []).append(done.task)
    assert len(by_worker) == 2
    for numbers in by_worker.values():
        assert numbers == list(range(len(numbers))) or numbers == list(range(99, 99 - len(numbers), -1))


def test_no_task_is_no_work(tasks: Any) -> None:
    assert list(run(tasks.square, [], jobs=2, limit=60)) == []


def test_an_exception_is_a_failure_with_its_reason_and_the_worker_goes_on(tasks: Any) -> None:
    found = results(run(tasks.stumble, ["fine", "raise", "again"], jobs=1, limit=60))
    assert found == {"fine": "fine", "raise": Failed("ValueError: no good"), "again": "again"}


def test_a_task_over_its_time_is_stopped_and_the_others_are_not(tasks: Any) -> None:
    started = time.perf_counter()
    found = results(run(tasks.stumble, ["hang", "fine", "again"], jobs=2, limit=1.0))
    assert found["hang"] == Failed("it took longer than the 1 s allowed and was stopped")
    assert (found["fine"], found["again"]) == ("fine", "again")
    assert time.perf_counter() - started < 20


def test_a_crash_is_a_failure_of_its_task_alone(tasks: Any) -> None:
    found = results(run(tasks.stumble, ["crash", "fine", "kill", "again"], jobs=1, limit=60))
    assert found["crash"] == Failed("its process ended with exit code 7")
    assert found["kill"] == Failed("its process ended with exit code -9")
    assert (found["fine"], found["again"]) == ("fine", "again")


def test_a_result_that_cannot_travel_is_a_failure(tasks: Any) -> None:
    found = results(run(tasks.stumble, ["unpicklable", "fine"], jobs=1, limit=60))
    assert isinstance(found["unpicklable"], Failed)
    assert "cannot be handed over" in found["unpicklable"].reason
    assert found["fine"] == "fine"


def test_workers_are_ended_when_the_caller_stops_listening(tasks: Any) -> None:
    work = run(tasks.worker_id, range(2), jobs=2, limit=60)
    worker = next(work).result
    assert isinstance(worker, int)
    work.close()  # type: ignore[attr-defined]  # a generator, as `run` is one
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_workers_have_one_thread_and_a_fixed_hash_seed_and_ours_stay(tasks: Any) -> None:
    before = dict(os.environ)
    found = results(run(tasks.variable, ["OMP_NUM_THREADS", "PYTHONHASHSEED"], jobs=1, limit=60))
    assert found == {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    assert dict(os.environ) == before


def test_what_a_task_runs_cannot_answer_in_its_place(tasks: Any) -> None:
    for forge, asked in ((tasks.answer_twice, [1, 2]), (tasks.answer_twice, [1]), (tasks.answer_and_leave, [1])):
        with pytest.raises(Unusable, match="said more than it was asked"):
            list(run(forge, asked, jobs=1, limit=60.0))


def test_what_is_no_message_is_refused_and_one_that_does_not_end_is_not_waited_for(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.5)
    with pytest.raises(Unusable, match="said more than it was asked"):
        list(run(tasks.say_nonsense, [1], jobs=1, limit=60.0))
    started = time.perf_counter()
    found = results(run(tasks.begin_a_message, [1], jobs=1, limit=60.0))
    assert found == {1: Failed("its process ended with exit code -9")}
    assert time.perf_counter() - started < 30
