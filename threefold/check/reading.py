"""One admissible reading of a link: two terms, their relation, and how they were reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from threefold.check.lowering import Unfold


@dataclass(frozen=True)
class Reading:
    """lhs relation rhs in the kernel's terms, and how it was reached."""

    lhs: Any
    relation: str
    rhs: Any
    context: str
    notes: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    intervals: tuple[tuple[str, Any], ...] = ()
    capitals: tuple[str, ...] = ()  # undeclared, taken for numbers
    vectors: bool = False  # is there any vector in sight?
    supposed: bool = False  # undeclared numbers are supposed to be positive
    indices: frozenset[Any] = frozenset()
    constant: bool = False  # + const, ∝: equal up to what is free of the variable
    repaired: bool = False
    lone_left: str = ""  # a lone name that may be set here
    lone_right: str = ""
    random: bool = False  # an equation between random variables, compared as laws
    sets: str = ""  # what the left side sets, if it is a law or a variable that the document may choose
    free_of_network: bool = False  # gradients in the parameters: the sides may differ by what is free of the network
    stronger: bool = False  # a claim that implies the printed one, and is not implied by it
    opposite: bool = False  # a minimum against a maximum: it may be refuted, and is not proved
    single: bool = False  # of one coordinate: a refutation is sought where there is but one
    lost_law: bool = False  # an expectation whose law is not written
    withheld: str = ""  # why it may not be refuted
    unfold: Unfold = "all"  # which of the document's names were written out
    put_back: bool = False  # an average that is not written is put back
    model: bool = False  # a law letter is read as the model's
    uses: tuple[int, ...] = ()
    theorems: tuple[str, ...] = ()  # claims that the reading leans on

    @property
    def may_be_matrices(self) -> str:
        """Capitals that may be matrices, where it matters: beside each other or beside a vector. '' for none."""
        several = len(self.capitals) > 1
        return ", ".join(self.capitals) if several or (self.capitals and self.vectors) else ""
