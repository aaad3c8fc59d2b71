"""Pages of real training runs: what was asked, what came out, how the loss fell, what was drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from threefold.errors import Unusable
from threefold.site import blocks, crumbs
from threefold.site.aims import outcomes, remarks
from threefold.site.curves import curve
from threefold.site.runs import Figure, Run, number, runs

# What the pictures show, by their name without a variant's prefix: the words for those who do not see it, the caption.
CAPTIONS = (
    (
        r"samples-guidance-(.+)",
        "samples at guidance {0}, one column for each class",
        "Samples at guidance {0}; each column was asked for one class.",
    ),
    (
        r"captions-guidance-(.+)",
        "samples at guidance {0} for forty captions, twice",
        "Samples at guidance {0} for forty captions in turn, the first ten in the first row; then for the same again.",
    ),
    (
        r"samples-(normal|matched)",
        "samples from a {0} start",
        "Samples whose start was drawn from a {0} law.",
    ),
    (
        r"points",
        "samples of the model in the plane, beside true samples",
        "Left, samples of the model, with the paths that led to a few of them. Right, true samples.",
    ),
    (
        r"samples",
        "samples of the trained model",
        "Samples, drawn at random and not chosen.",
    ),
    (
        r"enlarged",
        "real images in one row, and in the next what was made of them when they were small",
        "Rows in pairs: held-out images, and below each what was made of it after its pixels were averaged.",
    ),
    (
        r"reconstructions-top",
        "real images in one row, and in the next what the top codes alone say of them",
        "Rows in pairs: held-out images, and below each what was decoded from its top codes alone.",
    ),
    (
        r"reconstructions",
        "real images in one row and their reconstructions in the next",
        "Rows in pairs: held-out images, and below each what was decoded from its code.",
    ),
    (
        r"interpolations",
        "rows that lead from one image to another",
        "From one held-out image to another, along a straight line between their codes.",
    ),
    (
        r"latent-map",
        "codes of held-out images in the plane, coloured by class",
        "Codes of held-out images, coloured by class; the class was not used in training.",
    ),
    (
        r"denoising",
        "images, the same with noise, and what the network makes of them",
        "Held-out images, the same with noise, and below what the network makes of the noisy ones.",
    ),
    (
        r"guidance-sweep",
        "samples labelled as intended against the weight of guidance, and against the spread within a class",
        "Left, how often the digit asked for is drawn. Right, the same against the variety left within a class.",
    ),
    (
        r"products",
        "products of the vectors of sixteen pictures and their captions",
        "Held-out pictures, a row each under its caption, against the sixteen captions: dark blue is near, red is far.",
    ),
    (
        r"accuracy",
        "share of held-out images told right against the noise in them",
        "How often the classifier is right on held-out images, against the noise in them.",
    ),
    (
        r"beta-sweep",
        "reconstruction against divergence, and both bounds against beta",
        "The price of the divergence: each point is a model trained anew with another factor before that term.",
    ),
    (
        r"alpha-sweep",
        "error and distance of samples against alpha, for two networks",
        "Left, the error of the restored image, and how far its noised form is from normal. Right, how far samples are "
        "from real digits, from either start.",
    ),
)


def of(docs: Path, name: str) -> Run:
    """The run with this name. Raises Unusable when it was not recorded."""
    for run in runs(docs):
        if run.name == name:
            return run
    raise Unusable(f"no run {name!r} is recorded in {docs / 'assets' / 'runs'}")


# --- pieces -----------------------------------------------------------------------------------------------------------


def facts(run: Run) -> str:
    """Command, machine, seed and cost."""
    configurations = list(run.configurations.values())
    trainers = [c.get("trainer", {}) for c in configurations]
    seeds = sorted({str(t["seed"]) for t in trainers if "seed" in t})
    steps = sorted({int(t["steps"]) for t in trainers if "steps" in t})
    machine = run.results.get("machine", {})
    named = {"cpu": "", "gpu": "", "threads": " threads", "torch": "PyTorch ", "python": "Python "}
    on = []
    for key, value in machine.items():
        word = named.get(key, f"{key} ")
        word = " thread" if (key, value) == ("threads", 1) else word
        on.append(f"{value}{word}" if word.startswith(" ") else f"{word}{value}")
    rows = [
        ("Command", f"<code>{escape(str(run.results['command']))}</code>" if "command" in run.results else ""),
        ("Seed", escape(", ".join(seeds))),
        ("Steps", escape(" or ".join(f"{s:,}" for s in steps))),
        ("Took", _duration(run.results) + (f", from step {run.resumed_at:,} on" if run.resumed_at else "")),
        ("Machine", escape(", ".join(map(str, on)))),
    ]
    return blocks.table(rows)


def _duration(results: Mapping[str, Any]) -> str:
    if "seconds" not in results:
        return ""
    minutes = float(results["seconds"]) / 60
    text = f"{minutes:.1f} minutes"
    if "cpu_seconds" in results:
        text += f" ({float(results['cpu_seconds']) / 60:.1f} minutes of processor time)"
    return text


def asked(run: Run) -> str:
    """Each aim beside what was reached, then what a headline would leave out."""
    badges = {
        True: blocks.badge("measured", "reached"),
        False: blocks.badge("refuted", "missed"),
        None: blocks.badge("open"),
    }
    rows = "".join(
        f"<tr><td>{escape(outcome.words)}</td><td>{escape(outcome.reached)}</td>"
        f'<td class="tf-verdict">{badges[outcome.met]}</td></tr>'
        for outcome in outcomes(run)
    )
    table = blocks.grid("Asked and reached", ("Asked", "Reached", ""), rows) if rows else ""
    said = "".join(f"<p>{escape(remark)}</p>" for remark in remarks(run))
    return blocks.one_line(table + said)


def losses(run: Run) -> str:
    """One curve for each variant."""
    drawn = "".join(curve(lines, variant) for variant, lines in run.curves.items())
    several = " tf-curves" if len(run.curves) > 1 else ""
    return blocks.one_line(f'<div class="tf-run{several}">{drawn}</div>') if drawn else ""


def figures(run: Run) -> str:
    """Every figure, variants beside each other, and the points of the sweeps."""
    shown = []
    single = [figure for figure in run.figures if not figure.path]
    if single:
        rows = "".join(
            f"<tr><td>{escape(f.name)}</td><td>{escape(f.shown())}</td><td>{escape(f.over)}</td></tr>" for f in single
        )
        shown.append(blocks.grid("Figures", ("Figure", "Value", "Over"), rows))
    for first in dict.fromkeys(figure.path[0] for figure in run.figures if figure.path):
        shown.append(_variants([figure for figure in run.figures if figure.path and figure.path[0] == first]))
    for sweep in run.sweeps:
        keys = list(dict.fromkeys(key for point in sweep.points for key in point))
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(point.get(key, '')))}</td>" for key in keys) + "</tr>"
            for point in sweep.points
        )
        label = " ".join(sweep.path).replace("_", " ")
        shown.append(
            f"<p>{escape(label.capitalize())}:</p>"
            + blocks.grid(label, tuple(key.replace("_", " ") for key in keys), rows)
        )
    return blocks.one_line("".join(shown))


def _variants(members: list[Figure]) -> str:
    """A row for each measure, a column for each variant that was measured so."""
    columns = list(dict.fromkeys(figure.path for figure in members))
    values = {(figure.metric, figure.name, figure.path): figure.shown() for figure in members}
    rows = ""
    for metric, name in dict.fromkeys((figure.metric, figure.name) for figure in members):
        cells = "".join(f"<td>{escape(values.get((metric, name, path), ''))}</td>" for path in columns)
        rows += f"<tr><td>{escape(name)}</td>{cells}</tr>"
    heads = [" ".join(path if len(path) == 1 or path[0] != "variants" else path[1:]) for path in columns]
    return blocks.grid(" and ".join(heads), ("Figure", *(head.replace("_", " ") for head in heads)), rows)


def _cell(value: Any) -> str:
    return number(float(value)) if isinstance(value, int | float) else str(value)


def pictures(run: Run, up: str) -> str:
    """What was drawn, variant by variant, with words and a caption for each."""
    groups: dict[str, list[str]] = {}
    for path in run.pictures:
        variant, drawn = picture(path, run, up)
        groups.setdefault(variant, []).append(drawn)
    return blocks.one_line(
        "".join(
            (f'<p class="tf-part">{escape(variant.replace("-", ", "))}</p>' if variant else "")
            + f'<div class="tf-pictures">{"".join(drawn)}</div>'
            for variant, drawn in sorted(groups.items(), key=lambda group: bool(group[0]))
        )
    )


def picture(path: Path, run: Run, up: str, source: str = "") -> tuple[str, str]:
    """The variant that a picture is of, and the picture with its caption; `source` is HTML after the caption."""
    in_the_plane = run.name.startswith("mixture") and path.stem == "samples"
    variant, said, caption = described("points" if in_the_plane else path.stem, list(run.configurations))
    bare = path.stem.removeprefix(f"{variant}-")
    kind = "tf-picture"
    if re.search("map", bare):
        kind += " tf-smooth"
    elif re.search("sweep|summary", bare) or run.name.startswith("mixture"):
        kind += " tf-plot"
    elif re.search("denoising", bare):
        kind += " tf-wide"
    return variant, (
        f'<figure class="{kind}"><img src="{up}assets/runs/{run.name}/{path.name}" alt="{escape(said)}" '
        f'loading="lazy"><figcaption>{escape(caption)}{source}</figcaption></figure>'
    )


def described(stem: str, variants: list[str]) -> tuple[str, str, str]:
    """(variant, words for those who do not see it, caption) of a picture."""
    variant = next((v for v in sorted(variants, key=len, reverse=True) if v and stem.startswith(f"{v}-")), "")
    bare = stem.removeprefix(f"{variant}-") if variant else stem
    words = line = bare.replace("-", " ").replace("_", " ").capitalize()
    for pattern, said, caption in CAPTIONS:
        match = re.fullmatch(pattern, bare)
        if match:
            words, line = said.format(*match.groups()), caption.format(*match.groups())
            break
    words = f"{variant.replace('-', ', ')}: {words}" if variant else words
    return variant, words[:1].upper() + words[1:], line


def configuration(run: Run) -> str:
    """What is needed to train it again, folded."""
    shown = []
    for variant, config in run.configurations.items():
        title = f"Configuration of {variant}" if variant else "Configuration"
        text = escape(json.dumps(config, indent=1))
        shown.append(
            f'<details class="tf-solution" data-search-exclude><summary>{escape(title)}</summary>'
            f'<pre tabindex="0"><code>{text.replace(chr(10), "&#10;")}</code></pre></details>'
        )
    return "".join(shown)


# --- pages ------------------------------------------------------------------------------------------------------------


def plain_page(run: Run) -> str:
    """The text of a run that nobody wrote one for."""
    return "\n\n".join(
        [
            f"# {run.name}",
            f"<!-- run-facts: {run.name} -->",
            f"<!-- run-asked: {run.name} -->",
            "## How the loss fell",
            f"<!-- run-losses: {run.name} -->",
            "## What it draws",
            f"<!-- run-pictures: {run.name} -->",
            "## All figures",
            f"<!-- run-figures: {run.name} -->",
            f"<!-- run-configuration: {run.name} -->\n",
        ]
    )


def with_trail(path: str, text: str, names: list[str]) -> str:
    """The text of a run with its place among the others below the title; every other text as it is."""
    name = path.removeprefix("experiments/").removesuffix(".md")
    if name not in names or not path.startswith("experiments/"):
        return text
    place = names.index(name)

    def neighbour(step: int) -> tuple[str, str] | None:
        return (
            (f"experiments/{names[place + step]}.html", names[place + step]) if 0 <= place + step < len(names) else None
        )

    trail = crumbs.trail("../", [("experiments/index.html", "Experiments")], name, neighbour(-1), neighbour(1))
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{trail}\n{rest}"


def listing(docs: Path, texts: Mapping[str, str], up: str) -> str:
    """A card for each run: its picture, its title, how many of its aims were reached."""
    found = runs(docs)
    written = {path.stem for path in (docs / "experiments").glob("*.md")} - {"index", *(run.name for run in found)}
    names = ", ".join(f"<code>{escape(name)}</code>" for name in sorted(written))
    waiting = f"<p>Written, and not yet run for these pages: {names}.</p>" if written else ""
    if not found:
        return f"<p>No run has been recorded in this build.</p>{waiting}"
    cards = []
    for run in found:
        text = texts.get(f"experiments/{run.name}.md", "")
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        picture = next((p for p in run.pictures if "sample" in p.stem or "sweep" in p.stem), None)
        kind = ' class="tf-contained"' if picture and "sweep" in picture.stem else ""
        source = f"{up}assets/runs/{run.name}/{picture.name}" if picture else ""
        shown = f'<img{kind} src="{source}" alt="" loading="lazy">' if picture else ""
        results = outcomes(run)
        met = sum(outcome.met is True for outcome in results)
        said = f"{met} of {len(results)} aims reached" if results else ""
        words = f"<span><strong>{escape(title[1] if title else run.name)}</strong>{escape(said)}</span>"
        cards.append(f'<a class="tf-card" href="{up}experiments/{run.name}.html">{shown}{words}</a>')
    return f'<div class="tf-cards">{"".join(cards)}</div>{waiting}'
