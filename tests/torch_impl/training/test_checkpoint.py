"""Checkpoints: whole or absent, every altered byte noticed, no code ever run."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from torch_impl.training import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointStore,
    CheckpointUnwritable,
    StoredCheckpoint,
    find_checkpoint,
)
from torch_impl.training import checkpoint as checkpoint_module


def put(store: CheckpointStore, step: int, figure: float | None = None, size: int = 8) -> StoredCheckpoint:
    store.begin(step)
    return store.commit(
        step,
        json_files={"config.json": {"system": {"kind": "x"}}, "state.json": {"step": step}},
        tensor_files={"model.safetensors": {"w": torch.arange(float(size)) + step}},
        figure=figure,
    )


def steps(store: CheckpointStore) -> list[int]:
    return [checkpoint.step for checkpoint in store.all()]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_tensors_and_json_come_back(tmp_path):
    put(CheckpointStore(tmp_path), 7)
    found = find_checkpoint(tmp_path)
    assert found.step == 7 and found.state == {"step": 7} and found.config["system"] == {"kind": "x"}
    assert torch.equal(found.tensors("model.safetensors")["w"], torch.arange(8.0) + 7)


def test_the_last_and_the_best_are_kept(tmp_path):
    store = CheckpointStore(tmp_path, keep_last=2)
    for step, figure in [(1, 3.0), (2, 1.0), (3, 2.0), (4, 5.0), (5, None)]:
        put(store, step, figure)
    assert steps(store) == [2, 4, 5]
    best = store.best()
    assert best is not None and best[0].step == 2 and best[1] == 1.0


def test_the_one_just_written_is_kept_though_others_are_of_later_steps(tmp_path):
    store = CheckpointStore(tmp_path, keep_last=2)
    for step in (40, 50, 60, 31):
        put(store, step)
    assert steps(store) == [31, 50, 60]


def test_a_loss_that_is_not_finite_is_never_the_best(tmp_path):
    store = CheckpointStore(tmp_path)
    put(store, 1, float("nan"))
    assert store.best() is None
    put(store, 2, 1.0)
    put(store, 3, float("nan"))
    best = store.best()
    assert best is not None and best[0].step == 2


@pytest.mark.parametrize("mark", ["{}", "[]", "{", '{"checkpoint": "step-00000001", "value": null}'])
def test_a_mark_of_the_best_that_cannot_be_read_is_named(tmp_path, mark):
    put(CheckpointStore(tmp_path / "checkpoints"), 1, 1.0)
    (tmp_path / "checkpoints" / "best.json").write_text(mark)
    with pytest.raises(CheckpointDamaged, match=r"best\.json is damaged: it names no checkpoint and value; remove it"):
        find_checkpoint(tmp_path / "best")
    assert find_checkpoint(tmp_path).step == 1


def test_the_best_of_a_run_is_found_by_name(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    put(store, 1)
    with pytest.raises(CheckpointMissing, match="no best checkpoint: it was trained without a held-out loss"):
        find_checkpoint(tmp_path / "best")
    put(store, 2, 1.0)
    put(store, 3, 2.0)
    assert find_checkpoint(tmp_path / "best").step == find_checkpoint(tmp_path / "checkpoints" / "best").step == 2
    assert find_checkpoint(tmp_path).step == 3
    with pytest.raises(CheckpointMissing, match="RUN/best"):
        find_checkpoint(tmp_path / "elsewhere" / "best")


def test_any_altered_byte_of_any_file_is_noticed_and_named(tmp_path):
    store = CheckpointStore(tmp_path)
    put(store, 1)
    latest = put(store, 2)
    for path in sorted(latest.path.iterdir()):
        original = path.read_bytes()
        for place in {0, len(original) // 2, len(original) - 1}:
            altered = bytearray(original)
            altered[place] ^= 0x01
            path.write_bytes(altered)
            with pytest.raises(CheckpointDamaged) as error:
                store.latest()
            assert error.value.path == path, f"byte {place} of {path.name}"
            assert error.value.previous_good == tmp_path / "step-00000001"
            assert "--resume-from" in str(error.value) and "step-00000001" in str(error.value)
        path.write_bytes(original)
    assert store.latest().step == 2


def test_a_reader_of_a_damaged_checkpoint_is_offered_the_previous_one_not_an_option_of_training(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    good, damaged = put(store, 1), put(store, 2)
    (damaged.path / "state.json").write_text("{}")
    for place in (tmp_path, damaged.path):
        with pytest.raises(CheckpointDamaged, match="give that one instead") as error:
            find_checkpoint(place)
        assert str(good.path) in str(error.value) and "--resume" not in str(error.value)
    (good.path / "state.json").write_text("{}")
    with pytest.raises(CheckpointDamaged, match="no earlier checkpoint verifies") as error:
        find_checkpoint(tmp_path)
    assert "--resume" not in str(error.value)


def test_truncated_and_missing_files_are_noticed(tmp_path):
    store = CheckpointStore(tmp_path)
    latest = put(store, 1, size=1000)
    for path in sorted(latest.path.iterdir()):
        original = path.read_bytes()
        path.write_bytes(original[: len(original) // 2])
        with pytest.raises(CheckpointDamaged, match="no earlier checkpoint") as error:
            store.latest()
        assert error.value.path == path
        path.unlink()
        with pytest.raises(CheckpointDamaged, match="missing") as error:
            store.latest()
        assert error.value.path == path
        path.write_bytes(original)
    assert store.latest().step == 1


def test_a_damaged_previous_one_is_not_offered(tmp_path):
    store = CheckpointStore(tmp_path)
    for step in (1, 2, 3):
        put(store, step)
    for step in (2, 3):
        (tmp_path / f"step-0000000{step}" / "state.json").write_text("{}")
    with pytest.raises(CheckpointDamaged) as error:
        store.latest()
    assert error.value.previous_good == tmp_path / "step-00000001"


def test_a_checkpoint_renamed_to_another_step_is_noticed(tmp_path):
    put(CheckpointStore(tmp_path), 1).path.rename(tmp_path / "step-00000009")
    with pytest.raises(CheckpointDamaged, match="manifest of step 1"):
        CheckpointStore(tmp_path).latest()


def test_nothing_there_is_said_plainly(tmp_path):
    with pytest.raises(CheckpointMissing, match="without --resume"):
        CheckpointStore(tmp_path / "none").latest()
    with pytest.raises(CheckpointMissing, match="run's folder"):
        find_checkpoint(tmp_path)


def test_a_pickle_is_never_loaded(tmp_path):
    """A pickle in place of the weights, manifest and all, is refused unread."""
    marker = tmp_path / "ran"

    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    store = CheckpointStore(tmp_path / "run")
    checkpoint = put(store, 1)
    torch.save({"w": Harmful()}, checkpoint.path / "model.safetensors")
    store._finish(checkpoint.path.rename(store.folder / ".again"), checkpoint.path, 1)
    store.latest()  # the manifest is right
    with pytest.raises(CheckpointDamaged, match="not a safetensors file"):
        checkpoint.tensors("model.safetensors")
    assert not marker.exists()


def test_an_interrupted_replacement_is_finished(tmp_path):
    store = CheckpointStore(tmp_path)
    put(store, 1)
    (tmp_path / "step-00000001").rename(tmp_path / ".replaced-step-00000001")
    assert store.latest().step == 1 and find_checkpoint(tmp_path).step == 1


def test_writing_the_same_step_again_replaces_it(tmp_path):
    store = CheckpointStore(tmp_path)
    put(store, 1, size=4)
    put(store, 1, size=9)
    assert len(store.latest().tensors("model.safetensors")["w"]) == 9
    assert not list(tmp_path.glob(".*"))


# -- storage that fails -----------------------------------------------------------------------------------------------


def test_a_file_that_outgrows_its_limit_leaves_the_last_good_one(tmp_path):
    """A real short write: the kernel refuses to let the process's files grow past RLIMIT_FSIZE."""
    put(CheckpointStore(tmp_path), 1)
    before = everything(tmp_path)
    program = (
        "import resource, signal, sys, torch; from pathlib import Path\n"
        "from torch_impl.training import CheckpointStore, CheckpointUnwritable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = CheckpointStore(Path(sys.argv[1])); store.begin(2)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    store.commit(2, json_files={'state.json': {}}, "
        "tensor_files={'model.safetensors': {'w': torch.zeros(100_000)}})\n"
        "except CheckpointUnwritable as error:\n"
        "    print(error); sys.exit(7)\n"
    )
    root = Path(checkpoint_module.__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 7, result.stderr
    assert "step-00000002" in result.stdout and "step-00000001 is untouched" in result.stdout
    assert everything(tmp_path) == before
    assert CheckpointStore(tmp_path).latest().step == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000


@pytest.mark.parametrize("fail_at", ["tensors", "json", "sync", "rename"])
def test_a_full_disk_at_any_point_leaves_the_last_good_one(tmp_path, monkeypatch, fail_at):
    store = CheckpointStore(tmp_path)
    put(store, 1)
    before = everything(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if fail_at == "tensors":
            patch.setattr(checkpoint_module.safetensors.torch, "save_file", full)
        elif fail_at == "json":
            patch.setattr(Path, "write_bytes", full)
        elif fail_at == "sync":
            patch.setattr(checkpoint_module, "_sync_file", full)
        else:
            patch.setattr(Path, "rename", full)
        with pytest.raises(CheckpointUnwritable, match="No space left") as error:
            put(store, 2)
    assert error.value.last_good == tmp_path / "step-00000001"
    assert everything(tmp_path) == before and store.latest().step == 1
    assert put(store, 2).step == 2  # space was made: the same store goes on


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointUnwritable, match="no checkpoint before"):
        CheckpointStore(tmp_path / "file" / "checkpoints").begin(1)


def test_the_figure_of_the_best_is_json(tmp_path):
    put(CheckpointStore(tmp_path), 1, 0.5)
    assert json.loads((tmp_path / "best.json").read_text()) == {"checkpoint": "step-00000001", "value": 0.5}
