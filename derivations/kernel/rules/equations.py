"""Rules that rewrite by an equation: a hypothesis, an earlier claim, a statement above, the induction hypothesis.

A hypothesis holds for the indices that it quantifies (`when`) and for every value of the vectors in it; all its other
symbols are fixed, so it says nothing about them as indices of a sum or as variables to differentiate by. An earlier
claim holds for every value of its symbols in its domain; a claim that rests on a hypothesis is as fixed as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra, holds
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.grammar import sort
from derivations.kernel.rules.base import Context, Hypothesis, Rule, StepFails, walk
from derivations.kernel.scope import may_touch, may_vary

Table = Mapping[Any, Any]
INDUCTION_HYPOTHESIS = "induction hypothesis"


def rewrite_instances(e: Any, lhs: Any, rhs: Any, context: Context, allowed: Callable[[Context], None]) -> Any:
    """Replace every subterm equal (by algebra) to lhs by rhs; `allowed` raises StepFails where lhs = rhs may fail."""

    def change(node: Any, local: Context) -> Any:
        if type(node) is not type(lhs) or not Algebra(local.domain).equal(node, lhs):
            return node
        allowed(local)
        return rhs

    return walk(e, change, context)


# --- hypotheses -------------------------------------------------------------------------------------------------------


def given(hypothesis: Hypothesis, **at: Any) -> Rule:
    """Use a declared hypothesis as an equation, at the indices named (`given(markov, t=t + 1)`)."""

    def rewrite(e: Any, context: Context) -> Any:
        declared = context.require(hypothesis.name)
        if declared != hypothesis or hypothesis.lhs is None:
            raise StepFails(f"the hypothesis {hypothesis.name!r} of this claim says something else")
        quantified = {index.name: index for index in declared.when}
        if free := set(at) - set(quantified):
            raise StepFails(f"{declared.name} holds for one {', '.join(sorted(free))}, not for every value of it")
        table = {quantified[name]: sp.sympify(value) for name, value in at.items()}
        lhs, rhs = _replaced(sp.Tuple(declared.lhs, declared.rhs), table, declared.name, context.domain)

        def allowed(local: Context) -> None:
            _check_range(declared.when, table, local, declared.name)
            _check_scope([declared], local)

        return rewrite_instances(e, lhs, rhs, context, allowed)

    return Rule(f"given: {hypothesis.name}", "decided", hypothesis.words, rewrite)


def _check_scope(hypotheses: Iterable[Hypothesis], local: Context) -> None:
    """Refuse to use a hypothesis about a fixed symbol where that symbol is bound, or is what one differentiates by."""
    for h in hypotheses:
        sides = sp.Tuple(*(side for side in (h.lhs, h.rhs) if side is not None), *h.when.values())
        for symbol in local.bound - set(h.when):
            if sides.has(symbol) or (isinstance(symbol, terms.ScalarFunction) and sides.atoms(type(symbol))):
                raise StepFails(f"{h.name} holds for one {symbol}, and here {symbol} varies")


def _by_induction_hypothesis(e: Any, context: Context) -> Any:
    assumed = context.require(INDUCTION_HYPOTHESIS)
    if assumed.lhs is None:
        raise StepFails("only an equality can be used as an equation")
    return rewrite_instances(e, assumed.lhs, assumed.rhs, context, lambda local: _check_scope([assumed], local))


induction_hypothesis = Rule(
    INDUCTION_HYPOTHESIS, "decided", "the statement at t, when proving it at t + 1", _by_induction_hypothesis
)

# --- earlier claims ---------------------------------------------------------------------------------------------------


def by_claim(claim_id: str, part: int = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier, proved equality, its symbols replaced as `at` says (all at once)."""
    table = {sp.sympify(k): sp.sympify(v) for k, v in (at or {}).items()}

    def rewrite(e: Any, context: Context) -> Any:
        claim = context.lemma(claim_id)
        if part >= len(claim.says):
            raise StepFails(f"{claim_id} has {len(claim.says)} statements, so none numbered {part} (counted from 0)")
        for hypothesis in claim.hypotheses:
            if context.require(hypothesis.name) != hypothesis:
                raise StepFails(f"{claim_id} means something else by the hypothesis {hypothesis.name!r}")
        return _rewrite_by(claim.says[part], claim.domain_of(part), claim.hypotheses, claim_id, table, e, context)

    return Rule(claim_id, "decided", f"the earlier claim {claim_id}", rewrite)


