"""Flow matching: regression on the velocities of single paths learns the velocity of the whole law."""

from __future__ import annotations

import sympy as sp

from derivations.notation import integrable, interchange_hypothesis, smooth
from derivations.rules import (
    Chain,
    Claim,
    D,
    Expect,
    Inner,
    Norm2,
    Statement,
    differentiation,
    inner_mean,
    linearity,
    scalar,
    tower,
    vector_function,
)
from derivations.score.functions import clean, law, noisy
from derivations.score.marginal import joint, posterior

parameter = scalar("parameter", r"\theta")
of_path = vector_function("velocity_of_path", "u")(noisy, clean)  # of the path that leads from one datum to x
field = vector_function("velocity_model", "v")(noisy)
trained = vector_function("velocity_network", r"v_\theta")(parameter, noisy)
marginal_velocity = Expect(posterior, of_path)


def conditional_loss(v: sp.Expr) -> sp.Expr:
    """What is trained: the distance to the velocity of the path that was drawn."""
    return Expect(joint, Norm2(v - of_path))


def marginal_loss(v: sp.Expr) -> sp.Expr:
    """What is wanted: the distance to the velocity that moves the whole law."""
    return Expect(law, Norm2(v - marginal_velocity))


spread = Expect(joint, Norm2(of_path - marginal_velocity))

objective = Claim(
    id="flow.matching.objective",
    title="Matching the paths is matching the flow",
    chapter="Flow matching",
    kind="gradient",
    says=(
        Statement(
            conditional_loss(field),
            "=",
            marginal_loss(field) + spread,
            name="constant",
            words="the two losses differ by how much the velocities of the paths through x differ",
        ),
        Statement(
            D(conditional_loss(trained), parameter),
            "=",
            D(marginal_loss(trained), parameter),
            name="gradient",
            words="so they have the same gradient in every parameter of the network",
        ),
        Statement(
            spread,
            "=",
            Expect(joint, Norm2(of_path)) - Expect(law, Norm2(marginal_velocity)),
            name="energy",
            words="and what they differ by is the energy that the paths have and the flow has not",
        ),
    ),
    hypotheses=(integrable, smooth, interchange_hypothesis),
    scope="any dimension d, any joint law of data (or pairs) and points at one time, any velocity of the paths, any "
    "network; sums over dimensions",
    sources=("Lipman et al. 2023, theorem 2", "Liu, Gong and Liu 2023, theorem 3.5"),
    words="Many paths cross at x, each with a velocity of its own. Squared error asks for their mean, which is the one "
    "velocity that the law as a whole needs; what is left over cannot be trained away.",
)


@objective.proves("constant")
def _(line: Chain) -> None:
    near, left = field - marginal_velocity, marginal_velocity - of_path
    line(conditional_loss(field))
    line(
        Expect(joint, Norm2(near) + 2 * Inner(near, left) + Norm2(left)),
        why="go by way of the mean velocity: the square of a sum of two differences",
    )
    line(marginal_loss(field) + 2 * Expect(joint, Inner(near, left)) + spread, by=(linearity, tower))
    line(
        marginal_loss(field) + 2 * Expect(law, Expect(posterior, Inner(near, left))) + spread,
        by=tower,
        why="average over what leads to x first",
    )
    line(marginal_loss(field) + 2 * Expect(law, Inner(near, Expect(posterior, left))) + spread, by=inner_mean)
    line(marginal_loss(field) + spread, by=linearity, why="the deviation from a mean has mean zero")


@objective.proves("gradient")
def _(line: Chain) -> None:
    near, left = trained - marginal_velocity, marginal_velocity - of_path
    wanted = marginal_loss(trained)
    line(D(conditional_loss(trained), parameter))
    line(
        D(Expect(joint, Norm2(near) + 2 * Inner(near, left) + Norm2(left)), parameter),
        why="go by way of the mean velocity: the square of a sum of two differences",
    )
    line(D(wanted + 2 * Expect(joint, Inner(near, left)) + spread, parameter), by=(linearity, tower))
    line(D(wanted + 2 * Expect(law, Expect(posterior, Inner(near, left))) + spread, parameter), by=tower)
    line(D(wanted + 2 * Expect(law, Inner(near, Expect(posterior, left))) + spread, parameter), by=inner_mean)
    line(D(wanted + spread, parameter), by=linearity)
    line(D(wanted, parameter), by=differentiation, why="what is left over has no parameter")


@objective.proves("energy")
def _(line: Chain) -> None:
    cross = Inner(of_path, marginal_velocity)
    line(spread)
    line(
        Expect(joint, Norm2(of_path) - 2 * cross + Norm2(marginal_velocity)),
        why="the square of a difference: both squares, less twice the inner product",
    )
    line(
        Expect(joint, Norm2(of_path)) - 2 * Expect(joint, cross) + Expect(law, Norm2(marginal_velocity)),
        by=(linearity, tower),
    )
    line(
        Expect(joint, Norm2(of_path))
        - 2 * Expect(law, Expect(posterior, cross))
        + Expect(law, Norm2(marginal_velocity)),
        by=tower,
    )
    line(
        Expect(joint, Norm2(of_path))
        - 2 * Expect(law, Inner(marginal_velocity, marginal_velocity))
        + Expect(law, Norm2(marginal_velocity)),
        by=inner_mean,
        why="the mean velocity is fixed where x is",
    )
    line(
        Expect(joint, Norm2(of_path)) - Expect(law, Norm2(marginal_velocity)),
        why="<v, v> = |v|^2: one such mean less two of it",
    )
