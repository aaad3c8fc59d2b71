"""Means given a noisy state, E[x_0 | x_t] and E[eps | x_t], and the score of its law by Tweedie's formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.dependence import free_variables
from derivations.kernel.terms import VectorFunction
from derivations.rules import Density, Domain, Expect, vector_function
from threefold.check import gradients, kernel, laws
from threefold.check.contexts import ddpm
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead, flat
from threefold.check.tree import Node, Script, walk

TWEEDIE = "score.tweedie"
ANYWHERE = Domain({}, {N.T: (sp.S.One, sp.oo)})
NETWORKS = (N.mu_theta, N.x0_theta, N.eps_theta, N.v_theta)


def mean_given_state(reader: LinkReader, script: Script | None, body: Node, given: Sequence[Node]) -> Any:
    """E[... | x_t] of the data, or of the noise that made x_t from them."""
    if script is not None and flat(script.items)[:1] not in (["q"], ["x"]):
        raise NotRead("a conditional mean under a law that is not the chain's")
    if reader.context.name not in ("ddpm", "ddim") or reader.settings.foreign or reader.settings.scaled:
        raise NotRead("a conditional moment of a law that is not known")
    members = laws.listed(reader, given)
    value = reader.value(body)
    if len(members) == 1 and type(members[0]) is N.x and value.has(N.eps):
        value = value.xreplace({N.eps: _noise(members[0])})
    inside = free_variables(value, ANYWHERE)
    drawn = [v for v in inside if v not in members]
    if any(v == N.eps or type(v) in ddpm.NOISES for v in inside) or [type(v) for v in drawn] != [N.x]:
        raise NotRead("a conditional moment of something that is no one member of the chain")
    return Expect(Density("q", drawn, members), value)


def _noise(state: Any) -> Any:
    """The noise that made the state from x_0."""
    kept = N.abar(state.args[0])
    return (state - sp.sqrt(kept) * N.x(0)) / sp.sqrt(1 - kept)


def noises_of_state(law: Any, body: Any) -> Any:
    """Under q(x_0 | x_t) the noise is what separates the two."""
    if isinstance(law, Density) and _denoises(law) and body.has(N.eps):
        return body.xreplace({N.eps: _noise(law.given[0])})
    return body


def _denoises(law: Any) -> bool:
    """Is it q(x_0 | x_n)?"""
    return (
        isinstance(law, Density)
        and law.args[0].name == "q"
        and list(law.variables) == [N.x(0)]
        and len(law.given) == 1
        and type(next(iter(law.given))) is N.x
    )


def with_scores(reader: LinkReader, lhs: Any, rhs: Any, sides: Sequence[Node]) -> tuple[Any, Any]:
    """The scores of q(x_t) by Tweedie's formula, where a mean given x_t is written beside them."""
    labelled = any(n.kind == "call" and n[0][0].letter == "p" and n[0][0].labels for s in sides for n in walk(s))
    pair = [_averaged(reader, e, labelled) for e in (lhs, rhs)]
    both = sp.Tuple(*pair)
    states = {next(iter(e.args[0].given)) for e in both.atoms(Expect) if _denoises(e.args[0])}
    if states:
        _keep_back(reader, both)
    known = reader.context.name in ("ddpm", "ddim") and not (reader.settings.foreign or reader.settings.scaled)
    table = {}
    for score, (law, members, state) in reader.scores.items():
        if members == (state,) and state in states and both.has(score) and known and not (law == "p" and labelled):
            kept = N.abar(state.args[0])
            mean = Expect(Density("q", [N.x(0)], [state]), N.x(0))
            table[score] = (sp.sqrt(kept) * mean - state) / (1 - kept)
            if law == "p":
                reader.note("p of the state is the law of the noisy data")
    if table and kernel.is_proved(TWEEDIE):
        reader.theorems.append(TWEEDIE)
        reader.note("the score by Tweedie's formula")
        pair = [e.xreplace(table) for e in pair]
    left = {s for s in reader.scores if any(e.has(s) for e in pair)}
    if reader.scores and not left:
        reader.scored.clear()
    return pair[0], pair[1]


def _averaged(reader: LinkReader, e: Any, labelled: bool) -> Any:
    """E[... | x_t] of the score of the joint law is the score of x_t's: what is left has mean zero."""
    for average in e.atoms(Expect):
        law, body = average.args
        if not isinstance(law, Density) or law.args[0].name not in ("p", "q") or len(law.given) != 1:
            continue
        (state,) = law.given
        for score, (letter, members, variable) in list(reader.scores.items()):
            if variable != state or set(members) != {*law.variables, state} or not body.has(score):
                continue
            if letter != law.args[0].name and (labelled or list(law.variables) != [N.x(0)]):
                continue
            alone = vector_function("score_put_back", "s")
            changed = body.xreplace({score: alone(state)})
            rest = [t for t in sp.Add.make_args(sp.expand(changed)) if t.has(alone)]
            if any(set(law.variables) & free_variables(t, ANYWHERE) for t in rest) or not kernel.is_proved(
                gradients.FISHER
            ):
                continue
            reader.theorems.append(gradients.FISHER)
            reader.note("the mean score of a joint law, given x_t, is the score of x_t")
            own = gradients.score_of(reader, Density(letter, [state]), state)
            e = e.xreplace({average: Expect(law, body.xreplace({score: own}))})
    return e


def _keep_back(reader: LinkReader, both: Any) -> None:
    """What a mean given x_t may stand beside, and still be refuted."""
    free = set().union(*(free_variables(e, ANYWHERE) for e in both))
    if both.atoms(*NETWORKS) or any(type(f).__name__.endswith("theta") for f in both.atoms(VectorFunction)):
        reader.withheld = "a network beside a mean may be the one that reaches it"
    elif N.x(0) in free or N.eps in free or any(type(v) in ddpm.NOISES for v in free):
        reader.withheld = "one value stands beside a mean"
    elif not both.atoms(N.abar) or both.atoms(N.sigma):
        reader.withheld = "the line does not say how the state is made from the data"
