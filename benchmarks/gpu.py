"""Speed and exactness on one NVIDIA GPU: everything is measured in one run and printed as one table.

    python benchmarks/gpu.py [--quick] [--part NAME ...] [--json FILE]

Parts:

  memory    a DDIM step and q_sample against the floor: one fused pass that moves the fewest bytes (two tensors read,
            one written), at 256x3x256x256 in float32; other samplers and diffusers' steps beside them
  training  images/s of the trainer here, complete (data, noise, clipping, fused AdamW, moving average, watch on NaN),
            against diffusers' UNet2DModel in the loop of its training example (no moving average), bf16 autocast, eager
            and compiled, with as many parameters and the same blocks; the multiplications of both are counted
  outside   share of the trainer's step that is not forward and backward of the network
  waiting   host synchronisations inside training steps, by the profiler
  bf16      loss curves of bf16 and fp32 with the same draws, beside two fp32 curves with different seeds
  resume    losses of a run stopped half-way and resumed, against one that was not, with the deterministic flag

Contenders take turns, A B A B, after a warm-up; medians of wall time between synchronisations are reported, for single
kernels those between device events. Beside the wall time of a step stands how long the device was busy with it: on a
host that launches kernels slowly every contender waits for the host, and wall times say little of the device. diffusers
is measured where it is installed: `pip install -e '.[bench]'`.

Exit status: 0 when every ratio that the project sets itself is reached, 1 when one is missed or a part failed,
2 when torch sees no CUDA device.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # also without an installation

from on_gpu.clock import free
from on_gpu.exactness import bf16, resume
from on_gpu.memory import memory
from on_gpu.table import Plan, Row, plan
from on_gpu.training import outside, training, waiting

PARTS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "memory": memory,
    "training": training,
    "outside": outside,
    "waiting": waiting,
    "bf16": bf16,
    "resume": resume,
}


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures were taken on."""
    try:
        peer = version("diffusers")
    except PackageNotFoundError:
        peer = None
    facts: dict[str, Any] = {"torch": torch.__version__, "python": platform.python_version(), "diffusers": peer}
    if device.type == "cuda":
        about = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": about.name,
            "gpu_memory_gib": round(about.total_memory / 2**30),
            "multiprocessors": about.multi_processor_count,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
        try:
            facts["triton"] = version("triton")
        except PackageNotFoundError:
            facts["triton"] = None
    return facts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a first look, noisier")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine and rows here as well")
    parser.add_argument(
        "--eager", dest="compiled", action="store_false", help="leave out what torch.compile is timed in"
    )
    parser.add_argument(
        "--rehearse",
        action="store_true",
        help="go through every part on the CPU with tiny sizes, to try the script; its figures mean nothing",
    )
    arguments = parser.parse_args()
    if not arguments.rehearse and not torch.cuda.is_available():
        print(
            "torch sees no CUDA device here, and everything this script measures is measured on one: run it where "
            "`python -c 'import torch; print(torch.cuda.is_available())'` prints True; for the CPU there are "
            "benchmarks/training_speed.py and benchmarks/diffusion_speed.py",
            file=sys.stderr,
        )
        return 2
    warnings.filterwarnings("ignore")
    p = plan(arguments)
    torch.backends.cudnn.benchmark = True  # for all contenders, as the trainer here sets it
    results: dict[str, Any] = {"machine": machine(p.device), "rows": []}
    print(", ".join(f"{name} {fact}" for name, fact in results["machine"].items()), flush=True)
    rows: list[Row] = []
    failed: list[str] = []
    for name in arguments.part or PARTS:
        start = time.perf_counter()
        try:
            for row in PARTS[name](p):
                rows.append(row)
                print(row, flush=True)
                results["rows"].append({"part": name, **asdict(row), "reached": row.reached})
                if arguments.json:
                    arguments.json.write_text(json.dumps(results, indent=1) + "\n")
        except Exception:
            traceback.print_exc()
            failed.append(name)
        free(p.device)
        print(f"-- {name}: {time.perf_counter() - start:.0f} s", flush=True)
    print("\n" + "\n".join(map(str, rows)))
    missed = [row.what for row in rows if not row.reached]
    if failed:
        print(f"\nparts that failed: {', '.join(failed)}")
    print("\nevery ratio is reached" if not missed and not failed else f"\nnot reached: {len(missed)}")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
