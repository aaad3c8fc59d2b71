"""Gradients in a parameter: a law that it moves has a slope, the gradient of its logarithm, whose mean is zero.

A gradient in a parameter is read along any one direction of it, so that a slope is a number at every point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from derivations.kernel.terms import LAWS, ScalarFunction, VectorFunction, unfold_all
from derivations.rules import KL, REAL, Density, Expect, LogDensity, scalar_function, vector_function
from threefold.check.lowering import LinkReader
from threefold.check.marks import PARAMETERS, laws_among
from threefold.check.tokens import NotRead, flat
from threefold.check.tree import Node, Script, bare, walk

NOT_TAKEN = "a gradient in the parameters"
MOVES = {"theta": "p", "phi": "q", "lambda": "q"}  # where no law is marked
Key = tuple[str, tuple[Any, ...], tuple[Any, ...]]


def parameter(node: Node) -> str | None:
    """The letter of the parameter that a gradient is taken in; None for any other node."""
    if node.kind != "grad" or node[0] is None or node[1]:
        return None
    wrt = bare(node[0])
    plain = wrt.kind == "sym" and wrt[0].letter in PARAMETERS and not (wrt[0].index or wrt[0].accents)
    return str(wrt[0].letter) if plain else None


# --- which laws the parameter moves -----------------------------------------------------------------------------------


def fixed(script: Script, wrt: str) -> bool:
    """Is every law in the subscript free of the parameter?"""
    signs = flat(script.items)
    if wrt in signs:
        return False
    return not any(law.letter == MOVES.get(wrt, law.letter) and not law.marks for law in laws_among(script.items))


def _laws(sides: Sequence[Node]) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Every law of the line: its letter, the parameters that mark it, and whether it is the prior, p(z)."""
    for side in sides:
        for node in walk(side):
            if node.kind == "mean" and node[1] is not None:
                yield from ((law.letter, law.marks, law.prior) for law in laws_among(node[1].items))
            if node.kind == "call" and node[0][0].letter in ("p", "q", "P", "Q"):
                inside = [bare(a) for a in node[1]]
                marks = {a[0].letter for a in inside if a.kind == "sym" and a[0].letter in PARAMETERS}
                marks |= {sign for piece in node[0][0].index for sign in piece.signs} & PARAMETERS
                drawn = [a for a in inside if not (a.kind == "sym" and a[0].letter in PARAMETERS)]
                latent = len(drawn) == 1 and drawn[0].kind == "sym" and drawn[0][0].letter in ("z", "Z")
                letter = node[0][0].letter.lower()
                yield letter, frozenset(marks | PARAMETERS & set(node[0][0].labels)), latent and letter == "p"


def moved_laws(sides: Sequence[Node], priors: Sequence[str]) -> tuple[frozenset[Any], str]:
    """The letters of the laws that the line's parameter moves, with 'prior' where it moves p(z); the parameter.

    `priors`: with what the document marks p(z) anywhere. A prior that it nowhere writes without a mark may move.
    """
    letters = {found for s in sides for n in walk(s) if (found := parameter(n)) is not None}
    if len(letters) != 1:
        raise NotRead("gradients in several parameters")
    (wrt,) = letters
    every = list(_laws(sides))
    moved: set[str] = set()
    marked = any(wrt in m for _, m, _ in every)
    for letter in ("p", "q"):
        marks = [m for name, m, prior in every if name == letter and not prior]
        if any(wrt in m for m in marks):
            moved.add(letter)
            if any(m and wrt not in m for m in marks):
                raise NotRead("one law under two parameters")
        elif marks and not any(marks) and MOVES.get(wrt) == letter and not marked:
            moved.add(letter)
    here = [m for name, m, prior in every if name == "p" and prior]
    unmarked = not any(m for n, m, _ in every if n == "p")
    if ("p" in moved and (unmarked or "" not in priors)) or wrt in priors or any(wrt in m for m in here):
        moved.add("prior")
    if not moved:
        raise NotRead("a gradient in a parameter that no law is marked with")
    names = [
        n[0] for s in sides for n in walk(s) if n.kind == "sym" and n[0].letter in ("mu", "sigma", "Sigma", "g", "T")
    ]
    if any(wrt in p.signs for n in names for p in n.index):
        raise NotRead("a gradient of a network in its parameters")
    return frozenset(moved), wrt


# --- slopes -----------------------------------------------------------------------------------------------------------


def slope_of(reader: LinkReader, operand: Node) -> Any:
    """The gradient of the operand along a direction of the parameter."""
    if reader.moved is None:
        raise NotRead(NOT_TAKEN)
    return _slope(reader, unfold_all(sp.sympify(reader.value(operand))))


