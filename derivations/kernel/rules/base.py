"""What a rule is: a rewriting that keeps the value, with a name, a tier and a condition in words.

To judge `previous = next` by a rule, the kernel applies the same rewriting to both lines and asks the algebra whether
the results are equal. So a rule never sees which line was typed, and nothing that a person typed is ever trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra
from derivations.kernel.domain import Domain
from derivations.kernel.scope import domains_inside, refuse_clashes
from derivations.kernel.terms import Malformed

Tier = Literal["decided", "law", "assumed"]


# What rules suppose without an equation. The rules ask for them by name, so the name must stand for these words.
ASSUMPTIONS = {
    "integrable": "every expectation written is finite",
    "common support": "a density ratio is averaged under a law that is positive wherever its numerator is",
    "interchange": "derivatives are dominated, so they pass under the expectation",
}


class StepFails(ValueError):
    """The rule does not apply here; the message says which condition is missing."""


@dataclass(frozen=True)
class Hypothesis:
    """A named condition of a claim. With `lhs` and `rhs` it may be used as an equation.

    The equation holds for the indices in `when`, each in its range, and for all values of the vectors in it; every
    other symbol in it is fixed.
    """

    name: str
    words: str
    lhs: Any = None
    rhs: Any = None
    when: Mapping[Any, tuple[Any, Any]] = field(default_factory=dict)
    needed_because: str = ""

    def __post_init__(self) -> None:
        if (self.lhs is None) != (self.rhs is None):
            raise Malformed(f"the hypothesis {self.name!r} is half an equation: give both sides, or neither")
        for side in ("lhs", "rhs"):
            if getattr(self, side) is not None:
                object.__setattr__(self, side, sp.sympify(getattr(self, side), strict=True))

    def __hash__(self) -> int:
        return hash((self.name, self.lhs, self.rhs))

    def domain(self, around: Domain) -> Domain:
        """What is known where the hypothesis holds: its indices in their ranges, the rest as around it."""
        for index, bounds in self.when.items():
            around = around.with_index(index, *bounds)
        return around


def _no_lemma(claim_id: str) -> Any:
    raise StepFails(f"{claim_id} cannot be used here, where no claim is being judged")


@dataclass
class Context:
    """What a step may rely on, and what it used. `lemma(id)` proves an earlier claim or raises StepFails.

    `above` holds the statements of this very claim that are proved already, each with its domain and hypotheses;
    `bound` the symbols that vary around the place looked at: indices of sums and limits, variables of derivatives.
    """

    domain: Domain
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)
    lemma: Callable[[str], Any] = _no_lemma
    used_claims: list[str] = field(default_factory=list)
    above: Mapping[int, Any] = field(default_factory=dict)
    bound: frozenset[Any] = frozenset()

    def inside(self, e: Any) -> list[Context]:
        """The context in each argument of e."""
        moving = range(2) if isinstance(e, terms.D) else terms.binds(e)
        return [
            replace(self, domain=known, bound=self.bound | {e.args[1]})
            if place in moving
            else self
            if known is self.domain
            else replace(self, domain=known)
            for place, known in enumerate(domains_inside(e, self.domain))
        ]

    def require(self, name: str) -> Hypothesis:
        if name not in self.hypotheses:
            raise StepFails(f"needs the hypothesis {name!r}, which the claim does not declare")
        declared = self.hypotheses[name]
        if declared.words != ASSUMPTIONS.get(name, declared.words):
            raise StepFails(f"the hypothesis {name!r} must say that {ASSUMPTIONS[name]}")
        return declared


Rewrite = Callable[[Any, Context], Any]
Decide = Callable[[str, Any, Any, Context], bool]


def decide_by_algebra(relation: str, previous: Any, following: Any, context: Context) -> bool:
    if relation not in ("=", "iff"):
        raise StepFails(f"this rule proves equalities, not {relation!r}")
    return Algebra(context.domain).equal(previous, following)


@dataclass(frozen=True)
class Rule:
    """`rewrite` keeps the value of an expression; `decide` compares the rewritten lines (by algebra unless said)."""

    name: str
    tier: Tier
    condition: str
    rewrite: Rewrite = lambda e, _: e
    decide: Decide = decide_by_algebra

    def rewritten(self, e: Any, context: Context) -> Any:
        """The rewritten expression; Malformed when an index could be captured on the way."""
        refuse_clashes(e)
        result = self.rewrite(e, context)
        refuse_clashes(result)
        return result


algebra = Rule("algebra", "decided", "the difference of the two lines is zero in the polynomial ring")


def walk(e: Any, change: Callable[[Any, Context], Any], context: Context) -> Any:
    """Apply `change` to every node, innermost first; in the scope of an index the context knows its range."""
    if not isinstance(e, sp.Basic) or not e.args:
        return change(e, context)
    args = [walk(a, change, local) for a, local in zip(e.args, context.inside(e), strict=True)]
    return change(e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args), context)


def everywhere(change: Callable[[Any, Context], Any]) -> Rewrite:
    """The rewriting that applies `change` to every node of an expression, in the context of that node."""
    return lambda e, context: walk(e, change, context)


def in_order(rules: Iterable[Rule]) -> Rule:
    """Several rules in one step: rewritten by each in turn, decided by the last, of the weakest tier among them."""
    chain = tuple(rules)
    tiers: tuple[Tier, ...] = ("decided", "law", "assumed")

    def rewrite(e: Any, context: Context) -> Any:
        for rule in chain:
            e = rule.rewritten(e, context)
        return e

    return Rule(
        ", ".join(dict.fromkeys(r.name for r in chain)),
        max((r.tier for r in chain), key=tiers.index),
        "; ".join(r.condition for r in chain),
        rewrite,
        chain[-1].decide,
    )
