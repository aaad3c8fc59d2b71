"""A claim is data: nothing in it may be of a class of its own, or hold more than its fields.

What is shown of a claim is asked of its parts, so a part with a `text` or a `words` of its own could say anything.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from derivations.kernel.domain import Domain, Interval
from derivations.kernel.hypotheses import Hypothesis
from derivations.language.chains import Chain, Line, Proof
from derivations.language.claims import Claim, Statement


def lies(claim: Any) -> str:
    """Why a claim may say one thing when it is judged and another when it is read; nothing when it cannot."""
    parts: list[tuple[Any, Any]] = [(claim, Claim)]
    if _is(claim, Claim):
        parts += [(claim.says, tuple), (claim.proofs, dict)]
        parts += [pair for s in claim.says for pair in ((s, Statement), (s.relation, str), (s.name, str))]
        parts += [(proof, Proof) for proof in claim.proofs.values()]
        chains = [chain for proof in claim.proofs.values() if _is(proof, Proof) for chain in proof.chains]
        parts += [(chain, Chain) for chain in chains]
        parts += [(chain.lines, list) for chain in chains if _is(chain, Chain)]
        parts += [(line, Line) for chain in chains if _is(chain, Chain) for line in chain.lines]
        domains = [claim.domain, *(s.domain for s in claim.says if _is(s, Statement) and s.domain is not None)]
        parts += [(d, Domain) for d in domains] + [(h, Hypothesis) for h in claim.hypotheses]
        parts += [(i, Interval) for d in domains if _is(d, Domain) for i in d.intervals.values()]
    if strange := next(((value, kind) for value, kind in parts if not _is(value, kind)), None):
        value, kind = strange
        return f"{type(value).__name__} is a {kind.__name__} of a class of its own, so what it says may change"
    for value, kind in parts:
        if added := sorted(set(getattr(value, "__dict__", ())) - _parts_of(kind)):
            return f"a {kind.__name__} was given {added[0]!r} of its own, so what is shown of it may be something else"
    return ""


def _parts_of(kind: Any) -> set[str]:
    """What an object of the class may hold: its fields, and what it remembers of itself."""
    remembered = {name for name, value in vars(kind).items() if isinstance(value, cached_property)}
    return {*getattr(kind, "__dataclass_fields__", ()), *remembered, *(["lines"] if kind is Chain else [])}


def _is(value: Any, kind: Any) -> bool:
    """Exactly of this class: a subclass could say anything."""
    return type(value) is kind
