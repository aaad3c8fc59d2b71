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
import gc
import json
import math
import platform
import statistics
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))  # also without an installation

from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.data import Batches
from torch_impl.data.images import ImageArray
from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset
from torch_impl.samplers import Denoiser, ddim_step
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.training import Trainer, TrainerConfig, read_metrics

# -- what is asked for, and the table ---------------------------------------------------------------------------------


@dataclass
class Row:
    """One line of the table; `must` is what the project asks for, None where a figure only informs."""

    what: str
    value: float
    unit: str = ""
    must: float | None = None
    side: Literal["at least", "at most"] = "at least"

    @property
    def reached(self) -> bool:
        if self.must is None:
            return True
        return self.value >= self.must if self.side == "at least" else self.value <= self.must

    def __str__(self) -> str:
        asked = "" if self.must is None else f"{self.side} {self.must:g}   {'reached' if self.reached else 'MISSED'}"
        return f"{self.what:76.76} {self.value:12,.4g} {self.unit:10} {asked}".rstrip()


@dataclass
class Plan:
    """Sizes and repetitions: full, quick, or a rehearsal on the CPU."""

    device: torch.device
    rounds: int = 12
    images: int = 256
    side: int = 256
    kernel_rounds: int = 60
    curve_steps: int = 600
    compiled: bool = True
    sizes: dict[str, dict[str, Any]] = field(default_factory=dict)


# Widths of the levels, residual blocks of each, attention at these sides in pixels, images a batch.
LARGE = {"side": 64, "widths": (128, 256, 256, 256), "blocks": 2, "attention": (16, 8), "heads": 64, "batch": 128}
SMALL = {"side": 32, "widths": (64, 128, 128), "blocks": 1, "attention": (8,), "heads": 64, "batch": 64}
TINY = {"side": 8, "widths": (16, 32), "blocks": 1, "attention": (4,), "heads": 16, "batch": 8}


def plan(arguments: argparse.Namespace) -> Plan:
    if arguments.rehearse:
        return Plan(torch.device("cpu"), 1, 2, 16, 2, 60, arguments.compiled, {"tiny U-Net": TINY})
    sizes = {"U-Net 64x64": LARGE, "small U-Net 32x32": SMALL}
    if arguments.quick:
        return Plan(torch.device("cuda"), 5, kernel_rounds=20, curve_steps=300, sizes=sizes)
    return Plan(torch.device("cuda"), sizes=sizes)


