"""What a request may hold: it names a rule of the kernel, and nothing in it is a stranger."""

from __future__ import annotations

import inspect
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
    if type(rule.arguments) is not tuple:
        raise StepFails(f"the arguments of the rule {rule.key!r} are no plain tuple: write the rule by its function")
    _refuse_other_arguments(rule)
    for a in _flat(rule.arguments):
        if type(a) is Rule:
            refuse_stranger(a)
        elif isinstance(a, sp.Basic):
            refuse_impostors(a)
            refuse_ambiguous_indices(a)
            sort(core(a))
        elif type(a) not in (Hypothesis, str, int):
            raise StepFails(f"a rule takes terms, and {a!r} is none")


def _refuse_other_arguments(rule: Rule) -> None:
    """As many as its primitive takes, and a request where it takes one."""
    source = rule.primitive.source
    if source is None:
        return
    names = list(inspect.signature(source).parameters.values())
    wanted = names[4 if names[0].name == "relation" else 2 :]  # beside the lines and their context
    rest = [p for p in wanted if p.kind is p.VAR_POSITIONAL]
    plain = [p for p in wanted if p not in rest]
    if len(rule.arguments) < len(plain) or (not rest and len(rule.arguments) > len(plain)):
        raise StepFails(f"the rule {rule.key!r} takes {len(plain)} arguments, and is given {len(rule.arguments)}")
    if any(p.annotation == "Rule" for p in rest) and not rule.arguments:
        raise StepFails(f"the rule {rule.key!r} takes rules, and is given none")
    for p, a in zip([*plain, *rest * len(rule.arguments)], rule.arguments, strict=False):
        if (p.annotation == "Rule") != (type(a) is Rule):
            what = "a rule" if p.annotation == "Rule" else "no rule"
            raise StepFails(f"the rule {rule.key!r} takes {what} in the place of {a!r}")


def _flat(arguments: Any) -> Iterator[Any]:
    for a in arguments:
        yield from _flat(a) if type(a) is tuple else [a]
