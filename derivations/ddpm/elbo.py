"""The diffusion ELBO: what it bounds, what it loses, and how it falls apart into one term a step. Any densities, any T."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.notation import (
    T,
    common_support,
    forward_factorisation,
    integrable,
    p,
    path,
    q,
    reverse_factorisation,
    t,
    whole,
    x,
)
from derivations.rules import (
    KL,
    Block,
    Chain,
    Claim,
    Domain,
    Expect,
    Statement,
    SumTo,
    bayes,
    define,
    definition,
    given,
    induction,
    linearity,
    log_p,
    tower,
)

ELBO = define(
    "ELBO",
    r"\mathrm{ELBO}",
    lambda n, x_0: Expect(q(Block(x, 1, n), x_0), log_p("p", Block(x, 0, n)) - log_p("q", Block(x, 1, n), x_0)),
    notation=False,
)
ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})

reconstruction = Expect(q(x(1), x(0)), log_p("p", x(0), x(1)))
latent = KL(q(x(T), x(0)), p(x(T)))
consistency = SumTo(Expect(q(x(t), x(0)), KL(q(x(t - 1), [x(t), x(0)]), p(x(t - 1), x(t)))), t, 2, T)

elbo_decomposition = Claim(
    id="ddpm.elbo.decomposition",
    title="Per-step decomposition",
    chapter="ELBO to loss",
    kind="identity",
    says=(Statement(ELBO(T, x(0)), "=", reconstruction - latent - consistency),),
    domain=ANY_T,
    hypotheses=(integrable, forward_factorisation, reverse_factorisation),
    scope="any densities; any encoder that is Markov once x_0 is given; any T >= 1 (T = 1: the sum is empty)",
    sources=("notes, Prop 2.3", "journey, 3.3", "staircase, The Reverse Process"),
    words="The bound splits into a reconstruction term, a KL at the noisy end, and one KL for every step between.",
)


@elbo_decomposition.proves()
def _(line: Chain) -> None:
    def log_q(v: Any, g: Any = ()) -> Any:
        return log_p("q", v, g)

    def log_model(v: Any, g: Any = ()) -> Any:
        return log_p("p", v, g)

    def over_path(body: Any) -> Any:
        return Expect(q(path, x(0)), body)

    ends = log_model(x(T)) + log_model(x(0), x(1))
    line(ELBO(T, x(0)))
    line(over_path(log_model(whole) - log_q(path, x(0))), by=definition)
    line(
        over_path(
            log_model(x(T)) + SumTo(log_model(x(t - 1), x(t)), t, 1, T) - SumTo(log_q(x(t), [x(t - 1), x(0)]), t, 1, T)
        ),
        by=[given(reverse_factorisation), given(forward_factorisation)],
        why="both chains factorise",
    )
    line(
        over_path(ends - log_q(x(1), x(0)) + SumTo(log_model(x(t - 1), x(t)) - log_q(x(t), [x(t - 1), x(0)]), t, 2, T)),
        by=induction(T, 1),
        why="split off t = 1 of both sums",
    )
    flipped = log_q(x(t - 1), [x(t), x(0)]) + log_q(x(t), x(0)) - log_q(x(t - 1), x(0))
    line(
        over_path(ends - log_q(x(1), x(0)) + SumTo(log_model(x(t - 1), x(t)) - flipped, t, 2, T)),
        by=bayes,
        why="turn the encoder round, given x_0",
    )
    line(
        over_path(ends - log_q(x(T), x(0)) + SumTo(log_model(x(t - 1), x(t)) - log_q(x(t - 1), [x(t), x(0)]), t, 2, T)),
        by=induction(T, 1),
        why="the marginals telescope",
    )
    line(
        reconstruction - latent - consistency,
        by=[definition, linearity, tower],
        why="each term needs only the variables it mentions; name the KLs",
    )
