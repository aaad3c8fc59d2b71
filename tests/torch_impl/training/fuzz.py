"""Altered checkpoints and data files, read one after another under watch: `fuzz.py CASES SEED FOLDER` prints counts.

A case must end in success or in an error with a message (ValueError, OSError), within seconds, without memory beyond
twice its files, and without anything run: no other process, no unpickling, no connection, no code compiled and run.
"""

from __future__ import annotations

import gzip
import json
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from crafting import rewrite_manifest, spoil_bytes, spoil_checkpoint, spoil_json

from torch_impl.data import load
from torch_impl.runs.load import load_model
from torch_impl.runs.open import begun_description, open_run
from torch_impl.runs.presets import override, preset
from torch_impl.training import CheckpointStore, StoredCheckpoint, find_checkpoint, read_metrics
from torch_impl.training.state import save_shards
from torch_impl.training.trainer import Trainer

SLACK = 16 * 2**20  # what reading any model takes beside its weights: tables, buffers of a sampler
SECONDS = 20
RUNS = {
    "digits-vae": {"hidden": (16,), "latent_dim": 2},
    "digits-ddpm": {"widths": (8,), "attention": (), "blocks": 1, "timesteps": 20, "conditional": True},
    "digits-vqvae": {"widths": (8,), "codes": 8, "prior_width": 8, "prior_depth": 1, "prior_heads": 2},
    "digits-onestep": {"widths": (8, 8)},
    "mixture-ddpm": {"width": 8, "depth": 1, "timesteps": 20},
}
WATCHED = (
    *("pickle.", "marshal.", "exec", "code.__new__", "ctypes.dlopen", "shutil.unpack", "urllib.", "socket."),
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn"),
)


class TookTooLong(BaseException):
    """Past the clock."""


class Watch:
    """Counts what is run while it is on."""

    def __init__(self) -> None:
        self.on, self.seen = False, Counter[str]()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: Any) -> None:
        if self.on and event.startswith(WATCHED):
            self.seen[event] += 1


