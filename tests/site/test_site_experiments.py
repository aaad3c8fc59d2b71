"""Pages of runs, from what a run leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from threefold.errors import Unusable
from threefold.site import experiments
from threefold.site.aims import aims, outcomes, remarks
from threefold.site.curves import curve
from threefold.site.runs import Run, runs


def figure(key, name, value, **more):
    return {"key": key, "name": name, "value": value, "unit": "%", "over": "1000 samples", **more}


@pytest.fixture
def docs(tmp_path):
    run = tmp_path / "docs" / "assets" / "runs" / "digits-ddpm"
    run.mkdir(parents=True)
    guided = {
        w: {"classifier": [figure("intended", "samples labelled as intended", share, error=0.2)]}
        for w, share in (("1.0", 96.5), ("2.0", 99.0))
    }
    results = {"machine": {"cpu": "one", "threads": 2}, "command": "threefold train digits-ddpm", "seconds": 540.0}
    (run / "config.json").write_text(json.dumps({"trainer": {"seed": 3, "steps": 6000}}))
    bound = [figure("bound", "bound", 2.25)]
    (run / "results.json").write_text(json.dumps({**results, "guidance": guided, "bpd": bound}))
    lines = [{"step": 100, "loss": 0.9}, {"step": 200, "loss": 0.4, "validation_loss": 0.4}]
    lines.append({"step": 300, "loss": 0.2, "validation_loss": 0.5})
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "samples-guidance-2.png").write_bytes(b"not looked into")
    return tmp_path / "docs"


def change(docs, **values):
    path = docs / "assets" / "runs" / "digits-ddpm" / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def only(docs) -> Run:
    (run,) = runs(docs)
    return run


def test_a_run_shows_its_facts_figures_and_pictures(docs):
    run = only(docs)
    facts = experiments.facts(run)
    assert all(text in facts for text in ("threefold train digits-ddpm", ">3<", "6,000", "9.0 minutes", "2 threads"))
    figures = experiments.figures(run)
    assert "96.5 ± 0.2 %" in figures and "2.25 %" in figures and "guidance 1.0" in figures
    pictures = experiments.pictures(run, "../")
    assert 'src="../assets/runs/digits-ddpm/samples-guidance-2.png"' in pictures and "guidance 2" in pictures
    assert "&quot;steps&quot;: 6000" in experiments.configuration(run)


def test_an_aim_is_reached_or_missed_by_the_worst_figure(docs):
    good, quick = outcomes(only(docs))
    assert good.met and "96.5" in good.reached and quick.met
    change(
        docs,
        seconds=700.0,
        guidance={"1.0": {"classifier": [figure("intended", "samples labelled as intended", 94.9)]}},
    )
    bad, slow = outcomes(only(docs))
    assert not bad.met and not slow.met and "missed" in experiments.asked(only(docs))


def test_an_aim_that_was_not_measured_is_open(docs):
    change(docs, guidance={})
    outcome = outcomes(only(docs))[0]
    assert outcome.reached == "not measured" and outcome.met is None and "tf-open" in experiments.asked(only(docs))


def test_the_time_of_a_part_is_not_taken_for_the_whole(docs):
    path = docs / "assets" / "runs" / "digits-ddpm" / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": step, "loss": 0.5}) + "\n" for step in range(1300, 3001, 100)))
    slow = outcomes(only(docs))[1]
    assert (
        slow.met is None and "from step 1,300 on" in slow.reached and "from step 1,300" in experiments.facts(only(docs))
    )


def test_what_a_headline_leaves_out_is_said(docs):
    (said,) = remarks(only(docs))
    assert "lowest at step 200 (0.4000) and 0.5000 at step 300" in said


def test_pairs_of_bounds_are_compared_variant_by_variant(docs):
    folder = docs / "assets" / "runs" / "digits-ddpm"
    folder.rename(folder.with_name("digits-vae"))
    path = folder.with_name("digits-vae") / "results.json"

    def bounds(low, high):
        return {"elbo": [figure("elbo", "ELBO", low), figure("weighted", "importance-weighted bound", high)]}

    path.write_text(json.dumps({"variants": {"a": bounds(-30.0, -28.0), "b": bounds(-20.0, -19.0)}}))
    assert outcomes(only(docs))[0].met
    path.write_text(json.dumps({"variants": {"a": bounds(-30.0, -28.0), "b": bounds(-18.0, -19.0)}}))
    assert outcomes(only(docs))[0].reached == "1 of 2" and not outcomes(only(docs))[0].met


def test_a_curve_is_drawn_and_said():
    lines = [{"step": step, "loss": 1.0 / step} for step in range(1, 101)]
    drawn = curve(lines, "")
    assert "Loss over 100 steps: training from 1 to 0.01" in drawn and drawn.count("<polyline") == 1
    assert ">0.01<" in drawn and ">1<" in drawn, "the axis encloses the values"
    flat = curve([{"step": step, "loss": 0.93 + 0.1 / step, "best_loss": 0.93} for step in range(1, 9)], "")
    assert ">0<" not in re.sub(r'<text[^>]*tf-x">[^<]*</text>', "", flat), "losses in a narrow band fill the height"
    assert curve([{"step": 1}], "") == ""


def test_pictures_are_described_with_their_variant():
    variant, said, caption = experiments.described("mlp-gaussian-interpolations", ["mlp-gaussian", ""])
    assert variant == "mlp-gaussian" and said.startswith("Mlp, gaussian: rows") and caption.startswith("From one")
    assert experiments.described("an-unknown_one", [""]) == ("", "An unknown one", "An unknown one")


def test_the_list_names_each_run_with_its_title(docs):
    listed = experiments.listing(docs, {"experiments/digits-ddpm.md": "# Digits\n"}, "../")
    assert 'href="../experiments/digits-ddpm.html"' in listed and "Digits" in listed and "2 of 2 aims" in listed
    assert "No run" in experiments.listing(docs / "nothing", {}, "")


@pytest.mark.parametrize("file", ["results.json", "config.json", "metrics.jsonl"])
def test_a_broken_file_is_named(docs, file):
    path = docs / "assets" / "runs" / "digits-ddpm" / file
    path.write_text("{")
    run = only(docs)
    with pytest.raises(Unusable, match=file):
        print(run.results, run.configurations, run.curves)


def test_an_unknown_run_is_named(docs):
    with pytest.raises(Unusable, match="digits-vae"):
        experiments.of(docs, "digits-vae")


ROOT = Path(__file__).parents[2]
RECORDED = [run for run in runs(ROOT / "docs") if aims(run.name)]


@pytest.mark.parametrize("run", RECORDED, ids=lambda run: run.name)
def test_every_aim_of_a_recorded_run_finds_its_figures(run):
    assert all(outcome.reached != "not measured" for outcome in outcomes(run))


@pytest.mark.parametrize("run", runs(ROOT / "docs"), ids=lambda run: run.name)
def test_every_recorded_figure_has_a_key_and_no_two_have_one_address(run):
    addresses = [figure.address for figure in run.figures]
    assert all(figure.key for figure in run.figures) and len(set(addresses)) == len(addresses)


def test_an_address_of_nothing_is_not_measured(docs):
    run = only(docs)
    assert len(run.at("guidance/*/classifier.intended")) == 2 and not run.at("guidance/*/classifier.samples")
    assert not run.at("classifier.intended"), "a star stands for one part, and none for none"
