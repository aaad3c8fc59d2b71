"""A line whose dropped terms only the prose mentions is never refuted; its neighbour, where nothing is said, is."""

from __future__ import annotations

import pytest

import threefold
from threefold.check import extract, omissions

FORWARD = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{\\alpha_t}\\,x_{t-1}, (1-\\alpha_t) I)$$\n\n"
WRONG = "$$\\log\\alpha_t + \\log 2 = \\log\\alpha_t + \\log 3$$\n"  # false by a term that no α is in

BEFORE = [
    "Omitting terms that are fixed, we get",
    "After dropping the additive constants this is",
    "Ignoring what the optimiser never sees, we find",
    "Up to an additive constant,",
    "Neglecting $\\theta$-independent quantities gives",
    "The last logarithm does not depend on the weights. Hence",
    "Terms independent of $\\theta$ play no part.\n\nSo we may write",
    "We leave out the normaliser:",
]
AFTER = [
    "where const stands for what was dropped.",
    "Here equality is meant up to some constant.",
    "Note the form of it. We omitted the weights.",
    "The rest consists of constants that do not depend on the network.",
]
SILENT = [
    "We obtain",
    "Adding the two lines, with noise independent of the data, we get",
    "With dropout in every layer of the network one finds",
    "An equivalent form, which admits of no doubt, is",
]


def verdicts(text: str) -> list[str]:
    return [link.verdict for link in threefold.check(FORWARD + text, seconds=20)][1:]


def spoken(before: str, after: str) -> bool:
    (display,) = extract.markdown(f"{before}\n\n{WRONG}\n{after}\n").displays
    return omissions.announced(display)


@pytest.mark.parametrize("words", BEFORE)
def test_what_is_announced_before_a_line_is_heard(words: str) -> None:
    assert spoken(words, "")


@pytest.mark.parametrize("words", AFTER)
def test_what_is_announced_behind_a_line_is_heard(words: str) -> None:
    assert spoken("We obtain", words)


@pytest.mark.parametrize("words", SILENT)
def test_other_words_announce_nothing(words: str) -> None:
    assert not spoken(words, words)


def test_an_announcement_ends_at_the_next_display() -> None:
    text = f"Omitting constants,\n\n$$a = b$$\n\nWe obtain\n\n{WRONG}"
    assert [omissions.announced(d) for d in extract.markdown(text).displays] == [True, False]


def test_a_false_line_is_refuted_unless_something_is_left_out() -> None:
    assert verdicts(f"{SILENT[1]}\n\n{WRONG}") == ["refuted"]
    assert verdicts(f"{BEFORE[0]}\n\n{WRONG}") == ["undecided"]
    assert verdicts(f"{SILENT[0]}\n\n{WRONG}\n{AFTER[2]}") == ["undecided"]


LEFT = "\\log(\\alpha_t\\bar\\alpha_t)"
FIRST = f"$${LEFT} = \\log\\alpha_t + 2\\log\\bar\\alpha_t \\tag{{4.1}}$$\n\n"


def test_a_later_line_about_the_same_side_leans_on_the_announcement() -> None:
    again = f"Therefore\n\n$${LEFT} = 3\\log\\alpha_t$$\n"
    assert verdicts(f"Dropping weights,\n\n{FIRST}{again}")[-1] == "undecided"
    assert verdicts(f"We obtain\n\n{FIRST}{again}")[-1] == "refuted"


@pytest.mark.parametrize("words", ["Put into (4.1), this gives", "With \\eqref{4.1} we have"])
def test_a_later_line_that_cites_the_announcement_leans_on_it(words: str) -> None:
    assert verdicts(f"Dropping weights,\n\n{FIRST}{words}\n\n{WRONG}")[-1] == "undecided"


def test_a_later_line_that_cites_another_equation_is_refuted() -> None:
    assert verdicts(f"Dropping weights,\n\n{FIRST}From (4.2) we have\n\n{WRONG}")[-1] == "refuted"


def test_every_link_of_a_chain_behind_an_announcement_is_kept() -> None:
    chain = f"$$\\begin{{aligned}} {LEFT} &= \\log\\bar\\alpha_t \\\\ &= \\log\\alpha_t \\end{{aligned}}$$\n"
    assert verdicts(f"Up to terms that are fixed,\n\n{chain}") == ["undecided", "undecided"]
    assert verdicts(f"We obtain\n\n{chain}") == ["refuted", "refuted"]
