"""A DDIM step and q_sample against one pass over memory; other samplers beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from on_gpu.clock import on_device, take_turns
from on_gpu.table import Plan, Row
from torch_impl import GaussianDiffusion, NoiseSchedule, sample
from torch_impl.samplers import Denoiser, ddim_step


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
