"""Derivatives in a whole vector: gradient, Jacobian and its transpose at work, divergence, Laplacian.

Each is of a body *in* a variable, a vector symbol or a member x(t) of a family, and is read where that variable is:
`Grad(body, x)` is the gradient of x -> body at x. So x stays free in it, as in `D`, and whatever else stands in the
body is held fixed. The direction of `Jvp` and the covector of `Vjp` are no part of what is differentiated.
"""

from __future__ import annotations

from typing import Any

from derivations.kernel.laws import Term, is_family_variable
from derivations.kernel.symbols import DIM, ConstantVector, Malformed, VectorSymbol


class Grad(Term):
    """(body, x): the gradient of a scalar body in x."""

    takes, vector_valued = "n v", True

    def __new__(cls, body: Any, variable: Any) -> Any:
        _refuse_no_variable(cls, variable)
        return super().__new__(cls, body, variable)


class Jvp(Term):
    """(body, x, u): the derivative of a scalar or vector body in x along u, the Jacobian times u."""

    takes, like = "nv v v", 0

    def __new__(cls, body: Any, variable: Any, direction: Any) -> Any:
        _refuse_no_variable(cls, variable)
        return super().__new__(cls, body, variable, direction)


class Vjp(Term):
    """(body, x, w): the transposed Jacobian of a vector body in x, times w."""

    takes, vector_valued = "v v v", True

    def __new__(cls, body: Any, variable: Any, covector: Any) -> Any:
        _refuse_no_variable(cls, variable)
        return super().__new__(cls, body, variable, covector)


class Div(Term):
    """(body, x, dim): the divergence of a vector field on R^dim, the trace of its Jacobian."""

    takes = "v v n"

    def __new__(cls, body: Any, variable: Any, dim: Any = DIM) -> Any:
        _refuse_no_variable(cls, variable)
        return super().__new__(cls, body, variable, dim)


class Laplacian(Term):
    """(body, x, dim): the sum of the second derivatives of a scalar or vector body in the coordinates of x in R^dim."""

    takes, like = "nv v n", 0

    def __new__(cls, body: Any, variable: Any, dim: Any = DIM) -> Any:
        _refuse_no_variable(cls, variable)
        return super().__new__(cls, body, variable, dim)


FIELDS = (Grad, Jvp, Vjp, Div, Laplacian)


def _refuse_no_variable(head: type, variable: Any) -> None:
    is_vector = isinstance(variable, VectorSymbol) and not isinstance(variable, ConstantVector)
    if not (is_vector or is_family_variable(variable)):
        raise Malformed(
            f"no {head.__name__} in {variable}: it is no variable; name a vector symbol or a member x(t) of a family"
        )
