"""Images a second of the trainer against a peer, what the step costs outside the network, and who waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from on_gpu.clock import busy, free, gflop, peak_memory, size_of, synchronize, take_turns, wall
from on_gpu.contenders import Peer, our_trainer
from on_gpu.table import SMALL, Plan, Row


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
