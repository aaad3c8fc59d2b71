"""Saying no: a world in which a statement fails, shown with numbers that anyone can plug in.

A refutation is as strict as a proof. Its world satisfies every hypothesis of the claim, asked by evaluation; both sides
have values there, and their enclosures do not meet, at two precisions; and it never looks longer than it may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.verdict import Witness
from derivations.refutation import enclosures, hypotheses, laws
from derivations.refutation.arithmetic import ENCLOSING, surely
from derivations.refutation.enclosures import working
from derivations.refutation.evaluate import evaluate
from derivations.refutation.polynomials import Exponential, Polynomial
from derivations.refutation.sampling import sample
from derivations.refutation.undefined import Clock, OutOfTime, Uncomputable, Undefined
from derivations.refutation.worlds import World, show_key

TRIES = 8
SECONDS = 8.0  # of processor time for one statement
TWICE = 320  # bits at which a disagreement is looked at again

Worlds = Callable[[int], World]  # the n-th world in which all hypotheses of a statement hold

FEW, MANY = 8, 15  # digits of a value that is shown


def tries_for(statement: Statement) -> int:
    """Two propositions agree by chance in half of all worlds, and so does an order: those need more worlds."""
    return TRIES if statement.relation == "=" else 5 * TRIES


# --- one statement in one world ---------------------------------------------------------------------------------------


def violation(statement: Statement, world: World) -> tuple[str, str] | None:
    """Both sides' values when the statement certainly fails in the world; None when it holds as far as bounds tell.

    Undefined when a side has no value, Uncomputable when the world cannot compute one of the two.
    """
    left = evaluate(statement.lhs, world)
    right = evaluate(statement.rhs, world)
    return (show(left), show(right)) if related(statement, left, right) is False else None


def related(statement: Statement, left: Any, right: Any) -> bool | None:
    """Whether the statement's relation holds between two values: None when their bounds do not tell.

    A value equals a rounded one up to half a unit of its last digit; an order is taken with the digits as printed.
    """
    if isinstance(statement.rhs, terms.Rounded) and statement.relation == "=":
        radius = ENCLOSING.number(statement.rhs.args[1])
        return surely("<=", abs(left - right), radius)
    return surely("=" if statement.relation == "iff" else statement.relation, left, right)


def show(value: Any, digits: int = FEW) -> str:
    """A value with so many digits."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(v, digits) for v in value) + ")"
    return "a random number" if isinstance(value, Polynomial | Exponential) else enclosures.show(value, digits)


def show_apart(left: Any, right: Any) -> tuple[str, str]:
    """Two values that differ, with more digits where a few do not tell them apart."""
    few = show(left), show(right)
    return few if few[0] != few[1] else (show(left, MANY), show(right, MANY))


def _is_exact(value: Any) -> bool:
    return all(map(_is_exact, value)) if isinstance(value, tuple) else isinstance(value, Fraction | bool)


# --- looking for a counterexample -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Search:
    """What was found: a witness, or in how many worlds the statement held, and why others said nothing."""

    witness: Witness | None
    held: int = 0
    silent: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why there is no verdict, in words."""
        if self.witness is not None:
            return ""
        if self.held:
            return f"it holds in {self.held} worlds that were tried"
        return "no world could be made in which it can be read: " + "; ".join(dict.fromkeys(self.silent))


def refute(claim: Claim, part: int, tries: int = 0, seconds: float = SECONDS) -> Witness | None:
    """A witness against one statement of the claim, or None. It does not look at proofs, and never raises."""
    return search(claim, part, tries, seconds).witness


def search(claim: Claim, part: int, tries: int = 0, seconds: float = SECONDS) -> Search:
    """Look for a counterexample in so many worlds (0: `tries_for` it), for so many seconds of processor time."""
    clock, held, silent = Clock(seconds), 0, []
    for n in range(tries or tries_for(claim.says[part])):
        try:
            found = look(claim, part, n, clock)
        except OutOfTime as reason:
            silent.append(str(reason))
            break
        except Undefined as reason:
            silent.append(str(reason))
            continue
        except Exception as reason:  # a term that nobody thought of is no ground to call anything false
            silent.append(f"{type(reason).__name__}: {reason}")
            continue
        if found is not None:
            return Search(found, held, tuple(silent))
        held += 1
    return Search(None, held, tuple(silent))


def look(claim: Claim, part: int, n: int, clock: Clock | None = None) -> Witness | None:
    """A witness if the statement certainly fails in world n; Undefined where the world says nothing."""
    return look_at(claim.says[part], lambda number: admitted(claim, part, number, clock), n)


def look_at(statement: Statement, worlds: Worlds, n: int) -> Witness | None:
    """The same in the n-th of these worlds, each of which satisfies every hypothesis."""
    world = worlds(n)
    left, right = evaluate(statement.lhs, world), evaluate(statement.rhs, world)
    told = related(statement, left, right)
    if told is None:
        raise Uncomputable("the bounds of the two sides do not tell")
    if told:
        return None
    if not (_is_exact(left) and _is_exact(right)):
        with working(TWICE):
            again = worlds(n)
            if related(statement, evaluate(statement.lhs, again), evaluate(statement.rhs, again)) is not False:
                raise Uncomputable("the two sides differ at one precision only")
    return Witness(describe(world, statement), *show_apart(left, right), note=statement.words)


def admitted(claim: Claim, part: int, n: int, clock: Clock | None = None) -> World:
    """World n of the statement, once every hypothesis has been found to hold in it."""
    world = sample(claim, part, n)
    world.clock = clock
    if not world.admitted:
        statement = claim.says[part]
        hypotheses.refuse(world, claim.hypotheses, claim.domain_of(part), (statement.lhs, statement.rhs))
        world.admitted = True
    return world


def describe(world: World, statement: Statement) -> tuple[tuple[str, str], ...]:
    """The numbers of the world that this statement reads, as (name, value)."""
    sides = terms.unfold_all(sp.Tuple(statement.lhs, statement.rhs))
    used = {s.name for s in sides.free_symbols} | {"T", "t"}
    rows = [(name, _short(value)) for name, value in world.numbers.items() if name in used]
    if terms.DIM in sides.free_symbols or sides.atoms(terms.VectorSymbol, terms.VectorFunction):
        rows.append(("d", str(world.d)))
    rows += sorted(world.drawn.items())
    for name, law in world.laws.items():
        if isinstance(law, laws.FiniteJoint):
            rows.append((f"table of {name}", _show_table(law)))
            if law.cell != 1:
                rows.append((f"volume of a cell under {name}", str(law.cell)))
    return tuple(rows)


def _short(value: Any) -> str:
    return enclosures.show(value) if isinstance(value, enclosures.Enclosure) else str(value)


def _show_table(law: Any) -> str:
    cells = ("".join(str(int(v[0])) for v in path) + f": {w}" for path, w in law.table.items())
    return f"over {','.join(show_key(key) for key in law.keys)}: " + ", ".join(cells)
