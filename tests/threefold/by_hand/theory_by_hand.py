"""A small theory with the interface of `derivations`: claims that are fine, and one for each way of not being fine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Witness:
    values: tuple[tuple[str, str], ...]
    lhs: str
    rhs: str
    note: str = ""

    def __str__(self) -> str:
        point = ", ".join(f"{name} = {value}" for name, value in self.values)
        return f"at {point}: left side {self.lhs}, right side {self.rhs}"


@dataclass(frozen=True)
class Verdict:
    kind: str
    witness: Witness | None = None
    reason: str = ""


@dataclass(frozen=True)
class Hypothesis:
    name: str
    words: str
    sides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    words: str

    def text(self) -> str:
        return self.words

    def latex(self) -> str:
        return self.words.replace("²", "^2")


@dataclass(frozen=True)
class Claim:
    id: str
    tag: str
    title: str
    kind: str = "identity"
    expects: str = "proved"
    statements: tuple[Statement, ...] = (Statement("(a + b)² = a² + 2 a b + b²"),)
    hypotheses: tuple[Hypothesis, ...] = (Hypothesis("real", "a and b are real numbers"),)
    scope: str = "any a, b"
    sources: tuple[str, ...] = ("Euclid, Elements II.4",)
    corrected_by: str | None = None
    errata: tuple[str, ...] = ()
    chapter: str = "squares"
    words: str = "The square of a sum, multiplied out."

    def domain_words(self) -> list[str]:
        return ["a real", "b real"]

    def text(self) -> str:
        return self.statements[0].text()

    def latex(self) -> str:
        return self.statements[0].latex()


@dataclass(frozen=True)
class StepReport:
    number: int
    relation: str
    latex: str
    text: str
    rule: str = ""
    tier: str = ""
    why: str = ""
    uses: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    verdict: Verdict = Verdict("proved")
    section: str = ""


@dataclass(frozen=True)
class PartReport:
    statement: Statement
    verdict: Verdict
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class Judgement:
    claim: Claim
    verdict: Verdict
    parts: tuple[PartReport, ...]
    rules: tuple[str, ...] = ("algebra", "distribute")
    assumptions: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ("b ≠ 0",)
    uses: tuple[str, ...] = ()
    hypotheses: tuple[str, ...] = ()
    seconds: float = 0.01


@dataclass(frozen=True)
class MutantCase:
    operator: str
    claim: Claim
    part: int = 0


@dataclass(frozen=True)
class MutantReport:
    total: int
    rejected: int
    equivalent: int
    survivors: tuple[MutantCase, ...]


@dataclass(frozen=True)
class Erratum:
    id: str
    source: str
    words: str
    correction: Claim | str | None
    right: str = "The middle term stays."
    severity: str = "wrong"
    printed_text: str = "(a + b)² = a² + b²"
    quoted: str = ""

    @property
    def correction_claim(self) -> str | None:
        return self.correction if isinstance(self.correction, str) else None


@dataclass(frozen=True)
class Editorial:
    id: str
    source: str
    printed: str
    correction: str


@dataclass(frozen=True)
class ErratumReport:
    erratum: Erratum
    verdict: Verdict
    correction_verdict: Verdict | None


COUNTEREXAMPLE = Witness((("a", "1"), ("b", "2")), lhs="9", rhs="5", note="the middle term is lost")

CLAIMS = (
    Claim("square.sum", "0001", "Square of a sum"),
    Claim("square.difference", "0002", "Square of a difference"),
    Claim("square.definition", "0003", "What a square is", kind="definition"),
    Claim("square.sum.printed", "0004", "Square of a sum as printed", expects="refuted", corrected_by="square.sum"),
    Claim("bad.refuted", "0B01", "Expected proved, refuted"),
    Claim("bad.undecided", "0B02", "Expected proved, undecided"),
    Claim("bad.proved", "0B03", "Expected refuted, proved", expects="refuted"),
    Claim("bad.raises", "0B04", "The kernel stops with an exception"),
    Claim("bad.crashes", "0B06", "The process dies"),
    Claim("bad.survivor", "0B07", "A mutant survives"),
    Claim("bad.miscounted", "0B08", "A mutant is unaccounted for"),
    Claim("bad.no_mutants", "0B09", "An identity without mutants"),
    Claim("bad.mutants_raise", "0B0A", "The mutants cannot be judged"),
    Claim("bad.numeric", "0B0B", "The numeric witness disagrees"),
    Claim("bad.torch", "0B0C", "The torch witness disagrees"),
    Claim("bad.missing", "0B0D", "Nobody wrote a witness"),
)


def claims() -> Mapping[str, Claim]:
    return {claim.id: claim for claim in CLAIMS}


def judge(name: str, /) -> Judgement:
    claim = claims()[name]
    if name == "bad.raises":
        raise ZeroDivisionError("inside the kernel")
    if name == "bad.crashes":
        os._exit(7)
    verdict = Verdict("proved")
    if name in ("bad.refuted", "square.sum.printed"):
        verdict = Verdict("refuted", COUNTEREXAMPLE)
    if name == "bad.undecided":
        verdict = Verdict("undecided", reason="outside the fragment: a floor")
    steps = (
        StepReport(1, "", "(a+b)^2", "(a + b)²"),
        StepReport(2, "=", "(a+b)(a+b)", "(a + b)(a + b)", "definition", "law", "a square", ("square.definition",)),
        StepReport(3, "=", "a^2+2ab+b^2", "a² + 2 a b + b²", "algebra", "decided", "", (), ("b ≠ 0",), verdict),
    )
    uses = ("square.definition",) if name != "square.definition" else ()
    if name == "square.difference":
        uses = ("square.sum",)
    assumptions = ("interchange of limits",) if name == "square.difference" else ()
    parts = (PartReport(claim.statements[0], verdict, steps),)
    return Judgement(claim, verdict, parts, uses=uses, assumptions=assumptions, hypotheses=("real",))


def judge_mutants(name: str, /, seed: int = 0) -> MutantReport:
    if name == "bad.mutants_raise":
        raise RecursionError("too deep")
    if name == "bad.survivor":
        return MutantReport(12, 11, 0, (MutantCase("factors swapped", claims()[name]),))
    if name == "bad.miscounted":
        return MutantReport(12, 10, 1, ())
    if name in ("bad.no_mutants", "square.definition"):
        return MutantReport(0, 0, 0, ())
    return MutantReport(12, 11, 1, ())


def errata() -> tuple[Erratum, ...]:
    return (
        Erratum("N1", "notes, page 1", "The middle term is lost.", "square.sum"),
        Erratum("N2", "notes, page 2", "The kernel does not refute it.", "square.sum"),
        Erratum("N3", "notes, page 3", "Its correction is not proved.", claims()["bad.undecided"]),
        Erratum("N4", "notes, page 4", "The kernel stops with an exception.", "square.sum"),
        Erratum("N6", "notes, page 6", "The middle term is lost again.", None),
    )


def editorial() -> tuple[Editorial, ...]:
    return (Editorial("N5", "notes, page 5", "Euklid", "Euclid"),)


def judge_erratum(erratum: Erratum, /) -> ErratumReport:
    if erratum.id == "N4":
        raise OverflowError("too large")
    verdict = Verdict("refuted", COUNTEREXAMPLE)
    if erratum.id == "N2":
        verdict = Verdict("undecided", reason="no witness found")
    if erratum.correction is None:
        return ErratumReport(erratum, verdict, None)
    name = erratum.correction if isinstance(erratum.correction, str) else erratum.correction.id
    return ErratumReport(erratum, verdict, judge(name).verdict)