def above(part: int = 0, at: Table | None = None) -> Rule:
    """Rewrite by an earlier statement of the same claim (counted from 0), which must be proved by then."""
    table = {sp.sympify(k): sp.sympify(v) for k, v in (at or {}).items()}
    owner = f"statement {part + 1} above"

    def rewrite(e: Any, context: Context) -> Any:
        if part not in context.above:
            raise StepFails(f"{owner} is not proved, so nothing may rest on it")
        statement, domain, hypotheses = context.above[part]
        return _rewrite_by(statement, domain, hypotheses, owner, table, e, context)

    return Rule(owner, "decided", f"{owner} in this claim", rewrite)


def _rewrite_by(
    statement: Any, domain: Domain, hypotheses: Iterable[Hypothesis], owner: str, table: Table, e: Any, context: Context
) -> Any:
    """Replace instances of a proved equality's left side by its right side, where its domain allows."""
    if statement.relation != "=" or isinstance(statement.rhs, terms.Rounded):
        raise StepFails(f"{owner} is not an equality of two values and cannot rewrite a line")
    if any(context.domain.products.get(big) != small for big, small in domain.products.items()):
        raise StepFails(f"{owner} is about a schedule, which this claim's domain does not declare")
    if any(context.domain.sizes.get(name) != size for name, size in domain.sizes.items()):
        raise StepFails(f"{owner} is about matrices of a size that this claim's domain does not declare")
    tied = {*domain.products, *domain.products.values()}
    if fixed := [key for key in table if type(key).__name__ in tied]:
        raise StepFails(f"{owner} ties {fixed[0]} to the other members of its schedule: it cannot be replaced alone")
    rests_on = [h for h in hypotheses if h.lhs is not None]
    for h, key in ((h, key) for h in rests_on for key in table):
        if key not in h.when and _occurs(key, sp.Tuple(h.lhs, h.rhs, *h.when.values())):
            raise StepFails(f"{owner} rests on {h.name!r}, which is about this {key} and no other")
    sides = sp.Tuple(statement.lhs, statement.rhs)
    around = context.domain
    for index in terms.bound_indices(sp.Tuple(e, sides)):
        around = around.without(index)
    lhs, rhs = _replaced(sides, table, owner, around)

    def allowed(local: Context) -> None:
        _check_range(domain.indices, table, local, owner)
        _check_values(domain, table, local, owner)
        _check_scope(rests_on, local)

    return rewrite_instances(e, lhs, rhs, context, allowed)


def _occurs(key: Any, sides: Any) -> bool:
    """Does the symbol occur, or any member of its family?"""
    return bool(sides.has(key) or (isinstance(key, sp.Function) and sides.has(type(key))))


# --- replacing symbols ------------------------------------------------------------------------------------------------


