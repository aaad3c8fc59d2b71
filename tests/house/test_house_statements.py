"""A statement says something: SymPy has not made one term of its two sides before anybody proved anything."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import sympy as sp

from derivations import exercises, library
from derivations.rules import REAL, Claim, Domain, Statement, define, scalar
from threefold import claimfile
from threefold.errors import Unusable

amount = scalar("house_amount", "h")
twice = define("house_twice", "H", lambda x: 2 * x)
SETTLED = [
    (sp.Integer(64) * 64 * 3, sp.Integer(12288)),
    (amount + amount, 2 * amount),
    ((1 - amount) + amount, sp.S.One),
]
FILE = """
from derivations.rules import REAL, Chain, Claim, Domain, Statement, scalar

amount = scalar("amount", "a")
mine = Claim(
    id="my.own",
    title="",
    chapter="",
    kind="identity",
    says=(Statement(SIDE, "=", 2 * amount),),
    scope="",
    sources=(),
    domain=Domain({"amount": REAL}),
)
"""


def claim(lhs: sp.Expr, rhs: sp.Expr) -> Claim:
    says = (Statement(twice(amount), "=", 2 * amount), Statement(lhs, "=", rhs))
    return Claim("house.statement", "", "", "identity", says, "", (), Domain({"house_amount": REAL}))


def test_no_statement_of_the_ledger_or_of_an_exercise_has_equal_sides_as_built() -> None:
    known = [*library.claims().values(), *exercises().values()]
    assert len(known) > 200
    assert [(c.id, n) for c in known for n, s in enumerate(c.says, 1) if s.lhs == s.rhs] == []


@pytest.mark.parametrize(("lhs", "rhs"), SETTLED)
def test_a_statement_that_sympy_has_settled_is_named_with_its_remedy(lhs: sp.Expr, rhs: sp.Expr) -> None:
    said = claim(lhs, rhs).nothing_said
    assert said.startswith("statement 2 says nothing: both sides became ") and "define(" in said


def test_what_has_to_be_unfolded_says_something() -> None:
    assert not claim(twice(amount) + 1, 1 + 2 * amount).nothing_said


def test_a_chapter_with_such_a_claim_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = SimpleNamespace(settled=claim(*SETTLED[0]))
    monkeypatch.setattr(library, "CHAPTERS", ("house",))
    monkeypatch.setattr(library.importlib, "import_module", lambda name: chapter)
    with pytest.raises(library.EmptyClaim, match=r"house\.statement: statement 2 says nothing"):
        library.claims.__wrapped__()


def test_a_file_with_such_a_claim_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE.replace("SIDE", "amount + amount"))
    with pytest.raises(Unusable, match=r"mine\.py.*claim 'my\.own': statement 1 says nothing: both sides became"):
        claimfile.headings(str(path))
    path.write_text(FILE.replace("SIDE", "amount**2"))
    assert list(claimfile.headings(str(path))) == ["my.own"]
