"""Claims by mutation: a true proof of the library with one thing changed, in its text or in what stands around it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import sympy as sp

import derivations
from derivations import rules
from derivations.kernel.claims import Chain, Claim, Proof, Statement
from derivations.kernel.terms import Malformed
from derivations.refutation.mutants import mistakes
from derivations.rules import NONNEGATIVE, NONZERO, POSITIVE, REAL, UNIT, Domain, Interval


@cache
def _claims() -> tuple[Claim, ...]:
    return tuple(claim for claim in derivations.claims().values() if claim.proofs)


@cache
def _rules() -> tuple[Any, ...]:
    used = [line.rule for c in _claims() for p in c.proofs.values() for chain in p.chains for line in chain.lines]
    plain = [getattr(rules, name) for name in rules.__all__ if type(getattr(rules, name)) is type(rules.algebra)]
    return tuple({str(rule): rule for rule in [*plain, *used]}.values())


def mutated(rng: Random) -> Claim:
    """A claim of the library with one or two changes; sometimes with none, which must be proved as it is."""
    claim = _narrowed(rng, rng.choice(_claims()))
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        claim = rng.choice(CHANGES)(rng, claim)
    return claim


def _narrowed(rng: Random, claim: Claim) -> Claim:
    """One statement of the claim, with those before it that its derivation refers to."""
    part = rng.choice(sorted(claim.proofs))
    lines = [line for chain in claim.proofs[part].chains for line in chain.lines]
    refers = any("above" in line.rule.name for line in lines)
    first = 0 if refers else part
    says = tuple(claim.says[first : part + 1])
    proofs = {k - first: claim.proofs[k] for k in claim.proofs if first <= k <= part}
    return replace(claim, id=f"fuzz.{claim.id}", worlds=(), says=says, proofs=proofs)


def _rewritten(claim: Claim, **changes: Any) -> Claim:
    return replace(claim, id=f"fuzz.{claim.id}", worlds=(), **{"proofs": dict(claim.proofs), **changes})


def _with_lines(claim: Claim, part: int, which: int, lines: list[Any]) -> Claim:
    proof = claim.proofs[part]
    chain = Chain()
    chain.lines = lines
    chains = tuple(chain if k == which else old for k, old in enumerate(proof.chains))
    return _rewritten(claim, proofs={**claim.proofs, part: Proof(chains, proof.induction_on, proof.start)})


def _somewhere(rng: Random, claim: Claim) -> tuple[int, int, list[Any], int]:
    """(part, chain, its lines, one of them other than the first)."""
    part = rng.choice(sorted(claim.proofs))
    which = rng.randrange(len(claim.proofs[part].chains))
    lines = list(claim.proofs[part].chains[which].lines)
    return part, which, lines, rng.randrange(1, len(lines)) if len(lines) > 1 else 0


def _another_rule(rng: Random, claim: Claim) -> Claim:
    part, which, lines, at = _somewhere(rng, claim)
    lines[at] = replace(lines[at], rule=rng.choice(_rules()))
    return _with_lines(claim, part, which, lines)


def _another_relation(rng: Random, claim: Claim) -> Claim:
    part, which, lines, at = _somewhere(rng, claim)
    lines[at] = replace(lines[at], relation=rng.choice(["=", "<=", "<", ">=", ">"]))
    return _with_lines(claim, part, which, lines)


def _line_lost(rng: Random, claim: Claim) -> Claim:
    part, which, lines, at = _somewhere(rng, claim)
    return _with_lines(claim, part, which, lines[:at] + lines[at + 1 :])


def _line_mutated(rng: Random, claim: Claim) -> Claim:
    part, which, lines, at = _somewhere(rng, claim)
    changed = [wrong for _, wrong in mistakes(lines[at].expression, "=")]
    if not changed:
        return claim
    lines[at] = replace(lines[at], expression=rng.choice(changed))
    return _with_lines(claim, part, which, lines)


def _end_mutated(rng: Random, claim: Claim) -> Claim:
    """The same mistake in the last line and in the statement."""
    part = rng.choice(sorted(claim.proofs))
    proof, says = claim.proofs[part], claim.says[part]
    lines = list(proof.chains[-1].lines)
    changed = [wrong for _, wrong in mistakes(says.rhs, says.relation)]
    if not changed or proof.induction_on is not None:
        return claim
    wrong = rng.choice(changed)
    lines[-1] = replace(lines[-1], expression=wrong)
    statements = tuple(replace(s, rhs=wrong) if k == part else s for k, s in enumerate(claim.says))
    return _rewritten(_with_lines(claim, part, len(proof.chains) - 1, lines), says=statements)


def _statement_mutated(rng: Random, claim: Claim) -> Claim:
    """The statement says something else than its derivation shows."""
    part = rng.choice(sorted(claim.proofs))
    changed = [wrong for _, wrong in mistakes(claim.says[part].rhs, claim.says[part].relation)]
    if not changed:
        return claim
    wrong = rng.choice(changed)
    return _rewritten(claim, says=tuple(replace(s, rhs=wrong) if k == part else s for k, s in enumerate(claim.says)))


def _everywhere(claim: Claim, table: dict[Any, Any]) -> Claim:
    def put(e: Any) -> Any:
        return e.xreplace(table) if isinstance(e, sp.Basic) else e

    def moved(chain: Chain) -> Chain:
        made = Chain()
        made.lines = [replace(line, expression=put(line.expression)) for line in chain.lines]
        return made

    says = tuple(replace(s, lhs=put(s.lhs), rhs=put(s.rhs)) for s in claim.says)
    proofs = {k: Proof(tuple(map(moved, p.chains)), p.induction_on, p.start) for k, p in claim.proofs.items()}
    return _rewritten(claim, says=says, proofs=proofs)


def _symbols(claim: Claim) -> list[Any]:
    found = {s for s in claim.says for s in sp.Tuple(s.lhs, s.rhs).free_symbols}
    return sorted(found, key=lambda s: s.name)


def _renamed(rng: Random, claim: Claim) -> Claim:
    """One symbol for another of its kind, everywhere: a binder may be reused, two variables may become one."""
    one = rng.choice(_symbols(claim))
    others = [s for s in _pool() if type(s) is type(one) and s.is_integer == one.is_integer and s != one]
    return _everywhere(claim, {one: rng.choice(others)}) if others else claim


def _shifted(rng: Random, claim: Claim) -> Claim:
    """One index moved by one, everywhere."""
    indices = [s for s in _symbols(claim) if s.is_integer]
    if not indices:
        return claim
    index = rng.choice(indices)
    return _everywhere(claim, {index: index + rng.choice([-1, 1])})


@cache
def _pool() -> tuple[Any, ...]:
    return tuple(dict.fromkeys(s for claim in _claims() for s in _symbols(claim)))


def _hypothesis_dropped(rng: Random, claim: Claim) -> Claim:
    if not claim.hypotheses:
        return claim
    lost = rng.choice(claim.hypotheses)
    return _rewritten(claim, hypotheses=tuple(h for h in claim.hypotheses if h is not lost))


def _other_domain(rng: Random, claim: Claim) -> Claim:
    """An interval opened, closed, grown or lost; a range moved."""
    domain = claim.domain
    intervals, indices = dict(domain.intervals), dict(domain.indices)
    if intervals and rng.random() < 0.6:
        name = rng.choice(sorted(intervals))
        old = intervals[name]
        intervals[name] = rng.choice(
            [
                REAL,
                POSITIVE,
                NONNEGATIVE,
                NONZERO,
                UNIT,
                Interval(old.lo, old.hi, abs(old.lo) == sp.oo, abs(old.hi) == sp.oo),
            ]
        )
    elif indices:
        index = rng.choice(sorted(indices, key=str))
        lo, hi = indices[index]
        indices[index] = rng.choice([(lo - 1, hi), (lo + 1, hi), (lo, hi + 1), (lo, lo + 2)])
    says = tuple(replace(s, domain=None) if rng.random() < 0.3 else s for s in claim.says)
    changed = Domain(intervals, indices, domain.products, domain.sizes)
    return _rewritten(claim, domain=changed, says=says)


def _turned(rng: Random, claim: Claim) -> Claim:
    """The statement read from right to left, its chain with it."""
    part = rng.choice(sorted(claim.proofs))
    proof, says = claim.proofs[part], claim.says[part]
    if proof.induction_on is not None or any(line.relation != "=" for line in proof.chains[0].lines):
        return claim
    lines = list(proof.chains[0].lines)
    turned = [replace(lines[-1])] + [
        replace(before, rule=after.rule) for before, after in zip(lines[-2::-1], lines[:0:-1], strict=True)
    ]
    try:
        statement = Statement(says.rhs, says.relation, says.lhs, domain=says.domain)
    except Malformed:
        return claim
    statements = tuple(statement if k == part else s for k, s in enumerate(claim.says))
    return _rewritten(_with_lines(claim, part, 0, turned), says=statements)


CHANGES = (
    _another_rule,
    _another_relation,
    _line_lost,
    _line_mutated,
    _line_mutated,
    _end_mutated,
    _statement_mutated,
    _renamed,
    _renamed,
    _shifted,
    _hypothesis_dropped,
    _other_domain,
    _other_domain,
    _turned,
)