# -- time -------------------------------------------------------------------------------------------------------------


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def wall(step: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one step, from a quiet device to a quiet device."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    synchronize(device)
    return (time.perf_counter() - start) / repeats


def on_device(call: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one call between two device events: launching is not counted while the device is behind."""
    if device.type != "cuda":
        return wall(call, repeats, device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3 / repeats


def take_turns(
    calls: dict[str, Callable[[], object]],
    rounds: int,
    repeats: int,
    device: torch.device,
    clock: Callable[[Callable[[], object], int, torch.device], float] = wall,
) -> dict[str, float]:
    """Median seconds of each call, `repeats` times in each of `rounds` turns, after two untimed turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):
        for name, call in calls.items():
            taken = clock(call, repeats, device)
            if number > 1:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def busy(step: Callable[[], object], device: torch.device, repeats: int = 3) -> float:
    """Seconds in which the device works on one step: the sum of its kernels, without the gaps between them.

    Where this is far below the wall time, the device waits for the host to launch, and a faster host would help.
    """
    from torch.profiler import ProfilerActivity, profile

    step()
    synchronize(device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        for _ in range(repeats):
            step()
        synchronize(device)
    kernels = [e for e in seen.key_averages() if e.device_type == torch.autograd.DeviceType.CUDA and "#" not in e.key]
    return sum(e.self_device_time_total for e in kernels) / 1e6 / repeats


@contextmanager
def peak_memory(device: torch.device, found: dict[str, float], name: str) -> Iterator[None]:
    """Most memory that tensors take meanwhile, beyond what they took before, in GiB."""
    if device.type != "cuda":
        yield
        return
    synchronize(device)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    yield
    synchronize(device)
    found[name] = (torch.cuda.max_memory_allocated() - before) / 2**30


# -- one pass over memory ---------------------------------------------------------------------------------------------


def memory(p: Plan) -> Iterator[Row]:
    shape, device = (p.images, 3, p.side, p.side), p.device
    torch.manual_seed(0)
    x, noise, output = (torch.randn(shape, device=device) for _ in range(3))
    buffer = torch.empty_like(x)
    t = torch.randint(1, 1001, shape[:1], device=device)
    diffusion = GaussianDiffusion(NoiseSchedule.linear())
    denoiser = Denoiser(lambda x, t: output, diffusion)
    times = list(range(600, 399, -20))
    steps = len(times) - 1

    def run(method: str) -> Callable[[], object]:
        """A sampler whose network costs nothing; the look at x_T, once a run, is part of the time."""
        return lambda: sample(lambda x, t: output, diffusion, x, method, times)  # type: ignore[arg-type]

    calls: dict[str, Callable[[], object]] = {
        "floor: one pass to a buffer": lambda: torch.add(x, output, alpha=0.5, out=buffer),
        "floor: one pass in place": lambda: buffer.add_(output, alpha=1e-9),
        "DDIM step to a buffer": lambda: ddim_step(denoiser, x, output, 500, 480, out=buffer),
        "DDIM step in place": lambda: ddim_step(denoiser, buffer, output, 500, 480, out=buffer),
        "DDIM step to a new tensor": lambda: ddim_step(denoiser, x, output, 500, 480),
        "q_sample to a buffer": lambda: diffusion.q_sample(x, t, noise, out=buffer),
        "drawing noise": lambda: torch.randn(shape, device=device),
    }
    names = {"ddim": 3.0, "ddpm": 5.0, "dpmpp_2m": 5.0}
    calls |= {f"{name}, {steps} steps": run(name) for name in names}
    try:
        from diffusers import DDIMScheduler, DDPMScheduler
    except (ImportError, RuntimeError) as error:
        print(f"diffusers is not measured: {str(error).splitlines()[0]}")
    else:
        ddim = DDIMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=False)
        ddim.set_timesteps(50)
        ddpm = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02)
        calls["diffusers, DDIM step"] = lambda: ddim.step(output, ddim.timesteps[25], x)
        calls["diffusers, add_noise"] = lambda: ddpm.add_noise(x, noise, t - 1)
    found = take_turns(calls, p.kernel_rounds, 5, device, on_device)
    floor = {place: found[f"floor: one pass {place}"] for place in ("to a buffer", "in place")}
    bandwidth = 3 * x.numel() * 4 / floor["to a buffer"]
    yield Row("memory bandwidth of the floor, two tensors read, one written", bandwidth / 1e12, "TB/s")
    for name, place in (
        ("DDIM step to a buffer", "to a buffer"),
        ("DDIM step in place", "in place"),
        ("q_sample to a buffer", "to a buffer"),
    ):
        yield Row(f"{name} / one fused pass", found[name] / floor[place], "x", 1.3, "at most")
    fresh = found["DDIM step to a new tensor"] / floor["to a buffer"]
    yield Row("DDIM step to a new tensor / one fused pass", fresh, "x")
    for peer in ("diffusers, DDIM step", "diffusers, add_noise"):
        if peer in found:
            yield Row(f"{peer} / one fused pass", found[peer] / floor["to a buffer"], "x")
    for name, tensors in names.items():
        # the fewest tensors that a step must read and write: state and output in, state out; ddpm draws and reads noise
        # as well, dpmpp_2m reads and writes the x_0 that it remembers
        least = floor["to a buffer"] * tensors / 3
        of = f"{name}: a step of sample() / a pass over its {tensors:g} tensors"
        yield Row(of, found[f"{name}, {steps} steps"] / steps / least, "x")


# -- training ---------------------------------------------------------------------------------------------------------


