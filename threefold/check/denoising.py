"""Means given a noisy state, E[x_0 | x_t] and E[eps | x_t], and the score of its law beside them, by Tweedie's formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.dependence import free_variables
from derivations.kernel.terms import VectorFunction
from derivations.rules import Density, Domain, Expect
from threefold.check import kernel, laws
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
        and type(list(law.given)[0]) is N.x
    )


def with_scores(reader: LinkReader, lhs: Any, rhs: Any, sides: Sequence[Node]) -> tuple[Any, Any]:
    """The scores of q(x_t) by Tweedie's formula, where a mean given x_t is written beside them."""
    both = sp.Tuple(lhs, rhs)
    states = {list(e.args[0].given)[0] for e in both.atoms(Expect) if _denoises(e.args[0])}
    if not states:
        return lhs, rhs
    _keep_back(reader, both)
    labelled = any(n.kind == "call" and n[0][0].letter == "p" and n[0][0].labels for s in sides for n in walk(s))
    known = reader.context.name in ("ddpm", "ddim") and not (reader.settings.foreign or reader.settings.scaled)
    table = {}
    for score, (law, state) in reader.scores.items():
        if state in states and both.has(score) and known and not (law == "p" and labelled):
            kept = N.abar(state.args[0])
            mean = Expect(Density("q", [N.x(0)], [state]), N.x(0))
            table[score] = (sp.sqrt(kept) * mean - state) / (1 - kept)
            reader.scored.discard(state)
            if law == "p":
                reader.note("p of the state is the law of the noisy data")
    if not table or not kernel.is_proved(TWEEDIE):
        return lhs, rhs
    reader.theorems.append(TWEEDIE)
    reader.note("the score by Tweedie's formula")
    return lhs.xreplace(table), rhs.xreplace(table)


def _keep_back(reader: LinkReader, both: Any) -> None:
    """What a mean given x_t may stand beside, and still be refuted."""
    free = set().union(*(free_variables(e, ANYWHERE) for e in both))
    if both.atoms(*NETWORKS) or any(type(f).__name__.endswith("theta") for f in both.atoms(VectorFunction)):
        reader.withheld = "a network beside a mean may be the one that reaches it"
    elif N.x(0) in free or N.eps in free or any(type(v) in ddpm.NOISES for v in free):
        reader.withheld = "one value stands beside a mean"
    elif not both.atoms(N.abar) or both.atoms(N.sigma):
        reader.withheld = "the line does not say how the state is made from the data"