def _slope(reader: LinkReader, e: Any) -> Any:
    if isinstance(e, ScalarFunction | VectorFunction) and _moved_function(reader, e):
        return _of_function(reader, e)
    if not e.atoms(*LAWS) and not any(_moved_function(reader, f) for f in e.atoms(ScalarFunction, VectorFunction)):
        return sp.S.Zero
    if e.is_Add:
        return sp.Add(*[_slope(reader, a) for a in e.args])
    if e.is_Mul:
        parts = list(e.args)
        return sp.Add(*[sp.Mul(*parts[:n], _slope(reader, a), *parts[n + 1 :]) for n, a in enumerate(parts)])
    if isinstance(e, sp.exp):
        return e * _slope(reader, e.args[0])
    if isinstance(e, sp.log):
        return _slope(reader, e.args[0]) / e.args[0]
    if isinstance(e, sp.Pow) and e.args[1].is_number:
        return e.args[1] * e.args[0] ** (e.args[1] - 1) * _slope(reader, e.args[0])
    if isinstance(e, LogDensity) and isinstance(e.args[0], Density):
        return _of_law(reader, e.args[0])
    if isinstance(e, KL):
        p, q = e.args
        return _slope(reader, Expect(p, LogDensity(p) - LogDensity(q)))
    if isinstance(e, Expect) and isinstance(e.args[0], Density):
        law, body = e.args
        return Expect(law, _slope(reader, body) + body * _of_law(reader, law))
    raise NotRead("a gradient in the parameters of something that is no average and no density")


def _of_law(reader: LinkReader, law: Density) -> Any:
    """The slope of log law: of a joint density of the model the sum of its factors', of p(z | x) by Bayes."""
    letter, variables, given = law.args[0].name, list(law.variables), list(law.given)
    assert reader.moved is not None
    if not _moves(reader, letter):
        return sp.S.Zero
    from derivations import notation as N

    both = {N.obs, N.z}
    if letter == "p" and set(variables) == both and not given:
        return _of_law(reader, Density("p", [N.obs], [N.z])) + _of_law(reader, Density("p", [N.z]))
    if letter == "p" and variables == [N.z] and not given:
        return _named(reader, "p", [N.z], []) if "prior" in reader.moved else sp.S.Zero
    if letter == "p" and variables == [N.z] and given == [N.obs]:
        return _of_law(reader, Density("p", [N.obs, N.z])) - _named(reader, "p", [N.obs], [])
    if variables == [N.obs] and given == [N.z] and letter not in reader.moved:  # the prior moves alone
        return sp.S.Zero
    if not set(variables) | set(given) <= both:
        raise NotRead("a slope of a law of other variables")
    return _named(reader, letter, variables, given)


def _moves(reader: LinkReader, letter: str) -> bool:
    """Does the parameter move some law of this letter?"""
    moved = reader.moved or frozenset()
    return letter in moved or (letter == "p" and "prior" in moved)


def _moved_function(reader: LinkReader, f: Any) -> bool:
    """Is it a value f_phi(z) of a function that nobody declared, marked with the parameter?"""
    name = type(f).__name__
    return name.startswith("doc_") and reader.parameter in name.split("_")


def _of_function(reader: LinkReader, f: Any) -> Any:
    if any(_moved_function(reader, a) for arg in f.args for a in arg.atoms(ScalarFunction, VectorFunction)):
        raise NotRead("a gradient of a function of a function")
    name = f"slope_of_{type(f).__name__}"
    if isinstance(f, VectorFunction):
        return vector_function(name, r"\mathrm{slope}")(*f.args)
    if reader.opaque is not None:
        reader.opaque.intervals[name] = REAL
    return scalar_function(name, r"\mathrm{slope}")(*f.args)


def _named(reader: LinkReader, letter: str, variables: list[Any], given: list[Any]) -> Any:
    key = "_".join([letter, *map(str, variables), "given" * bool(given), *map(str, given)]).strip("_")
    name = f"slope_{key}"
    if reader.opaque is not None:
        reader.opaque.intervals[name] = REAL
    reader.note("the gradient is read along any direction of the parameter, and may be taken under the average")
    return scalar_function(name, rf"\mathrm{{slope}}_{{{key.replace('_', chr(92) + '_')}}}")(*variables, *given)


def without_mean_slopes(reader: LinkReader, e: Any) -> Any:
    """e without averages of a law's own slope: its mean is zero."""
    e = unfold_all(e)
    for average in e.atoms(Expect):
        law, body = average.args
        if not isinstance(law, Density) or not _moves(reader, law.args[0].name):
            continue
        own = _of_law(reader, law)
        if not own.free_symbols and not own.atoms(ScalarFunction):
            continue
        kept = sp.Add(*[_without(term, own, law) for term in sp.Add.make_args(sp.expand(body))])
        if kept != body:
            e = e.xreplace({average: Expect(law, kept) if kept != 0 else sp.S.Zero})
    return e


def _without(term: Any, own: Any, law: Density) -> Any:
    """A term of what is averaged, its slope put by the others where the law's own, a sum of them, has mean zero."""
    first = next(iter(own.atoms(ScalarFunction) - _outer(own, law)), None)
    rest = term / first if first is not None and term.has(first) else None
    if rest is None or any(rest.has(v) for v in law.variables):
        return term
    return sp.expand(rest * (first - own))


def _outer(own: Any, law: Density) -> set[Any]:
    """The slopes in it that the law's variables do not move."""
    return {f for f in own.atoms(ScalarFunction) if not any(f.has(v) for v in law.variables)}
