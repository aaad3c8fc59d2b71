"""What the kernel may say about a claim. There is no default verdict: each is constructed by somebody who looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Witness:
    """Concrete admissible numbers that anyone can plug in, and both sides' values there (decimal strings)."""

    values: tuple[tuple[str, str], ...]
    lhs: str
    rhs: str
    note: str = ""

    def __str__(self) -> str:
        point = ", ".join(f"{name} = {value}" for name, value in self.values)
        return f"at {point}: left side {self.lhs}, right side {self.rhs}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Verdict:
    """Base class; `kind` is the word used in JSON, and only `Proved` is truthy."""

    kind: ClassVar[str] = ""

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Proved(Verdict):
    """Every step was decided by the kernel, or is a law of probability or a named, allow-listed assumption."""

    kind: ClassVar[str] = "proved"

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Defined(Proved):
    """Every statement says what an abbreviation stands for, and means something: there is nothing else to prove."""

    kind: ClassVar[str] = "definition"


@dataclass(frozen=True)
class Refuted(Verdict):
    """False: the witness lies in the claim's domain and the two sides differ there."""

    witness: Witness
    kind: ClassVar[str] = "refuted"


@dataclass(frozen=True)
class Disputed(Verdict):
    """Accepted by the kernel's rules, and false at the witness all the same: the kernel or its shadow is wrong."""

    witness: Witness
    kind: ClassVar[str] = "disputed"


@dataclass(frozen=True)
class Supported(Verdict):
    """Not proved; `n` sampled cases agreed within `tolerance`."""

    n: int
    tolerance: float
    kind: ClassVar[str] = "supported"


@dataclass(frozen=True)
class Gap:
    """What a rule made of two lines of which one does not follow from the other, and what did not vanish, as text."""

    before: str
    after: str
    difference: str = ""


@dataclass(frozen=True)
class Undecided(Verdict):
    """Neither proved nor refuted, and why. `gap` shows what a step lacks that does not follow."""

    reason: str
    gap: Gap | None = None
    kind: ClassVar[str] = "undecided"


@dataclass(frozen=True)
class Assumed(Verdict):
    """Taken as given for the stated reason; never shown as proved."""

    reason: str
    kind: ClassVar[str] = "assumed"
