"""What the runs were asked to reach, set before they were made; a page shows each beside what came out."""

from __future__ import annotations

from dataclasses import dataclass

from threefold.site.runs import Figure, Run, number


@dataclass(frozen=True)
class Aim:
    """`pattern` finds figures by path and name; the worst of them counts.

    It is held against a bound or, pair by pair, `against` other figures.
    """

    run: str
    words: str
    pattern: str
    at_least: float | None = None
    at_most: float | None = None
    against: str = ""
    beside: str = ""  # a figure that the reader needs in order to judge this one


AIMS = (
    Aim(
        "digits-ddpm",
        "An independent classifier, trained on real digits only, sees the digit that was asked for in at least 95 % of "
        "the samples, at every guidance from 1 to 2",
        r"guidance/.*/samples labelled as intended",
        at_least=95.0,
        beside=r"guidance/1.0/classifier/classifier on held-out real images",
    ),
    Aim("digits-ddpm", "Trained in at most ten minutes on two processor cores", r"seconds", at_most=600.0),
    Aim(
        "mixture-ddpm",
        "A loss within 1 % of the least that any network could reach",
        r"loss/excess over the best reachable loss",
        at_most=1.0,
    ),
    Aim(
        "mixture-ddpm",
        "A log-density by the ODE within 0.01 nats per dimension of the exact one",
        r"likelihood/ODE minus exact",
        at_least=-0.01,
        at_most=0.01,
    ),
    Aim(
        "mixture-ddpm",
        "Samples at most 1.2 times as far from true ones as true ones are from each other",
        r"wasserstein/ratio",
        at_most=1.2,
    ),
    Aim(
        "digits-vae",
        "The ELBO of every variant at most its importance-weighted bound",
        r".*/(ELBO|elbo)",
        against=r".*/(importance-weighted bound.*|iw_bound)",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """An aim, what was reached, and whether that is enough; None where it was not measured, or not as asked."""

    words: str
    reached: str
    met: bool | None


def outcomes(run: Run) -> list[Outcome]:
    """How each aim for this run came out."""
    return [_outcome(aim, run) for aim in AIMS if aim.run == run.name]


def _outcome(aim: Aim, run: Run) -> Outcome:
    if aim.pattern == "seconds":
        found = [Figure((), "", "seconds", float(run.results["seconds"]), "s")] if "seconds" in run.results else []
    else:
        found = run.named(aim.pattern)
    if not found:
        return Outcome(aim.words, "not measured", None)
    if aim.against:
        others = run.named(aim.against)
        pairs = list(zip(found, others, strict=False))
        kept = sum(1 for low, high in pairs if low.value <= high.value)
        met = len(found) == len(others) and kept == len(found)
        return Outcome(aim.words, f"{kept} of {len(found)}", met)
    low, high = min(found, key=lambda f: f.value), max(found, key=lambda f: f.value)
    met = (aim.at_least is None or low.value >= aim.at_least) and (aim.at_most is None or high.value <= aim.at_most)
    worst = low if aim.at_most is None else high
    if aim.pattern == "seconds":
        minutes = f"{worst.value / 60:.1f} minutes"
        if run.resumed_at:
            return Outcome(aim.words, f"{minutes}, but only of the part from step {run.resumed_at:,} on", None)
        return Outcome(aim.words, minutes, met)
    reached = worst.shown() + (f" (worst of {len(found)})" if len(found) > 1 else "")
    for other in run.named(aim.beside) if aim.beside else []:
        reached += f"; {other.name} {other.shown()}"
    return Outcome(aim.words, reached, met)


def remarks(run: Run) -> list[str]:
    """What the figures say that a headline would leave out."""
    said = []
    for variant, lines in run.curves.items():
        held_out = [
            (line["step"], line["validation_loss"]) for line in lines if line.get("validation_loss") is not None
        ]
        if len(held_out) < 2:
            continue
        best, last = min(held_out, key=lambda point: point[1]), held_out[-1]
        if last[1] > 1.02 * best[1]:
            of = f"{variant}: on" if variant else "On"
            said.append(
                f"{of} held-out examples the loss was lowest at step {best[0]:,} ({best[1]:.4f}) and {last[1]:.4f} at "
                f"step {last[0]:,}. From there on the training examples were fitted more closely, and others less well."
            )
    near = run.named(r".*/median distance of a sample to its nearest training image")
    real = run.named(r".*/the same for held-out real images")
    real = [figure for figure in real if figure.metric == "copies"]
    copied = run.named(r".*/samples nearer than 99 % of held-out images are")
    closer = [pair for pair in zip(near, real, copied, strict=False) if pair[0].value < pair[1].value]
    if closer:
        low, other, share = max(closer, key=lambda pair: pair[1].value - pair[0].value)
        at = f" ({' '.join(low.path)})" if low.path else ""
        said.append(
            f"Samples lie nearer to training images than real images that were held out do: the median distance is "
            f"{number(low.value)} against {number(other.value)}{at}. {number(share.value)} % of the samples are nearer "
            "than all but 1 % of the held-out images are; by chance it would be 1 %."
        )
    return said
