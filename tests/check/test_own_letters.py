"""A letter of the schedule that a document defines otherwise than the field: later lines are judged by what it says."""

from __future__ import annotations

import pytest

import threefold
from threefold.check import conventions

PROVED = ("proved", "proved as read")
STEP = r"q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{1-\beta_t}x_{t-1}, \beta_t I)"
WHOLE = r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, (1-\bar\alpha_t) I)"
PRODUCT = r"\bar\alpha_t = \prod_{s=1}^t \alpha_s"
SHORT = r"\bar\alpha_t = \prod_{s=1}^{t-1} \alpha_s"
TURNED = r"\tilde\beta_t = \frac{1-\bar\alpha_t}{1-\bar\alpha_{t-1}}\beta_t"


def checked(*lines: str) -> list[str]:
    """The verdict of every line."""
    found = threefold.check("\n\n".join(f"$${tex}$$" for tex in (STEP, *lines)) + "\n", seconds=20)
    return [k.verdict for k in found][1:]


# what is defined otherwise, and a line that is true by the field's meaning
OTHERWISE = [
    (SHORT, WHOLE),
    (SHORT, r"1-\bar\alpha_t = \mathrm{Var}(x_t|x_0)"),
    (r"\bar\alpha_t = \alpha_t\bar\alpha_{t-2}", WHOLE),
    (TURNED, r"\mathrm{Var}(x_{t-1}|x_t,x_0) = \tilde\beta_t I"),
    (r"\mathrm{Var}(x_t|x_0) = \bar\alpha_t I", WHOLE),
    (r"\alpha_t = \beta_t", r"q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{\alpha_t}x_{t-1}, (1-\alpha_t) I)"),
    (r"\alpha_t = \sqrt{1-\beta_t}", r"q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{\alpha_t}x_{t-1}, (1-\alpha_t) I)"),
]


@pytest.mark.parametrize(("said", "line"), OTHERWISE)
def test_what_is_true_by_the_fields_meaning_alone_has_two_readings(said: str, line: str) -> None:
    assert checked(said, line) == ["definition", "two readings"]
    assert checked(line)[0] in (*PROVED, "definition")


# what is defined otherwise, and lines that are true by that definition, and by the field's meaning are not
OWN = [
    ((r"\alpha_t = \sqrt{1-\beta_t}", r"\bar\alpha_t = \prod_{s=1}^t\alpha_s"),
     r"q(x_t|x_0) = \mathcal N(x_t; \bar\alpha_tx_0, (1-\bar\alpha_t^2) I)"),
    ((r"\alpha_t = \sqrt{1-\beta_t}",), r"q(x_t|x_{t-1}) = \mathcal N(x_t; \alpha_tx_{t-1}, (1-\alpha_t^2) I)"),
    ((r"\alpha_t = \beta_t",), r"q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{1-\alpha_t}x_{t-1}, \alpha_t I)"),
    ((SHORT,), r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_{t+1}}x_0, (1-\bar\alpha_{t+1}) I)"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "line"), OWN)
def test_the_documents_meaning_is_put_in(said: tuple[str, ...], line: str) -> None:
    assert checked(*said, line)[-1] in PROVED
    assert checked(line)[-1] not in PROVED


@pytest.mark.parametrize("wrong", [WHOLE.replace("(1-", "(2-"), WHOLE.replace("x_0,", "2x_0,")])
def test_what_is_false_by_both_meanings_is_refuted(wrong: str) -> None:
    assert checked(SHORT, wrong)[-1] == "refuted"


def test_a_definition_inside_a_sentence_counts() -> None:
    text = f"$${STEP}$$\n\nLet ${SHORT}$ be the product.\n\n$${WHOLE}$$\n"
    assert [k.verdict for k in threefold.check(text, seconds=20)][-1] == "two readings"


def test_the_latest_definition_holds() -> None:
    assert checked(SHORT, WHOLE, PRODUCT, WHOLE) == ["definition", "two readings", "definition", "proved"]


