"""What the pages are made from: the claims, their judgements, the ledger's figures, and one typesetter for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import derivations
from derivations import Claim, Judgement, Verdict
from threefold.errors import Unusable, nearest
from threefold.site.browser import Runtime
from threefold.site.evidence import Evidence, errata, gather
from threefold.site.tex import Typesetter


@dataclass
class Book:
    """`ledger` holds the rows that `threefold verify --json` wrote, by claim id."""

    ledger: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]
    summary: Mapping[str, Any]
    typesetter: Typesetter = field(default_factory=Typesetter)
    gather: Callable[[], Evidence] = gather  # where it is gathered elsewhere
    figures: Callable[[], Mapping[str, str]] | None = None  # the HTML of each, where they are drawn elsewhere
    runtime: Runtime | None = None  # what the page "Check your own" runs on, where it is to be had

    @classmethod
    def open(cls, path: Path) -> Book:
        """Raises Unusable when the ledger is missing, is not one, lacks a claim, or has one with another verdict."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            rows = {row["id"]: row for row in content["claims"]}
            versions, summary = content["versions"], content["summary"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unusable(f"{path} is not a ledger ({error}); write one: threefold verify --json {path}") from error
        missing = [name for name in derivations.claims() if name not in rows]
        if missing:
            raise Unusable(
                f"{path} lacks {len(missing)} claims ({missing[0]}, ...); write it anew: threefold verify --json {path}"
            )
        for name, claim in derivations.claims().items():
            told = rows[name].get("symbolic", {}).get("verdict", "not judged")
            if told != claim.expects:
                raise Unusable(
                    f"{name} is {told} in {path}, expected {claim.expects}; see `threefold show {name}`, or write the "
                    f"ledger anew: threefold verify --json {path}"
                )
        return cls(rows, versions, summary)

    @cached_property
    def evidence(self) -> Evidence:
        """What only takes computing: needs of hypotheses, mutants to look at."""
        return self.gather()

    @cached_property
    def errata_verdicts(self) -> Mapping[str, tuple[Verdict, str]]:
        return errata()

    @cached_property
    def judgements(self) -> dict[str, Judgement]:
        """By claim. The shadows of the steps are in the ledger; a claim with a disputed step is not good there."""
        return {name: derivations.judge(name, shadows=False) for name in derivations.claims()}

    def judge_all(self) -> None:
        """Judge every claim now. Raises Unusable for one that is not as it should be: nothing else may be shown."""
        for name, judgement in self.judgements.items():
            expected = derivations.claims()[name].expects
            if judgement.verdict.kind != expected:
                raise Unusable(f"{name} is {judgement.verdict.kind}, expected {expected}; see `threefold show {name}`")

    @cached_property
    def used_by(self) -> dict[str, list[str]]:
        users: dict[str, list[str]] = {name: [] for name in derivations.claims()}
        for name, judgement in self.judgements.items():
            for used in judgement.uses:
                users[used].append(name)
        return users

    def claim(self, name: str, where: str) -> Claim:
        """The claim with this id or tag. Raises Unusable, naming the place, when there is none."""
        claims = derivations.claims()
        for claim in claims.values():
            if name in (claim.id, claim.tag):
                return claim
        raise Unusable(f"{where}: no claim has the id or tag {name!r}{nearest(name, claims)}")

    def exercise(self, name: str, where: str) -> Claim:
        """The exercise or the claim with this id (or tag). Raises Unusable, naming the place, when there is none."""
        return derivations.exercises().get(name) or self.claim(name, where)

    def judgement(self, claim: Claim) -> Judgement:
        """What the kernel says of a claim or an exercise. Raises Unusable for an exercise that is not solved."""
        if claim.id not in derivations.exercises():
            return self.judgements[claim.id]
        found = derivations.judge(claim, shadows=False)
        if not found.verdict:
            raise Unusable(f"{claim.id} is {found.verdict.kind}, not proved; see `threefold show {claim.id}`")
        return found

    def foundations(self, name: str) -> list[str]:
        """Every claim that this one rests on, however far down."""
        found: list[str] = []
        waiting = list(self.judgements[name].uses)
        while waiting:
            used = waiting.pop(0)
            if used not in found:
                found.append(used)
                waiting += self.judgements[used].uses
        return found

    def assumptions(self, name: str) -> list[str]:
        """The assumptions made by this claim and by all that it rests on."""
        everything = [name, *self.foundations(name)]
        return list(dict.fromkeys(a for n in everything for a in self.judgements[n].assumptions))

    def standing(self, name: str) -> str:
        """`deep`: proved, and so is all below it, with nothing assumed; `proved`; or what the verdict says."""
        kind = self.judgements[name].verdict.kind
        if kind != "proved":
            return kind
        below = [name, *self.foundations(name)]
        sound = all(self.judgements[n].verdict.kind in ("proved", "definition") for n in below)
        return "deep" if sound and not self.assumptions(name) else "proved"
