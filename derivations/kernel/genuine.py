"""Nothing that lies: terms are made of SymPy's own classes, names are plain text, and numbers can be calculated with.

A subclass of `Add`, of `Integer` or of `str` may print one thing and compare as another, so none is let in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.core.assumptions import StdFactKB

from derivations.kernel import terms
from derivations.kernel.memory import OWN, remembered
from derivations.kernel.terms import Bound, Malformed

OPEN = (sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.Abs, sp.Rational, sp.NumberSymbol)  # what could be subclassed
LARGEST_POWER = 10_000
LONGEST_NUMBER = 20_000  # bits of a numerator or a denominator
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What a reader takes for something else than a name, in a terminal or in LaTeX.
TAKEN = "log ln exp sqrt Abs pi oo KL tr lim mean var law sum prod max min diag sg"
LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho varrho sigma "
    "varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell "
    "varnothing aleph imath jmath"
)
MARKS = (
    "mathrm mathcal mathbb mathbf mathsf mathit mathscr mathfrak boldsymbol bm operatorname text bar hat tilde dot "
    "ddot vec check overline widehat widetilde prime star ast dagger top circ infty max min mid to"
)


# Commands that print alike, or so that nobody tells them apart.
ALIKE = {
    "mathit": "", "boldsymbol": r"\mathbf", "bm": r"\mathbf", "text": r"\mathrm", "operatorname": r"\mathrm",
    "overline": r"\bar", "widehat": r"\hat", "widetilde": r"\tilde", "ast": "*", "prime": "'", "left": "", "right": "",
}  # fmt: skip
GROUP = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|.)"


def bare_look(latex: str) -> str:
    """What a reader sees of some LaTeX: without spaces and braces, one command for all that print alike, _ before ^."""
    one = re.sub(rf"(\^{GROUP})\s*(_{GROUP})", r"\2\1", latex)
    one = re.sub(r"\\([A-Za-z]+)", lambda m: ALIKE.get(m[1], m[0]), one)
    return re.sub(r"[{}\s]|\\[,;:! ]", "", one).replace("^'", "'")


def refuse_impostors(e: Any) -> None:
    """Refuse a term with a class of somebody's own in it, a name that is no plain text, or a number out of reach."""
    if isinstance(e, OPEN) and type(e) not in OWN:
        raise Malformed(f"{type(e).__name__} is a class of its own, which could say anything: write SymPy's")
    if isinstance(e, sp.Rational) and max(int(e.p).bit_length(), int(e.q).bit_length()) > LONGEST_NUMBER:
        raise Malformed(f"a number of more than {LONGEST_NUMBER} bits is too long to calculate with")
    if isinstance(e, sp.Symbol) and not isinstance(e, Bound):
        refuse_hidden_text(e.name, "a symbol")
    for a in e.args if isinstance(e, sp.Basic) else ():
        refuse_impostors(a)
    if isinstance(e, sp.Basic):
        _refuse_changed(e)
    if type(e) is sp.Pow:
        _refuse_power(e)


def _refuse_power(e: Any) -> None:
    base, exponent = e.args
    if base is sp.E:
        raise Malformed(f"{e}: write exp(...) for a power of e")
    if isinstance(exponent, sp.Rational) and max(abs(int(exponent.p)), int(exponent.q)) > LARGEST_POWER:
        raise Malformed(f"a power of {exponent} is too large to calculate with: at most {LARGEST_POWER}")
    if exponent.is_number and not isinstance(exponent, sp.Rational) and exponent.has(sp.Pow):
        raise Malformed(f"a power of {exponent} is not written out: give an exact fraction")


# --- as its class makes it --------------------------------------------------------------------------------------------


