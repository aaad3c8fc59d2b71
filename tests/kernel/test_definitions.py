"""A claim that is a definition: one abbreviation, what it stands for, and a verdict of its own."""

from __future__ import annotations

from dataclasses import replace

import derivations
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.verdict import Defined, Proved, Undecided
from derivations.language.definitions import defined
from derivations.notation import abar, alpha, beta, schedule, snr, t, z
from derivations.rules import REAL, Domain, Norm2, define, definition, scalar

a, b = scalar("defined_a"), scalar("defined_b")
square = define("defined_square", r"\varsigma", lambda v: v**2)
between = define("defined_between", r"\pi_b", lambda v, w: v * w)
NUMBERS = Domain({"defined_a": REAL})


def made(*pairs: tuple[object, object, str], domain: Domain = NUMBERS) -> Claim:
    return defined("test.defined", "", *pairs, chapter="", scope="", sources=(), words="", domain=domain)


def verdict(claim: Claim) -> object:
    return derivations.judge(claim).verdict


def test_what_an_abbreviation_stands_for_is_a_definition() -> None:
    found = verdict(made((square(a), a**2, "a square")))
    assert isinstance(found, Defined) and isinstance(found, Proved) and found.kind == "definition" and found
    assert isinstance(
        verdict(made((beta(t), 1 - alpha(t), ""), (snr(t), abar(t) / (1 - abar(t)), ""), domain=schedule())), Defined
    )


def test_a_theorem_is_no_definition() -> None:
    for lhs, rhs in ((a + a, 2 * a), (square(a) + 0 * a + 1, a**2 + 1), (Norm2(2 * z), 4 * Norm2(z))):
        found = verdict(made((lhs, rhs, "")))
        assert isinstance(found, Undecided) and "no definition" in found.reason, found


def test_another_term_of_the_same_value_is_not_what_it_stands_for() -> None:
    found = verdict(made((square(a), (a + 1) ** 2 - 2 * a - 1, "")))
    assert isinstance(found, Undecided) and "no definition" in found.reason, found


def test_an_instance_defines_nothing() -> None:
    for lhs, rhs in ((square(2 * a), 4 * a**2), (square(3), 9), (between(a, 1), a), (between(a, a), a**2)):
        found = verdict(made((lhs, rhs, "")))
        assert isinstance(found, Undecided) and "instance" in found.reason, found


def test_an_abbreviation_is_not_defined_by_itself() -> None:
    found = verdict(made((between(a, b), between(b, a), "a product has no order")))
    assert isinstance(found, Undecided) and "both sides" in found.reason, found
    assert isinstance(verdict(made((between(a, b), b * a, ""))), Defined)


def test_a_wrong_body_is_never_a_definition() -> None:
    assert not verdict(made((square(a), a**3, "")))


def test_a_definition_must_mean_something_everywhere() -> None:
    inverse = define("defined_inverse", r"\upsilon", lambda v: 1 / v)
    found = verdict(made((inverse(a), 1 / a, "")))
    assert not found and "!= 0" in str(found)


def test_a_claim_that_expects_a_proof_is_proved_and_no_definition() -> None:
    claim = replace(made((square(a), a**2, "")), expects="proved", says=(Statement(square(a), "=", a**2),))
    claim.proofs.clear()

    @claim.proves()
    def _(line: derivations.kernel.claims.Chain) -> None:
        line(square(a))
        line(a**2, by=definition)

    found = verdict(claim)
    assert type(found) is Proved and found.kind == "proved"


def test_all_definitions_of_the_ledger_are_definitions() -> None:
    names = [c for c, claim in derivations.claims().items() if claim.expects == "definition"]
    assert len(names) >= 6
    assert all(derivations.judge(name).verdict.kind == "definition" for name in names)
