"""The old address of `derivations.language`."""

from derivations.language.chains import Chain, Line, Proof
from derivations.language.claims import TAGS, Claim, Kind, Relation, Statement, tags

__all__ = ["TAGS", "Chain", "Claim", "Kind", "Line", "Proof", "Relation", "Statement", "tags"]