def memory(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def size_of(path: Path) -> int:
    return sum(p.lstat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size


# -- what is altered, and how it is read ------------------------------------------------------------------------------


def make_runs(folder: Path) -> dict[str, Trainer]:
    """Small runs of each kind, two checkpoints each."""
    trainers = {}
    for name, fields in RUNS.items():
        changes = {"steps": 2, "batch_size": 16, "warmup": 0, "checkpoint_every": 1, "validate_every": 1, **fields}
        trainer = open_run(override(preset(name), changes), folder / name)
        trainer.fit()
        trainers[name] = trainer
    trainers["digits-vae-shards"] = trainers["digits-vae"]
    shutil.copytree(folder / "digits-vae", folder / "digits-vae-shards")
    for step in (1, 2):
        deal_out(folder / "digits-vae-shards" / "checkpoints" / f"step-{step:08d}")
    return trainers


def deal_out(step: Path) -> None:
    """Put a checkpoint's tensors into shards, as FSDP runs have them."""
    files = sorted(step.glob("*.safetensors"))
    save_shards(step / "shards", {file.stem: StoredCheckpoint(step).tensors(file.name) for file in files})
    for file in files:
        file.unlink()
    rewrite_manifest(step)


def make_data(folder: Path) -> None:
    """One file of each kind that is read."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 3, 40)
    for name in ("npy", "npz", "idx", "gz", "png", "jpeg", "webp", "gif", "tiff", "bmp"):
        (folder / name).mkdir(parents=True)
    np.save(folder / "npy" / "a.npy", images)
    np.save(folder / "npy" / "a.labels.npy", labels)
    np.savez_compressed(folder / "npz" / "a.npz", images=images, labels=labels)
    digits = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    for kind, opener in (("idx", open), ("gz", gzip.open)):
        suffix = ".gz" if kind == "gz" else ""
        for stem, array in (("images-idx3", digits), ("labels-idx1", (labels % 10).astype(np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
            with opener(folder / kind / f"train-{stem}-ubyte{suffix}", "wb") as file:
                file.write(head + array.tobytes())
    for kind in ("png", "jpeg", "webp", "gif", "tiff", "bmp"):
        for i in range(6):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / kind / f"{i}.{kind}")


def read_checkpoint(work: Path, name: str, trainers: dict[str, Trainer], chance: random.Random) -> None:
    """One of the ways in which a checkpoint is read."""
    way = chance.randrange(4)
    if way == 0:
        model = load_model(work, weights=chance.choice(["ema", "raw"]))
        small = getattr(model.system.config, "image_size", 8) <= 32
        if small:
            model.system.sample(2, torch.Generator().manual_seed(0))
    elif way == 1:
        trainers[name].restore(CheckpointStore(work / "checkpoints").latest())
        trainers[name].train_step()
    elif way == 2:
        found = find_checkpoint(work / "best")
        load_model(found)
    else:
        begun_description(work / "checkpoints" / "step-00000002")
        list(read_metrics(work / "metrics.jsonl"))
        load_model(find_checkpoint(work / "checkpoints" / "step-00000002"))


def read_data(kind: str, work: Path) -> None:
    if kind in ("npy", "npz"):
        load("array", root=work / f"a.{kind}").fetch(torch.arange(4))
    elif kind in ("idx", "gz"):
        load("mnist", root=work).fetch(torch.arange(4))
    else:
        data = load("folder", "all", root=work, image_size=8)
        data.fetch(torch.arange(len(data)))


def one_case(seed: int, base: Path, work: Path, trainers: dict[str, Trainer], watch: Watch) -> dict[str, Any]:
    """Alter, read, and say what came of it."""
    chance = random.Random(seed)
    shutil.rmtree(work, ignore_errors=True)
    if chance.random() < 0.7:
        name = chance.choice(sorted(trainers))
        shutil.copytree(base / name, work)
        step = work / "checkpoints" / "step-00000002"
        if chance.random() < 0.05:
            file = chance.choice(["best.json", "../metrics.jsonl", "../config.json"])
            file = file if (step.parent / file).exists() else "../config.json"
            chance.choice([spoil_json, spoil_bytes])(step.parent / file, chance)
            done = f"{name}: {file}"
        else:
            done = f"{name}: {spoil_checkpoint(step, chance)}"
        call = lambda: read_checkpoint(work, name, trainers, chance)  # noqa: E731
    else:
        kind = chance.choice(["npy", "npz", "idx", "gz", "png", "jpeg", "webp", "gif", "tiff", "bmp"])
        shutil.copytree(base / kind, work)
        path = chance.choice(sorted(work.iterdir()))
        for _ in range(chance.randrange(1, 4)):
            spoil_bytes(path, chance)
        done = f"data: {path.name}"
        call = lambda: read_data(kind, work)  # noqa: E731
    return {"case": seed, "altered": done, **under_watch(call, size_of(work), watch)}


def under_watch(call: Any, size: int, watch: Watch) -> dict[str, Any]:
    allowed = 2 * size + SLACK
    Path("/proc/self/clear_refs").write_text("5")
    before, started = memory("VmRSS"), time.perf_counter()
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + allowed + 2**28, resource.RLIM_INFINITY))
    signal.alarm(SECONDS)
    watch.seen.clear()
    watch.on, fault, ended = True, "", "read"
    try:
        call()
    except (ValueError, OSError) as error:
        ended = type(error).__name__
        if not str(error).strip() or "allocate" in str(error):
            fault = f"traceback: {error!r}"
    except TookTooLong:
        fault = "hang"
    except BaseException as error:
        fault = f"traceback: {type(error).__name__}: {error}\n{traceback.format_exc()[-1500:]}"
    finally:
        watch.on = False
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    grown = memory("VmHWM") - before
    if not fault and grown > allowed:
        fault = f"memory: {grown} bytes for {size} of files"
    if not fault and watch.seen:
        fault = f"run: {dict(watch.seen)}"
    return {"ended": ended, "fault": fault, "grown": grown, "size": size, "seconds": time.perf_counter() - started}


def main(cases: int, seed: int, folder: Path) -> dict[str, Any]:
    def too_long(number: int, frame: Any) -> None:
        raise TookTooLong

    signal.signal(signal.SIGALRM, too_long)
    torch.set_num_threads(1)
    base, work = folder / "base", folder / "work"
    trainers = make_runs(base)
    make_data(base)
    Image.init()
    for name in trainers:  # what is imported late is imported before anything is watched
        load_model(base / name).system.sample(2, torch.Generator().manual_seed(0))
        trainers[name].restore()
        trainers[name].train_step()
    for kind in ("npy", "npz", "idx", "gz", "png", "jpeg", "webp", "gif", "tiff", "bmp"):
        read_data(kind, base / kind)
    watch = Watch()
    found = [one_case(seed + i, base, work, trainers, watch) for i in range(cases)]
    return {
        "cases": len(found),
        "faults": [case for case in found if case["fault"]],
        "ended": Counter(case["ended"] for case in found),
        "most_grown": max(case["grown"] for case in found),
        "most_beyond_twice": max(case["grown"] - 2 * case["size"] for case in found),
        "longest": max(case["seconds"] for case in found),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])), indent=1))