def _refuse_changed(e: Any) -> None:
    """Refuse a term that was written into after it was made, or that its class did not make.

    An attribute of its own would answer in the place of a method. What SymPy remembers to have found out of it may have
    been put there, so it is forgotten, and found out again.
    """
    if own := set(getattr(e, "__dict__", ())) - ({"nargs"} if isinstance(e, sp.Function) else set()):
        raise Malformed(f"{type(e).__name__} was given {min(own)!r} of its own: a term is what its class makes of it")
    if isinstance(e, sp.Symbol):
        if not _has_its_facts(e):
            raise Malformed(f"{e} was told something that it was not declared with: say in the domain what it is")
        return
    e._assumptions = type(e).default_assumptions
    if isinstance(e, sp.Add | sp.Mul | sp.Pow):
        if getattr(e, "is_commutative", None) is not all(a.is_commutative for a in e.args):
            raise Malformed(f"{type(e).__name__} was told what it is, or was not made by SymPy: write +, * and **")
    elif isinstance(e, sp.Rational):
        if not (e.q >= 1 and math.gcd(e.p, e.q) == 1 and (e.q > 1 or isinstance(e, sp.Integer))):
            raise Malformed(f"{e} is no fraction in lowest terms: write Rational({e.p}, {e.q})")
    elif isinstance(e, terms.Formal) and not _is_made(e):
        raise Malformed(f"{type(e).__name__} was put together by hand: call {type(e).__name__}(...)")


@remembered(2**16)
def _is_made(e: Any) -> bool:
    """Is the term what its class makes of its arguments?"""
    try:
        return bool(type(e)(*e.args) == e)
    except Exception:  # whatever the class says about them
        return False


def _has_its_facts(symbol: Any) -> bool:
    """Does a symbol know no more of itself than what it was declared with?"""
    declared, shown = _facts(tuple(symbol._assumptions_orig.items()))
    found = symbol._assumptions
    same = found == declared or all(declared.get(k) is known for k, known in found.items() if known is not None)
    return bool(same and symbol._assumptions0 == shown)


@remembered(256, lambda declared: all(type(k) is str and type(v) is bool for k, v in declared))
def _facts(declared: tuple[tuple[str, bool], ...]) -> tuple[dict[str, bool], tuple[tuple[str, bool], ...]]:
    found = dict(StdFactKB({"commutative": True, **dict(declared)}))
    return found, tuple(sorted(found.items()))


def refuse_hidden_text(name: Any, what: str) -> None:
    if type(name) is not str or not PLAIN.fullmatch(name) or name in TAKEN.split():
        raise Malformed(
            f"{name!r} names {what}: a name is a letter, then letters, digits and _, and no word of the language"
        )


def refuse_look(name: str, shown: Any) -> None:
    """Refuse a LaTeX name that reads as a number, a calculation or a function that everybody knows."""
    if type(shown) is not str:
        raise Malformed(f"{name!r} has a LaTeX name that is no plain text")
    commands = set(re.findall(r"\\([A-Za-z]+)", shown))
    base = re.sub(r"[_^](\{([^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|.)", "", shown)  # without what is written below or above
    bare = re.sub(r"\\([A-Za-z]+)", lambda m: "" if m[1] in MARKS.split() else f"\\{m[1]}", base)
    word = re.sub(r"[{}'\s]|\\[,;:! ]", "", bare)
    letters = re.fullmatch(r"(\\[A-Za-z]+|[A-Za-z][A-Za-z0-9]*)+", word)
    plain = bare_look(shown)
    mean = r"\mathbbE" in plain or plain == r"\mathcalN"
    laplacian = re.search(r"\\Delta\s*_(\{[^}]*\}|\\[A-Za-z]+|.)\s*[^\s}]", shown)
    taken = mean or laplacian or (base == shown and word.lstrip("\\") in TAKEN.split())
    if taken or not letters or commands - {*LETTERS.split(), *MARKS.split()}:
        raise Malformed(f"{name!r} is shown as {shown!r}, which does not read as a name: give it another LaTeX name")


def refuse_lying_words(hypothesis: Any) -> None:
    if type(hypothesis.name) is not str or type(hypothesis.words) is not str:
        raise Malformed("the name and the words of a hypothesis are plain text")
    for side in (*hypothesis.sides, *(part for i, pair in hypothesis.when.items() for part in (i, *pair))):
        refuse_impostors(side)


def refuse_one_look(members: Iterable[Any]) -> None:
    """Refuse two families of as many arguments that print alike in LaTeX, whatever they are called."""
    shown: dict[tuple[str, int], str] = {}
    for name, count in sorted({(type(a).__name__, len(a.args)) for a in members}):
        look = bare_look(terms.LATEX.get(name, name))
        if shown.setdefault((look, count), name) != name:
            raise Malformed(f"{shown[look, count]!r} and {name!r} both print as {look}: give one another LaTeX name")
