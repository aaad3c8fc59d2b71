"""The runner of the benchmarks: one table, peers that do not work in one line, and bounds that can be missed."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "error", [ImportError("no such"), RuntimeError("operator nms\nmore"), OSError(), SystemError()]
)
def test_a_peer_that_cannot_be_imported_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise error

    assert load("peers").peer("some-peer", broken) is None
    said = capsys.readouterr().out
    assert said.startswith("some-peer is not measured: ") and said.count("\n") == 1 and len(said) > 30
    assert load("peers").peer("good", lambda: 3) == 3


def test_the_table_says_what_is_missed() -> None:
    run = load("run")
    times = {"floor: x": 100.0, "ours, to a buffer": 151.0, "ours, new tensor": 170.0, "peer": 400.0}
    (row,) = run.diffusion_rows({"q_sample, usual allocator": times})
    assert row.reached is False and "MISSED" in run.table([row])
    (row,) = run.diffusion_rows({"q_sample, usual allocator": {**times, "ours, to a buffer": 149.0}})
    assert row.reached is True
    (row,) = run.diffusion_rows({"noising + loss": {"floor": 1.0, "ours": 210.0, "a": 400.0, "b": 600.0}})
    assert row.reached is False and "of a" in row.figure
    (row,) = run.diffusion_rows({"noising + loss": {"floor": 1.0, "ours": 210.0}})
    assert row.reached is None and row.figure == "no peer measured"


def test_training_is_held_against_what_is_asked() -> None:
    run = load("run")
    rows = run.training_rows(
        {"vae": [{"name": "ours"}, {"name": "plain", "ours_over_this": 0.9, "must": 0.97}], "machine": "some"}
    )
    assert [row.reached for row in rows] == [False]


def test_a_script_that_takes_too_long_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = load("run")
    monkeypatch.setattr(run, "HERE", tmp_path)
    (tmp_path / "slow.py").write_text("import time; time.sleep(30)")
    (tmp_path / "missing.py").write_text("raise SystemExit(2)")
    (tmp_path / "bad.py").write_text("raise SystemExit(1)")
    assert run.measured("slow.py", [], 0.5) == [run.Row("slow.py", "not done within 0 s", "", None)]
    assert run.measured("missing.py", [], 20)[0].reached is None
    assert run.measured("bad.py", [], 20)[0].reached is False


def test_a_quick_run_takes_fewer_rounds_of_scripts_that_there_are() -> None:
    run = load("run")
    for scripts in (run.SCRIPTS, run.QUICK):
        assert sum(share for _, share in scripts.values()) == pytest.approx(1)
        assert all((FOLDER / script).is_file() for script in scripts)
    for script, (arguments, _) in run.QUICK.items():
        assert int(arguments[1]) < int(run.SCRIPTS[script][0][1])


def test_one_table_ends_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = load("run")
    asked: list[tuple[str, float]] = []

    def measured(script: str, arguments: list[str], seconds: float) -> list[object]:
        asked.append((script, seconds))
        return [run.Row(script, "1.00", ">= 0.97", script != "training_speed.py")]

    monkeypatch.setattr(run, "measured", measured)
    monkeypatch.setattr(sys, "argv", ["run.py", "--quick", "--minutes", "2"])
    assert run.main() == 1
    assert [name for name, _ in asked] == list(run.QUICK) and sum(seconds for _, seconds in asked) == pytest.approx(120)
    assert capsys.readouterr().out.count("MISSED") == 1
