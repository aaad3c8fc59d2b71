"""What moves may not be folded into a constant: a prior under its parameter, a name for something random."""

from __future__ import annotations

import pytest

import threefold
from threefold.check import varying
from threefold.check.contexts.base import Settings
from threefold.check.marks import Marked, laws_among, priors_in
from threefold.check.tokens import tokenise

PROVED = ("proved", "proved as read")
ENCODER = r"q_\phi(z|x) = \mathcal N(z; \mu_\phi(x), \operatorname{diag}(\sigma_\phi^2(x)))"
MEAN = r"\mathbb E_{q_\phi(z|x)}"
FIT = r"\log p_\theta(x|z)"


def last(*lines: str) -> str:
    """The verdict of the last link."""
    text = "\n\n".join(f"$${tex}$$" for tex in lines)
    return list(threefold.check(f"{text}\n", seconds=20))[-1].verdict


@pytest.mark.parametrize(
    ("tex", "found"),
    [
        (r"p_\theta(z)", Marked("p", frozenset(["theta"]), True)),
        (r"z \sim p_\theta", Marked("p", frozenset(["theta"]), True)),
        (r"p(z;\theta)", Marked("p", frozenset(["theta"]), True)),
        (r"p(z|\theta)", Marked("p", frozenset(["theta"]), True)),
        (r"\mathbf z \sim p_{\theta}(\mathbf z)", Marked("p", frozenset(["theta"]), True)),
        (r"z \sim p", Marked("p", frozenset(), True)),
        (r"p(z)", Marked("p", frozenset(), True)),
        (r"p_\theta(z|x)", Marked("p", frozenset(["theta"]), False)),
        (r"z \sim q_\phi(z|x)", Marked("q", frozenset(["phi"]), False)),
        (r"p_{data}(x)", Marked("p", frozenset(["data"]), False)),
        (r"p_\theta(x,z)", Marked("p", frozenset(["theta"]), False)),
    ],
)
def test_a_law_is_found_with_its_marks(tex: str, found: Marked) -> None:
    assert list(laws_among(tokenise(tex, {}))) == [found]


def test_the_priors_of_a_document_are_told_apart_by_their_marks() -> None:
    written = [tokenise(tex, {}) for tex in (r"E_{p_\theta(z)}[\log p(x|z)]", "p(z) = N(0, I)", r"p_\phi(x|z)")]
    assert priors_in(written) == ("", "theta")
    assert priors_in(written[2:]) == ()


def under(law: str) -> str:
    left = rf"\nabla_\theta\mathbb E_{{{law}}}[{FIT}]"
    return rf"{left} = \mathbb E_{{{law}}}[\nabla_\theta{FIT}]"


@pytest.mark.parametrize("law", [r"p_\theta(z)", r"z\sim p_\theta", r"z\sim p_\theta(z)", r"p(z;\theta)"])
def test_a_prior_that_the_parameter_marks_moves_with_it(law: str) -> None:
    assert last(ENCODER, under(law)) not in PROVED


def test_a_prior_without_a_mark_stays() -> None:
    assert last(ENCODER, under("p(z)")) in PROVED


JOINT = rf"\nabla_\theta{MEAN}[\log p_\theta(x,z)] = {MEAN}[\nabla_\theta{FIT}]"


@pytest.mark.parametrize(
    "said",
    [r"p_\theta(x,z) = p_\theta(x|z)p_\theta(z)", r"\log p_\theta(x) = \log\mathbb E_{z\sim p_\theta}[p_\theta(x|z)]"],
)
def test_a_prior_that_is_marked_anywhere_moves_everywhere(said: str) -> None:
    assert last(ENCODER, said, JOINT) not in PROVED
    assert last(ENCODER, said, under("p(z)")) not in PROVED


def test_a_prior_that_is_nowhere_written_bare_may_move() -> None:
    assert last(ENCODER, JOINT) not in PROVED
    assert last(ENCODER, r"p_\theta(x,z) = p_\theta(x|z)p(z)", JOINT) in PROVED


def test_a_prior_under_its_parameter_has_a_slope_of_its_own() -> None:
    grown = rf"\mathbb E_{{p_\theta(z)}}[\nabla_\theta{FIT} + {FIT}\nabla_\theta\log p_\theta(z)]"
    assert last(ENCODER, rf"\nabla_\theta\mathbb E_{{p_\theta(z)}}[{FIT}] = {grown}") in PROVED


