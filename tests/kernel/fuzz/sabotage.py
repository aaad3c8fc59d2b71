"""The kernel with one of its checks taken out, many times over: the fuzzer alone has to notice.

A sabotage is a row: its name, what it stands for, and what is put in the place of which function. `take_out` replaces
a function wherever the kernel has imported it; `swallow` lets one refusal of a function pass, by a part of its words.
To add one, add a row; `python sabotage.py SECONDS [PLACE OF]` hunts them all (or
every OF-th) and prints what was found.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import derivations.kernel
from derivations.kernel import binders, hypotheses, joint, relations, theorem
from derivations.kernel.algebra import Algebra
from derivations.kernel.continuous import Granted
from derivations.kernel.definedness import Undischarged
from derivations.kernel.domain import POSITIVE, Domain
from derivations.kernel.rules.base import Context, StepFails
from derivations.kernel.spaces import Spaces
from derivations.kernel.terms import Malformed

Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class Sabotage:
    """One check that is gone. `invisible` says why worlds cannot show it, where they cannot."""

    name: str
    patches: Callable[[], list[Patch]]
    invisible: str = ""


def _modules() -> list[Any]:
    packages = [derivations.kernel, importlib.import_module("derivations.kernel.rules")]
    names = [f"{p.__name__}.{m.name}" for p in packages for m in pkgutil.iter_modules(p.__path__)]
    return [importlib.import_module(name) for name in names]


def _everywhere(path: str, replacement: Callable[[Any], Any]) -> list[Patch]:
    """The function of that path, replaced in every room of the kernel that has it."""
    room, name = path.rsplit(".", 1)
    original = getattr(importlib.import_module(f"derivations.kernel.{room}"), name)
    made = replacement(original)
    return [(module, name, made) for module in _modules() if getattr(module, name, None) is original]


def take_out(path: str, answer: Any = None) -> Callable[[], list[Patch]]:
    """The function does nothing any more, and answers `answer`."""
    return lambda: _everywhere(path, lambda _: lambda *args, **kwargs: answer)


def swallow(path: str, words: str, answer: Any = None) -> Callable[[], list[Patch]]:
    """A refusal with these words passes."""

    def lenient(original: Any) -> Any:
        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                return original(*args, **kwargs)
            except (Malformed, StepFails, Undischarged) as reason:
                if words not in str(reason):
                    raise
                return answer

        return function

    return lambda: _everywhere(path, lenient)


def both(*patches: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
    """Two checks that refuse the same things."""
    return lambda: [one for made in patches for one in made()]


def filtered(path: str, dropped: Callable[[Any], bool]) -> Callable[[], list[Patch]]:
    """Some of the conditions that the function yields are not asked any more."""
    return lambda: _everywhere(path, lambda original: lambda *a: (c for c in original(*a) if not dropped(c)))


def method(owner: Any, name: str, made: Callable[[Any], Any]) -> Callable[[], list[Patch]]:
    return lambda: [(owner, name, made(getattr(owner, name)))]


def _granted(original: Any) -> Any:
    """Every hypothesis that a rule asks for is there."""

    def require(self: Any, name: str) -> Any:
        try:
            return original(self, name)
        except StepFails:
            return hypotheses.Hypothesis(name, hypotheses.ASSUMPTIONS.get(name, ""))

    return require


def _strict_for_weak(original: Any) -> Any:
    return lambda self, e: {"0+": "+", "0-": "-"}.get(found := original(self, e), found)


def _any_sign(original: Any) -> Any:
    return lambda self, e: original(self, e) or "+"


def _first_range_only(original: Any) -> Any:
    """A condition that is met in two ranges is asked in the first."""

    def conditions(*args: Any) -> Iterator[Any]:
        met = set()
        for kind, condition, inside in original(*args):
            shape = str(condition).translate(str.maketrans("", "", "_0123456789"))
            if (kind, shape) not in met:
                met.add((kind, shape))
                yield kind, condition, inside

    return conditions


def _ends_not_compared(original: Any) -> Any:
    def conclude(found: Any, lhs: Any, relation: str, rhs: Any) -> Any:
        try:
            return original(found, lhs, relation, rhs)
        except StepFails:
            facts = theorem._facts(found)
            return original(
                theorem._make(theorem.replace(facts, lhs=lhs, relation=relation, rhs=rhs)), lhs, relation, rhs
            )

    return conclude


def _opened_ends(original: Any) -> Any:
    """An interval without its ends, where it has more than them."""

    def interval(self: Any, atom: Any) -> Any:
        where = original(self, atom)
        return where if where.lo == where.hi else theorem.replace(where, open_lo=True, open_hi=True)

    return interval


def _one_index_for_all(original: Any) -> Any:
    return lambda: binders.bound(1)


def _last_relation(original: Any) -> Any:
    return lambda first, second: second if second != "=" else first


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("a law's dimension is not asked to be one", take_out("formation._refuse_dimension")),
    Sabotage("a law may depend on its own variable", take_out("formation.refuse_conditions_on_itself")),
    Sabotage("two laws are identified unseen", take_out("rules.gaussian._check_same")),
    Sabotage("sums may have a negative number of terms", take_out("formation._refuse_negative_count")),
    Sabotage("a schedule is read outside its indices", take_out("formation._refuse_outside_schedule")),
    Sabotage(
        "what SymPy assumes of a symbol is not asked",
        take_out("formation._refuse_hidden_assumptions"),
        invisible="what SymPy simplifies is gone before anybody reads it",
    ),
    Sabotage(
        "derivatives at closed ends",  # what is not smooth there is asked as a side condition as well
        both(
            swallow("formation._refuse_derivative", "no derivative at a closed end"),
            take_out("definedness._smoothness", ()),
        ),
    ),
    Sabotage(
        "derivatives by integers",
        swallow("formation._refuse_derivative", "takes separate values only"),
        invisible="a derivative by an integer symbol cannot be written",
    ),
    Sabotage(
        "derivatives by a schedule's member", swallow("formation._refuse_derivative", "tied to the other members")
    ),
    Sabotage(
        "differences of matrices have inverses",
        both(
            swallow("sorts._sort_of_arithmetic", "may have no inverse", "matrix"),
            take_out("definedness.definite_conditions", ()),
        ),
    ),
    Sabotage(
        "determinants of differences",
        both(take_out("sorts._refuse_other_words"), take_out("definedness.definite_conditions", ())),
    ),
    Sabotage("an inverse is not multiplied out", take_out("rules.linear_maps._check_inverse")),
    Sabotage("no denominator is asked", filtered("definedness.node_conditions", lambda c: c[0] == "!= 0")),
    Sabotage("roots and logarithms of anything", filtered("definedness.node_conditions", lambda c: c[0][0] == ">")),
    Sabotage("no side condition is asked", take_out("definedness.holds", True)),
    Sabotage(
        "a condition is asked in one range only",
        both(
            lambda: _everywhere("definedness.conditions", _first_range_only),
            lambda: _everywhere("written.written_conditions", _first_range_only),
        ),
    ),
    Sabotage("every function has a derivative", take_out("definedness._smoothness", ())),
    Sabotage("every limit exists", take_out("definedness.limit_conditions", ())),
    Sabotage(
        "every function is continuous",
        take_out("definedness.refuse_unknown_limits"),
        invisible="functions are continuous in worlds",
    ),
    Sabotage(
        "a tied number may vary",  # two checks stand behind each other
        both(take_out("places._refuse_tied"), take_out("rules.lemmas.check_scope")),
    ),
    Sabotage("a hypothesis may shrink as n grows", take_out("places._refuse_shrinking")),
    Sabotage(
        "equations between variables",
        take_out("places._refuse_equation_between_variables"),
        invisible="no world satisfies them for all values",
    ),
    Sabotage(
        "a domain without a point",
        take_out("points.refuse_empty"),
        invisible="a domain without a point has no world",
    ),
    Sabotage("coordinates outside a vector", method(Spaces, "refuse_outside", lambda _: lambda *a: None)),
    Sabotage(
        "a rounded value on the way",
        take_out("relations.refuse_rounded_on_the_way"),
        invisible="`conclude` refuses an order that ends in one as well",
    ),
    Sabotage(
        "infinite means are compared",
        take_out("relations.refuse_infinite_order"),
        invisible="means are finite in worlds",
    ),
    Sabotage("relations are not composed", lambda: _everywhere("relations.composed", _last_relation)),
    Sabotage("the ends of a chain are not compared", lambda: _everywhere("theorem.conclude", _ends_not_compared)),
    Sabotage("nothing varies with anything", take_out("dependence.may_vary", False)),
    Sabotage(
        "nothing touches a variable",
        both(take_out("dependence.may_touch", False), take_out("dependence.may_depend", False)),
    ),
    Sabotage("a lemma holds outside its range", take_out("rules.lemmas.check_range")),
    Sabotage("a lemma holds outside its interval", take_out("rules.lemmas._check_values")),
    Sabotage("anything may be replaced in a lemma", take_out("rules.lemmas._check_keys")),
    Sabotage("hypotheses are granted", method(Context, "require", _granted)),
    Sabotage("a weak sign is strict", method(Algebra, "sign", _strict_for_weak)),
    Sabotage("an unknown sign is positive", method(Algebra, "sign", _any_sign)),
    Sabotage("whatever is nonzero is not asked", method(Algebra, "is_nonzero", lambda _: lambda self, e: True)),
    Sabotage("any two laws are comparable", take_out("rules.probability.comparable", True)),
    Sabotage("any variables are disjoint", take_out("rules.probability._disjoint", True)),
    Sabotage("all means are non-negative", take_out("rules.inequalities._is_nonnegative_average", True)),
    Sabotage("all binders have one index", lambda: _everywhere("binders.fresh", _one_index_for_all)),
    Sabotage("other draws are not looked at", take_out("rules.draws._drawn_from_others", False)),
    Sabotage("conditions are strict", lambda: [(joint, "NONNEGATIVE", POSITIVE)]),
    Sabotage("conditions hold at all indices", take_out("joint._lies_in", True)),
    Sabotage("every form is a square", take_out("forms.is_semidefinite", True)),
    Sabotage("sums and products are positive", method(Algebra, "sign_of_whole", lambda _: lambda self, e: "+")),
    Sabotage("whatever grows grows under every power", take_out("rules.comparison._smaller_sign", "+")),
    Sabotage("an inequality holds outside its interval", take_out("rules.comparison.check_place")),
    Sabotage("nothing turns an order", lambda: _everywhere("rules.comparison.TURNED", lambda _: {r: r for r in _})),
    Sabotage("capture by a derivative", take_out("substitution._refuse_capture_by_derivative")),
    Sabotage("capture by a limit", take_out("substitution._refuse_capture_by_limit")),
    Sabotage("any moments are those of an equation", take_out("rules.series._require")),
    Sabotage(
        "a remainder costs no smoothness",
        method(Granted, "of", lambda _: lambda *a: 99),
        invisible="functions are smooth in worlds",
    ),
    Sabotage(
        "integrals past poles",
        take_out("continuous.integral_conditions", ()),
        invisible="what is integrated past a pole, no world can compute",
    ),
    Sabotage("capture by a gradient", take_out("substitution._refuse_capture_by_gradient")),
    Sabotage("any score is a law's own", take_out("rules.fields._is_own_score", True)),
    Sabotage("a law stands still while its parameter moves", take_out("rules.fields._law_varies", False)),
    Sabotage("capture by an average", take_out("substitution._refuse_capture_by_average")),
    Sabotage("opaque terms are all equal", method(Algebra, "same", lambda _: lambda *_: True)),
    Sabotage("every integer is large enough", method(Domain, "at_least_zero", lambda _: lambda *_: True)),
    Sabotage("members of a family are apart", take_out("dependence._distinct", True)),
    Sabotage(
        "a weak order is read as a strict one",
        lambda: [(theorem, "IMPLIES", dict.fromkeys(theorem.IMPLIES, relations.SORTS))],
    ),
    Sabotage("every factor is positive", method(Algebra, "_factor_sign", lambda _: lambda *_: "+")),
    Sabotage("every polynomial is positive", take_out("signs.polynomial_sign", "+")),
    Sabotage("whatever is compared is equal", method(Algebra, "equal", lambda _: lambda *_: True)),
    Sabotage("every sign is positive", method(Algebra, "_sign", lambda _: lambda *_: "+")),
    Sabotage("every number is positive", method(Algebra, "interval", lambda _: lambda *_: POSITIVE)),
    Sabotage("abbreviations may look around", take_out("substitution._alike", True)),
    Sabotage("the zero test says yes", method(Algebra, "is_zero", lambda _: lambda *_: True)),
    Sabotage("nobody is among the variables", take_out("dependence.is_member", False)),
    Sabotage("a value lies in every interval", take_out("rules.lemmas._lies_in", True)),
    Sabotage("the ends of intervals are open", method(Domain, "interval", _opened_ends)),
    Sabotage(
        "any two relations add up", lambda: _everywhere("relations.composed", lambda _: lambda first, second: second)
    ),
)


@contextmanager
def sabotaged(sabotage: Sabotage) -> Iterator[None]:
    """The kernel without one check; what it remembers is forgotten before and after."""
    with ExitStack() as stack:
        for owner, name, replacement in sabotage.patches():
            stack.enter_context(patch.object(owner, name, replacement))
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    for module in _modules():
        for value in vars(module).values():
            if hasattr(value, "cache_clear") and value.__name__ not in KEPT:
                value.cache_clear()


KEPT = {"draws", "vector", "scalar", "covariance", "vector_function", "scalar_function", "bound", "template"}


def hunt(sabotage: Sabotage, seed: str, seconds: float) -> str:
    """The first dispute that the fuzzer finds with this check gone, in so many seconds of processor time; or empty."""
    from fuzz_run import fuzz

    with sabotaged(sabotage):
        tally = fuzz(
            f"{seed} {sabotage.name}", seconds, until=lambda t: bool(t.disputes), kinds=0.9, clock=time.process_time
        )
    return tally.disputes[0] if tally.disputes else ""


if __name__ == "__main__":
    found, rows = 0, SABOTAGES[int(sys.argv[2]) :: int(sys.argv[3])] if len(sys.argv) > 2 else SABOTAGES
    for row in rows:
        dispute = hunt(row, "sabotage", float(sys.argv[1]))
        found += bool(dispute)
        print(f"{'found ' if dispute else 'MISSED'} {row.name}: {dispute[:200]!r} {row.invisible}", flush=True)
    print(f"{found} of {len(rows)}")