def _replaced(sides: Any, table: Table, owner: str, domain: Domain) -> Any:
    """The two sides with their symbols replaced, all at once; StepFails where that would change what they say."""
    opened = terms.unfold_all(sides)
    if captured := terms.bound_indices(opened) & sp.Tuple(*table, *table.values()).free_symbols:
        raise StepFails(f"{owner} sums over {captured}, which cannot be replaced: rename that index")
    binders = opened.atoms(terms.Averaging)
    averaged = {v for e in binders for v in e.args[0].variables}
    after = [v.xreplace(dict(table)) for v in averaged]
    for key, value in table.items():
        if not isinstance(key, sp.Symbol | terms.ScalarFunction | terms.VectorFunction):
            raise StepFails(f"{key} is no variable of {owner}: only symbols and members of families are replaced")
        if not sides.has(key):
            raise StepFails(f"{key} does not occur in {owner}, so nothing is replaced")
        if sp.Symbol(terms.name_of(key)) in terms.names(opened) or key in terms.names(opened):
            raise StepFails(f"{key} is a name in {owner}, not a variable: it cannot be replaced")
        if sort(key) != sort(value) and not (sort(key) == "vector" and value == 0):
            raise StepFails(f"{value} cannot stand for {key} in {owner}: it is no {sort(key)}")
        if isinstance(key, terms.Covariance) and not (
            isinstance(value, terms.Covariance) and domain.sizes.get(key.name) == domain.sizes.get(value.name)
        ):
            raise StepFails(f"{value} cannot stand for {key} in {owner}: it is no covariance of the same size")
        for named in sides.atoms(terms.DefinedFunction):
            if not _occurs(key, sp.Tuple(*named.args)) and _occurs(key, terms.unfold_all(named)):
                raise StepFails(f"{owner} has {key} inside {named}, where it cannot be replaced: write that out first")
        if isinstance(key, sp.Function) and sides.xreplace({key: sp.Dummy()}).has(type(key)):
            raise StepFails(f"{owner} mentions {type(key).__name__} elsewhere too: {key} alone cannot be replaced")
        renamed = key in averaged and not may_touch(sides, [value])
        if not renamed and (may_touch(key, averaged, domain) or may_touch(value, after, domain)):
            raise StepFails(f"{owner} averages over {after}: {key} -> {value} would be captured, rename it")
        for d in opened.atoms(terms.D):
            if _occurs(key, d.args[1]) or may_touch(key, [d.args[1]]) or may_vary(value, d.args[1]):
                raise StepFails(f"{owner} differentiates by {d.args[1]}, which cannot be replaced or brought in")
    return sides.xreplace(dict(table))


def _check_range(indices: Mapping[Any, tuple[Any, Any]], table: Table, context: Context, owner: str) -> None:
    """Every quantified index must be an integer of its range."""
    for index, bounds in indices.items():
        value = table.get(index, index)
        lo, hi = (sp.sympify(b).xreplace(dict(table)) for b in bounds)
        above_lo = value.is_integer and context.domain.at_least_zero(value - lo)
        if not (above_lo and (hi == sp.oo or context.domain.at_least_zero(hi - value))):
            raise StepFails(f"{owner} holds for {index} in {lo}..{hi}; {index} = {value} is not known to be there")


def _check_values(domain: Domain, table: Table, context: Context, owner: str) -> None:
    """What is put for a symbol must lie in that symbol's interval; a symbol that stays must have the same one here."""
    images = {terms.name_of(key): (key, value) for key, value in table.items()}
    for name, interval in domain.intervals.items():
        if name not in images and context.domain.intervals.get(name) != interval:
            raise StepFails(f"{owner} needs {name} {interval.words()}, which this claim's domain does not say")
    for name, (key, value) in images.items():
        if key in domain.indices or not isinstance(key, sp.Expr):
            continue
        if key.is_integer and not value.is_integer:
            raise StepFails(f"{owner} needs an integer for {key}; {value} is not known to be one")
        at = value if not terms.is_vector(value) else terms.Coord(value, sp.Dummy(integer=True, positive=True))
        interval = domain.intervals.get(name, domain.interval(key))
        if not _lies_in(at, interval, context.domain):
            raise StepFails(f"{owner} needs {name} {interval.words()}; {value} is not known to be there")


def _lies_in(value: Any, interval: Interval, domain: Domain) -> bool:
    below = interval.lo == -sp.oo or holds("> 0" if interval.open_lo else ">= 0", value - interval.lo, domain)
    above = interval.hi == sp.oo or holds("> 0" if interval.open_hi else ">= 0", interval.hi - value, domain)
    return below and above and (not interval.nonzero or holds("!= 0", value, domain))