# what the document says, then a line that is true only of a constant
FOLDED = [
    ("w = z^2", rf"{MEAN}[w] = w"),
    (r"f := \log p(x|z)", rf"{MEAN}[f] = f"),
    (r"w(z) = \frac{p(z)}{q(z|x)}", rf"{MEAN}[w(z)] = w{MEAN}[z]"),
    (r"f(z) = \|x - z\|^2", r"\mathbb E_{p(x)}[f(z)] = f(z)"),
    (r"\kappa = \log p(x|z)", rf"{MEAN}[3\kappa] = 3\kappa"),
    (r"m = z - \mu_\phi(x)", rf"{MEAN}[m] = m"),
    (r"\rho = \frac{q(z|x)}{p(z)}", r"KL(q(z|x)\|p(z)) = \log\rho"),
    (r"g(x) = x^2 + z^2", rf"{MEAN}[g(x)] = g(x)"),
]


@pytest.mark.parametrize(("said", "line"), FOLDED)
def test_a_name_that_varies_is_no_constant_under_an_average(said: str, line: str) -> None:
    assert last(ENCODER, said, line) not in PROVED
    below = threefold.check(f"$${ENCODER}$$\n\n$${line}$$\n\n$${said}$$\n", seconds=20)
    assert all(k.verdict not in PROVED for k in below if k.display == 2)


def test_a_definition_below_its_use_counts_as_well() -> None:
    text = f"$${ENCODER}$$\n\n$${MEAN}[w] = w$$\n\nwhere $w = z^2$ is its square.\n"
    assert [k.verdict for k in threefold.check(text, seconds=20)][-1] not in PROVED


def test_a_name_that_varies_through_another_one_varies_too() -> None:
    assert last(ENCODER, "u = z - x", r"\kappa = 2\|u\|^2", rf"{MEAN}[\kappa] = \kappa") not in PROVED


def test_a_prediction_is_made_from_the_state_it_predicts() -> None:
    said = r"\hat x_0 = \frac{x_t-\sqrt{1-\bar\alpha_t}\epsilon_\theta(x_t,t)}{\sqrt{\bar\alpha_t}}"
    assert last(said, r"\mathbb E_{q(x_t|x_0)}[\hat x_0] = \hat x_0") not in PROVED


def test_a_name_that_does_not_vary_is_put_before_the_average() -> None:
    assert last(ENCODER, r"\kappa = 3", rf"{MEAN}[\kappa\log p(z)] = 3{MEAN}[\log p(z)]") in PROVED
    assert last(ENCODER, rf"{MEAN}[b\log p(z)] = b{MEAN}[\log p(z)]") in PROVED


def test_a_definition_is_put_in() -> None:
    assert last(ENCODER, r"f := \log p(x|z)", rf"{MEAN}[f] = {MEAN}[\log p(x|z)]") in PROVED
    assert last(ENCODER, r"f(z) = \log p(x|z)", rf"{MEAN}[f(z)] = {MEAN}[\log p(x|z)]") in PROVED


def test_what_is_averaged_over_does_not_vary() -> None:
    assert last(ENCODER, rf"\kappa = {MEAN}[\log p(z)]", rf"{MEAN}[\kappa z] = \kappa{MEAN}[z]") not in ("refuted",)
    letters = varying.names_in([tokenise(r"\kappa = \mathbb E_{z\sim p}[\|z\|^2]", {})], Settings())
    assert letters == ()
    letters = varying.names_in([tokenise(r"\kappa = \mathbb E_{z\sim p}[\|x-z\|^2]", {})], Settings())
    assert letters == ("kappa",)


def test_a_letter_that_is_defined_twice_is_put_in_no_more() -> None:
    twice = (ENCODER, r"f(z) = \log p(x|z)", r"f(z) = \|z\|^2")
    assert last(*twice) == "definition"
    assert last(*twice, rf"{MEAN}[f(z)] = {MEAN}[\|z\|^2]") not in (*PROVED, "refuted")
    assert last(*twice, rf"{MEAN}[f(z)] = {MEAN}[\log p(x|z)]") not in (*PROVED, "refuted")
    assert last(*twice[:2], twice[1], rf"{MEAN}[f(z)] = {MEAN}[\log p(x|z)]") in PROVED
    assert last(ENCODER, "y = 2x", "y = 3z", rf"{MEAN}[y] = 3{MEAN}[z]") not in (*PROVED, "refuted")


def test_a_function_is_put_in_at_its_own_argument_alone() -> None:
    said = r"f(z) = \|z\|^2"
    assert last(ENCODER, said, rf"{MEAN}[f(z)] = {MEAN}[\|z\|^2]") in PROVED
    assert last(ENCODER, said, rf"{MEAN}[f(x)] = {MEAN}[\|z\|^2]") not in (*PROVED, "refuted")
    assert last(ENCODER, said, rf"{MEAN}[f(x)] = f(x)") in PROVED
