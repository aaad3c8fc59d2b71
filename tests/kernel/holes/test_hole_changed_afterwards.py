"""What was declared, judged or proved is changed afterwards."""

from __future__ import annotations

import copy
import pickle

import pytest
import sympy as sp
from attack import Attack

from derivations.kernel import places
from derivations.kernel import theorem as kernel
from derivations.kernel.rules.base import StepFails
from derivations.kernel.terms import Malformed
from derivations.notation import i
from derivations.rules import (
    POSITIVE,
    Domain,
    Hypothesis,
    Interval,
    SumTo,
    algebra,
    below,
    define,
    given,
    scalar,
    scalar_function,
    vector_function,
)

a, b, c = (scalar(f"changed_{name}") for name in "abc")
family, vectors = scalar_function("changed_f"), vector_function("changed_x")
twice = define("changed_twice", "F", lambda e: 2 * e)


@pytest.mark.parametrize(
    ("head", "name", "value"),
    [
        (family, "eval", classmethod(lambda cls, n: sp.S.Zero if n == 2 else None)),
        (family, "is_positive", True),
        (family, "is_integer", True),
        (family, "is_commutative", False),
        (family, "__name__", "changed_g"),
        (family, "_eval_derivative", lambda self, s: sp.S.Zero),
        (vectors, "is_real", False),
        (twice, "body", staticmethod(lambda e: 3 * e)),
        (twice, "is_vector_valued", True),
        (type(family(1)).__mro__[1], "eval", classmethod(lambda cls, n: sp.S.Zero)),
    ],
)
def test_a_family_stays_what_it_was_declared_to_be(head, name, value):
    with pytest.raises(Malformed, match="cannot be changed"):
        setattr(head, name, value)


def test_nothing_is_taken_from_a_family():
    with pytest.raises(Malformed, match="cannot be taken away"):
        del twice.body
    assert Attack(SumTo(family(i), i, 1, 2), family(1) + family(2)).verdict()


def started(domain=None, hypotheses=()):  # type: ignore[no-untyped-def]
    here = places.place(domain or Domain(), hypotheses, (sp.Abs(a), a, b, c))
    return here, kernel.start(here, sp.Abs(a))


@pytest.mark.parametrize(
    "change",
    [
        lambda here: object.__setattr__(here, "domain", Domain({"changed_a": POSITIVE})),
        lambda here: object.__setattr__(here.domain, "intervals", {"changed_a": POSITIVE}),
        lambda here: object.__setattr__(here, "hypotheses", (Hypothesis("h", "", sp.Abs(a), a),)),
        lambda here: object.__setattr__(here, "integrable", True),
        lambda here: object.__setattr__(here.domain, "conditions", (below(0, a),)),
        lambda here: here.granted.classes.update({"changed_f": 9}),
    ],
)
def test_a_place_that_was_changed_is_none(change):
    here, theorem = started()
    change(here)
    with pytest.raises(StepFails, match="a place that the kernel made"):
        kernel.extend(theorem, "=", a, algebra)


def test_a_hypothesis_that_was_changed_grants_nothing():
    h = Hypothesis("h", "", b, c)
    here, _ = started(hypotheses=(h,))
    theorem = kernel.start(here, b)
    object.__setattr__(here.hypotheses[0], "rhs", a)
    object.__setattr__(h, "rhs", a)
    with pytest.raises(StepFails):
        kernel.extend(theorem, "=", a, given(h))


def test_a_theorem_keeps_its_intervals():
    interval = Interval(0)
    _, theorem = started(Domain({"changed_a": interval}))
    proved = kernel.extend(theorem, "=", a, algebra)
    for changed in (interval, proved.domain.intervals["changed_a"]):
        object.__setattr__(changed, "lo", sp.S(-5))
    assert proved.domain.intervals["changed_a"].lo == 0


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_a_theorem_cannot_be_copied(again):
    with pytest.raises(TypeError, match="nothing else"):
        again(started()[1])


def test_a_copy_of_a_place_is_none():
    with pytest.raises(StepFails, match="a place that the kernel made"):
        kernel.start(copy.copy(started()[0]), a)
