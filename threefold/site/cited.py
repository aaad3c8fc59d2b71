"""The claims as data for other pages: `assets/claims.json`, which `cite.js` reads."""

from __future__ import annotations

import json

import derivations
from threefold.site.book import Book

SCHEMA = 1


def claims(book: Book) -> str:
    """One row a claim, in the order of the ledger, as JSON."""
    rows = [
        {
            "id": name,
            "tag": claim.tag,
            "title": claim.title,
            "verdict": book.judgements[name].verdict.kind,
            "standing": book.standing(name),
            "statements": [says.latex() for says in claim.says],
            "numeric": book.ledger[name]["numeric"].get("verdict", "not asked"),
            "torch": book.ledger[name]["torch"].get("verdict", "not asked"),
            "url": f"tag/{claim.tag}/index.html",
        }
        for name, claim in derivations.claims().items()
    ]
    return json.dumps({"schema": SCHEMA, "versions": dict(book.versions), "claims": rows}, ensure_ascii=False) + "\n"
