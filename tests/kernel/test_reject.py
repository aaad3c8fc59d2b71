"""A corpus of wrong derivations: each fails at the step it names, for the reason named; its corrected twin passes."""

import importlib.util
from pathlib import Path

import pytest

import derivations
from derivations.kernel.judge import Judge
from derivations.rules import Claim, Domain, Statement

FILES = sorted((Path(__file__).parents[1] / "reject").glob("*.py"))
CORRECTED = 40


def load(path):
    spec = importlib.util.spec_from_file_location(f"reject_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judged(name, content, write):
    """The judgement of a claim that may use every claim of the library, itself included."""
    claim = Claim(
        id=f"reject.{name}",
        title=name,
        chapter="reject",
        kind="identity",
        says=(Statement(*content["says"]),),
        domain=content.get("domain") or Domain(),
        hypotheses=content.get("hypotheses", ()),
        scope="",
        sources=(),
    )
    claim.proves()(write)
    return Judge({**derivations.claims(), claim.id: claim}).judge(claim)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_wrong_derivation_is_rejected_where_it_goes_wrong(path):
    case = load(path)
    judgement = judged(path.stem, case.CLAIM, case.wrong)
    assert not judgement.verdict
    (part,) = judgement.parts
    failed = [step for step in part.steps if not step.verdict]
    if case.FAILS_AT:
        assert [step.number for step in failed] == [case.FAILS_AT]
        assert case.BECAUSE in failed[0].verdict.reason
    else:
        assert not failed  # every step is fine: what is wrong is what the chain as a whole claims to show
        assert case.BECAUSE in part.verdict.reason


@pytest.mark.parametrize("path", [p for p in FILES if hasattr(load(p), "right")], ids=lambda p: p.stem)
def test_corrected_twin_is_proved(path):
    """So a wrong derivation is not rejected for a silly reason."""
    case = load(path)
    judgement = judged(path.stem, case.RIGHT, case.right)
    assert judgement.verdict, judgement.verdict


def test_the_corpus_is_large_and_mostly_paired():
    assert len(FILES) >= 40
    assert sum(hasattr(load(path), "right") for path in FILES) >= CORRECTED
