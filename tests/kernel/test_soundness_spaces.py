"""Which vectors live together: however a combination of vectors is written, it has the size of those that are in it."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from attack import admitted

from derivations.kernel.domain import Domain
from derivations.kernel.terms import DIM, Malformed, Mean
from derivations.notation import T, k, t, z
from derivations.rules import (
    At,
    D,
    Equal,
    Expect,
    Gradient,
    Hadamard,
    Inner,
    Norm2,
    Normal,
    Quadratic,
    SumTo,
    covariance,
    define,
    scalar,
    scalar_function,
    vector,
)

f, phi, A = scalar_function("space_f"), scalar("space_phi"), covariance("Space_A")
u, w = vector("space_u"), vector("space_w")
tripled = define("space_tripled", "B", lambda v: 3 * v, is_vector_valued=True)
DOMAIN = Domain(indices={T: (1, sp.oo), k: (1, sp.oo)})
MADE_OF_Z = {
    "itself": z,
    "a multiple": 2 * z,
    "a sum": w - phi * z,
    "a product by coordinates": Hadamard(w, z),
    "its mean": Mean(Normal(z, 0, 1, k)),
    "its mean, multiplied": 2 * Mean(Normal(z, w, 1, k)),
    "an average": Expect(Normal(w, 0, 1, k), phi * z),
    "a gradient": Gradient(f, z),
    "a derivative": D(phi**2 * z, phi),
    "a limit": At(phi * z, phi, 0),
    "a sum over an index": SumTo(t * z, t, 1, T),
    "an abbreviation": tripled(z),
}
JOINED_WITH_U = {
    "added": lambda v: Norm2(u + v),
    "multiplied": lambda v: Inner(u, v),
    "compared": lambda v: Equal(u, v),
    "a mean": lambda v: Expect(Normal(u, v, 1), Norm2(u)),
    "a quadratic form": lambda v: Quadratic(v, A, u),
}


@pytest.mark.parametrize("made", MADE_OF_Z)
@pytest.mark.parametrize("joined", JOINED_WITH_U)
def test_what_is_made_of_a_vector_lives_where_that_vector_does(made: str, joined: str) -> None:
    def sized(size_of_z: Any, size_of_u: Any) -> Any:
        term = MADE_OF_Z[made].xreplace({k: size_of_z})
        sizes = [Expect(Normal(v, 0, 1, size), Norm2(v)) for v, size in ((z, size_of_z), (u, size_of_u))]
        return [e.xreplace({DIM: size_of_u}) for e in (JOINED_WITH_U[joined](term), *sizes)]

    admitted(DOMAIN, *sized(k, k))
    with pytest.raises(Malformed, match="lives in two spaces"):
        admitted(DOMAIN, *sized(k, k + 1))
