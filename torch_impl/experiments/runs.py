"""The runs whose figures and pictures the documentation shows, each with its seed, its configuration and its cost.

`python -m torch_impl.experiments digits-ddpm --out docs/assets/runs` trains anew and writes, under the name
of the experiment, `config.json`, `metrics.jsonl` (thinned), `results.json` and pictures.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from torch_impl.data.glyphs import CHARACTERS
from torch_impl.experiments.record import judge, keep, small, train, value, write_results
from torch_impl.experiments.recorded import declared, record
from torch_impl.pictures.images import new_figure, save_figure, save_images
from torch_impl.runs.open import load_model
from torch_impl.runs.presets import override, preset
from torch_impl.training.metrics import read_metrics

__all__ = ["EXPERIMENTS", "main"]


# -- the experiments --------------------------------------------------------------------------------------------------


def digits_ddpm(work: Path, folder: Path) -> None:
    """Class-conditional digits: samples judged by a classifier at several guidances, copies, bits per dimension."""
    trained = train(small("digits-ddpm"), work)
    guided = {
        str(w): judge(trained, ["classifier", "copies", "wasserstein"], guidance=w, samples=1000)
        for w in (1.0, 1.5, 2.0)
    }
    bits = judge(trained, ["bpd"], examples=360, ode_steps=200, probes=2)
    keep(trained, folder, {"command": "threefold train digits-ddpm", **trained.cost(), "guidance": guided, **bits})


def mixture_ddpm(work: Path, folder: Path) -> None:
    """A 2-D mixture: loss against the best reachable, ODE likelihood against the exact one, samples against truth."""
    trained = train(small("mixture-ddpm"), work)
    figures = judge(
        trained, ["loss", "likelihood", "wasserstein"], samples=10_000, steps=100, sampler="heun", examples=1000
    )
    keep(trained, folder, {"command": "threefold train mixture-ddpm", **trained.cost(), **figures})


VAE_VARIANTS = (("mlp", "bernoulli"), ("mlp", "gaussian"), ("cnn", "bernoulli"), ("cnn", "gaussian"))
BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 10.0)


def digits_vae(work: Path, folder: Path) -> None:
    """Every variant at beta = 1, and the beta sweep: ELBO and importance-weighted bound on held-out digits."""
    variants: dict[str, Any] = {}
    for encoder, likelihood in VAE_VARIANTS:
        name = f"{encoder}-{likelihood}"
        trained = train(small("digits-vae", encoder=encoder, likelihood=likelihood), work / name)
        figures = judge(
            trained, ["elbo", "reconstruction", "classifier"], True, examples=360, iw_samples=500, samples=1000
        )
        variants[name] = {**trained.cost(), **figures}
        keep(trained, folder, {}, prefix=f"{name}-")
    sweep: list[dict[str, float]] = []
    for beta in BETAS:
        trained = train(small("digits-vae", beta=beta), work / f"beta-{beta:g}")
        figures = judge(trained, ["elbo", "reconstruction"], True, examples=360, iw_samples=500)
        last = list(read_metrics(trained.out / "metrics.jsonl"))[-1]
        point = {
            "beta": beta,
            "elbo": value(figures, "elbo", "elbo"),
            "iw_bound": value(figures, "elbo", "weighted"),
            "reconstruction_error": value(figures, "reconstruction", "error"),
            "kl": last["kl"],
            "reconstruction": last["reconstruction"],
        }
        sweep.append({k: float(f"{v:.6g}") for k, v in point.items()})
    write_results(folder, {"command": "threefold train digits-vae", "variants": variants, "beta_sweep": sweep})
    _plot_beta(sweep, folder / "beta-sweep.png")


def _plot_beta(sweep: Sequence[Mapping[str, float]], path: Path) -> None:
    figure, axes = new_figure(1, 2, width=9, height=3.6)
    betas = [point["beta"] for point in sweep]
    axes[0].plot([p["kl"] for p in sweep], [p["reconstruction"] for p in sweep], "o-", color="#3355bb")
    places: dict[tuple[float, float], list[str]] = {}
    for point in sweep:  # where the posterior has collapsed, one label stands for several points
        place = (round(point["kl"], 1), round(point["reconstruction"], 1))
        places.setdefault(place, []).append(f"{point['beta']:g}")
    for place, betas_here in places.items():
        axes[0].annotate(f"  β = {', '.join(betas_here)}", place, fontsize=8)
    axes[0].margins(x=0.15)
    axes[0].set(xlabel="KL to the prior (nats)", ylabel="reconstruction, −log p(x|z) (nats)")
    for name, words, colour in (("iw_bound", "importance-weighted, 500", "#228855"), ("elbo", "ELBO", "#cc5533")):
        axes[1].plot(betas, [p[name] for p in sweep], "o-", label=words, color=colour)
    axes[1].set(xscale="log", xlabel="β", ylabel="held-out bound (nats per image)")
    axes[1].legend(frameon=False)
    save_figure(figure, path)


ALPHAS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)


def digits_onestep(work: Path, folder: Path) -> None:
    """The alpha sweep with both networks and both laws of x_1: what is gained in denoising is lost in sampling."""
    from torch_impl.evaluation.readers import sliced_wasserstein
    from torch_impl.runs.open import first_examples, load_split

    choice = preset("digits-onestep").data
    train_images = first_examples(load_split(choice, "train"), 10_000).x
    test_images = first_examples(load_split(choice, "test"), 10_000).x
    n = len(test_images)
    sweep: list[dict[str, Any]] = []
    seconds = cpu = 0.0
    for network in ("cnn", "unet"):
        for alpha in ALPHAS:
            name = f"{network}-{alpha:g}"
            changes = {"network": network, "alpha": alpha, "steps": 1000, "checkpoint_every": 1000, "preview_every": 0}
            trained = train(small("digits-onestep", **changes), work / name)
            seconds, cpu = seconds + trained.seconds, cpu + trained.cpu_seconds
            figures = judge(trained, ["loss", "reconstruction"])
            system: Any = load_model(trained.out).system
            point: dict[str, Any] = {
                "network": network,
                "alpha": alpha,
                "noise_error": value(figures, "loss", "loss"),
                "x0_error": value(figures, "reconstruction", "error"),
            }
            second = float(test_images.square().mean())
            # KL(q(x_1|x_0) || N(0, I)) per pixel, averaged over images: planned:onestep.prior.constant_kl
            point["prior_kl_per_pixel"] = 0.5 * (alpha * second - alpha - float(torch.log1p(torch.tensor(-alpha))))
            for prior in ("normal", "matched"):
                drawn = system.sample(n, torch.Generator().manual_seed(0), prior)
                point[f"distance_{prior}"] = sliced_wasserstein(drawn, train_images[:n])
            sweep.append({k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in point.items()})
            if alpha in (0.1, 0.5, 0.9):
                keep(trained, folder, {}, prefix=f"{name}-")
    real = sliced_wasserstein(test_images, train_images[:n])
    results = {"seconds": seconds, "cpu_seconds": cpu, "distance_of_real_held_out_images": real, "alpha_sweep": sweep}
    command = "threefold train digits-onestep --alpha A --network N --steps 1000 --precision fp32 --compile off"
    write_results(folder, {"command": command, **results})
    _plot_alpha(sweep, real, folder / "alpha-sweep.png")


def _plot_alpha(sweep: Sequence[Mapping[str, Any]], real: float, path: Path) -> None:
    figure, axes = new_figure(1, 2, width=10, height=3.8)
    mismatch = axes[0].twinx()
    for network, colour in (("cnn", "#cc5533"), ("unet", "#3355bb")):
        points = [p for p in sweep if p["network"] == network]
        alphas = [p["alpha"] for p in points]
        axes[0].plot(alphas, [p["x0_error"] for p in points], "o-", color=colour, label=f"{network}: error of x₀")
        for prior, style in (("normal", ":"), ("matched", "-")):
            distances = [p[f"distance_{prior}"] for p in points]
            axes[1].plot(alphas, distances, "o" + style, color=colour, label=f"{network}, {prior} prior")
    points = [p for p in sweep if p["network"] == "unet"]
    mismatch.plot(
        [p["alpha"] for p in points],
        [p["prior_kl_per_pixel"] for p in points],
        "s--",
        color="#777777",
        label="KL(q(x₁|x₀) ‖ N(0, I)) per pixel",
        markersize=4,
    )
    mismatch.set_ylabel("nats per pixel")
    lines = [*axes[0].get_lines(), *mismatch.get_lines()]
    axes[0].legend(lines, [line.get_label() for line in lines], frameon=False, fontsize="small", loc="upper center")
    axes[0].set(xlabel="α (signal power)", ylabel="mean squared error of x₀ per pixel")
    axes[1].axhline(real, color="#228855", linewidth=1, label="real held-out digits")
    axes[1].set(xlabel="α (signal power)", ylabel="sliced Wasserstein distance of samples to digits")
    axes[1].legend(frameon=False, fontsize="small")
    save_figure(figure, path)


def digits_vqvae(work: Path, folder: Path) -> None:
    """VQ-VAE with each way to train its codebook: reconstruction, perplexity, samples judged by the classifier."""
    results: dict[str, Any] = {"command": "threefold train digits-vqvae --codebook C"}
    for codebook in ("ema", "gradient"):
        trained = train(small("digits-vqvae", codebook=codebook), work / codebook)
        metrics = ["reconstruction", "classifier", "copies", "wasserstein"]
        results[codebook] = {**trained.cost(), **judge(trained, metrics, samples=1000, examples=360)}
        keep(trained, folder, {}, prefix=f"{codebook}-")
    write_results(folder, results)


def digits_latent(work: Path, folder: Path) -> None:
    """Latent diffusion: the compressor's reconstruction error, samples judged by the classifier."""
    trained = train(small("digits-latent"), work)
    guided = {
        str(w): judge(trained, ["classifier", "copies", "wasserstein"], guidance=w, samples=1000) for w in (1.0, 2.0)
    }
    figures = judge(trained, ["reconstruction"], examples=360)
    keep(trained, folder, {"command": "threefold train digits-latent", **trained.cost(), "guidance": guided, **figures})


