"""What a rule is: a request by name, and the primitive that the kernel keeps under that name.

A `Rule` is what a derivation writes: a name and arguments, frozen data and nothing else. What it does is looked up in a
table that only the modules of this folder fill, while the kernel is being imported; it is closed afterwards.

To judge `previous = next` by a rule, the kernel applies the same rewriting to both lines and asks the algebra whether
the results are equal. So a primitive never sees which line was typed, and nothing that a person typed is ever trusted.

A primitive is added in one of these modules: `@rewriting("name", tier, condition)` over a function of (term, context,
*arguments) that returns a term of the same value, or `@deciding(...)` over one of (relation, previous, following,
context, *arguments); its request, `name = Rule("name")`, stands below it. Terms are core terms. Look inside one by
`enter` of the context, put terms in by `substitute`, and never by `xreplace` or `subs`. Ask the context to `require`
what is supposed. What it returns passes the door (`formation`) again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra
from derivations.kernel.binders import INDEXED, refuse_loose
from derivations.kernel.continuous import Granted
from derivations.kernel.dependence import Inside, enter
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import ASSUMPTIONS, Hypothesis
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core

__all__ = ["ASSUMPTIONS", "Context", "Hypothesis", "Rule", "StepFails", "algebra", "in_order", "walk"]

Tier = Literal["decided", "law", "given", "assumed"]
TIERS: tuple[Tier, ...] = ("decided", "law", "given", "assumed")  # from the surest


class StepFails(ValueError):
    """The rule does not apply here; the message says which condition is missing."""


# Places of arguments in which the variable e.args[1] moves: nothing that is known of one value of it may be used there.
MOVING = {terms.D: (0, 1), terms.Series: (0, 1), terms.At: (0,), terms.IntegralTo: (0,), terms.LinearSDE: (3, 4)}


def _no_lemma(claim_id: str) -> Any:
    raise StepFails(f"{claim_id} cannot be used here, where no claim is being judged")


@dataclass
class Context:
    """What a step may rely on, and what it used. `lemma(id)` gives the theorems of an earlier claim; or StepFails.

    `above` holds the theorems of the statements of this very claim that are proved already; `supposed` the analytic
    rules that the theorems which were used assume; `spaces` the sizes of the vectors that are written here. `around`
    are the indices of the sums around the place looked at, innermost first; `moving` the variables of derivatives and
    limits around it.
    """

    domain: Domain
    hypotheses: Mapping[str, Hypothesis] = field(default_factory=dict)
    lemma: Callable[[str], Any] = _no_lemma
    used_claims: list[str] = field(default_factory=list)
    supposed: list[str] = field(default_factory=list)
    above: Mapping[Any, Any] = field(default_factory=dict)
    spaces: Spaces = field(default_factory=Spaces)
    around: tuple[Any, ...] = ()
    moving: frozenset[Any] = frozenset()

    def enter(self, e: Any) -> tuple[Inside, list[Context]]:
        """The arguments of e, its index opened, and the context in each of them."""
        inside = enter(e, self.domain)
        around = self.around if inside.index is None else (inside.index, *self.around)
        moves = MOVING.get(type(e), ())
        moving = self.moving | {e.args[1]} if moves else self.moving
        contexts = [
            self
            if known is self.domain and place not in moves
            else replace(self, domain=known, around=around, moving=moving if place in moves else self.moving)
            for place, known in enumerate(inside.domains)
        ]
        return inside, contexts

    def require(self, name: str) -> Hypothesis:
        if name not in self.hypotheses:
            raise StepFails(f"needs the hypothesis {name!r}, which the claim does not declare")
        declared = self.hypotheses[name]
        if declared.words != ASSUMPTIONS.get(name, declared.words):
            raise StepFails(f"the hypothesis {name!r} must say that {ASSUMPTIONS[name]}")
        return declared

    @property
    def integrable(self) -> bool:
        """Is every mean finite, by a hypothesis that says so?"""
        return self.supposes("integrable")

    @property
    def granted(self) -> Granted:
        """What the hypotheses grant of derivatives."""
        return Granted.by(self.hypotheses.values())

    def supposes(self, name: str) -> bool:
        return name in self.hypotheses and self.hypotheses[name].words == ASSUMPTIONS[name]


# --- primitives -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Primitive:
    """`rewrite` keeps the value of an expression; `decide` compares the rewritten lines; `source` is one of the two."""

    tier: Tier
    shown: Callable[..., str]
    condition: Callable[..., str]
    rewrite: Callable[..., Any]
    decide: Callable[..., bool]
    source: Callable[..., Any] | None = None


def _same(e: Any, *_: Any) -> Any:
    return e


def decide_by_algebra(relation: str, previous: Any, following: Any, context: Context, *_: Any) -> bool:
    if relation not in ("=", "iff"):
        raise StepFails(f"this rule proves equalities, not {relation!r}")
    return Algebra(context.domain).equal(previous, following)


def _table() -> tuple[Callable[[str, Primitive], None], Callable[[str], Primitive | None], Callable[[], None]]:
    """(add, find, close) of the table of primitives, which nobody else can reach."""
    primitives: dict[str, Primitive] = {}
    is_open = [True]

    def add(name: str, primitive: Primitive) -> None:
        if not is_open[0] or name in primitives:
            raise TypeError(f"the kernel's rules are complete: no rule {name!r} can be added from outside")
        primitives[name] = primitive

    return add, primitives.get, lambda: is_open.__setitem__(0, False)


_add, find_primitive, close_table = _table()


def _words(text: str | Callable[..., str]) -> Callable[..., str]:
    return text if callable(text) else lambda *_: text


def rewriting(
    name: str, tier: Tier, condition: str | Callable[..., str], shown: str | Callable[..., str] = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keep the function as the primitive of this name: it rewrites a term into one of the same value."""

    def register(rewrite: Callable[..., Any]) -> Callable[..., Any]:
        source = getattr(rewrite, "source", rewrite)
        _add(name, Primitive(tier, _words(shown or name), _words(condition), rewrite, decide_by_algebra, source))
        return rewrite

    return register


