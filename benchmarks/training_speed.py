"""Speed of training: a U-Net against other libraries and in bfloat16, an MLP VAE against code written by hand.

    python benchmarks/training_speed.py [--rounds 8] [--threads N] [--processor-time] [--part NAME] [--json FILE]

A step is: gradients cleared, forward, loss, backward, AdamW.  A loop is what a user runs: the whole trainer, with data
order, learning-rate schedule, watch on NaN and metrics, against a loop over a DataLoader written by hand.  It is timed
twice: without a moving average and clipping on either side, and with both on either side.  Every contender sees the
same images, has the same number of parameters within 5 %, and the multiplications of a step are counted.  Contenders
take turns, A B C A B C. Reported are median times and the median of the ratios of each turn, because identical code
differs by up to 1.8 times between runs on shared machines.

The U-Nets are timed twice: with the C library's usual allocator, and after `keep_heap`, which the trainer here calls.
Peers (diffusers, denoising-diffusion-pytorch, pythae) are measured when installed: `pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from torch_impl.data import Batches
from torch_impl.data.images import ImageArray
from torch_impl.networks import UNet, UNetConfig, keep_heap
from torch_impl.random.draws import Draws
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.training import Trainer, TrainerConfig
from torch_impl.training.ema import ConstantDecay
from torch_impl.training.system import Batch

MUST = {
    "unet, diffusers": 1.25,
    "unet, lucidrains": 2.0,
    "vae, plain step": 0.97,
    "loop, plain loop": 0.97,
    "bf16, float32": 1.15,
}
"""Least ratio of images per second, ours over theirs, that the project sets itself; both with the usual allocator."""


@dataclass
class Contender:
    """A training step with a name; `batch` images pass through it."""

    name: str
    modules: list[nn.Module]
    loss: Callable[[], Tensor]
    batch: int
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = [p for module in self.modules for p in module.parameters()]
        self.steps = self.optimizer(self.parameters, lr=1e-4)
        with FlopCounterMode(display=False) as counter:
            self.loss()
        self.gflop = counter.get_total_flops() / self.batch / 1e9

    def step(self) -> None:
        self.steps.zero_grad()
        self.loss().backward()
        self.steps.step()

    @property
    def size(self) -> int:
        return sum(p.numel() for p in self.parameters)

    @property
    def speed(self) -> float:
        """Images per second, from the median step."""
        return self.batch / statistics.median(self.seconds)


def fused_adamw(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """As the trainer here has it."""
    return torch.optim.AdamW(parameters, lr=lr, fused=True)


def unets(batch: int) -> list[Contender]:
    """32x32 pixels, one channel, about 2.6 M parameters; ours first."""
    x, noise = torch.randn(2, batch, 1, 32, 32)
    t = torch.randint(1, 1001, (batch,))

    def contender(name: str, net: nn.Module, call: Callable[[], Tensor], **options: object) -> Contender:
        return Contender(name, [net], lambda: F.mse_loss(call(), noise), batch, **options)  # type: ignore[arg-type]

    ours = UNet(UNetConfig(channels=(32, 64, 96), blocks_per_level=2, attention=(8,), head_channels=32))
    found = [contender("ours", ours, lambda: ours(x, t), optimizer=fused_adamw)]
    try:
        from diffusers import UNet2DModel
    except Exception as error:  # a peer built for another PyTorch fails in many ways
        print(f"diffusers is not measured: {(str(error).splitlines() or [type(error).__name__])[0]}")
    else:
        down, up = ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"), ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D")
        for note, head in (("", 8), (", heads of 32", 32)):  # 8 is its default
            theirs = UNet2DModel(
                sample_size=32,
                in_channels=1,
                out_channels=1,
                layers_per_block=2,
                block_out_channels=(32, 64, 96),
                down_block_types=down,
                up_block_types=up,
                norm_num_groups=8,
                attention_head_dim=head,
            )
            name = f"diffusers {version('diffusers')}{note}"
            found.append(contender(name, theirs, lambda net=theirs: net(x, t).sample))  # type: ignore[misc]
    try:
        from denoising_diffusion_pytorch import Unet
    except Exception as error:  # a peer built for another PyTorch fails in many ways
        print(f"denoising-diffusion-pytorch is not measured: {(str(error).splitlines() or [type(error).__name__])[0]}")
    else:
        lucid = Unet(dim=32, dim_mults=(1, 2, 4), channels=1)
        found.append(contender(f"lucidrains {version('denoising-diffusion-pytorch')}", lucid, lambda: lucid(x, t)))
    return found


def precisions(batch: int) -> list[Contender]:
    """The U-Net of `unets` under bfloat16 autocast, and in float32."""
    x, noise = torch.randn(2, batch, 1, 32, 32)
    t = torch.randint(1, 1001, (batch,))

    def contender(name: str, half: bool) -> Contender:
        net = UNet(UNetConfig(channels=(32, 64, 96), blocks_per_level=2, attention=(8,), head_channels=32))

        def loss() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return F.mse_loss(net(x, t).float(), noise)

        return Contender(name, [net], loss, batch, optimizer=fused_adamw)

    return [contender("ours", half=True), contender("float32", half=False)]


def computes_in_bf16() -> bool:
    """Whether the processor has instructions for bfloat16."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in names)


