"""What a request may hold: it names a rule of the kernel, and nothing in it is a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derivations.kernel.genuine import refuse_impostors
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.naming import refuse_ambiguous_indices
from derivations.kernel.rules.base import Rule, StepFails
from derivations.kernel.sorts import sort
from derivations.kernel.substitution import core


def refuse_stranger(rule: Any) -> None:
    """A request holds a name and terms, texts, numbers, hypotheses and requests; anything else is none."""
    if type(rule) is not Rule:
        raise StepFails(f"{rule!r} is no rule: write one of derivations.rules, such as by=algebra")
    for a in _flat(rule.arguments):
        if type(a) is Rule:
            refuse_stranger(a)
        elif isinstance(a, sp.Basic):
            refuse_impostors(a)
            refuse_ambiguous_indices(a)
            sort(core(a))
        elif type(a) not in (Hypothesis, str, int):
            raise StepFails(f"a rule takes terms, and {a!r} is none")


def _flat(arguments: Any) -> Iterator[Any]:
    for a in arguments:
        yield from _flat(a) if type(a) is tuple else [a]
