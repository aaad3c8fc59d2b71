"""A checkpoint from anywhere is only data: whatever it claims is compared before it costs anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from torch_impl.runs.load import load_model
from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset
from torch_impl.training import CheckpointDamaged, CheckpointMissing, find_checkpoint

STEP = Path("checkpoints") / "step-00000004"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "r"
    changes = {"steps": 4, "warmup": 0, "batch_size": 16, "hidden": (16,), "latent_dim": 2, "validate_every": 4}
    open_run(override(preset("digits-vae"), changes), out).fit()
    return out


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "r")
    return tmp_path / "r"


def forged(crafting: Any, run: Path, extra: dict[str, Any] | None = None, **facts: Any) -> Path:
    crafting.rewrite_manifest(run / STEP, extra, **facts)
    return run


def with_json(crafting: Any, run: Path, file: str, change: Callable[[dict[str, Any]], object]) -> Path:
    path = run / STEP / file
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return forged(crafting, run)


def with_weights(crafting: Any, run: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Path:
    path = run / STEP / "ema.safetensors"
    safetensors.torch.save_file(change(safetensors.torch.load_file(path)), path)
    return forged(crafting, run)


SYSTEMS = [
    ({"hidden": [40_000, 40_000]}, "a model larger than the"),
    ({"hidden": [2**40]}, "a model larger than the"),
    ({"hidden": [1] * 100_000}, "a model larger than the"),
    ({"image_size": 8192}, "a model larger than the"),
    ({"image_size": 2**40}, "image_size is 1099511627776; it must lie in 1..8192"),
    ({"latent_dim": "2"}, "latent_dim is '2'; it must be a whole number"),
    ({"latent_dim": True}, "latent_dim is True"),
    ({"latent_dim": 2.5}, "latent_dim is 2.5"),
    ({"beta": float("nan")}, "beta is nan"),
    ({"hidden": [[16]]}, "hidden is"),
    ({"hidden": {}}, "hidden is"),
    ({"encoder": []}, "encoder is"),
    ({"kind": []}, "system kind is"),
    ({"kind": "onestep"}, "has no field|cannot be built"),
    ({"unknown": 1}, "has no field 'unknown'"),
    ({"kind": "ddpm", "timesteps": 10**9}, "has no field"),
]


@pytest.mark.parametrize(("fields", "what"), SYSTEMS, ids=str)
def test_a_system_that_is_not_that_of_the_weights_is_refused_unbuilt(crafting, run, fields, what):
    with_json(crafting, run, "config.json", lambda config: config["system"].update(fields))
    with pytest.raises(CheckpointDamaged, match=what) as error:
        load_model(run)
    assert error.value.path.name == "config.json"


@pytest.mark.parametrize("part", ["system", "trainer"])
@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_a_description_without_its_parts_is_refused(crafting, run, part, value):
    with_json(crafting, run, "config.json", lambda config: config.update({part: value}))
    with pytest.raises(CheckpointDamaged, match=r"config\.json is damaged: (it does not say|what it says of)"):
        load_model(run)


BIAS = "model.decoder.0.0.bias"
WEIGHTS = [
    (lambda w: {**w, BIAS: torch.zeros(7)}, r"has shape \(7,\), and \(16,\) in the model"),
    (lambda w: {**w, BIAS: torch.zeros(1)}, r"has shape \(1,\), and \(16,\) in the model"),
    (lambda w: {**w, BIAS: torch.tensor(0.0)}, r"has shape \(\), and \(16,\)"),
    (lambda w: {name: v.int() for name, v in w.items()}, "is of type torch.int32; torch.float32 is needed"),
    (lambda w: {name: v.half() for name, v in w.items()}, "is of type torch.float16; torch.float32 is needed"),
    (lambda w: {name: v * float("nan") for name, v in w.items()}, "holds NaN or infinity"),
    (lambda w: {**w, BIAS: w[BIAS] + float("inf")}, f"{BIAS} holds NaN or infinity"),
    (lambda w: {name: v for name, v in w.items() if name != BIAS}, r"missing \['model.decoder.0.0.bias'\]"),
    (lambda w: {**w, "other": torch.zeros(1)}, r"unexpected \['other'\]"),
]


@pytest.mark.parametrize(("change", "what"), WEIGHTS)
def test_weights_that_are_not_the_models_are_refused(crafting, run, change, what):
    with_weights(crafting, run, change)
    with pytest.raises(ValueError, match=what):
        load_model(run)


PLACES = ["/dev/zero", "../state.json", "a/../../b", "..", "C:\\x", "a\\..\\b", "", "x\0y", "//etc/passwd"]


@pytest.mark.parametrize("place", PLACES)
def test_a_manifest_names_only_files_inside(crafting, run, place):
    forged(crafting, run, {place: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(CheckpointDamaged, match="only files inside the checkpoint may be named"):
        find_checkpoint(run)


@pytest.mark.parametrize("facts", [{"sha256": "0" * 64, "bytes": -1}, {"sha256": 0, "bytes": 1}, {}, None, [1]])
def test_a_manifest_gives_each_file_a_digest_and_a_size(crafting, run, facts):
    forged(crafting, run, {"config.json": facts})
    with pytest.raises(CheckpointDamaged, match=r"gives no SHA-256 and size for 'config\.json'"):
        find_checkpoint(run)


@pytest.mark.parametrize("schema", [99, 0, "1", None, True, [1]])
def test_another_schema_is_refused(crafting, run, schema):
    forged(crafting, run, schema=schema)
    with pytest.raises(CheckpointDamaged, match=r"it is of schema .* reads schema 1; read it with the version that"):
        find_checkpoint(run)


@pytest.mark.parametrize("kind", ["pipe", "device", "out", "loop", "folder"])
def test_what_is_no_file_of_the_folder_is_not_waited_for(run, kind):
    path = run / STEP / "model.safetensors"
    outside = shutil.copyfile(path, run / "elsewhere")
    path.unlink()
    targets = {"device": "/dev/zero", "out": str(outside), "loop": str(path)}
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(targets[kind])
    with pytest.raises(CheckpointDamaged, match=r"no regular file|leads out of|bytes"):
        find_checkpoint(run)
    with pytest.raises(CheckpointDamaged, match=r"no regular file|leads out of"):
        load_model(find_checkpoint_unverified(run), weights="raw")


def find_checkpoint_unverified(run: Path) -> Any:
    from torch_impl.training import StoredCheckpoint

    return StoredCheckpoint(run / STEP)


STATES = [
    ("state.json", {"step": 5}, "its step is 5"),
    ("state.json", {"step": "4"}, "its step is 4"),
    ("state.json", {"ema_updates": []}, "its ema_updates is"),
    ("state.json", {"ema_updates": [-1]}, "its ema_updates is"),
    ("state.json", {"open_means": {"names": ["a"], "sum": [], "count": []}}, "its open_means is"),
    ("state.json", {"open_means": {"names": [1], "sum": [1], "count": [1]}}, "its open_means is"),
    ("state.json", {"validation": [1]}, "its validation is"),
    ("state.json", {"data": []}, "its data is"),
    ("state.json", {"data": {"position": 2**70}}, "its data is"),
    ("state.json", {"skipped": True}, "its skipped is"),
    ("rng-00000.json", {"torch": "00"}, "no state of random number generators"),
    ("rng-00000.json", {"torch": "zz"}, "no state of random number generators"),
    ("rng-00000.json", {"python": [3, [1], None]}, "no state of random number generators"),
    ("rng-00000.json", {"numpy": 7}, "no state of random number generators"),
]


@pytest.mark.parametrize(("file", "fields", "what"), STATES, ids=str)
def test_a_run_is_not_put_back_to_a_state_that_none_writes(crafting, run, file, fields, what):
    trainer = reopened(run)
    before = {name: tensor.clone() for name, tensor in trainer.system.state_dict().items()}
    with_json(crafting, run, file, lambda state: state.update(fields))
    with pytest.raises(CheckpointDamaged, match=what):
        trainer.restore()
    assert trainer.step == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.system.state_dict().items())


def reopened(run: Path) -> Any:
    changes = {"steps": 4, "warmup": 0, "batch_size": 16, "hidden": (16,), "latent_dim": 2, "validate_every": 4}
    return open_run(override(preset("digits-vae"), changes), run)


MOMENTS = [
    (lambda o, key: {**o, key: torch.zeros(1)}, "has shape"),
    (lambda o, key: {**o, key: o[key].int()}, "has shape"),
    (lambda o, key: {**o, key: o[key] * float("nan")}, "holds NaN"),
    (lambda o, key: {n: v for n, v in o.items() if n != key}, "has no exp_avg of"),
    (lambda o, key: {**o, "other::exp_avg": torch.zeros(1)}, "which is no parameter of this model"),
    (lambda o, key: {**o, key.replace("exp_avg", "grad"): o[key].clone()}, "which is no parameter of this model"),
]


@pytest.mark.parametrize(("change", "what"), MOMENTS)
def test_an_optimizer_takes_only_its_own_moments(crafting, run, change, what):
    path = run / STEP / "optimizer.safetensors"
    tensors = safetensors.torch.load_file(path)
    key = next(name for name in tensors if name.endswith("bias::exp_avg"))
    safetensors.torch.save_file(change(tensors, key), path)
    forged(crafting, run)
    with pytest.raises(ValueError, match=what):
        reopened(run).restore()


def test_a_checkpoint_is_found_renamed_and_moved(run, tmp_path):
    before = load_model(run).system.state_dict()
    moved = tmp_path / "elsewhere" / "my best model [v2]"
    moved.parent.mkdir()
    shutil.move(run / STEP, moved)
    found = find_checkpoint(moved)
    assert found.step == 4
    after = load_model(moved).system.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    trainer = reopened(tmp_path / "other")
    assert trainer.restore(moved) == 4
    with pytest.raises(ValueError, match=r"do not lie beside .*, which was moved; give the run's folder"):
        load_model(moved, ema_width=0.1)
    with pytest.raises(CheckpointMissing, match="no checkpoint at"):
        find_checkpoint(moved.parent)


def test_a_folder_renamed_to_another_step_is_refused(run):
    (run / STEP).rename(run / "checkpoints" / "step-00000009")
    with pytest.raises(CheckpointDamaged, match="the manifest of step 4, not of 9"):
        find_checkpoint(run)


def test_a_run_whose_weights_are_of_the_users_own_system_is_loaded_into_it(crafting, run):
    system = load_model(run).system
    with_json(crafting, run, "config.json", lambda config: config.pop("system"))
    with pytest.raises(CheckpointDamaged, match=r"build the system yourself: load\(path, system=\.\.\.\)"):
        load_model(run)
    for parameter in system.parameters():
        parameter.zero_()
    filled = load_model(run, system=system).system
    assert filled is system and any(parameter.any() for parameter in filled.parameters())


# -- by chance --------------------------------------------------------------------------------------------------------


def fuzzed(tmp_path: Path, cases: int, seed: int) -> dict[str, Any]:
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here.parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(here / "fuzz.py"), str(cases), str(seed), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{\n") :])
    return found


def check_fuzz(found: dict[str, Any], cases: int) -> None:
    assert found["cases"] == cases
    assert found["faults"] == []
    refused = sum(count for ended, count in found["ended"].items() if ended != "read")
    assert refused > cases / 4  # the alterations are felt


def test_altered_checkpoints_and_data_files_do_no_harm(tmp_path):
    check_fuzz(fuzzed(tmp_path, 150, 10_000), 150)


@pytest.mark.long
def test_two_thousand_altered_checkpoints_and_data_files_do_no_harm(tmp_path):
    check_fuzz(fuzzed(tmp_path, 2000, 0), 2000)


HARMFUL = {
    "np.ones(100 * 2**20, np.uint8)": "memory: ",
    "np.ones(300 * 2**20, np.uint8)": "memory|traceback",
    "torch.ones(80 * 2**20)": "memory|allocate",
    "np.empty(2**40, np.uint8)": "traceback: MemoryError",
    "{}['a']": "traceback: KeyError",
    "__import__('pickle').loads(b'cbuiltins\\nlen\\n.')": "run: {'pickle.find_class'",
    "__import__('subprocess').run(['true'])": "run: {'subprocess.Popen'",
    "eval('1')": "run: {'exec'",
    "time.sleep(60)": "hang",
    "None": "harmless",
}


def test_the_watch_sees_what_it_watches_for():
    here = Path(__file__).parent
    program = f"""import sys
sys.path.insert(0, {str(here)!r})
import fuzz, pickle, signal, subprocess
from fuzz import *
def late(*_): raise TookTooLong
signal.signal(signal.SIGALRM, late)
watch = Watch()
for text in {list(HARMFUL)!r}:
    fuzz.SECONDS = 1 if "sleep" in text else 60
    call = eval("lambda: " + text)
    print(repr(under_watch(call, 1000, watch)["fault"] or "harmless"))
"""
    environment = {**os.environ, "PYTHONPATH": str(here.parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    seen = done.stdout.splitlines()
    assert len(seen) == len(HARMFUL), done.stderr[-1000:]
    for (call, what), line in zip(HARMFUL.items(), seen, strict=True):
        assert any(word in line for word in what.split("|")), (call, line)
