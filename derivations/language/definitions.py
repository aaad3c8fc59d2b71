"""Definitions as claims: an abbreviation on the left, what it stands for on the right, and the verdict *definition*."""

from __future__ import annotations

from typing import Any

from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.rules.probability import definition
from derivations.language.chains import Chain
from derivations.language.claims import Claim, Statement


def defined(
    claim_id: str,
    title: str,
    *pairs: tuple[Any, Any, str],
    chapter: str,
    scope: str,
    sources: tuple[str, ...],
    words: str,
    domain: Domain | None = None,
    hypotheses: tuple[Hypothesis, ...] = (),
) -> Claim:
    """The claim that each abbreviation stands for the term beside it, with words that say what it is.

    It is judged like a proof of one step, whose rule is that a definition may be unfolded; so the term is well formed,
    and means something everywhere in the domain.
    """
    claim = Claim(
        id=claim_id,
        title=title,
        chapter=chapter,
        kind="definition",
        says=tuple(Statement(name, "=", term, words=said) for name, term, said in pairs),
        scope=scope,
        sources=sources,
        words=words,
        domain=domain or Domain(),
        hypotheses=hypotheses,
        expects="definition",
    )
    for part, statement in enumerate(claim.says):

        @claim.proves(part)
        def _(line: Chain, s: Statement = statement) -> None:
            line(s.lhs)
            line(s.rhs, by=definition)

    return claim
