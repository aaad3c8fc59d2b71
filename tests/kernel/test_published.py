"""Mistakes in published texts: each is refuted, with the very numbers that show it, and its correction is proved."""

import pytest

import derivations
from derivations import Refuted
from derivations.kernel.claims import tags
from derivations.refutation.refute import refute

# Both sides at the erratum's own point, to the digits that are quoted where the mistake is described.
NUMBERS = {
    "N1": ("1.0435", "0.8157"),
    "N2": ("0.0", "0.0986"),
    "N4": ("-1.5725", "-1.0001"),
    "N5": ("1.7741", "0.8695"),
    "N6": ("0.2846", "0.8538"),
    "N7": ("24777", "0.0019"),
    "N8": ("0.9995", "0.3903"),
    "N11": ("-0.5", "0.190"),
    "N12": ("0.6065", "0.1353"),
    "N13": ("101", "4"),
    "N15": ("0.0305", "0.3080"),
    "N16": ("-1.5155", "-1.7655"),
    "A1": ("0.9200", "1.0000"),
    "A3": ("48", "8"),
    "A8": ("4.036e-5", "0.0"),
    "A9": ("0.919", "-0.919"),
    "A13": ("0.364", "1"),
    "S1": ("0.5", "-1.2071"),
    "S2": ("0.0", "-0.8536"),
    "S4": ("1.0434", "0.5541"),
    "S6": ("-0.3475", "0.7650"),
    "S12": ("0.104", "1"),
    "S13": ("66.7", "1.33"),
    "J4": ("0.223", "-0.223"),
    "J7": ("1.2", "1"),
    "J8": ("0.940", "3"),
    "J13": ("0.112", "1"),
    "J14": ("1.0e-4", "1.155e-4"),
    "B1": ("0.571", "0.807"),
    "B2": ("3.7e-4", "2.4e6"),
    "B3": ("0.9999", "4.04e-5"),
    "B4": ("0.054", "2.121"),
    "B5": ("-1e-4", "0.0"),
    "B7": ("2.0e-5", "0.0"),
    "B9": ("1.118", "1.5"),
    "B10": ("100", "1.0"),
    "B14": ("1.300", "0.0"),
    "B16": ("1.0526", "1"),
    "E04": ("-0.7278", "-1"),
    "E15": ("1.6", "0.8"),
    "E16": ("0.3054", "0.2580"),
    "E17": ("-2.4", "2.4"),
    "E18": ("1.6", "0.8"),
    "E20": ("0.2772", "0.5265"),
    "E23": ("1.2521", "1"),
    "E27": ("-0.6415", "0.5265"),
    "E28": ("0.7256", "0.2177"),
    "E30": ("1.3333", "1.0667"),
    "E31": ("0.4289", "0.0539"),
    "E32": ("-0.4289", "-0.5483"),
    "E33": ("0.4289", "0.8127"),
    "E34": ("-0.4", "-0.1"),
    "E35": ("0.1", "0.4"),
    "E38": ("0.0909", "1.0"),
    "E44": ("-0.015", "-1.005"),
    "E45": ("0.7048", "0.7527"),
    "E68": ("-11.1164", "-0.7336"),
}


def within_its_digits(value: str, quoted: str) -> bool:
    """Does the decimal `value` round to `quoted`, allowing one unit of the last digit that is quoted?"""
    mantissa, _, exponent = quoted.partition("e")
    places = len(mantissa.partition(".")[2])
    return abs(float(value.strip("()")) - float(quoted)) <= 1.01 * 10.0 ** (int(exponent or 0) - places)


@pytest.mark.parametrize("erratum", derivations.errata(), ids=lambda e: e.id)
def test_printed_form_is_refuted_and_correction_proved(erratum):
    report = derivations.judge_erratum(erratum)
    assert isinstance(report.verdict, Refuted), report.verdict
    assert report.correction_verdict is None or report.correction_verdict, report.correction_verdict
    assert erratum.right
    assert erratum.words
    if erratum.id in NUMBERS:
        lhs, rhs = NUMBERS[erratum.id]
        assert within_its_digits(report.verdict.witness.lhs, lhs)
        assert within_its_digits(report.verdict.witness.rhs, rhs)


def test_every_quoted_number_belongs_to_an_erratum():
    assert set(NUMBERS) <= {e.id for e in derivations.errata()}


def test_ids_are_unique_and_most_corrections_are_proved():
    ids = [e.id for e in derivations.errata()] + [e.id for e in derivations.editorial()]
    assert len(set(ids)) == len(ids)
    proved = [e for e in derivations.errata() if e.correction is not None]
    assert len(proved) >= 30


def test_a_right_statement_is_not_refuted():
    """The refuter that finds the misprints finds nothing against the corrected forms."""
    for erratum in derivations.errata():
        if isinstance(erratum.correction, str):
            claim = derivations.claims()[erratum.correction]
            assert claim.id in tags()
            assert all(refute(claim, part) is None for part in range(len(claim.says)))


# The statement that is judged is the formula that was printed; everywhere else it is what the text implies.
VERBATIM = {"N1", "N2", "B16"}


def test_what_stands_in_a_text_is_told_from_what_it_implies():
    texts = [e for e in derivations.errata() if not e.source.startswith("public")]
    assert {e.id for e in texts if not e.quoted} == VERBATIM
    assert not [e.id for e in texts if e.quoted in (e.words, e.right)]
