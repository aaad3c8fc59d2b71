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

Tier = Literal["decided", "law", "assumed"]


class StepFails(ValueError):
    """The rule does not apply here; the message says which condition is missing."""


@dataclass(frozen=True)
class Hypothesis:
    """A named condition of a claim. With `lhs` and `rhs` it may be used as an equation, for the indices in `when`."""

    name: str
    words: str
    lhs: Any = None
    rhs: Any = None
    when: Mapping[Any, tuple[Any, Any]] = field(default_factory=dict)
    needed_because: str = ""

    def __hash__(self) -> int:
        return hash((self.name, self.lhs, self.rhs))


@dataclass
class Context:
    """What a step may rely on, and what it used. `lemma(id)` proves an earlier claim or raises StepFails.

    `above` holds the statements of this very claim that are proved already, each with its domain.
    """

    domain: Domain
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)
    lemma: Callable[[str], Any] | None = None
    used_claims: list[str] = field(default_factory=list)
    used_hypotheses: list[str] = field(default_factory=list)
    above: Mapping[int, Any] = field(default_factory=dict)

    def inside(self, domain: Domain) -> Context:
        return replace(self, domain=domain)

    def require(self, name: str) -> Hypothesis:
        if name not in self.hypotheses:
            raise StepFails(f"needs the hypothesis {name!r}, which the claim does not declare")
        if name not in self.used_hypotheses:
            self.used_hypotheses.append(name)
        return self.hypotheses[name]


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


algebra = Rule("algebra", "decided", "the difference of the two lines is zero in the polynomial ring")


def walk(e: Any, change: Callable[[Any, Context], Any], context: Context) -> Any:
    """Apply `change` to every node, innermost first; inside a sum the context knows the range of the index."""
    if not isinstance(e, sp.Basic) or not e.args:
        return change(e, context)
    inner = context
    if isinstance(e, terms.SumTo | terms.ProductTo):
        inner = context.inside(context.domain.with_index(*e.args[1:]))
    elif isinstance(e, terms.DiagonalNormal | terms.AffineImage | terms.BernoulliProduct):
        inner = context.inside(context.domain.with_index(e.args[1], sp.S.One, e.args[-1]))
    args = [walk(a, change, inner) for a in e.args]
    return change(e if all(a is b for a, b in zip(args, e.args, strict=True)) else e.func(*args), context)


def rewrite_instances(
    e: Any, pattern: Any, replacement: Any, context: Context, allowed: Callable[[Context], None]
) -> Any:
    """Replace every subterm equal (by algebra) to `pattern`; `allowed` raises StepFails where it does not hold."""

    def change(node: Any, local: Context) -> Any:
        if type(node) is not type(pattern) or not (node == pattern or Algebra(local.domain).equal(node, pattern)):
            return node
        allowed(local)
        return replacement

    return walk(e, change, context)


def in_order(rules: Iterable[Rule]) -> Rule:
    """Several rules in one step: rewritten by each in turn, decided by the last, of the weakest tier among them."""
    chain = tuple(rules)
    tiers: tuple[Tier, ...] = ("decided", "law", "assumed")

    def rewrite(e: Any, context: Context) -> Any:
        for rule in chain:
            e = rule.rewrite(e, context)
        return e

    return Rule(
        ", ".join(r.name for r in chain),
        max((r.tier for r in chain), key=tiers.index),
        "; ".join(r.condition for r in chain),
        rewrite,
        chain[-1].decide,
    )


# --- which random variables does a term depend on? --------------------------------------------------------------------


def may_touch(e: Any, variables: Any) -> bool:
    """False only when e certainly does not depend on any of the variables."""
    return any(_may_be_same(mine, v) for mine in mentioned(e) for v in variables)


def mentioned(e: Any) -> set[Any]:
    """Random variables that occur in e: vector symbols, family members x(t), blocks."""
    found = set(e.atoms(terms.VectorSymbol, terms.Block)) if isinstance(e, sp.Basic) else set()
    return found | {a for a in e.atoms(terms.VectorFunction) if len(a.args) == 1} if isinstance(e, sp.Basic) else found


def _may_be_same(a: Any, b: Any) -> bool:
    if isinstance(a, terms.VectorSymbol) or isinstance(b, terms.VectorSymbol):
        return bool(a == b)
    (head_a, lo_a, hi_a), (head_b, lo_b, hi_b) = _range(a), _range(b)
    if head_a != head_b:
        return False
    return not any(gap.is_Integer and gap > 0 for gap in (sp.expand(lo_b - hi_a), sp.expand(lo_a - hi_b)))


def _range(v: Any) -> tuple[str, Any, Any]:
    if isinstance(v, terms.Block):
        return v.args[0].name, *v.bounds
    return type(v).__name__, v.args[0], v.args[0]


def refuse_open_definitions(*expressions: Any) -> None:
    """Refuse an abbreviation whose meaning depends on a symbol that is not among its arguments: it would look constant."""
    for e in expressions:
        for named in e.atoms(terms.DefinedFunction):
            body = named.unfold()
            refuse_open_definitions(body)
            averaged = [v for a in body.atoms(terms.Expect, terms.KL) for v in a.args[0].variables]
            known = terms.variable_set([*averaged, *(v for a in named.args for v in mentioned(a))])
            stray = {v for v in mentioned(body) if not is_member(v, known, Domain())}
            scalars = {s for s in terms.free_scalars(body) if s != terms.DIM and not named.has(s)}
            if stray or scalars:
                raise terms.Malformed(f"{named} hides {stray | scalars}: make them arguments of {type(named).__name__}")


def is_member(v: Any, members: Any, domain: Domain) -> bool | None:
    """Is the random variable v among `members` (variables and blocks)? None when the domain does not decide it."""
    undecided = False
    for m in members:
        if v == m:
            return True
        if isinstance(v, terms.VectorSymbol) or isinstance(m, terms.VectorSymbol) or _range(v)[0] != _range(m)[0]:
            continue
        (_, lo, hi), (_, lo_m, hi_m) = _range(v), _range(m)
        if domain.at_least_zero(lo - lo_m) and domain.at_least_zero(hi_m - hi):
            return True
        if not (domain.at_least_zero(lo_m - hi - 1) or domain.at_least_zero(lo - hi_m - 1)):
            undecided = True
    return None if undecided else False