def our_trainer(size: dict[str, Any], device: torch.device, compiled: bool, **changes: Any) -> Trainer:
    """The trainer as a run of a preset has it, on random images that live on the device as uint8."""
    system = DDPMConfig(
        size["side"],
        3,
        None,
        schedule="linear",
        stratified=False,
        widths=size["widths"],
        blocks=size["blocks"],
        attention=size["attention"],
        head_channels=size["heads"],
    ).build()
    images = torch.randint(0, 256, (128 * size["batch"], 3, size["side"], size["side"]), dtype=torch.uint8)
    batches = Batches(ImageArray("random", "train", images), size["batch"], device=device)
    compile_it: Literal["on", "off"] = "on" if compiled else "off"
    config = TrainerConfig(10**6, size["batch"], lr=1e-4, lr_shape="constant", compile=compile_it, **changes)
    trainer = Trainer(system, batches, config)
    trainer.system.train()
    with torch.no_grad():  # as after training: zeros would let gradients vanish, and kernels run faster on zeros
        for parameter in system.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    return trainer


class Peer:
    """diffusers' U-Net in the loop of its example for unconditional training; without a moving average."""

    def __init__(self, size: dict[str, Any], device: torch.device, channels_last: bool) -> None:
        from diffusers import DDPMScheduler, UNet2DModel

        levels = [size["side"] >> i in size["attention"] for i in range(len(size["widths"]))]
        net = UNet2DModel(
            sample_size=size["side"],
            in_channels=3,
            out_channels=3,
            layers_per_block=size["blocks"],
            block_out_channels=size["widths"],
            down_block_types=tuple("AttnDownBlock2D" if attends else "DownBlock2D" for attends in levels),
            up_block_types=tuple("AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(levels)),
            norm_num_groups=8,
            attention_head_dim=size["heads"],
        )
        self.net = net.to(device)
        if channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.scheduler = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02)
        self.device = device
        self.x = torch.rand(size["batch"], 3, size["side"], size["side"], device=device) * 2 - 1
        if channels_last:
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.optimizers: dict[bool, torch.optim.Optimizer] = {}

    def step(self, fused: bool) -> None:
        if fused not in self.optimizers:
            self.optimizers[fused] = torch.optim.AdamW(self.net.parameters(), lr=1e-4, fused=fused or None)
        noise = torch.randn_like(self.x)
        t = torch.randint(0, 1000, (len(self.x),), device=self.device)
        noisy = self.scheduler.add_noise(self.x, noise, t)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = F.mse_loss(self.net(noisy, t).sample.float(), noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizers[fused].step()
        self.optimizers[fused].zero_grad()

    def gflop(self) -> float:
        t = torch.zeros(1, dtype=torch.int64, device=self.device)
        return gflop(lambda: self.net(self.x[:1], t))


def gflop(call: Callable[[], object]) -> float:
    """Multiplications and additions of matrix products and convolutions, in GFLOP."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e9


def size_of(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    torch._dynamo.reset()


def training(p: Plan) -> Iterator[Row]:
    for name, size in p.sizes.items():
        for compiled in (False, True) if p.compiled else (False,):
            yield from _training(p, name, size, compiled)
            free(p.device)


def _training(p: Plan, name: str, size: dict[str, Any], compiled: bool) -> Iterator[Row]:
    device, how, batch = p.device, "compiled" if compiled else "eager", size["batch"]
    large = size is not SMALL
    trainer = our_trainer(size, device, False, precision="bf16")
    if not compiled:
        x, t = torch.zeros(1, 3, size["side"], size["side"], device=device), torch.ones(1, device=device)
        ours_gflop = gflop(lambda: trainer.averaged.model(x, t))
        yield Row(f"{name}: parameters, ours", size_of(trainer.system) / 1e6, "million")
        yield Row(f"{name}: forward, ours", ours_gflop, "GFLOP/image")
    if compiled:
        for network in trainer.system.networks():
            network.compile()
    calls: dict[str, Callable[[], object]] = {"ours": trainer.train_step}
    try:
        peer = Peer(size, device, channels_last=False)
    except (ImportError, RuntimeError) as error:
        print(f"diffusers is not measured: {str(error).splitlines()[0]}")
    else:
        if not compiled:
            yield Row(f"{name}: parameters, diffusers / ours", size_of(peer.net) / size_of(trainer.system), "x")
            yield Row(f"{name}: forward, diffusers / ours", peer.gflop() / ours_gflop, "x")
        peers = {"diffusers": peer}
        if not compiled:  # compiled, the layout is the compiler's choice
            peers["diffusers, channels-last"] = Peer(size, device, channels_last=True)
        for label, one in peers.items():
            if compiled:
                one.net.compile()
            calls[label] = lambda one=one: one.step(fused=False)
            calls[f"{label}, fused AdamW"] = lambda one=one: one.step(fused=True)
    memory_of: dict[str, float] = {}
    for label, call in calls.items():
        start = time.perf_counter()
        wall(call, 1, device)
        if compiled:
            print(f"{name}: {label}: first step after {time.perf_counter() - start:.1f} s", flush=True)
        with peak_memory(device, memory_of, label):
            call()
    found = take_turns(calls, p.rounds, 3 if large else 10, device)
    yield Row(f"{name}, {how}, batch {batch}: ours, complete", batch / found["ours"], "images/s")
    must = (1.1 if compiled else 1.5) if large else None
    for label in calls:
        if label == "ours":
            continue
        asked = must if label == "diffusers" else None  # as its example trains it; variants inform
        yield Row(f"{name}, {how}: {label}", batch / found[label], "images/s")
        yield Row(f"{name}, {how}: ours / {label}", found[label] / found["ours"], "x", asked)
    for label in ("ours", "diffusers"):
        if label in calls and device.type == "cuda":
            yield Row(f"{name}, {how}: step, {label}", 1e3 * found[label], "ms")
            yield Row(f"{name}, {how}: of it the device is busy, {label}", 1e3 * busy(calls[label], device), "ms")
    for label in ("ours", "diffusers"):
        if label in memory_of:
            yield Row(f"{name}, {how}: peak memory of a step, {label}", memory_of[label], "GiB")


# -- the rest of the step ---------------------------------------------------------------------------------------------


def outside(p: Plan) -> Iterator[Row]:
    for name, size in p.sizes.items():
        for compiled in (False, True) if p.compiled else (False,):
            trainer = our_trainer(size, p.device, compiled, precision="bf16")
            network, batch = trainer.system.networks()[0], size["batch"]
            x, noise = torch.randn(2, batch, 3, size["side"], size["side"], device=p.device)
            t = torch.randint(1, 1001, (batch,), device=p.device)
            parameters = list(network.parameters())

            def bare(network=network, x=x, t=t, noise=noise, parameters=parameters) -> None:  # type: ignore[no-untyped-def]
                with torch.autocast(p.device.type, torch.bfloat16):
                    y = network(x, t)
                y.backward(noise.to(y.dtype))
                for parameter in parameters:
                    parameter.grad = None

            large = size is not SMALL
            calls = {"step": trainer.train_step, "bare": bare}
            found = take_turns(calls, p.rounds, 3 if large else 10, p.device)
            how = "compiled" if compiled else "eager"
            share = 100 * (1 - found["bare"] / found["step"])
            asked = 3.0 if large else None
            yield Row(f"{name}, {how}: share of the step outside the network", share, "%", asked, "at most")
            yield Row(f"{name}, {how}: forward and backward of the network", 1e3 * found["bare"], "ms")
            yield Row(f"{name}, {how}: the whole step", 1e3 * found["step"], "ms")
            del trainer, network, parameters, bare, calls
            free(p.device)


WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel")


def waiting(p: Plan) -> Iterator[Row]:
    from torch.profiler import ProfilerActivity, profile, record_function

    steps = 5
    size = next(iter(p.sizes.values()))
    for compiled in (False, True) if p.compiled else (False,):
        trainer = our_trainer(size, p.device, compiled, precision="bf16")
        for _ in range(4):
            trainer.train_step()
        synchronize(p.device)
        kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (p.device.type == "cuda")
        with profile(activities=kinds) as seen:
            with record_function("training steps"):
                for _ in range(steps):
                    trainer.train_step()
            synchronize(p.device)
        events = list(seen.events())
        span = next(e for e in events if e.name == "training steps").time_range
        inside = [
            e.name
            for e in events
            if e.name.startswith("Memcpy DtoH")  # whenever it runs: nothing outside the steps copies to the host
            or (e.name in WAITS and span.start <= e.time_range.start and e.time_range.end <= span.end)
        ]
        if inside:
            print(f"waits inside {steps} steps: {sorted(set(inside))}")
        launches = sum(e.name.startswith(LAUNCHES) for e in events)
        how = "compiled" if compiled else "eager"
        what = f"host synchronisations and copies to the host in {steps} steps, {how}"
        yield Row(what, len(inside), "", 0, "at most")
        yield Row(f"kernels launched a step, {how}", launches / steps)
        free(p.device)


# -- exactness --------------------------------------------------------------------------------------------------------


def bf16(p: Plan) -> Iterator[Row]:
    """Loss curves of the digits preset's U-Net, made wider; means over 30 steps, the first tenth left out."""
    window = 30

    def curve(precision: str, seed: int) -> Tensor:
        fields = {
            "widths": (32, 64) if p.device.type == "cpu" else (64, 128),
            "precision": precision,
            "seed": seed,
            "steps": p.curve_steps,
            "log_every": window,
            "checkpoint_every": 0,
            "validate_every": 0,
            "preview_every": 0,
            "compile": "off",
        }
        with tempfile.TemporaryDirectory() as folder:
            open_run(override(preset("digits-ddpm"), fields), Path(folder)).fit()
            losses = [line["loss"] for line in read_metrics(Path(folder) / "metrics.jsonl")]
        return torch.tensor(losses[max(1, len(losses) // 10) :], dtype=torch.float64)

    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    exact, other = curve("fp32", 0), curve("fp32", 1)
    torch.backends.cudnn.allow_tf32 = allowed
    rounded = curve("bf16", 0)

    def apart(a: Tensor, b: Tensor) -> float:
        return float(100 * ((a - b) / exact).square().mean().sqrt())

    noise, rounding = apart(other, exact), apart(rounded, exact)
    drift = float(100 * ((rounded - exact) / exact).mean())
    standard_error = noise / math.sqrt(2 * len(exact))
    yield Row("bf16 against fp32, same draws: rms difference of the loss curves", rounding, "%", noise, "at most")
    yield Row("fp32 against fp32 with another seed: rms difference", noise, "%")
    yield Row("bf16 against fp32: mean difference of the curves", drift, "%")
    yield Row("standard error of such a mean by the noise of fp32 alone", standard_error, "%")


def resume(p: Plan) -> Iterator[Row]:
    fields = {
        "deterministic": True,
        "log_every": 1,
        "lr_shape": "constant",
        "checkpoint_every": 20,
        "validate_every": 0,
        "preview_every": 0,
        "compile": "off",
        "widths": (64, 128),
    }
    if p.device.type == "cpu":
        fields["widths"] = (16, 32)

    def run(folder: Path, steps: int) -> list[float]:
        trainer = open_run(override(preset("digits-ddpm"), {**fields, "steps": steps}), folder)
        if trainer.last_checkpoint() is not None:
            trainer.restore()
        trainer.fit()
        return [line["loss"] for line in read_metrics(folder / "metrics.jsonl")]

    benchmark = torch.backends.cudnn.benchmark
    try:
        with tempfile.TemporaryDirectory() as folder:
            whole = run(Path(folder) / "whole", 40)
            run(Path(folder) / "parts", 20)
            parts = run(Path(folder) / "parts", 40)
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = benchmark
    different = sum(a != b for a, b in zip(whole, parts, strict=True))
    yield Row("losses of 40 that differ after a stop at step 20 and a resume", different, "", 0, "at most")


# -- the run ----------------------------------------------------------------------------------------------------------

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
