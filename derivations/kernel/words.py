"""Matrices as sums of words: products of covariances, of rectangular matrices, of their transposes, and of inverses.

A number is a multiple of the identity, of whatever size stands beside it. Inverses are those of covariances and of sums
that are known to be positive definite (`definite`); of such a sum M no more is used than M M^-1 = M^-1 M = 1. So what
reduces to 0 is 0, and what does not may be 0 too.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.matrices import Transposed
from derivations.kernel.symbols import Covariance, Malformed

Word = tuple[Any, ...]
Sum = dict[Word, Any]  # of words, each with its coefficient, a number
MOST = 2_000  # words that a product is written out to


def words(e: Any) -> Sum:
    """A matrix as a sum of words, without those whose coefficient is 0."""
    e = sp.sympify(e)
    if e.is_commutative:
        return {(): e} if e != 0 else {}
    if isinstance(e, sp.Add):
        return added(*map(words, e.args))
    if isinstance(e, sp.Mul):
        made = words(e.args[0])
        for factor in e.args[1:]:
            made = times(made, words(factor))
        return made
    if isinstance(e, sp.Pow):
        base, power = e.args
        one = inverse(base) if power < 0 else words(base)
        made = one
        for _ in range(abs(int(power)) - 1):
            made = times(made, one)
        return made
    return {(e,): sp.S.One}


def added(*sums: Sum) -> Sum:
    total: Sum = {}
    for one in sums:
        for word, c in one.items():
            total[word] = sp.expand(total.get(word, sp.S.Zero) + c)
    return {word: c for word, c in total.items() if c != 0}


def times(one: Sum, other: Sum) -> Sum:
    if len(one) * len(other) > MOST:
        raise Malformed(f"a product of matrices has more than {MOST} terms when it is multiplied out")
    return added(*({_joined(v, w): a * b} for v, a in one.items() for w, b in other.items()))


def _joined(left: Word, right: Word) -> Word:
    while left and right and is_invertible(right[0]) and left[-1] == right[0] ** -1:
        left, right = left[:-1], right[1:]
    return (*left, *right)


def is_inverse(letter: Any) -> bool:
    return isinstance(letter, sp.Pow)


def is_invertible(letter: Any) -> bool:
    """Covariances have inverses, and inverses have them; a rectangular matrix may have none."""
    return isinstance(letter, Covariance | sp.Pow)


def inverse(e: Any) -> Sum:
    """The inverse of what has one: a number, a word of matrices that have one, or a sum."""
    found = words(e)
    if len(found) == 1:
        ((word, c),) = found.items()
        if all(map(is_invertible, word)):
            return {tuple(letter**-1 for letter in reversed(word)): 1 / c}
    return {(sp.Pow(spelled(found), -1),): sp.S.One}


def spelled(found: Sum) -> Any:
    return sp.Add(*[c * sp.Mul(*word) for word, c in found.items()])


def turned(word: Word) -> Word:
    """The transposed word."""
    return tuple(_turned(letter) for letter in reversed(word))


def _turned(letter: Any) -> Any:
    if not is_inverse(letter):
        return Transposed(letter)
    if isinstance(base := letter.args[0], Covariance):
        return letter
    return sp.Pow(spelled({turned(w): c for w, c in words(base).items()}), -1)


# --- what an inverse is -----------------------------------------------------------------------------------------------


def reduced(found: Sum) -> Sum:
    """The same sum of words, by M M^-1 = 1: next to its inverse, the longest word of M is written in the others."""
    total: Sum = {}
    waiting = list(found.items())
    steps = 0
    while waiting:
        word, c = waiting.pop()
        steps += 1
        if (rest := _step(word)) is None or steps > MOST:
            total = added(total, {word: c})
        else:
            waiting += [(w, c * b) for w, b in rest.items()]
    return total


def _step(word: Word) -> Sum | None:
    for place, letter in enumerate(word):
        if is_inverse(letter) and isinstance(letter.args[0], sp.Add):
            others = words(letter.args[0])
            longest = max(others, key=lambda w: (len(w), str(w)))
            first = others.pop(longest)
            n = len(longest)
            before = place >= n and word[place - n : place] == longest
            if not before and word[place + 1 : place + 1 + n] != longest:
                continue
            lo, hi = (place - n, place + 1) if before else (place, place + 1 + n)
            rest = {(*w, letter) if before else (letter, *w): -b / first for w, b in others.items()}
            put = added({(): 1 / first}, rest)
            return times(times({word[:lo]: sp.S.One}, put), {word[hi:]: sp.S.One})
    return None


# --- what has an inverse ----------------------------------------------------------------------------------------------


def definite(e: Any) -> list[Any] | None:
    """The numbers that must be positive for the matrix to be symmetric positive definite; None if nothing tells.

    It is a sum of words X Y X^T with a positive definite Y or none in the middle, one of them with an X that has an
    inverse.
    """
    found = words(e)
    return semidefinite(e) if any(all(map(is_invertible, word)) for word in found) else None


def semidefinite(e: Any) -> list[Any] | None:
    """The numbers that must be positive for the matrix to be positive semi-definite; None if nothing tells."""
    found = words(e)
    return list(found.values()) if all(map(_is_mirrored, found)) else None


def _is_mirrored(word: Word) -> bool:
    middle = word[len(word) // 2] if len(word) % 2 else None
    return turned(word) == word and (middle is None or is_invertible(middle))


# --- signs of spectra and traces --------------------------------------------------------------------------------------


def mirrored_parts(word: Word, most: int) -> bool:
    """Is the word at most so many positive semi-definite ones, X Y X^T, one after the other?"""
    if not word or most == 0:
        return not word
    ends = (n for n in range(len(word), 0, -1) if _is_mirrored(word[:n]))
    return any(mirrored_parts(word[n:], most - 1) for n in ends)


def turns(word: Word) -> list[Word]:
    """The word, and what it becomes when it is turned; where all letters have inverses, and so one size."""
    square = all(map(is_invertible, word))
    return [word[n:] + word[:n] for n in range(len(word) if square else 1)] or [word]


def in_turn(found: Sum) -> Sum:
    """A sum of words of the same trace, in which words that are one another turned are one word."""
    return added(*({min(turns(word) + turns(turned(word)), key=str): c} for word, c in found.items()))


def nonnegative_trace(found: Sum) -> tuple[list[Any], bool] | None:
    """The numbers that must be positive for the trace not to be negative, and whether it then is positive.

    None where nothing tells. The product of two positive semi-definite matrices has no negative eigenvalue.
    """
    if not all(any(mirrored_parts(turn, 2) for turn in turns(word)) for word in found):
        return None
    return list(found.values()), any(all(map(is_invertible, word)) for word in found)


def never_opposite(one: Word, other: Word) -> bool:
    """Is one word surely no negative multiple of the other?

    One times the inverse of the other would be -c I, with c > 0. It is P Q R S at most, of positive semi-definite P, Q,
    R and S: so P Q = -c (R S)^-1, and P Q has no negative eigenvalue.
    """
    for left, right in ((one, other), (other, one)):
        if all(map(is_invertible, right)):
            whole = _joined(left, tuple(letter**-1 for letter in reversed(right)))
            if any(mirrored_parts(turn, 4) for turn in turns(whole)):
                return True
    return False
