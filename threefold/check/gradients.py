"""Gradients of log-densities: a score for every set of variables, the closed form where the law is a Gaussian."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.algebra import linear_form
from derivations.kernel.terms import ScalarFunction, VectorFunction, VectorSymbol
from derivations.rules import Block, Density, Expect, LogDensity, Norm2, Normal, vector, vector_function
from threefold.check import kernel, slopes
from threefold.check.lowering import LinkReader
from threefold.check.shapes import has_density
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare, walk

FISHER = "score.fisher_identity"
PARAMETERS = frozenset(["theta", "phi", "psi", "lambda", "omega"])
STEPS = str.maketrans({" ": "", "-": "m", "+": "p"})


def of_parameters(node: Node) -> Node | None:
    """The operand of a gradient in the parameters, or of a mean of one over what they do not move; None otherwise."""
    node = bare(node)
    if node.kind == "add":
        terms = [(sign, of_parameters(term)) for sign, term in node[0]]
        return None if any(t is None for _, t in terms) else Node("add", (tuple(terms),))
    if node.kind == "mean":
        letter, script, opening, body, given, lost = node.parts
        inner, wrt = of_parameters(body), slopes.parameter(bare(body))
        if inner is None or wrt is None or given or script is None or not slopes.fixed(script, wrt):
            return None
        return Node("mean", (letter, script, opening, inner, given, lost))
    if node.kind != "grad" or node[0] is None or node[1]:
        return None
    variable = bare(node[0])
    return node[2] if variable.kind == "sym" and variable[0].letter in PARAMETERS else None


def gradient(reader: LinkReader, node: Node) -> Any:
    """The gradient in a random variable of a sum of log-densities and of functions of it."""
    wrt, dot, operand = node.parts
    if dot:
        raise NotRead("a divergence of a field")
    if wrt is None:
        return gradient(reader, Node("grad", (_meant(reader, operand), dot, operand)))
    if of_parameters(node) is not None:
        return slopes.slope_of(reader, operand)
    variable = reader.value(wrt)
    if reader.context.chain and variable == N.eps:
        raise NotRead("a gradient in the noise, of which the states are made")
    if has_density(operand):  # the gradient of a density is the density times its score
        return sp.exp(reader.log(operand)) * gradient(reader, Node("grad", (wrt, dot, Node("log", (operand,)))))
    operand = _by_energy(reader, operand)
    total: Any = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(reader.value(operand))):
        squares = [f for f in sp.Mul.make_args(term) if isinstance(f, Norm2) and f.has(variable)]
        if len(squares) == 1 and not (term / squares[0]).has(variable):
            total += term / squares[0] * _of_square(reader, squares[0].args[0], variable)
            continue
        coefficient, factor = term.as_independent(LogDensity, ScalarFunction, as_Add=False)
        total += (
            coefficient * _of_factor(reader, factor, variable)
            if coefficient != term
            else _constant(reader, term, variable)
        )
    return total


def _meant(reader: LinkReader, operand: Node) -> Node:
    """The variable of a gradient of log-densities that does not write it: x, or the one noisy state."""
    laws_there = [n for n in walk(operand) if n.kind == "call" and n[0][0].letter in ("p", "q")]
    named = {n for law in laws_there for a in law[1] for n in walk(a) if n.kind == "sym" and n[0].letter in ("x", "X")}
    found = {n for n in named if [p.signs for p in n[0].index] != [("0",)]}
    if len(found) != 1:
        raise NotRead("a gradient without its variable")
    (variable,) = found
    reader.repaired = True
    reader.note("a gradient without its variable: in x")
    return variable


def _of_square(reader: LinkReader, inside: Any, variable: Any) -> Any:
    """The gradient of |a v + w|^2, w free of v."""
    scale = linear_form(inside).get(variable, sp.S.Zero)
    if scale.has(variable) or (inside - scale * variable).expand().has(variable):
        raise NotRead("a gradient of a square that is not one of a linear function")
    _nothing_hidden(reader, inside, variable)
    return 2 * scale * inside


def _nothing_hidden(reader: LinkReader, term: Any, variable: Any) -> None:
    """No vector but x, y and a mean: a noise, a network's prediction may be made from the variable."""
    for name in term.atoms(VectorSymbol) - {variable, N.obs, *([] if reader.context.chain else [N.z])}:
        if not re.fullmatch(r"x_?[01t]?|y(_condition)?|mu", str(name)):
            raise NotRead("a gradient beside a vector that may be made from its variable")


def _by_energy(reader: LinkReader, operand: Node) -> Node:
    """log p(x) of a law that the document gives by its energy: the logarithm of what it wrote."""
    inner = bare(operand)
    if inner.kind != "log" or bare(inner[0]).kind != "call":
        return operand
    made = reader.definitions.law(bare(inner[0])[0][0])
    if made is None or reader.unfold != "all" or made.call != bare(inner[0]):
        return operand
    reader.uses.append(made.line)
    return Node("log", (made.node,))


