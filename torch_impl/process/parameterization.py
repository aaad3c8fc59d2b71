"""The four things a network can predict, and the affine maps between them (claim `lenses.affine`).

With x_t = a x_0 + s eps, a = sqrt(alpha_bar_t), s = sqrt(1 - alpha_bar_t):
    v = a eps - s x_0 (`ddpm.parameterization.v`), score = -eps / s (`score.eps_relation`).
Every view is c_x x_t + c_out output; the pairs (c_x, c_out) below are the whole of it.
"""

from collections.abc import Callable
from typing import Literal, TypeVar, get_args

from torch import Tensor

Prediction = Literal["eps", "x0", "v", "score"]
PREDICTIONS: tuple[Prediction, ...] = get_args(Prediction)

Model = Callable[[Tensor, Tensor], Tensor]
"""(x_t, t) -> what is predicted, of the shape of x_t (twice its channels for a learned variance); t has shape (batch,).
"""

Number = TypeVar("Number", float, Tensor)

# (from what is predicted, to what is wanted) -> (a, s) -> (factor of x_t, factor of the output)
VIEWS: dict[tuple[Prediction, Prediction], Callable[[Number, Number], tuple[Number, Number]]] = {
    # `ddpm.parameterization.bijection`
    ("eps", "x0"): lambda a, s: (1 / a, -s / a),
    ("x0", "eps"): lambda a, s: (1 / s, -a / s),
    # `ddpm.parameterization.v`
    ("v", "x0"): lambda a, s: (a, -s),
    ("v", "eps"): lambda a, s: (s, a),
    ("eps", "v"): lambda a, s: (-s / a, 1 / a),
    ("x0", "v"): lambda a, s: (a / s, -1 / s),
    # `score.eps_relation`, `score.marginal_identity`
    ("eps", "score"): lambda a, s: (0 * a, -1 / s),
    ("score", "eps"): lambda a, s: (0 * a, -s),
    ("score", "x0"): lambda a, s: (1 / a, s * s / a),
    ("x0", "score"): lambda a, s: (-1 / (s * s), a / (s * s)),
    ("score", "v"): lambda a, s: (-s / a, -s / a),
    ("v", "score"): lambda a, s: (-1 + 0 * a, -a / s),
    # the identity
    ("eps", "eps"): lambda a, s: (0 * a, 1 + 0 * a),
    ("x0", "x0"): lambda a, s: (0 * a, 1 + 0 * a),
    ("v", "v"): lambda a, s: (0 * a, 1 + 0 * a),
    ("score", "score"): lambda a, s: (0 * a, 1 + 0 * a),
}


def view(prediction: Prediction, wanted: Prediction, a: Number, s: Number) -> tuple[Number, Number]:
    """(c_x, c_out) such that `wanted = c_x x_t + c_out output` for a network that predicts `prediction`.

    a = sqrt(alpha_bar_t), s = sqrt(1 - alpha_bar_t), as floats or tensors. ZeroDivisionError (floats) or infinities
    (tensors) where the view does not exist: x_0 from eps or score at a = 0, eps from x_0 at s = 0.
    """
    return VIEWS[prediction, wanted](a, s)


def check_prediction(prediction: str) -> Prediction:
    if prediction not in PREDICTIONS:
        raise ValueError(f"prediction = {prediction!r} is not one of {', '.join(map(repr, PREDICTIONS))}")
    return prediction