def at_every_node(
    name: str, tier: Tier, condition: str | Callable[..., str], shown: str | Callable[..., str] = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same for a function that rewrites one node; it is applied to every node, in the context of that node."""

    def register(change: Callable[..., Any]) -> Callable[..., Any]:
        def rewrite(e: Any, context: Context, *arguments: Any) -> Any:
            return walk(e, lambda node, local: change(node, local, *arguments), context)

        rewrite.source = change  # type: ignore[attr-defined]
        rewriting(name, tier, condition, shown)(rewrite)
        return change

    return register


def deciding(
    name: str, tier: Tier, condition: str | Callable[..., str], shown: str | Callable[..., str] = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keep the function as the primitive of this name: it decides one relation between two lines."""

    def register(decide: Callable[..., bool]) -> Callable[..., bool]:
        _add(name, Primitive(tier, _words(shown or name), _words(condition), _same, decide, decide))
        return decide

    return register


# --- requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A request: the name of a primitive, and its arguments. What is shown of it is the primitive's own.

    It has no room for anything else (`slots`): a `decide` of its own would answer in the place of the kernel's.
    """

    key: str
    arguments: tuple[Any, ...] = ()

    @property
    def primitive(self) -> Primitive:
        found = find_primitive(self.key) if type(self) is Rule and type(self.key) is str else None
        if found is None:
            raise StepFails(f"the kernel has no rule {self.key!r}")
        return found

    @property
    def name(self) -> str:
        return self.primitive.shown(*self.arguments)

    @property
    def condition(self) -> str:
        return self.primitive.condition(*self.arguments)

    @property
    def tier(self) -> Tier:
        tiers = [self.primitive.tier, *(a.tier for a in _requests(self.arguments))]
        return max(tiers, key=TIERS.index)

    @property
    def assumed(self) -> tuple[str, ...]:
        """The names of the rules in this request that are granted, each by its own."""
        inside = (name for a in _requests(self.arguments) for name in a.assumed)
        return (*((self.name,) if self.primitive.tier == "assumed" else ()), *inside)

    def rewrite(self, e: Any, context: Context) -> Any:
        """The rewritten core term; Malformed when an index is captured or escapes on the way."""
        result = self.primitive.rewrite(core(e), context, *map(_core, self.arguments))
        refuse_loose(result)
        return result

    def decide(self, relation: str, previous: Any, following: Any, context: Context) -> bool:
        """Does the relation hold between the two rewritten lines?"""
        arguments = map(_core, self.arguments)
        return bool(self.primitive.decide(relation, core(previous), core(following), context, *arguments))


def _core(argument: Any) -> Any:
    """An argument with core terms for terms; requests look after their own."""
    if isinstance(argument, tuple):
        return tuple(map(_core, argument))
    return core(argument) if isinstance(argument, sp.Basic) else argument


def _requests(arguments: Any) -> Iterator[Rule]:
    for a in arguments:
        if isinstance(a, Rule):
            yield a
        elif isinstance(a, tuple):
            yield from _requests(a)


def in_order(rules: Any) -> Rule:
    """Several rules in one step: rewritten by each in turn, decided by the last, of the weakest tier among them."""
    chain = tuple(rules)
    return chain[0] if len(chain) == 1 else Rule("in order", chain)


def _in_order(e: Any, context: Context, *chain: Rule) -> Any:
    for rule in chain:
        e = rule.rewrite(e, context)
    return e


def _last_decides(relation: str, previous: Any, following: Any, context: Context, *chain: Rule) -> bool:
    return chain[-1].decide(relation, previous, following, context)


_add(
    "in order",
    Primitive(
        "decided",
        lambda *chain: ", ".join(dict.fromkeys(rule.name for rule in chain)),
        lambda *chain: "; ".join(rule.condition for rule in chain),
        _in_order,
        _last_decides,
        _in_order,
    ),
)
rewriting("algebra", "decided", "the difference of the two lines is zero in the polynomial ring")(_same)
algebra = Rule("algebra")


def walk(e: Any, change: Callable[[Any, Context], Any], context: Context) -> Any:
    """Apply `change` to every node, innermost first; in the scope of an index the context knows its range."""
    if not isinstance(e, sp.Basic) or not e.args:
        return change(e, context)
    inside, contexts = context.enter(e)
    args = [
        a if place == 1 and isinstance(e, INDEXED) else walk(a, change, local)
        for place, (a, local) in enumerate(zip(inside.args, contexts, strict=True))
    ]
    unchanged = all(a is b for a, b in zip(args, inside.args, strict=True))
    return change(e if unchanged else inside.close(args), context)
