"""Speed of the diffusion arithmetic against the floor: one fused pass over memory.

    python benchmarks/diffusion_speed.py [--rounds 300] [--threads N] [--json FILE]

Rows: a deterministic DDIM step, q_sample, and noising + loss forward and backward, at 64x3x64x64 in float32, with the
network's output given. Candidates take turns, in another random order each round, of a few calls each: the first ones
find the processor's cache and the heap as the candidate before left them, and are not counted. Medians and ratios of
one run are reported: identical code differs by up to 1.8 times between runs on shared machines. Only quiet rounds
count, those whose floor took at most 1.3 times the floor's tenth percentile; their share is printed, and a small one
means the machine was busy. Peers (diffusers, denoising-diffusion-pytorch) are measured when installed, `pip install -e
'.[bench]'`, in the same rounds.

Everything is timed twice: with the C library's usual allocator, which may fault in the memory of every new tensor anew,
and after `keep_heap`, which the trainer here calls and the peers do not.
"""

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peers import peer

from torch_impl import GaussianDiffusion, NoiseSchedule
from torch_impl.networks import keep_heap
from torch_impl.samplers import Denoiser, ddim_step

SHAPE = (64, 3, 64, 64)
UNCOUNTED, COUNTED = 3, 5
Rows = dict[str, dict[str, Callable[[], object]]]


def candidates() -> Rows:
    """row -> name -> one call. Every row starts with its floor."""
    torch.manual_seed(0)
    x, noise, output = (torch.randn(SHAPE) for _ in range(3))
    buffer = torch.empty(SHAPE)
    t = torch.randint(1, 1001, SHAPE[:1])
    diffusion = GaussianDiffusion(NoiseSchedule.linear())
    denoiser = Denoiser(lambda x, t: output, diffusion)
    leaf = torch.randn(SHAPE, requires_grad=True)
    per_example = torch.rand(64, 1, 1, 1)

    def loss_floor() -> torch.Tensor:
        """Two fused passes: noise into a buffer, then the squared error and its gradient, nothing else."""
        torch.addcmul(x, per_example, noise, out=buffer)
        return torch.sub(leaf.detach(), noise, out=buffer)

    def ours_loss() -> None:
        leaf.grad = None
        diffusion.loss(lambda x, t: leaf, x, t, noise).backward()

    rows: Rows = {
        "DDIM step in place": {
            "floor: one fused pass in place": lambda: buffer.add_(output, alpha=1e-9),
            "ours, in place": lambda: ddim_step(denoiser, buffer, output, 500, 480, out=buffer),
        },
        "DDIM step": {
            "floor: one fused pass to a buffer": lambda: torch.add(x, output, alpha=1e-9, out=buffer),
            "ours, to a buffer": lambda: ddim_step(denoiser, x, output, 500, 480, out=buffer),
            "ours, new tensor": lambda: ddim_step(denoiser, x, output, 500, 480),
        },
        "q_sample": {
            "floor: one fused pass to a buffer": lambda: torch.addcmul(x, per_example, noise, out=buffer),
            "ours, to a buffer": lambda: diffusion.q_sample(x, t, noise, out=buffer),
            "ours, new tensor": lambda: diffusion.q_sample(x, t, noise),
        },
        "noising + loss, forward and backward": {
            "floor: two fused passes": loss_floor,
            "ours": ours_loss,
        },
    }
    add_diffusers(rows, x, noise, output, leaf, t)
    add_lucidrains(rows, x, noise, leaf, t)
    return rows


def add_diffusers(
    rows: Rows, x: torch.Tensor, noise: torch.Tensor, output: torch.Tensor, leaf: torch.Tensor, t: torch.Tensor
) -> None:
    def load() -> Any:
        from diffusers import DDIMScheduler, DDPMScheduler

        return DDIMScheduler, DDPMScheduler

    if (loaded := peer("diffusers", load)) is None:
        return
    DDIMScheduler, DDPMScheduler = loaded
    ddim = DDIMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=False)
    ddim.set_timesteps(50)
    ddpm = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02)
    step = ddim.timesteps[25]

    def loss() -> None:
        leaf.grad = None
        ddpm.add_noise(x, noise, t - 1)
        F.mse_loss(leaf, noise).backward()

    rows["DDIM step"]["diffusers"] = lambda: ddim.step(output, step, x)
    rows["q_sample"]["diffusers"] = lambda: ddpm.add_noise(x, noise, t - 1)
    rows["noising + loss, forward and backward"]["diffusers"] = loss


def add_lucidrains(rows: Rows, x: torch.Tensor, noise: torch.Tensor, leaf: torch.Tensor, t: torch.Tensor) -> None:
    def load() -> Any:
        from denoising_diffusion_pytorch import GaussianDiffusion

        return GaussianDiffusion

    if (Peer := peer("denoising-diffusion-pytorch", load)) is None:
        return

    class Fixed(torch.nn.Module):
        """A network that returns a given tensor."""

        channels, out_dim, self_condition, random_or_learned_sinusoidal_cond = 3, 3, False, False

        def forward(self, x: torch.Tensor, t: torch.Tensor, c: object = None) -> torch.Tensor:
            return leaf

    theirs = Peer(Fixed(), image_size=64, timesteps=1000, objective="pred_noise", beta_schedule="linear")

    def loss() -> None:
        leaf.grad = None
        theirs.p_losses(x, t - 1, noise=noise).backward()

    rows["q_sample"]["denoising-diffusion-pytorch"] = lambda: theirs.q_sample(x, t - 1, noise)
    rows["noising + loss, forward and backward"]["denoising-diffusion-pytorch"] = loss


def measure(calls: dict[str, Callable[[], object]], rounds: int) -> tuple[dict[str, float], float]:
    """Median seconds of each call over the quiet rounds, all of them once a round; and the share of quiet rounds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    order, shuffle = list(calls), random.Random(0).shuffle
    for i in range(rounds + 10):
        shuffle(order)
        for name in order:
            for _ in range(UNCOUNTED):
                calls[name]()
            start = time.perf_counter()
            for _ in range(COUNTED):
                calls[name]()
            if i >= 10:
                times[name].append((time.perf_counter() - start) / COUNTED)
    floor = next(iter(times.values()))
    limit = 1.3 * statistics.quantiles(floor, n=10)[0]
    quiet = [i for i, seconds in enumerate(floor) if seconds <= limit]
    return {name: statistics.median(values[i] for i in quiet) for name, values in times.items()}, len(quiet) / rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, help="write the medians in microseconds here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    result: dict[str, dict[str, float]] = {}
    for allocator in ("usual allocator", "heap kept"):
        if allocator == "heap kept" and not keep_heap():
            break
        for row, calls in candidates().items():
            medians, quiet = measure(calls, arguments.rounds)
            floor = next(iter(medians.values()))
            result[f"{row}, {allocator}"] = {name: round(seconds * 1e6, 1) for name, seconds in medians.items()}
            print(f"\n{row}, {'x'.join(map(str, SHAPE))} float32, {allocator}; {quiet:.0%} of rounds quiet")
            for name, seconds in medians.items():
                print(f"  {name:38s} {seconds * 1e6:8.1f} µs   {seconds / floor:5.2f} x floor")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
