"""The ledger: every claim with what its three witnesses said, computed, never typed.

`judge` asks the witnesses and returns a `Ledger` of `Row`s; `cache` keeps what was answered, `json` writes it.
"""

from threefold.ledger.questions import TIME_LIMIT, Answer, Answers, Question, ask, judge, questions, row, used_by
from threefold.ledger.rows import (
    WITNESSES,
    Ledger,
    Measured,
    Mutants,
    Row,
    StatementRow,
    Symbolic,
    Testimony,
    WitnessName,
)

__all__ = [
    "TIME_LIMIT",
    "WITNESSES",
    "Answer",
    "Answers",
    "Ledger",
    "Measured",
    "Mutants",
    "Question",
    "Row",
    "StatementRow",
    "Symbolic",
    "Testimony",
    "WitnessName",
    "ask",
    "judge",
    "questions",
    "row",
    "used_by",
]