def plain_vae() -> tuple[list[nn.Module], Callable[[Tensor], Tensor]]:
    """A VAE as one writes it by hand: its modules, and the loss of images in [0, 1]."""
    encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 20))
    decoder = nn.Sequential(nn.Linear(10, 512), nn.ReLU(), nn.Linear(512, 784))

    def loss(x: Tensor) -> Tensor:
        flat = x.flatten(1)
        mean, logvar = encoder(flat).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(decoder(z), flat, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
        return (reconstruction + kl) / len(x)

    return [encoder, decoder], loss


def vaes(batch: int) -> list[Contender]:
    """28x28 pixels, 784-512-10-512-784, Bernoulli likelihood, about 820 k parameters; ours first."""
    x = torch.rand(batch, 1, 28, 28).round()
    images = x * 2 - 1
    ours = VAESystemConfig(28, 1, None, latent_dim=10, hidden=(512,)).build()
    draws, seen = Draws(0, batch), Batch(images, None)
    steps = itertools.count()

    def our_loss() -> Tensor:
        loss: Tensor = ours(seen, draws.at(next(steps)))["loss"]
        return loss

    modules, plain_loss = plain_vae()
    found = [
        Contender("ours", [ours], our_loss, batch, optimizer=fused_adamw),
        Contender("plain step", modules, lambda: plain_loss(x), batch, optimizer=fused_adamw),
    ]
    try:
        from pythae.data.datasets import DatasetOutput
        from pythae.models import VAE as PythaeVAE
        from pythae.models import VAEConfig as PythaeConfig
    except Exception as error:  # a peer built for another PyTorch fails in many ways
        print(f"pythae is not measured: {(str(error).splitlines() or [type(error).__name__])[0]}")
    else:
        theirs = PythaeVAE(PythaeConfig(input_dim=(1, 28, 28), latent_dim=10, reconstruction_loss="bce"))
        data = DatasetOutput(data=x)
        found.append(Contender(f"pythae {version('pythae')}", [theirs], lambda: theirs(data).loss, batch))
    return found


LOOP_STEPS = 100


@dataclass
class Loop:
    """A training loop with a name; one call of `run` makes LOOP_STEPS steps."""

    name: str
    run: Callable[[], object]
    size: int
    batch: int
    gflop: float = float("nan")
    seconds: list[float] = field(default_factory=list)

    def step(self) -> None:
        self.run()

    @property
    def speed(self) -> float:
        """Images per second, from the median call."""
        return LOOP_STEPS * self.batch / statistics.median(self.seconds)


def loops(batch: int, decay: float | None) -> list[Loop]:
    """The VAE of `vaes` on 8,192 images in memory: the whole trainer, and loops written by hand.

    With a decay, all of them keep a moving average of the weights and clip gradients, and a bare loop is shown beside.
    """
    images = torch.randint(0, 2, (64 * batch, 1, 28, 28), dtype=torch.uint8) * 255
    system = VAESystemConfig(28, 1, None, latent_dim=10, hidden=(512,)).build()
    averages = () if decay is None else (ConstantDecay(decay),)
    clip = None if decay is None else LARGEST_NORM
    config = TrainerConfig(LOOP_STEPS, batch, lr=1e-4, lr_shape="constant", clip=clip, ema=averages)
    trainer = Trainer(system, Batches(ImageArray("random", "train", images), batch), config)

    def ours() -> None:
        trainer.config = dataclasses.replace(config, steps=trainer.step + LOOP_STEPS)
        trainer.fit()

    data = images.float() / 255
    loader = DataLoader(TensorDataset(data), batch, shuffle=True)

    def by_index() -> Iterator[Tensor]:
        return (data[part] for part in torch.randperm(len(data)).split(batch))

    def by_loader() -> Iterator[Tensor]:
        return (x for (x,) in loader)

    found = [Loop("ours", ours, sum(p.numel() for p in system.parameters()), batch)]
    found.append(plain_loop("plain loop", by_loader, batch, decay))
    if decay is not None:
        found.append(plain_loop("plain loop, neither", by_loader, batch, None))
    return [*found, plain_loop("plain loop, no DataLoader", by_index, batch, decay)]


LARGEST_NORM = 10_000.0


def plain_loop(name: str, epoch: Callable[[], Iterator[Tensor]], batch: int, decay: float | None) -> Loop:
    """A loop written by hand; the loss is read every 50 steps, as the trainer does."""
    modules, plain_loss = plain_vae()
    model = nn.ModuleList(modules)
    weights = list(model.parameters())
    optimizer = fused_adamw(weights, lr=1e-4)
    average = None if decay is None else AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    batches = iter(())
    losses: list[float] = []

    def run() -> None:
        nonlocal batches
        for i in range(LOOP_STEPS):
            x = next(batches, None)
            if x is None:
                batches = epoch()
                x = next(batches)
            optimizer.zero_grad()
            loss = plain_loss(x)
            loss.backward()
            if average is not None:
                nn.utils.clip_grad_norm_(weights, LARGEST_NORM)
            optimizer.step()
            if average is not None:
                average.update_parameters(model)
            if i % 50 == 49:
                losses.append(loss.item())

    return Loop(name, run, sum(p.numel() for p in weights), batch)


def take_turns(contenders: Sequence[Contender | Loop], rounds: int, repeats: int, clock: Callable[[], float]) -> None:
    """Time `repeats` steps of each contender in turn, `rounds` times, after one untimed round."""
    for contender in contenders:
        contender.seconds.clear()
    for number in range(rounds + 1):
        for contender in contenders:
            for _ in range(repeats):
                start = clock()
                contender.step()
                if number:
                    contender.seconds.append(clock() - start)


def per_image(contender: Contender | Loop) -> list[float]:
    """Its times over its batch; those of one turn stand at the same place for all contenders."""
    return [seconds / contender.batch for seconds in contender.seconds]


def must(part: str, name: str) -> float | None:
    """The ratio that is asked for against a contender, if one is; variants (their name has a comma) only inform."""
    return next((least for key, least in MUST.items() if "," not in name and f"{part}, {name}".startswith(key)), None)


def report(
    title: str, part: str, contenders: Sequence[Contender | Loop], judged: bool
) -> tuple[list[dict[str, object]], bool]:
    """Print the table; returns its rows, and whether every ratio that is asked for is reached (if it is judged)."""
    ours = contenders[0]
    print(f"\n{title}\n{'':29} {'parameters':>10} {'GFLOP/image':>12} {'step, ms':>9} {'images/s':>9} {'ours is':>8}")
    rows, reached = [], True
    for contender in contenders:
        ratio = statistics.median(b / a for a, b in zip(per_image(ours), per_image(contender), strict=True))
        least = must(part, contender.name) if judged else None
        reached &= least is None or ratio >= least
        print(
            f"{contender.name:29} {contender.size:10,d} {contender.gflop:12.4f} "
            f"{1e3 * statistics.median(contender.seconds):9.2f} {contender.speed:9.1f} {ratio:7.2f}x"
            + ("" if least is None else f" (must be {least:.2f})")
        )
        rows.append(
            {
                "name": contender.name,
                "parameters": contender.size,
                "gflop_per_image_forward": contender.gflop,
                "seconds_median": statistics.median(contender.seconds),
                "seconds_min": min(contender.seconds),
                "images_per_second": contender.speed,
                "ours_over_this": ratio,
                "must": least,
            }
        )
    return rows, reached


def machine() -> str:
    """Processor, cores, versions and how busy it is."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"{platform.system()}, load {load:.1f} at the start"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--part", choices=("unet", "vae", "loop", "bf16"), default=None, help="only this one")
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="for a busy machine: time of one thread on the processor instead of time on the clock",
    )
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    clock = time.process_time if options.processor_time else time.perf_counter
    torch.set_num_threads(1 if options.processor_time else options.threads)
    results: dict[str, object] = {"machine": machine(), "rounds": options.rounds, "clock": clock.__name__}
    print(results["machine"])
    good = True
    if options.part in (None, "vae"):
        contenders = vaes(batch=128)
        take_turns(contenders, options.rounds, repeats=40, clock=clock)
        results["vae"], reached = report("MLP VAE, 28x28, batch 128, float32", "vae", contenders, judged=True)
        good &= reached
    if options.part in (None, "loop"):
        for name, decay in (("loop", None), ("loop, averaged and clipped", 0.999)):
            whole = loops(batch=128, decay=decay)
            take_turns(whole, options.rounds, repeats=1, clock=clock)
            doing = "no average, no clipping" if decay is None else "moving average and clipping"
            title = f"Whole loop, the same VAE, {doing}, {LOOP_STEPS} steps a piece"
            results[name], reached = report(title, "loop", whole, judged=True)
            good &= reached
    if options.part in (None, "bf16"):
        if computes_in_bf16():
            halves = precisions(batch=64)
            take_turns(halves, options.rounds, repeats=1, clock=clock)
            results["bf16"], reached = report("The U-Net of below in bfloat16", "bf16", halves, judged=True)
            good &= reached
        else:
            print("bfloat16 is not measured: this processor has no instructions for it")
    if options.part in (None, "unet"):
        contenders = unets(batch=64)
        title = "U-Net, 32x32x1, batch 64, float32"
        take_turns(contenders, options.rounds, repeats=1, clock=clock)
        rows, reached = report(f"{title}, usual allocator", "unet", contenders, judged=True)
        results["unet, usual allocator"] = rows
        good &= reached
        if keep_heap():
            usual = {contender.name: contender.speed for contender in contenders}
            take_turns(contenders, options.rounds, repeats=1, clock=clock)
            results["unet, heap kept"], _ = report(f"{title}, heap kept for all", "unet", contenders, judged=False)
            as_shipped = {name: contenders[0].speed / speed for name, speed in usual.items()}
            results["unet, ours with heap kept over theirs with the usual allocator"] = as_shipped
            print("ours as its trainer runs it, over each with the usual allocator: ", end="")
            print(", ".join(f"{name} {ratio:.2f}x" for name, ratio in as_shipped.items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print("\nevery ratio is reached" if good else "\na ratio is not reached")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
