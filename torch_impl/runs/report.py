"""A page that sums up a run: what was trained, its curves, its latest pictures.

One file, nothing fetched from elsewhere.
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
from pathlib import Path
from typing import Any

from torch_impl.files import write_atomically
from torch_impl.pictures.images import new_figure, save_figure
from torch_impl.training.metrics import read_metrics

__all__ = ["write_report", "write_summary"]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2030;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}img{max-width:100%;image-rendering:pixelated}
img.plot{image-rendering:auto}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;
vertical-align:top}td.n{font-variant-numeric:tabular-nums}code,pre{font:13px/1.4 ui-monospace,monospace}
pre{overflow-x:auto;background:#f4f5f8;padding:1rem}
@media(prefers-color-scheme:dark){body{color:#dde;background:#15171d}pre{background:#20232c}}
"""


def _series(lines: list[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    points = [(line["step"], line[name]) for line in lines if line.get(name) is not None]
    return [step for step, _ in points], [value for _, value in points]


def write_summary(out: Path) -> Path:
    """Loss, the best reachable loss where known, validation loss, gradient norm and learning rate as one picture."""
    lines = list(read_metrics(out / "metrics.jsonl"))
    figure, axes = new_figure(1, 2, width=10, height=3.6)
    for name, words, colour in (
        ("loss", "training", "#3355bb"),
        ("validation_loss", "held out, averaged weights", "#cc5533"),
        ("best_loss", "best reachable", "#228855"),
        ("training_set_floor", "floor of the training set", "#99bbaa"),
    ):
        steps, values = _series(lines, name)
        if steps:
            marker = "o" if name == "validation_loss" else None
            axes[0].plot(steps, values, label=words, color=colour, linewidth=1.2, marker=marker, markersize=3)
    losses = [line["loss"] for line in lines if line.get("loss") is not None]
    if losses and min(losses) > 0 and max(losses) > 5 * min(losses):
        axes[0].set_yscale("log")
    axes[0].set(xlabel="step", ylabel="loss")
    axes[0].legend(frameon=False)
    steps, values = _series(lines, "gradient_norm")
    axes[1].plot(steps, values, color="#888888", linewidth=0.8, label="gradient norm")
    if values and min(values) > 0:
        axes[1].set_yscale("log")
    rate = axes[1].twinx()
    rate.plot(*_series(lines, "lr"), color="#aa7722", linewidth=1.2)
    rate.set_ylabel("learning rate")
    axes[1].set(xlabel="step", ylabel="gradient norm")
    path = out / "summary.png"
    save_figure(figure, path)
    return path


def _image(path: Path, kind: str = "") -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img class="{kind}" alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{html.escape(a)}</th><td class=n>{html.escape(b)}</td></tr>" for a, b in rows)
    return f"<table>{cells}</table>"


def write_report(out: Path) -> Path:
    """`report.html` of a run's folder."""
    config = json.loads((out / "config.json").read_text())
    lines = list(read_metrics(out / "metrics.jsonl"))
    last = lines[-1] if lines else {}
    rows = [(name, _number(value)) for name, value in last.items() if value is not None]
    pictures = [path for path in sorted((out / "samples").glob("step-*.png")) if path.stem[5:].isdigit()]
    body = io.StringIO()
    title = str(config.get("preset", "run"))
    body.write(f"<h1>{html.escape(title)}</h1><h2>At the end</h2>{_table(rows)}")
    body.write(f"<h2>Curves</h2>{_image(write_summary(out), 'plot')}")
    portraits = sorted((out / "portraits").glob("*.png")) if (out / "portraits").is_dir() else []
    for path in portraits:
        body.write(f"<h2>{html.escape(path.stem.replace('-', ' ').capitalize())}</h2>{_image(path)}")
    if pictures:
        body.write("<h2>Samples while training</h2>")
        for path in pictures[:: max(1, len(pictures) // 4)][-4:]:
            body.write(f"<p>step {int(path.stem.removeprefix('step-')):,}</p>{_image(path)}")
    body.write(f"<h2>Configuration</h2><pre>{html.escape(json.dumps(config, indent=1))}</pre>")
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{body.getvalue()}</body></html>"
    )
    path = out / "report.html"
    write_atomically(path, page.encode())
    return path


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if math.isfinite(value) else "not finite"
