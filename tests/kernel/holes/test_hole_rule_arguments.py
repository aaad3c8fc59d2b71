"""What is handed to a rule hides a variable in an abbreviation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.kernel.rules.base import Rule
from derivations.notation import eps, i, integrable, k, standard_normal, z
from derivations.rules import (
    REAL,
    AtMost,
    Coord,
    D,
    DiagonalNormal,
    Domain,
    Expect,
    Inner,
    Norm2,
    Normal,
    Ratio,
    by_claim,
    define,
    differentiation,
    moments,
    reparameterize,
    scalar,
    scaled,
    vector,
)

a, phi, u, v = scalar("handed_a"), scalar("handed_phi"), vector("handed_u"), vector("handed_v")
F = define("handed_F", "F", lambda: Inner(z, u))
G = define("handed_G", "G", lambda: phi**2)
L = define("handed_L", "L", lambda: v, is_vector_valued=True)
REALS = Domain({"handed_phi": REAL, "handed_a": REAL})
form = Inner(z, u)


FALSE: dict[str, Callable[[], Attack]] = {
    "at=": lambda: Attack(
        Expect(Normal(z, 0, 1), Ratio(form, 1) * form),
        0,
        [by_claim("L", at={a: F()}), moments],
        lemmas=(proved_lemma("L", Ratio(a, 1), a),),
    ),
    "at=, in the open": lambda: Attack(
        Expect(Normal(z, 0, 1), form * form),
        0,
        [by_claim("L", at={a: form}), moments],
        lemmas=(proved_lemma("L", Expect(Normal(z, 0, 1), a * form), 0, moments),),
    ),
    "at=, under a derivative": lambda: Attack(
        D(Ratio(phi**2, 1), phi),
        0,
        [by_claim("L", at={a: G()}), differentiation],
        REALS,
        lemmas=(proved_lemma("L", Ratio(a, 1), a),),
    ),
    "a lemma's derivative": lambda: Attack(
        D(phi**2, phi),
        0,
        by_claim("L", at={a: phi**2}),
        REALS,
        lemmas=(proved_lemma("L", D(a, phi), 0, differentiation, Domain({"handed_phi": REAL})),),
    ),
    "a location": lambda: Attack(
        Expect(DiagonalNormal(z, i, Coord(v, i), 1, k), Norm2(z)),
        Expect(standard_normal(eps, k), Norm2(L() + eps)),
        reparameterize(eps, L(), 1),
        Domain(indices={k: (1, sp.oo)}),
        (integrable,),
    ),
    "a factor": lambda: Attack(
        AtMost(a, phi), AtMost(phi, a), scaled(define("handed_minus", "M", lambda: -a)()), REALS, relation="iff"
    ),
    "too few": lambda: Attack(a, a + 1, Rule("by claim"), REALS),
    "too many": lambda: Attack(a, a + 1, Rule("algebra", (a,)), REALS),
    "no rule to pass on": lambda: Attack(a, a + 1, Rule("monotone"), REALS, relation="<="),
    "a term for a rule": lambda: Attack(a + 1, a, Rule("monotone", (a,)), REALS, relation="<="),
    "a rule for a term": lambda: Attack(a, a + 1, Rule("last term", (differentiation,)), REALS),
    "no rules in order": lambda: Attack(a, a + 1, Rule("in order"), REALS),
    "a rule of no name": lambda: Attack(a, a + 1, Rule("above", (0, ())), REALS),
    "no term": lambda: Attack(a, a + 1, Rule("same order", (object(),)), REALS),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "at=, another variable": lambda: Attack(
        Expect(Normal(z, 0, 1), Ratio(form, 1) * form),
        Norm2(u),
        [by_claim("L", at={a: form}), moments],
        lemmas=(proved_lemma("L", Ratio(a, 1), a),),
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
