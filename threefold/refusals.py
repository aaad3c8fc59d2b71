"""Which reasons of the kernel mean that a claim cannot be judged at all, and what its author can do."""

from __future__ import annotations

# The beginning or a part of what the kernel says, and the remedy.
REMEDIES = (
    ("circular:", "prove one of the two without the other"),
    ("no claim is called", "correct the id of the lemma; `threefold list --fast` shows those of the library"),
    ("has no point", "widen the domain until some point lies in it"),
)


def remedy(reason: str) -> str | None:
    """What to do about a claim that is refused for this reason; None where it was judged and found wanting."""
    return next((advice for words, advice in REMEDIES if words in reason), None)
