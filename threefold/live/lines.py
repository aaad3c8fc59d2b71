"""One line of a derivation, and what a single slip of the pen makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from derivations import claims, exercises, printing
from derivations.language.chains import Line
from derivations.language.claims import Claim
from derivations.refutation.mutants import mistakes, written_out
from threefold.check.options import Unusable
from threefold.check.tokens import NotRead, flat, tokenise


@dataclass(frozen=True)
class DerivationLine:
    """A line of a derivation: of which claim, statement and chain (each from 0), and its number as it is shown."""

    claim: Claim
    part: int
    chain: int
    place: int
    number: int

    @property
    def lines(self) -> Sequence[Line]:
        """The chain that it stands in."""
        return self.claim.proofs[self.part].chains[self.chain].lines

    @property
    def line(self) -> Line:
        return self.lines[self.place]

    @property
    def anchor(self) -> str:
        """Its name on the pages: tag, statement where there are several, number."""
        several = [str(self.part + 1)] if len(self.claim.says) > 1 else []
        return ".".join([short_name(self.claim), *several, str(self.number)])


def short_name(claim: Claim) -> str:
    """The tag, or the id of an exercise, which has none."""
    return claim.id if claim.id in exercises() else claim.tag


def argued() -> list[Claim]:
    """Every claim and every exercise with a derivation, in the order of the chapters."""
    return [claim for claim in (*claims().values(), *exercises().values()) if claim.proofs]


def claim(name: str) -> Claim:
    """The claim or exercise of this id or tag. Raises Unusable."""
    for found in (*claims().values(), *exercises().values()):
        if name in (found.id, short_name(found)):
            return found
    raise Unusable(f"no claim has the id or tag {name[:60]!r}: choose one from the list")


def rows(claim: Claim) -> Iterator[DerivationLine]:
    """Every line of a claim's derivations, in the order of the page."""
    for part, proof in sorted(claim.proofs.items()):
        number = 0
        for chain, written in enumerate(proof.chains):
            for place in range(len(written.lines)):
                number += 1
                yield DerivationLine(claim, part, chain, place, number)


def row(anchor: str) -> DerivationLine:
    """The line of this name, such as 0A07.3. Raises Unusable."""
    found = claim(re.sub(r"(\.\d+)+$", "", anchor))
    for each in rows(found):
        if each.anchor == anchor:
            if each.place == 0:
                raise Unusable(f"{anchor} is the first line of its chain and follows from none: choose a later one")
            return each
    raise Unusable(f"claim {short_name(found)} has no line {anchor[:60]!r}: choose one from the list")


@dataclass(frozen=True)
class Edit:
    """One slip: what it is, the term that it makes, that term as it is printed, and what it was made in."""

    name: str
    term: Any
    latex: str
    made_in: str


def edits(e: Any, relation: str) -> list[Edit]:
    """Every single slip in a term that can be seen in print, those inside its abbreviations last."""
    found: dict[str, Edit] = {}
    for term in dict.fromkeys((e, written_out(e))):
        made_in = printing.latex(term)
        for name, changed in mistakes(term, relation):
            latex = _printed(changed)
            if latex and latex not in found and latex != made_in:
                found[latex] = Edit(name, changed, latex, made_in)
    return list(found.values())


def _printed(e: Any) -> str:
    """The term in LaTeX; nothing where no line is left of it to print."""
    try:
        return printing.latex(e)
    except Exception:  # a slip may leave what no printer was made for; it is not offered
        return ""


def signs(latex: str) -> str:
    """A formula without spacing and dress, to compare what was typed with what is printed."""
    try:
        return " ".join(flat(tokenise(latex)))
    except NotRead:
        return "".join(latex.split())


def difference(before: str, after: str) -> tuple[str, str]:
    """The parts of two formulas in which they differ, in whole signs."""
    one, two = (re.findall(r"\\[a-zA-Z]+ ?|\\?\S", text) for text in (before, after))
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    return "".join(one[start : len(one) - end]), "".join(two[start : len(two) - end])
