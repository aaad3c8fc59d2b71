"""A corpus of wrong derivations: each fails at the step it names, for the reason named; its corrected twin passes.

A file holds CLAIM (says, domain, hypotheses, and statements said `also`), `wrong`, the chain, FAILS_AT, the number of
the line that is refused (0: every line is fine, and the claim as a whole is not), and BECAUSE, a part of the reason.
RIGHT and `right` are its corrected twin, LEMMAS earlier claims that it uses, INDUCTION the integer its chains run over.
"""

import importlib.util
from pathlib import Path

import pytest

import derivations
from derivations.kernel.judge import Judge
from derivations.refutation.refute import refute
from derivations.rules import Claim, Domain, Statement

FILES = sorted((Path(__file__).parents[1] / "reject").glob("*.py"))
CORRECTED = 70
REFUTED = 50


def load(path):
    spec = importlib.util.spec_from_file_location(f"reject_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def claim_of(name, content, write, induction=(None, 1)):
    claim = Claim(
        id=name,
        title=name,
        chapter="reject",
        kind="identity",
        says=(Statement(*content["says"]), *(Statement(*said) for said in content.get("also", ()))),
        domain=content.get("domain") or Domain(),
        hypotheses=content.get("hypotheses", ()),
        scope="",
        sources=(),
    )
    if write is not None:
        claim.proves(0, *induction)(write)
    return claim


def judged(path, case, content, write, refute=None):
    """The judgement of a claim that may use every claim of the library, itself included."""
    claim = claim_of(f"reject.{path.stem}", content, write, getattr(case, "INDUCTION", (None, 1)))
    lemmas = {name: claim_of(name, *lemma) for name, lemma in getattr(case, "LEMMAS", {}).items()}
    return Judge({**derivations.claims(), **lemmas, claim.id: claim}, refute).judge(claim)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_wrong_derivation_is_rejected_where_it_goes_wrong(path):
    case = load(path)
    judgement = judged(path, case, case.CLAIM, case.wrong)
    assert judgement.verdict.kind == "undecided"
    failed = [step for part in judgement.parts for step in part.steps if not step.verdict]
    if case.FAILS_AT:
        assert [step.number for step in failed] == [case.FAILS_AT]
        assert failed[0].verdict.kind == "undecided"
        assert case.BECAUSE in failed[0].verdict.reason
    else:
        assert not failed  # every step is fine: what is wrong is what the claim as a whole says or its chain shows
        assert case.BECAUSE in next(part.verdict.reason for part in judgement.parts if not part.verdict)


@pytest.mark.parametrize("path", [p for p in FILES if hasattr(load(p), "right")], ids=lambda p: p.stem)
def test_corrected_twin_is_proved(path):
    """So a wrong derivation is not rejected for a silly reason."""
    case = load(path)
    judgement = judged(path, case, case.RIGHT, case.right)
    assert judgement.verdict, judgement.verdict


def test_the_corpus_is_large_and_mostly_paired():
    cases = [(path, load(path)) for path in FILES]
    assert len(cases) >= 90
    assert sum(hasattr(case, "right") for _, case in cases) >= CORRECTED
    verdicts = [judged(path, case, case.CLAIM, case.wrong, refute).verdict.kind for path, case in cases]
    assert set(verdicts) <= {"refuted", "undecided"}
    assert verdicts.count("refuted") >= REFUTED, "most mistakes have a witness against them"
