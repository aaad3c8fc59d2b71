"""The mistakes that people really make, generated from a claim's own statement.

Each mutant must be refuted by a witness, or proved equal to the original; one that is neither is a survivor, and then
the claim is not good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.terms import Malformed
from derivations.kernel.verdict import Witness
from derivations.refutation.enclosures import working_bits
from derivations.refutation.evaluate import evaluate
from derivations.refutation.refute import TRIES, Worlds, admitted, describe, look_at, tries_for
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import World


@dataclass(frozen=True)
class Mutant:
    """worlds: those of the original statement, drawn once; all its mutants are tried on the same ones."""

    operator: str
    claim: Claim
    part: int
    worlds: Worlds


ENOUGH = 10  # with fewer mistakes than this, mistakes are made inside the abbreviations too


def mutants(claim: Claim) -> list[Mutant]:
    """Every statement of the claim with one mistake made in it (right sides first, left sides when those are short)."""
    made: list[Mutant] = []
    for part, statement in enumerate(claim.says):
        worlds = _same_worlds(claim, part)
        seen = {(statement.lhs, statement.rhs)}
        sides = [(statement.rhs, True)] + ([(statement.lhs, False)] if _small(statement) else [])
        if sum(1 for side, _ in sides for _ in mistakes(side, statement.relation)) < ENOUGH:
            sides += [(written_out(side), is_right) for side, is_right in sides if side != written_out(side)]
        for side, is_right in sides:
            for operator, changed in mistakes(side, statement.relation):
                pair = (statement.lhs, changed) if is_right else (changed, statement.rhs)
                if pair in seen:
                    continue
                seen.add(pair)
                wrong = replace(statement, lhs=pair[0], rhs=pair[1])
                made.append(Mutant(operator, _with(claim, part, wrong, len(made)), part, worlds))
        if statement.relation in REVERSED:
            turned = replace(statement, relation=REVERSED[statement.relation])
            made.append(Mutant("inequality turned round", _with(claim, part, turned, len(made)), part, worlds))
    return made


def written_out(e: Any) -> Any:
    """Abbreviations of notation replaced by what they stand for, so that mistakes can be made in the formula itself."""
    table = {a: a.unfold() for a in e.atoms(terms.DefinedFunction) if a.notation}
    return written_out(e.xreplace(table)) if table else e


REVERSED: Mapping[str, Any] = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}


def _small(statement: Statement) -> bool:
    return statement.relation == "iff" or len(list(sp.preorder_traversal(statement.rhs))) < 12


def _with(claim: Claim, part: int, statement: Statement, n: int) -> Claim:
    says = tuple(statement if i == part else s for i, s in enumerate(claim.says))
    return replace(claim, says=says, id=f"{claim.id}~{n}")


def _same_worlds(original: Claim, part: int) -> Worlds:
    drawn: dict[Any, World] = {}

    def world(n: int) -> World:
        key = n, working_bits()
        if key not in drawn:
            drawn[key] = admitted(original, part, n)
        return drawn[key]

    return world


def mistakes(e: Any, relation: str) -> Iterator[tuple[str, Any]]:
    """(operator, changed expression) for every single mistake at every place in e."""
    if isinstance(e, terms.Rounded):
        centre, radius = e.args
        yield "last digit up", terms.Rounded(centre + 2 * radius, radius)
        yield "last digit down", terms.Rounded(centre - 2 * radius, radius)
        yield "ten times too large", terms.Rounded(10 * centre, radius)
        yield "lost sign", terms.Rounded(-centre, radius)
        return
    if isinstance(e, sp.Expr) and not isinstance(e, sp.Number) and relation in ("=", "<=", ">=", "<", ">"):
        yield "flipped sign of the whole", -e
        yield "lost factor 2", 2 * e
        yield "doubled the half", e / 2
    for path, node in _places(e, ()):
        if relation == "iff" and len(path) > 2:
            continue  # deep inside, propositions differ too rarely to tell; their sides have statements of their own
        for operator, changed in _here(node):
            try:
                yield operator, _put(e, path, changed)
            except Malformed:
                continue


def _places(e: Any, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
    yield path, e
    if isinstance(e, sp.Pow | terms.Block | terms.VectorFunction | terms.ScalarFunction | sp.Symbol | terms.Density):
        if isinstance(e, sp.Pow):
            yield from _places(e.args[0], (*path, 0))
        return
    for n, a in enumerate(e.args):
        yield from _places(a, (*path, n))


def _put(e: Any, path: tuple[int, ...], changed: Any) -> Any:
    if not path:
        return changed
    args = list(e.args)
    args[path[0]] = _put(args[path[0]], path[1:], changed)
    return e.func(*args)


def _here(node: Any) -> Iterator[tuple[str, Any]]:
    """The mistakes that can be made at this very node."""
    if isinstance(node, sp.Add):
        for a in node.args:
            yield "dropped term", node - a
            yield "flipped sign", node - 2 * a
    elif isinstance(node, sp.Mul):
        rational = node.as_coeff_Mul()[0]
        if rational not in (1, -1):
            yield "lost factor", node / abs(rational)
        for a in node.args:
            if not a.is_Number and not terms.is_vector(a) and a.is_commutative:  # without a matrix, sizes do not fit
                yield "dropped factor", node / a
    elif isinstance(node, sp.Pow):
        base, exponent = node.args
        if exponent == sp.Rational(1, 2) or exponent == -sp.Rational(1, 2):
            yield "dropped square root", base ** (2 * exponent)
        elif exponent in (2, -2):
            yield "lost square", base ** (exponent / 2)
        elif exponent == -1 and not isinstance(base, sp.Number):
            yield "inverse lost", base
    elif isinstance(node, sp.log):
        yield "reciprocal inside the logarithm", -node
    elif isinstance(node, terms.KL):
        yield "swapped KL", terms.KL(node.args[1], node.args[0])
    elif isinstance(node, terms.Expect):
        law, body = node.args
        others = {d.args[0] for d in body.atoms(terms.LogDensity)} - {law}
        for other in sorted(others, key=sp.default_sort_key):
            if isinstance(law, terms.Density) and isinstance(other, terms.Density) and other.variables == law.variables:
                yield "expectation over the wrong law", terms.Expect(other, body)
    elif isinstance(node, terms.AtMost):
        left, right = node.args
        yield "sides exchanged", terms.AtMost(right, left)
        yield "sign of one side lost", terms.AtMost(-left, right)
    elif isinstance(node, terms.Equal):
        left, right = node.args
        yield "lost factor 2", terms.Equal(2 * left, right)
        yield "flipped sign", terms.Equal(-left, right)
    elif isinstance(node, terms.Norm2):
        yield "mean for sum over coordinates", node / terms.DIM
    elif isinstance(node, terms.Jvp | terms.Vjp):
        body, variable, direction = node.args
        if terms.is_vector(body):
            other = terms.Vjp if isinstance(node, terms.Jvp) else terms.Jvp
            yield "Jacobian transposed", other(body, variable, direction)
    elif isinstance(node, terms.StopGradient):
        yield "stop-gradient lost", node.args[0]
    elif isinstance(node, terms.Laplacian):
        body, variable, dim = node.args
        yield "mean for sum over coordinates", node / dim
        if not terms.is_vector(body):
            yield "square of the gradient for the Laplacian", terms.Norm2(terms.Grad(body, variable))
    elif isinstance(node, terms.Div):
        yield "mean for sum over coordinates", node / node.args[2]
    elif isinstance(node, terms.SumTo):
        body, index, lo, hi = node.args
        yield "first term lost", terms.SumTo(body, index, lo + 1, hi)
        yield "last term lost", terms.SumTo(body, index, lo, hi - 1)
        yield "mean for sum", node / (hi - lo + 1)
    elif isinstance(node, terms.ScalarFunction | terms.VectorFunction):
        yield from _family_mistakes(node)
    elif isinstance(node, terms.Density):
        yield from _density_mistakes(node)


def _family_mistakes(node: Any) -> Iterator[tuple[str, Any]]:
    name = type(node).__name__
    other = {"alpha": "abar", "abar": "alpha"}.get(name)
    if other:
        yield "alpha for abar" if name == "abar" else "abar for alpha", terms.HEADS[other](*node.args)
    if len(node.args) == 1 and node.args[0].is_integer and not node.args[0].is_Integer:
        yield "t + 1 for t", node.func(node.args[0] + 1) if name not in ("x",) else node.func(node.args[0] - 1)
        if name != "x":
            yield "t - 1 for t", node.func(node.args[0] - 1)


def _density_mistakes(node: Any) -> Iterator[tuple[str, Any]]:
    name, variables, given = node.args
    if len(given):
        yield "condition lost", terms.Density(name, variables, ())
    for n in range(len(given)):
        if len(given) > 1:
            yield "condition lost", terms.Density(name, variables, [g for m, g in enumerate(given) if m != n])


@dataclass(frozen=True)
class MutantCase:
    operator: str
    claim: Claim
    part: int
    outcome: str  # "refuted", "equivalent" (says the same), "implied" (a weaker inequality, still true), "survives"
    witness: Witness | None


@dataclass(frozen=True)
class MutantReport:
    cases: tuple[MutantCase, ...]

    @property
    def total(self) -> int:
        return len(self.cases)

    @property
    def rejected(self) -> int:
        return sum(c.outcome == "refuted" for c in self.cases)

    @property
    def equivalent(self) -> int:
        """Proved to be no mistake: they say the same, or less, and are true."""
        return sum(c.outcome in ("equivalent", "implied") for c in self.cases)

    @property
    def survivors(self) -> tuple[MutantCase, ...]:
        return tuple(c for c in self.cases if c.outcome == "survives")


NoMistake = Callable[[Claim, Claim, int], str | None]


def judge_mutants(claim: Claim, seed: int = 0, *, no_mistake: NoMistake) -> MutantReport:
    """What became of every mutant; `no_mistake` says whether a changed statement is "equivalent" or "implied"."""
    return MutantReport(tuple(_judge_mutant(claim, m, seed, no_mistake) for m in mutants(claim)))


def _judge_mutant(original: Claim, m: Mutant, seed: int, no_mistake: NoMistake) -> MutantCase:
    enough = tries_for(m.claim.says[m.part])
    says = original.says[m.part]
    false, meaningless = _refute_part(m, says, range(seed * enough, seed * enough + TRIES))
    if false is not None:
        return MutantCase(m.operator, m.claim, m.part, "refuted", false)
    found = no_mistake(original, m.claim, m.part)
    if found == "equivalent" or (found == "implied" and meaningless is None):
        return MutantCase(m.operator, m.claim, m.part, found, None)
    false, also_meaningless = _refute_part(m, says, range(seed * enough + TRIES, (seed + 1) * enough))
    if false is not None:
        return MutantCase(m.operator, m.claim, m.part, "refuted", false)
    meaningless = meaningless or also_meaningless
    return MutantCase(m.operator, m.claim, m.part, "survives" if meaningless is None else "refuted", meaningless)


def _refute_part(m: Mutant, original: Statement, numbers: range) -> tuple[Witness | None, Witness | None]:
    """(a world where the statement is false, one where it has no value and the original has), None when not found.

    Of an order, a world without a value is taken whatever the original has there: with a mistake in it, it may still be
    true, and the kernel cannot always tell.
    """
    meaningless = None
    for n in numbers:
        try:
            found = look_at(m.claim.says[m.part], m.worlds, n)
        except Uncomputable:
            continue
        except Undefined as reason:
            world = m.worlds(n)
            if meaningless is None and (original.relation in REVERSED or _has_a_value(original, world)):
                meaningless = Witness(describe(world, m.claim.says[m.part]), f"undefined: {reason}", "")
            continue
        if found is not None:
            return found, None
    return None, meaningless


def _has_a_value(statement: Statement, world: World) -> bool:
    """A world in which the original has none either says nothing about the mistake."""
    try:
        evaluate(statement.lhs, world)
        evaluate(statement.rhs, world)
    except Undefined:
        return False
    return True