def _constant(reader: LinkReader, term: Any, variable: Any) -> Any:
    if term.has(variable):
        raise NotRead("a gradient of something that is no log-density")
    _nothing_hidden(reader, term, variable)
    return sp.S.Zero


def _of_factor(reader: LinkReader, factor: Any, variable: Any) -> Any:
    if isinstance(factor, LogDensity):
        return _score(reader, factor.args[0], variable)
    if isinstance(factor, ScalarFunction):
        if not factor.has(variable):
            return sp.S.Zero
        return vector_function(f"grad_{type(factor).__name__}", r"\mathrm{grad}")(*factor.args)
    raise NotRead("a gradient of something that is no log-density")


def _score(reader: LinkReader, law: Any, variable: Any) -> Any:
    closed = reader.context.close(law, reader.settings) if isinstance(law, Density) else law
    if isinstance(closed, Normal):
        place, mean, spread = closed.args[:3]
        if place != variable or mean.has(variable):
            raise NotRead("a gradient in what a Gaussian is conditioned on")
        return -(place - mean) / spread
    if not isinstance(law, Density):
        raise NotRead("a gradient of a law that is no density")
    given = _apart(law.given)
    reader.note("the score of p(x | y) is that of p(x, y), less that of p(y)")
    members = [*_apart(law.variables), *given]
    return _joint(reader, law, members, variable) - _joint(reader, law, given, variable)


def _apart(members: Any) -> list[Any]:
    """The members one by one: x_{t-1} and x_t for the stretch of both."""
    found: list[Any] = []
    for member in members:
        if not isinstance(member, Block):
            found.append(member)
            continue
        _, low, high = member.args
        if not (high - low).is_Integer:
            raise NotRead("a gradient of the law of a stretch")
        found += [N.x(low + n) for n in range(int(high - low) + 1)]
    return found


def as_functions(reader: LinkReader, lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """The scores as functions of what their laws are of, so that they may be averaged over."""
    known = {s: m for s, m in reader.constant_scores.items() if all(isinstance(v, VectorSymbol) for v in m)}
    table = {s: vector_function(f"{s}_at", r"\mathrm{score}")(*members) for s, members in known.items()}
    if len(known) == len(reader.constant_scores):
        reader.scored.clear()
    return _by_fisher(reader, lhs.xreplace(table)), _by_fisher(reader, rhs.xreplace(table))


def _by_fisher(reader: LinkReader, e: Any) -> Any:
    """E[... | x] of the score of a joint law in x is the score of x's: that of the rest, given x, has mean zero."""
    for average in e.atoms(Expect):
        law, body = average.args
        if not isinstance(law, Density):
            continue
        for score in body.atoms(VectorFunction):
            name, members, variable = reader.scores_of.get(type(score).__name__, ("", frozenset(), None))
            if name != law.args[0].name or variable not in law.given or members != {*law.variables, *law.given}:
                continue
            weight = linear_form(body).get(score)
            if weight is None or (body - weight * score).has(score) or any(weight.has(v) for v in law.variables):
                continue
            if not kernel.is_proved(FISHER):
                continue
            reader.theorems.append(FISHER)
            reader.note("the mean score of a joint law, given x, is the score of x")
            rest = sorted(members - set(law.variables), key=str)
            own = _joint(reader, law, rest, variable)
            own = vector_function(f"{own}_at", r"\mathrm{score}")(*rest)
            left = sp.expand(body - weight * score)
            e = e.xreplace({average: (Expect(law, left) if left != 0 else sp.S.Zero) + weight * own})
    return e


def score_of(reader: LinkReader, law: Density, variable: Any) -> Any:
    """The made-up score of a law without conditions."""
    return _joint(reader, law, list(law.variables), variable)


def _joint(reader: LinkReader, law: Any, members: list[Any], variable: Any) -> Any:
    """The gradient of log p(members) in the variable: zero where it is not among them."""
    if variable not in members:
        return sp.S.Zero
    reader.scored |= set(members)
    key = "_".join(sorted("".join(c for c in str(m) if c.isalnum()) for m in members))
    shown = ", ".join(sorted("y" if str(m) == "y_condition" else "x" if m == N.obs else str(m) for m in members))
    if len(members) > 1:  # in which of them
        key = f"{key}_in_{''.join(c for c in str(variable) if c.isalnum())}"
    name, tex = f"score_{law.args[0].name}_{key}", rf"\mathrm{{score}}^{{{law.args[0].name}}}_{{{shown}}}"
    if not reader.context.chain or any(type(m) is not N.x for m in members):
        made = vector(name, tex)
        reader.constant_scores[made] = tuple(sorted(members, key=str))
        reader.scores_of[f"{name}_at"] = (law.args[0].name, frozenset(members), variable)
        return made
    at = sorted(members, key=str)
    steps = "_".join(str(m.args[0]).translate(STEPS) for m in at)
    made = vector_function(f"score_{law.args[0].name}_{at.index(variable)}_{steps}", tex)(*at)
    reader.scores[made] = (law.args[0].name, tuple(members), variable)
    return made
