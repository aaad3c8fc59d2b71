"""Names and atoms: scalars, vectors of R^d for a generic d, covariances, families, and abbreviations.

A family's name means one thing: whoever declares it twice is refused. The registries are views that nobody outside this
file can write to; only `LATEX`, how a name is shown, may be added to, and nothing in it is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import cache
from types import MappingProxyType
from typing import Any

from sympy import Symbol
from sympy.core.function import Function, FunctionClass


class Malformed(ValueError):
    """A term that means nothing: a product of two vectors, a KL between laws of different variables, ..."""


# --- atoms ------------------------------------------------------------------------------------------------------------


class Name(Symbol):
    """The name of a law or of a family inside a term: no variable, so nothing is ever put in its place."""


class Bound(Symbol):
    """The index of a closed binder (`binders`)."""


class VectorSymbol(Symbol):
    """A vector of R^d, or a random vector."""


class ConstantVector(VectorSymbol):
    """A vector of R^d that is a parameter: no law draws it, and a hypothesis may be about this one value of it."""


class Covariance(Symbol):
    """A symmetric positive definite k x k matrix. Matrices do not commute."""

    is_commutative = False

    @property
    def T(self) -> Covariance:
        """Its transpose, which it is itself."""
        return self


class Family(FunctionClass):
    """The class of families. What a family is, was said when it was declared: nothing is added to it afterwards."""

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type.__setattr__(cls, "_is_complete", True)

    def __setattr__(cls, name: str, value: Any) -> None:
        if "_is_complete" in cls.__dict__:
            raise Malformed(f"{cls.__name__} is declared, and {name!r} of it cannot be changed: declare another family")
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        raise Malformed(f"{cls.__name__} is declared, and {name!r} of it cannot be taken away")


class OpaqueFunction(Function):
    """A function of which its name tells nothing: SymPy would take `gamma(1)` for a value of Euler's function."""

    def _eval_evalf(self, _: int) -> None:
        return None


class VectorFunction(OpaqueFunction, metaclass=Family):
    """A vector-valued family or function nobody may look inside: `x(t)`, `eps_theta(x(t), t)`."""


class ScalarFunction(OpaqueFunction, metaclass=Family):
    """A scalar family or function nobody may look inside: `alpha(t)`, `f(z)`."""


class DefinedFunction(OpaqueFunction, metaclass=Family):
    """A named abbreviation. `unfold()` writes it out for a reader; the kernel expands its template (`binders`).

    `notation` ones are part of the notation of a text, the others names for whole quantities.
    """

    notation = True
    is_vector_valued = False
    body: Callable[..., Any]

    def unfold(self) -> Any:
        return type(self).body(*self.args)


class Looks(dict[str, str]):
    """How names are shown in LaTeX: each in one way. Printing goes by the name, so a second would change the first.

    A name that was declared without a look is shown as it is, until somebody gives it one.
    """

    def __init__(self) -> None:
        self._plain: set[str] = set()

    def __setitem__(self, name: str, look: str) -> None:
        if type(name) is not str or type(look) is not str:
            raise Malformed(f"{name!r} is shown as {look!r}: a name and its look are plain text")
        if name not in self._plain and self.get(name, look) != look:
            raise Malformed(
                f"{name!r} is shown as {self[name]!r} already, not as {look!r}: give the other another name"
            )
        self._plain.discard(name)
        super().__setitem__(name, look)

    def update(self, looks: Mapping[str, str]) -> None:  # type: ignore[override]
        for name, look in looks.items():
            self[name] = look

    def declare(self, name: str, look: str) -> None:
        """Give a name its look, if it has one; else it keeps the one that it has."""
        if look or type(look) is not str:
            self[name] = look
        elif name not in self:
            self[name] = name
            self._plain.add(name)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise Malformed("a name that was declared keeps its look")

    __delitem__ = pop = popitem = clear = __ior__ = _refuse


LATEX = Looks()


def _registry() -> tuple[Callable[..., None], Mapping[str, Any], Set[str]]:
    """(declare, families by name, names of vectors): the only way to a new family."""
    families: dict[str, Any] = {}
    vectors: dict[str, bool] = {}

    def declare(name: str, family: Any = None, is_vector: bool = False) -> None:
        if family is not None and name in families:
            raise Malformed(f"the family {name!r} exists already with other properties: choose another name")
        if family is not None:
            families[name] = family
        if is_vector:
            vectors[name] = True

    return declare, MappingProxyType(families), vectors.keys()


_declare, HEADS, VECTORS = _registry()


@cache
def vector(name: str, latex: str = "") -> VectorSymbol:
    _declare(name, is_vector=True)
    LATEX.declare(name, latex)
    return VectorSymbol(name, real=True)


@cache
def constant_vector(name: str, latex: str = "") -> ConstantVector:
    _declare(name, is_vector=True)
    LATEX.declare(name, latex)
    return ConstantVector(name, real=True)


@cache
def scalar(name: str, latex: str = "", **assumptions: bool) -> Symbol:
    LATEX.declare(name, latex)
    return Symbol(name, **(assumptions or {"real": True}))


@cache
def covariance(name: str, latex: str = "") -> Covariance:
    LATEX.declare(name, latex)
    return Covariance(name, commutative=False)


def _family(base: type, name: str, latex: str, **attributes: Any) -> Any:
    made = type(name, (base,), {"is_real": True, **attributes, "__module__": __name__})
    _declare(name, made, base is VectorFunction)
    LATEX.declare(name, latex)
    return made


@cache
def vector_function(name: str, latex: str = "") -> Any:
    return _family(VectorFunction, name, latex)


@cache
def draws(name: str, of: VectorSymbol, latex: str = "") -> Any:
    """A family z_1, z_2, ... of draws of one variable (hypothesis `alike draws`), independent of each other or not."""
    return _family(VectorFunction, name, latex, drawn_from=of)


@cache
def scalar_function(name: str, latex: str = "", positive: bool = False) -> Any:
    return _family(ScalarFunction, name, latex, **({"is_positive": True} if positive else {}))


def define(
    name: str, latex: str, body: Callable[..., Any], *, notation: bool = True, is_vector_valued: bool = False
) -> Any:
    """A new name for `body(*args)`, a term with parameters. Names are unique: defining one twice is an error.

    The body may use its parameters, families and laws, and nothing else; it must not look at what it is given.
    """
    attributes = {"body": staticmethod(body), "notation": notation, "is_vector_valued": is_vector_valued}
    return _family(DefinedFunction, name, latex, **attributes)


def is_declared(head: Any) -> bool:
    """Is this class the family that declared itself under its name, and no impostor?"""
    return HEADS.get(head.__name__) is head


DIM = Symbol("d", integer=True, positive=True)
LATEX["d"] = "d"
