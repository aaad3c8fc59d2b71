"""From the tree of a side to the kernel's terms, by a context's letters and the document's definitions.

Whatever has no meaning raises NotRead. Whatever was not said literally (a law left out, a sign repaired) is noted,
and the notes travel with the verdict.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.rules import (
    Coord,
    Density,
    Hadamard,
    LogDensity,
    LogDet,
    Norm2,
    ProductTo,
    SumTo,
)
from threefold.check import averages, ellipsis, gradients, integrals, laws, letters, vectors
from threefold.check.lowering import LinkReader
from threefold.check.shapes import LAW_LETTERS, has_density, holds_value, positive_looking
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, bare, letter_of, walk

NO_LOGARITHM = "a logarithm of a vector"
KNOWN_MEMBERS = {N.abar(0): sp.S.One, N.abar(1): N.alpha(1)}


class Reader(LinkReader):
    """Reads the nodes of one link into the kernel's terms."""

    # --- values -------------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> Any:
        self.depth += 1
        try:
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: Node) -> Any:
        read = getattr(self, f"_{node.kind}", None)
        if read is None:
            raise NotRead(f"no meaning for {node.kind} here")
        return read(node)

    def _num(self, node: Node) -> Any:
        return sp.Rational(node[0])

    def _par(self, node: Node) -> Any:
        return self.value(node[1])

    def _list(self, node: Node) -> Any:
        if node[0] != "⟨" or len(node[1]) != 2:
            raise NotRead("a list where a value is expected")
        return vectors.inner(*(vectors.ensure(self.value(n)) for n in node[1]))

    def _group(self, node: Node) -> Any:
        return self.value(node[0])

    def _under(self, node: Node) -> Any:
        return self.value(node[0])

    def _add(self, node: Node) -> Any:
        said = [(sign, term) for sign, term in node[0] if not (sign != "-" and letters.is_constant(term))]
        if len(said) < len(node[0]) and said:
            self.constants += 1
        else:
            said = list(node[0])
        terms = [(-1 if sign == "-" else 1) * self.value(term) for sign, term in said]
        kinds = {vectors.is_vector(t) for t in terms if t != 0}
        if len(kinds) > 1:
            raise NotRead("a sum of a vector and a number")
        return sp.Add(*terms)

    def _frac(self, node: Node) -> Any:
        if bare(node[0]).kind == "grad" and has_density(node[1]):  # the gradient of a density, over the density
            return self.value(node[0]) * sp.exp(-self.log(node[1]))
        if has_density(node):
            return sp.exp(self.log(node))
        above, under = self.value(node[0]), self.value(node[1])
        if vectors.is_vector(under):
            raise NotRead("a division by a vector")
        if under == 0:
            raise NotRead("a division by zero")
        return above / under

    _over = _frac

    def _sqrt(self, node: Node) -> Any:
        return sp.sqrt(self.number(node[0]))

    def _exp(self, node: Node) -> Any:
        return sp.exp(self.number(node[0]))

    def _log(self, node: Node) -> Any:
        return self.log(node[0])

    def number(self, node: Node) -> Any:
        value = self.value(node)
        if vectors.is_vector(value):
            raise NotRead("a number is expected, and this is a vector")
        return value

    def _pow(self, node: Node) -> Any:
        base, exponent = node[0], node[1]
        if exponent.kind == "transpose":
            return self.value(base)
        if letter_of(base) == "e" and not base[0].index:
            return sp.exp(self.number(exponent))
        value = self.value(base)
        power = self.number(exponent)
        if vectors.is_vector(value):
            if power != 2:
                raise NotRead("a power of a vector")
            if self.context.chain:
                self.note("the square of a vector is its squared length")
                return Norm2(value)
            return Hadamard(value, value)
        return value**power

    def _norm(self, node: Node) -> Any:
        return vectors.norm(self, node[0])

    def _sub(self, node: Node) -> Any:
        base, script = node.parts
        if base.kind == "norm":
            if script.kind == "num" and script[0] == "2":
                return self.value(base)
            raise NotRead("a norm other than the Euclidean one")
        if base.kind in ("par", "call", "pow"):
            return Coord(vectors.ensure(self.value(base)), self.index(script))
        raise NotRead("a script on something that is no letter")

    def _bars(self, node: Node) -> Any:
        _no_identity(node)
        inner = self.value(node[0])
        if vectors.is_vector(inner):
            self.note("|v| of a vector read as its length")
            return vectors.norm(self, node[0])
        return sp.Abs(inner)

    def _sum(self, node: Node) -> Any:
        over = node[1].index
        if node[1].relation == "" and not self.context.chain and has_density(node[2]) and letter_of(over) in ("z", "x"):
            self.note("a sum over all values is read as an integral")
            return integrals.integral(self, Node("int", ("", None, None, (node[2], Node("d", (over,))), ("",))))
        body, index, low, high = self._big(node)
        return SumTo(body, index, low, high)

    def _prod(self, node: Node) -> Any:
        if has_density(node[2]):
            return sp.exp(self.log(node))
        alone = self.depth == 1
        body, index, low, high = self._big(node)
        if alone and body == N.alpha(index) and low == 1:  # what abar stands for
            return ProductTo(body, index, low, high)
        ratio = self.of_alphas(body, index, low, high)
        return ProductTo(body, index, low, high) if ratio is None else ratio

    def of_alphas(self, body: Any, index: Any, low: Any, high: Any) -> Any:
        """alpha_{s+1} ... alpha_t, or their roots, as abar_t / abar_s; None for any other product."""
        known = self.context.name in ("ddpm", "ddim") and not (self.settings.foreign or self.settings.scaled)
        if not known or not (low - 1).is_nonnegative or body not in (N.alpha(index), sp.sqrt(N.alpha(index))):
            return None
        ratio = N.abar(high) / N.abar(low - 1)
        return ratio if body == N.alpha(index) else sp.sqrt(ratio)

    def bounds(self, node: Node) -> tuple[Any, Any, Any]:
        """(index, low, high) of a sum or product."""
        bounds = node[1]
        if bounds.index is None:
            raise NotRead("a sum without its index")
        index = self.bound_index(bounds.index)
        if not isinstance(index, sp.Symbol):
            raise NotRead("a sum over something that is no index")
        high = self.index(bounds.high) if bounds.high is not None else None
        if bounds.relation == "=":
            low = self.index(bounds.low)
        elif bounds.relation in (r"\ge", ">"):
            low = self.index(bounds.low) + (1 if bounds.relation == ">" else 0)
        elif bounds.relation in (r"\le", "<") and high is None:
            low, high = (
                sp.Integer(1),
                self.index(bounds.low) - (1 if bounds.relation == "<" else 0),
            )
        elif bounds.relation == "" and index == N.t and self.context.chain:
            self.note("a sum over t without bounds: from 1 to T")
            low, high = sp.Integer(1), N.T
        elif bounds.relation == "" and index in (N.i, N.j, N.k) and not self.context.chain:
            low, high = sp.Integer(1), N.k
        else:
            raise NotRead("a sum without its bounds")
        if high is None:
            if index != N.t:
                raise NotRead("a sum without its upper bound")
            high = N.T
        if index in (low + high).free_symbols:
            raise NotRead("a sum whose bounds depend on its own index")
        return index, low, high

    def _big(self, node: Node) -> tuple[Any, Any, Any, Any]:
        index, low, high = self.bounds(node)
        known = set(self.indices)
        body = self.value(node[2])
        if index not in known:
            self.indices.discard(index)
        if high == N.d:
            high = self._size_of(node[2], high)
        return body, index, low, high

    def _size_of(self, body: Node, high: Any) -> Any:
        """D and d are the dimension of the data, unless it is a latent that is counted."""
        letters = {n[0].letter for n in walk(body) if n.kind == "sym"}
        return N.k if self.latent_size or (letters & {"z", "mu", "sigma", "Z"} and not letters & {"x", "X"}) else N.d

    # --- products -----------------------------------------------------------------------------------------------------

    def _mul(self, node: Node) -> Any:
        factors = list(node[0])
        if ellipsis.has_dots(factors) and not any(map(has_density, factors)):
            return ellipsis.product_of(self, factors)
        if any(has_density(f) for f in factors) and not any(holds_value(f) for f in factors):
            try:
                return sp.exp(self.log(node))
            except NotRead as reason:  # a density times a vector
                if reason.message != NO_LOGARITHM:
                    raise
        units = [f for f in factors if laws.is_identity(f)]
        if self.context.chain and len(units) == 1 and len(factors) > 1 and "⊙" not in node[1]:
            self.repaired = True
            self.note("a multiple of the identity is read by its factor")
            rest = [f for f in factors if f is not units[0]]
            return self._mul(Node("mul", (tuple(rest), ("",) * (len(rest) - 1))))
        return vectors.product(self, factors, list(node[1]))

    # --- names --------------------------------------------------------------------------------------------------------

    def _sym(self, node: Node) -> Any:
        return letters.symbol(self, node)

    def _call(self, node: Node) -> Any:
        return letters.called(self, node)

    # --- averages and divergences -------------------------------------------------------------------------------------

    def _mean(self, node: Node) -> Any:
        return averages.expectation(self, node)

    def _KL(self, node: Node) -> Any:
        return averages.divergence(self, node)

    def _grad(self, node: Node) -> Any:
        return gradients.gradient(self, node)

    def _int(self, node: Node) -> Any:
        return integrals.integral(self, node)

    # --- logarithms ---------------------------------------------------------------------------------------------------

    def log(self, node: Node) -> Any:
        """log of a node: densities become log-densities, products sums."""
        kind = node.kind
        if kind in ("par", "under", "group"):
            return self.log(node[1] if kind == "par" else node[0])
        if kind == "mul" and (has_density(node) or all(positive_looking(f) for f in node[0])):
            if "⊙" in node[1]:
                raise NotRead(NO_LOGARITHM)
            if ellipsis.has_dots(node[0]):
                return ellipsis.log_of(self, node[0])
            return sp.Add(*[self.log(f) for f in node[0]])
        if kind in ("frac", "over"):
            return self.log(node[0]) - self.log(node[1])
        if kind == "exp":
            return self.number(node[0])
        if kind == "pow" and not has_density(node) and node[1].kind != "transpose":
            return self._log_of_power(node)
        if kind == "prod":
            index, low, high = self.bounds(node)
            return SumTo(self.log(node[2]), index, low, high)
        if kind == "call" and node[0][0].letter in LAW_LETTERS:
            return laws.log_density(self, node)
        if kind == "int":
            return self._log_of(self.value(node))
        if kind == "sym" and node[0] in (Name("q"), Name("p")) and self.context.name == "vae":
            self.repaired = True
            self.note(f"{node[0].letter} without its variable: " + ("q(z | x)" if node[0].letter == "q" else "p(z)"))
            return LogDensity(Density(node[0].letter, [N.z], [N.obs] if node[0].letter == "q" else []))
        if kind == "normal":
            written = laws.log_of_coordinate(self, node)
            return LogDensity(laws.normal(self, node, None)) if written is None else written
        if kind == "bars":
            return self._log_determinant(node)
        return self._log_of(self.value(node))

    def _log_of_power(self, node: Node) -> Any:
        base, power = self.value(node[0]), self.value(node[1])
        if vectors.is_vector(base) or vectors.is_vector(power):
            return self._log_of(self.value(node))
        if base.is_positive or power.free_symbols:  # a real power that is no number asks for a positive base
            return power * self._log_of(base)
        return self._log_of(self.value(node))

    def _log_determinant(self, node: Node) -> Any:
        inner = bare(node[0])
        if inner.kind == "call" and inner[0][0].letter in ("diag", "Diag"):
            return SumTo(sp.log(Coord(vectors.ensure(self.value(inner[1][0])), N.i)), N.i, 1, N.k)
        _no_identity(inner)
        value = self.value(inner)
        if isinstance(value, sp.Expr) and not value.is_commutative:
            return LogDet(value)
        return self._log_of(sp.Abs(value))

    def _log_of(self, value: Any) -> Any:
        if vectors.is_vector(value):
            raise NotRead(NO_LOGARITHM)
        if value == 0:
            raise NotRead("a logarithm of zero")
        if isinstance(value, sp.exp):
            return value.args[0]
        return sp.log(value)

    def _normal(self, node: Node) -> Any:
        return sp.exp(self.log(node))


def _no_identity(node: Node) -> None:
    if any(map(laws.is_identity, walk(node))):
        raise NotRead("a determinant of a multiple of the identity")


def settle(e: Any) -> Any:
    """abar_0 = 1 and abar_1 = alpha_1 wherever they stand."""
    return e.xreplace(KNOWN_MEMBERS) if hasattr(e, "xreplace") else e
