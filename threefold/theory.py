"""Where the claims come from. It is `derivations`, through this one door, so that a test can offer other claims."""

from __future__ import annotations

import fnmatch
import importlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from threefold.errors import Unusable, nearest

if TYPE_CHECKING:
    from derivations import Claim, Editorial, Erratum, ErratumReport, Judgement, MutantReport


@dataclass(frozen=True)
class Setting:
    """Names of the modules that hold the claims and their witnesses: names, since worker processes import them too."""

    theory: str = "derivations"
    witnesses: str = "threefold.witnesses"


class Theory(Protocol):
    """What a module of claims offers; `derivations` does."""

    def claims(self) -> Mapping[str, Claim]: ...
    def judge(self, claim: str, /) -> Judgement: ...
    def judge_mutants(self, claim: str, /, seed: int = 0) -> MutantReport: ...
    def errata(self) -> tuple[Erratum, ...]: ...
    def editorial(self) -> tuple[Editorial, ...]: ...
    def judge_erratum(self, erratum: Erratum, /) -> ErratumReport: ...


def load(setting: Setting) -> Theory:
    """Import the claims. Raises Unusable when they contradict themselves: an id or a tag that stands twice."""
    try:
        theory = cast(Theory, importlib.import_module(setting.theory))
        claims = theory.claims()
    except (ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        raise Unusable(f"the claims cannot be read: {reason}") from error
    for tag, count in Counter(claim.tag for claim in claims.values()).items():
        if count > 1:
            ids = ", ".join(claim.id for claim in claims.values() if claim.tag == tag)
            raise Unusable(f"tag {tag} stands at {count} claims ({ids}); one is the limit: give each a tag of its own")
    return theory


def select(claims: Mapping[str, Claim], patterns: Iterable[str]) -> list[str]:
    """The ids that match any of the glob patterns, in the order of the claims; all of them for no pattern.

    Raises Unusable for a pattern that matches nothing.
    """
    chosen: set[str] = set()
    wanted = list(patterns)
    for pattern in wanted:
        matches = fnmatch.filter(claims, pattern)
        if not matches:
            raise Unusable(
                f"no claim matches {pattern!r} among {len(claims)}{nearest(pattern, [*claims, *_families(claims)])} "
                "`threefold list --fast` shows every id; a glob pattern such as 'ddpm.*' goes in quotes"
            )
        chosen.update(matches)
    return [name for name in claims if name in chosen or not wanted]


def _families(ids: Iterable[str]) -> set[str]:
    """Patterns that match the ids with a common beginning: 'ddpm.*', 'ddpm.loss.*'."""
    parts = (name.split(".") for name in ids)
    return {".".join([*names[:n], "*"]) for names in parts for n in range(1, len(names))}


def find(claims: Mapping[str, Claim], name: str) -> Claim:
    """The claim with this id or tag. Raises Unusable with the nearest ids when there is none."""
    if name in claims:
        return claims[name]
    for claim in claims.values():
        if claim.tag == name.upper():
            return claim
    near = nearest(name, [*claims, *(claim.tag for claim in claims.values())])
    raise Unusable(f"no claim has the id or tag {name!r}{near} `threefold list --fast` shows all {len(claims)}")
