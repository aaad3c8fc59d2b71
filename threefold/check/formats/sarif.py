"""SARIF 2.1.0, for code-scanning pages: results of two rules, `refuted` and `contradiction`."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import threefold
from threefold.check.formats.text import at, short
from threefold.check.report import WRONG, LinkReport, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "refuted": "An equation that fails at numbers which are shown, under every admissible reading",
    "contradiction": "Two definitions of one name that differ",
}


def write(report: Report) -> str:
    """The whole log as JSON."""
    return json.dumps(log(report), indent=2, ensure_ascii=False)


def log(report: Report) -> dict[str, Any]:
    """The log as data."""
    rules = [{"id": name, "shortDescription": {"text": words}} for name, words in RULES.items()]
    driver = {"name": "threefold", "version": threefold.__version__, "rules": rules}
    results = [
        _result(link, (link.file or file.file).partition("#")[0])
        for file in report.files
        for link in file.links
        if link.verdict in WRONG
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(link: LinkReport, path: str) -> dict[str, Any]:
    message = short(link.tex, 500)
    if link.witness is not None:
        message += f" -- {at(link)}"
    if link.reason:
        message += f" -- {link.reason}"
    if link.repair:
        message += f" -- proved instead: {link.repair}"
    region = {"startLine": link.line, "startColumn": link.column}
    location = {
        "artifactLocation": {"uri": quote(PurePath(path).as_posix())},
        "region": region,
    }
    return {
        "ruleId": link.verdict,
        "ruleIndex": list(RULES).index(link.verdict),
        "level": "error",
        "message": {"text": message},
        "locations": [{"physicalLocation": location}],
    }
