"""The figures of the texts: drawn from the quantities they show, in the page's own colours, the same at every build."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from threefold.errors import Unusable
from threefold.site import figures
from threefold.site.figures.ink import SETTINGS

DOCS = Path(__file__).parents[2] / "docs"
DIRECTIVE = re.compile(r"<!-- figure: (\S+) -->")
MOST_BYTES = 130_000


@cache
def drawn(name: str) -> Figure:
    with mpl.rc_context(SETTINGS):
        return figures.ALL[name].draw()


@cache
def shown(name: str) -> str:
    return figures.named(name)


def lines(name: str, axes: int = 0) -> list[np.ndarray]:
    return [np.array(line.get_xydata(), dtype=float) for line in drawn(name).axes[axes].lines]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", figures.ALL)
def test_a_figure_is_one_svg_in_the_colours_of_the_page_and_says_what_is_seen(name: str) -> None:
    html = shown(name)
    assert len(html.encode()) < MOST_BYTES
    assert "\n" not in html and "<metadata" not in html and "<style" not in html
    assert not re.findall(r"(?:fill|stroke): #(?!ffffff)[0-9a-f]{6}", html), "a colour that no scheme can change"
    ElementTree.fromstring(re.sub(r"xlink:href", "href", html))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) and all(one.startswith((name, f"figure-{name}")) for one in ids)
    assert {target for target in re.findall(r'(?:href="#|url\(#)([^")]+)', html)} <= set(ids)
    drawing = figures.ALL[name]
    assert drawing.caption.endswith(".") and drawing.seen.endswith(".")
    assert drawing.caption != drawing.seen
    assert 'role="img" aria-label="' in html and "<figcaption>" in html


def test_what_is_written_on_an_axis_is_not_rounded() -> None:
    assert ">0.25<" in shown("product-of-bells").replace(" ", "")


@pytest.mark.parametrize("name", ["logarithm", "product-of-bells", "codebook-cells"])
def test_the_same_figure_is_drawn_at_every_build(name: str) -> None:
    assert figures.named(name) == figures.named(name)


def test_every_figure_stands_in_one_text_and_every_text_names_figures_that_exist() -> None:
    named = [name for path in DOCS.rglob("*.md") for name in DIRECTIVE.findall(path.read_text(encoding="utf-8"))]
    assert sorted(named) == sorted(figures.ALL)


def test_an_unknown_figure_is_refused_by_name() -> None:
    with pytest.raises(Unusable, match=r"no figure is called 'logaritm'.*logarithm"):
        figures.named("logaritm")


# --- what is drawn is what the caption says ---------------------------------------------------------------------------


def test_the_tangent_lies_above_the_logarithm() -> None:
    tangent, curve, *_ = lines("logarithm")
    assert (tangent[:, 1] >= curve[:, 1]).all()


def test_the_bound_touches_the_evidence_at_the_posterior_mean_only() -> None:
    evidence, bound, *_ = lines("evidence-split")
    level = evidence[0, 1]
    assert level == pytest.approx(-1.5155, abs=1e-4)  # log N(1; 0, 2)
    assert bound[:, 1].max() == pytest.approx(level, abs=1e-9)
    assert bound[bound[:, 1].argmax(), 0] == pytest.approx(0.5, abs=0.03)


def test_the_weights_of_a_step_back_are_those_of_the_posterior_mean() -> None:
    on_data, on_state = lines("posterior-weights")
    assert on_data[0, 1] == pytest.approx(1.0) and on_state[0, 1] == pytest.approx(0.0)
    assert on_data[-1, 1] + on_state[-1, 1] == pytest.approx(0.9901, abs=2e-3)  # at t = 1000, as the text says


def test_the_optima_of_the_two_weightings_are_those_of_the_erratum() -> None:
    dots = [line for line in lines("shared-coefficient") if len(line) == 1]
    assert [dot[0, 0] for dot in dots] == pytest.approx([0.57, 0.81], abs=0.03)


def test_ddim_halves_its_error_with_twice_the_steps() -> None:
    error = lines("ddim-order")[0]
    ratio = error[:-1, 1] / error[1:, 1]
    assert ratio[-3:] == pytest.approx(2.0, abs=0.1)


def test_the_walkers_settle_on_the_curve() -> None:
    curve, _, *dots = lines("langevin-bias")
    for dot in dots:
        assert dot[0, 1] == pytest.approx(np.interp(dot[0, 0], *curve.T), rel=0.04)


def test_the_guided_score_is_the_tilted_one_without_noise_and_another_with_it() -> None:
    def gap(axes: int) -> float:
        guided, tilted, _ = lines("guided-score", axes)
        return float(np.abs(guided[:, 1] - tilted[:, 1]).mean() / np.abs(tilted[:, 1]).mean())

    assert gap(0) < 0.2 < gap(1)


def test_data_of_unit_variance_keep_it_and_others_come_to_it() -> None:
    wide, unit, narrow = lines("variances")
    assert unit[:, 1] == pytest.approx(1.0, abs=1e-12)
    assert wide[0, 1] == 3.0 and narrow[0, 1] == pytest.approx(0.1)
    assert (np.diff(wide[:, 1]) < 0).all() and (np.diff(narrow[:, 1]) > 0).all()


def test_sub_vp_has_the_square_of_the_variance_of_vp_and_ve_keeps_the_mean() -> None:
    vp, sub, ve = lines("three-equations")
    assert vp[:, 1] == pytest.approx(sub[:, 1]) and ve[:, 1] == pytest.approx(1.0)
    vp, sub, ve = lines("three-equations", 1)
    assert sub[:, 1] == pytest.approx(vp[:, 1] ** 2, rel=1e-6)
    assert ve[-1, 1] == pytest.approx(0.01**2 * (500.0**2 - 1), rel=1e-6)


def test_the_points_of_a_ray_have_one_ratio_of_noise_to_signal_and_lie_on_their_paths() -> None:
    dots = [line[0] for line in lines("paths-in-the-plane") if len(line) == 1]
    assert len(dots) == 8
    for signal, noise in dots:
        assert noise / signal in (pytest.approx(0.25), pytest.approx(0.7), pytest.approx(2.0))
        on = (np.hypot(signal, noise), signal + noise, signal)
        assert any(value == pytest.approx(1.0) for value in on)


def test_the_best_spread_is_the_root_of_the_mean_squared_error() -> None:
    dots = [line[0] for line in lines("best-spread") if len(line) == 1]
    assert [dot[0] for dot in dots] == pytest.approx([0.1, 0.3, 0.7], rel=0.05)


def test_the_price_of_a_variance_is_that_of_the_formula() -> None:
    ratio, price = lines("price-of-a-variance")[0].T
    assert price == pytest.approx((ratio - 1 - np.log(ratio)) / 2, abs=1e-10)


def test_an_error_in_the_data_is_the_same_in_the_noise_at_the_middle() -> None:
    noise, velocity, score, _ = lines("error-in-every-unit")
    middle = int(np.abs(noise[:, 0] - 0.5).argmin())
    assert noise[middle, 1] == pytest.approx(1.0)
    abar = noise[:, 0]
    assert velocity[:, 1] == pytest.approx(1 / np.sqrt(1 - abar))
    assert score[:, 1] == pytest.approx(np.sqrt(abar) / (1 - abar))


def test_the_pixel_of_the_example_is_guessed_five_hundredths_off() -> None:
    places = [line[0, 0] for line in lines("one-pixel")]
    assert places[0] == 1.0 and places[2] == pytest.approx(1.05)


@pytest.mark.parametrize(("name", "slopes"), [("one-step", (2, 3, 4)), ("published-coefficient", (3, 4))])
def test_each_value_that_is_kept_and_the_right_coefficient_add_one_to_the_slope(
    name: str, slopes: tuple[int, ...]
) -> None:
    measured = [line for line in lines(name) if len(line) == 13 and line[0, 1] != line[1, 1]]
    steepness = [float(np.polyfit(*np.log(line[:4]).T, 1)[0]) for line in measured]
    for slope in slopes:
        assert any(found == pytest.approx(slope, abs=0.12) for found in steepness), (name, steepness)