UNREAD = r"\bar\alpha_t = \operatorname{clip}(\bar\alpha_{t-1}\alpha_t, 0, 1)"


def test_a_definition_that_is_not_read_makes_the_letter_uncertain() -> None:
    assert checked(UNREAD, WHOLE)[-1] == "proved as read"
    assert checked(UNREAD, WHOLE.replace("(1-", "(2-"))[-1] == "undecided"
    assert checked(WHOLE.replace("(1-", "(2-"))[-1] == "refuted"
    assert checked(UNREAD, r"\beta_t + \alpha_t = 1")[-1] == "proved"
    assert checked(r"\bar\alpha_t = [(\alpha_1\alpha_2", WHOLE)[-1] == "proved as read"


CHOICES = [
    r"\beta_t = \beta_1 + \frac{t-1}{T-1}(\beta_T-\beta_1)",
    r"\beta_t = 0.02",
    r"\bar\alpha_t = \frac{f(t)}{f(0)}",
    r"\bar\alpha_t = 1 - \frac{t}{T}",
    r"\bar\alpha_t = \cos^2(\frac{t}{T})",
    r"\sigma_t^2 = \beta_t",
    r"\alpha_t = 1-\beta_t",
    r"\beta_t = 1-\frac{\bar\alpha_t}{\bar\alpha_{t-1}}",
    r"\bar\alpha_T = 0",
]


@pytest.mark.parametrize("said", CHOICES)
def test_a_choice_of_the_schedule_is_no_other_meaning(said: str) -> None:
    found = checked(said, WHOLE)
    assert found[0] not in ("refuted", "two readings")
    assert found[-1] == "proved"
    assert checked(PRODUCT, said)[-1] != "refuted"


# once the document has said what the product is, what follows about it is a claim
CLAIMS = [
    r"\bar\alpha_t = \alpha_t\bar\alpha_{t-2}",
    r"\bar\alpha_t = \prod_{s=0}^t\alpha_s",
    r"\mathrm{Var}(x_t|x_0) = \bar\alpha_t I",
    r"\bar\alpha_t = 1-\beta_t",
]


@pytest.mark.parametrize("line", CLAIMS)
def test_a_letter_that_was_defined_is_no_longer_set(line: str) -> None:
    assert checked(line)[-1] == "definition"
    assert checked(PRODUCT, line)[-1] == "refuted"
    assert checked(PRODUCT, PRODUCT) == ["definition", "definition"]


@pytest.mark.parametrize("letter", ["s", "i", "r", "m", "u", "\\ell"])
def test_a_product_may_count_with_any_letter(letter: str) -> None:
    said = PRODUCT.replace("_{s=1}", f"_{{{letter}=1}}").replace("_s", f"_{{{letter}}}")
    assert checked(said)[-1] == "definition"
    assert checked(said, r"\bar\alpha_t = \alpha_t\bar\alpha_{t-2}")[-1] == "refuted"
    double = rf"\sum_{{{letter}=1}}^t \sqrt{{\alpha_{{{letter}}}}} = \sum_{{j=1}}^t \sqrt{{\alpha_j}}"
    assert checked(double)[-1] in PROVED
    assert checked(double.replace(r"\alpha_j", r"\alpha_{t}"))[-1] not in PROVED


def test_a_lost_definition_is_known_by_how_it_begins() -> None:
    assert conventions.written_first(r"\bar{\alpha}_t = (\alpha_1").plain == "bar alpha"
    assert conventions.written_first(r"\begin{aligned} \beta_t &= (1-\alpha_t").plain == "beta"
    assert conventions.written_first(r"\beta_t = (3") is None
    assert conventions.written_first(r"x = (\alpha_1") is None


def test_a_letter_that_stands_behind_its_definition_counts() -> None:
    assert checked(r"\prod_{s=1}^{t-1} \alpha_s =: \bar\alpha_t", WHOLE)[-1] == "two readings"
    assert checked(r"\prod_{s=1}^t \alpha_s =: \bar\alpha_t", WHOLE)[-1] == "proved"
