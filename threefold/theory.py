"""Where the claims come from. It is `derivations`, through this one door, so that a test can offer other claims."""

from __future__ import annotations

import fnmatch
import importlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

from threefold import account, claimfile
from threefold.account import Heading
from threefold.errors import Unusable, nearest

if TYPE_CHECKING:
    from derivations import Claim, Editorial, Erratum, ErratumReport, Judgement, MutantReport


@dataclass(frozen=True)
class Setting:
    """Names of the modules that hold the claims and their witnesses: names, since worker processes import them too.

    file: a file of claims and witnesses of one's own, whose proofs may rest on those of the theory; "" for none.
    """

    theory: str = "derivations"
    witnesses: str = "threefold.witnesses"
    file: str = ""

    @property
    def are_exercises(self) -> bool:
        """Exercises have no tags, and nobody measures them."""
        return self.theory == EXERCISES


EXERCISES = "derivations.exercises"


class Theory(Protocol):
    """What a module of claims offers; `derivations` does."""

    def claims(self) -> Mapping[str, Claim]: ...
    def judge(self, claim: str, /) -> Judgement: ...
    def judge_mutants(self, claim: str, /, seed: int = 0) -> MutantReport: ...
    def errata(self) -> tuple[Erratum, ...]: ...
    def editorial(self) -> tuple[Editorial, ...]: ...
    def judge_erratum(self, erratum: Erratum, /) -> ErratumReport: ...


def load(setting: Setting) -> Theory:
    """Import the claims. Raises Unusable when they contradict themselves: an id or a tag that stands twice.

    A file of one's own is run by it, so only worker processes, which have a time limit, load one.
    """
    if setting.file:
        return claimfile.load(setting.file)
    try:
        theory = cast(Theory, importlib.import_module(setting.theory))
        claims = theory.claims()
    except (ValueError, KeyError) as error:
        reason = error.args[0] if error.args else error
        raise Unusable(f"the claims cannot be read: {reason}") from error
    if setting.are_exercises:
        return theory
    tags = {name: account.tag_of(claim) for name, claim in claims.items()}
    for tag, count in Counter(tags.values()).items():
        ids = ", ".join(name for name in claims if tags[name] == tag)
        if not tag:
            raise Unusable(f"no tag stands for {ids}; each claim needs one: append a line to derivations/tags.csv")
        if count > 1:
            raise Unusable(f"tag {tag} stands at {count} claims ({ids}); one is the limit: give each a tag of its own")
    return theory


def headings(setting: Setting) -> dict[str, Heading]:
    """What the claims say of themselves, in their order. A file of one's own is read in a process with a time limit."""
    if setting.file:
        return claimfile.headings(setting.file)
    claims = load(setting).claims()
    modules = account.modules_of(claims.values(), setting.theory.partition(".")[0])
    found = {name: account.of_claim(claim, modules=modules[name]) for name, claim in claims.items()}
    return {
        name: replace(heading, witnesses=()) if setting.are_exercises else heading for name, heading in found.items()
    }


def of_exercises(setting: Setting, names: Iterable[str]) -> Setting:
    """The same, or that of the exercises where the ids or patterns are theirs. Raises Unusable where some only are."""
    wanted = list(names)
    asked = [name for name in wanted if name.startswith("exercise.")]
    if not asked:
        return setting
    if len(asked) < len(wanted):
        raise Unusable(f"{asked[0]!r} are exercises, which are not of the ledger; judge them in a command of their own")
    return Setting(EXERCISES, setting.witnesses)


def select(claims: Mapping[str, Heading], patterns: Iterable[str]) -> list[str]:
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


def find(claims: Mapping[str, Heading], name: str) -> Heading:
    """The claim with this id or tag. Raises Unusable with the nearest ids when there is none."""
    if name in claims:
        return claims[name]
    for claim in claims.values():
        if claim.tag and claim.tag == name.upper():
            return claim
    near = nearest(name, [*claims, *(claim.tag for claim in claims.values())])
    raise Unusable(f"no claim has the id or tag {name!r}{near} `threefold list --fast` shows all {len(claims)}")
