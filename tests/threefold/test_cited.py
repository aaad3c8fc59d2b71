"""What others may cite is what the ledger says."""

from __future__ import annotations

import json
from types import SimpleNamespace

import derivations
from threefold.site import cited


def test_every_claim_has_a_row_with_its_verdict_and_its_page() -> None:
    names = list(derivations.claims())
    agreed = {"numeric": {"verdict": "agrees"}, "torch": {"verdict": "not applicable"}}
    book = SimpleNamespace(
        judgements={name: SimpleNamespace(verdict=SimpleNamespace(kind="proved")) for name in names},
        ledger=dict.fromkeys(names, agreed),
        versions={"threefold": "0"},
        standing=lambda name: "deep",
    )
    content = json.loads(cited.claims(book))  # type: ignore[arg-type]  # a stand-in
    assert content["schema"] == cited.SCHEMA and [row["id"] for row in content["claims"]] == names
    row = next(row for row in content["claims"] if row["tag"] == "0A07")
    assert row["url"] == "tag/0A07/index.html" and row["numeric"] == "agrees" and row["torch"] == "not applicable"
    assert row["statements"] == [says.latex() for says in derivations.claims()["ddpm.posterior.mean"].says]