def glyphs_ddpm(work: Path, folder: Path) -> None:
    """Class-conditional letters and digits in colour, none seen twice: about three minutes on a GPU."""
    changes = {"steps": 8000, "warmup": 500, "lr": 4e-4, "lr_shape": "cosine", "ema_decay": 0.999}
    reading = {"validate_every": 1000, "preview_every": 2500, "checkpoint_every": 5000, "log_every": 50}
    trained = train(override(preset("glyphs-ddpm"), {**changes, **reading}), work)
    samples = 30 * len(CHARACTERS)
    guided = {
        str(w): judge(trained, ["classifier", "wasserstein"], guidance=w, samples=samples) for w in (1.0, 1.5, 2.0)
    }
    loss = judge(trained, ["loss"])
    options = " ".join(f"--set {name}={value}" for name, value in changes.items())
    command = f"threefold train glyphs-ddpm {options}"
    keep(trained, folder, {"command": command, **trained.cost(), "guidance": guided, **loss})
    device = "cuda" if torch.cuda.is_available() else "cpu"
    system: Any = load_model(trained.out, device=device).system
    n, generator = 4 * len(CHARACTERS), torch.Generator(device).manual_seed(0)
    drawn = system.sample(n, generator, labels=system.sample_labels(n), guidance=1.5)
    save_images(folder / "samples-guidance-1.5.png", drawn, len(CHARACTERS))


SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)


def digits_classifier(work: Path, folder: Path) -> None:
    """Guidance by a classifier of noisy digits beside classifier-free guidance: the digit asked for against variety."""
    diffusion = train(small("digits-ddpm"), work / "diffusion")
    trained = train(small("digits-classifier"), work / "classifier")
    metrics = ["classifier", "diversity", "wasserstein"]
    guides: dict[str, dict[str, Any]] = {
        "classifier-guided": {"classifier": str(trained.out)},
        "classifier-free": {},
    }
    found = {
        name: {f"{w:g}": judge(diffusion, metrics, guidance=w, samples=500, **guide) for w in SCALES}
        for name, guide in guides.items()
    }
    accuracy = judge(trained, ["noisy_accuracy"], examples=360)
    keep(trained, folder, {"command": "threefold train digits-classifier", **trained.cost(), **found, **accuracy})
    _plot_guidance(found, folder / "guidance-sweep.png")


def _plot_guidance(found: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    figure, axes = new_figure(1, 2, width=9, height=3.6)
    for (name, by_scale), colour in zip(found.items(), ("#cc5533", "#3355bb"), strict=True):
        scales = [float(scale) for scale in by_scale]
        intended = [value(figures, "classifier", "intended") for figures in by_scale.values()]
        spread = [value(figures, "diversity", "ratio") for figures in by_scale.values()]
        axes[0].plot(scales, intended, "o-", color=colour, label=name)
        axes[1].plot(spread, intended, "o-", color=colour, label=name)
    axes[0].set(xlabel="weight of guidance", ylabel="samples labelled as intended (%)")
    axes[1].set(xlabel="spread within a class, over that of real digits", ylabel="samples labelled as intended (%)")
    axes[0].legend(frameon=False)
    save_figure(figure, path)


EXPERIMENTS: dict[str, Callable[[Path, Path], None]] = {
    "digits-ddpm": digits_ddpm,
    "digits-classifier": digits_classifier,
    "mixture-ddpm": mixture_ddpm,
    "digits-vae": digits_vae,
    "digits-onestep": digits_onestep,
    "digits-vqvae": digits_vqvae,
    "digits-latent": digits_latent,
    "glyphs-ddpm": glyphs_ddpm,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    known = [*EXPERIMENTS, *declared()]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(known)}. [default: all]")
    parser.add_argument("--out", type=Path, default=Path("docs/assets/runs"))
    parser.add_argument("--data", help="Folder of local data, for experiments on them. [default: data/NAME]")
    parser.add_argument("--work", type=Path, help="Folder for the runs themselves. [default: a temporary one]")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"there is no experiment {unknown[0]!r}; there are {', '.join(known)}")
    for name in arguments.names or [name for name in known if not preset(name).data.is_local]:
        run = EXPERIMENTS.get(name) or partial(record, name, root=_root(name, arguments.data))
        if arguments.work is not None:
            run(arguments.work / name, arguments.out / name)
        else:
            with tempfile.TemporaryDirectory() as work:
                run(Path(work), arguments.out / name)


def _root(name: str, data: str | None) -> str | None:
    """Where the data of an experiment are; None for those that come along."""
    local = preset(name).data.is_local
    return data if local else None


if __name__ == "__main__":
    main()
