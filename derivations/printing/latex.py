"""LaTeX for the site and for documents."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE

from derivations.kernel import terms
from derivations.printing.shapes import (
    BIG,
    OWN,
    RUNNING,
    bare_name,
    decimal,
    densities,
    needs_brackets,
    one_root,
    positive_first,
    primes,
    vector_last,
    whole_vectors,
    with_identity,
    written_stops,
)


class Latex(LatexPrinter):
    """LaTeX in the field's usual notation: x_{t-1}, \\bar\\alpha_t, \\mathbb E_{q(z \\mid x)}[...]."""

    def __init__(self) -> None:
        super().__init__({"mul_symbol": None, "ln_notation": False, "fold_short_frac": False})

    def _as_ordered_terms(self, e: Any, order: Any = None) -> list[Any]:
        return positive_first(super()._as_ordered_terms(e, order))

    def parenthesize(self, item: Any, level: int, is_neg: bool = False, strict: bool = False) -> str:
        if level >= PRECEDENCE["Pow"] and needs_brackets(item, level):
            return rf"\left({self._print(item)}\right)"
        return str(super().parenthesize(item, level, is_neg=is_neg, strict=strict))

    def _indexed(self, e: Any) -> str:
        name, args = bare_name(type(e).__name__), list(e.args)
        if args and not terms.is_vector(args[0]) and args[0].is_integer:
            name = (f"{{{name}}}" if "_" in name else name) + f"_{{{self._print(args.pop(0))}}}"
        return rf"{name}({', '.join(self._print(a) for a in args)})" if args else name

    def _print(self, expr: Any, **settings: Any) -> str:
        """Families first: one that is called beta or I is not SymPy's function of that name."""
        if isinstance(expr, OWN):
            return self._print_Function(expr, **settings)
        return str(super()._print(expr, **settings))

    def _print_ExpBase(self, e: Any, exp: Any = None) -> str:
        """exp of log-densities is a product of densities."""
        ratio = densities(e.args[0]) if exp is None else None
        if ratio is None:
            return str(super()._print_ExpBase(e, exp))
        above, below = (r" \, ".join(self._density(f) for f in side) for side in ratio)
        return rf"\frac{{{above or 1}}}{{{below}}}" if below else above

    def _density(self, factor: Any) -> str:
        if not isinstance(factor, terms.SumTo):
            return self._print(factor)
        body, *bounds = factor.args
        index, lo, hi = (self._print(b) for b in bounds)
        return rf"\prod_{{{index}={lo}}}^{{{hi}}} {self._print(sp.exp(body))}"

    def _print_Function(self, e: Any, exp: Any = None) -> str:
        if not isinstance(e, OWN):
            return str(super()._print_Function(e, exp))
        shown = self._indexed(e)
        return shown if exp is None else rf"{{{shown}}}^{{{exp}}}"

    def _print_VectorSymbol(self, e: Any) -> str:
        return bare_name(e.name)

    def _print_Symbol(self, e: Any, style: str = "plain") -> str:
        return bare_name(e.name)

    _print_Covariance = _print_LinearMap = _print_Symbol

    def _print_Transposed(self, e: Any) -> str:
        return rf"{self._print(e.args[0])}^{{\top}}"

    def _print_Identity(self, e: Any) -> str:
        return "I"

    def _print_Apply(self, e: Any) -> str:
        matrix, v = e.args
        return rf"{self._grouped(matrix)} {self._grouped(v, sp.Mul, terms.Apply, *RUNNING)}"

    def _print_Add(self, e: Any, order: Any = None) -> str:
        return str(super()._print_Add(e if e.is_commutative else with_identity(e), order))

    def _print_Block(self, e: Any) -> str:
        if e.bounds[1] - e.bounds[0] == 1:
            return self._variables(map(terms.HEADS[e.args[0].name], e.bounds))
        lo, hi = (self._print(b) for b in e.bounds)
        return f"{bare_name(e.args[0].name)}_{{{lo}:{hi}}}"

    def _variables(self, variables: Any) -> str:
        return ", ".join(self._print(v) for v in variables)

    def _print_Density(self, e: Any) -> str:
        name, variables, given = e.args
        condition = rf" \mid {self._variables(given)}" if len(given) else ""
        return f"{bare_name(name)}({self._variables(variables)}{condition})"

    def _identity(self, variance: Any, dim: Any) -> str:
        unit = r"I" if dim == terms.DIM else rf"I_{{{self._print(dim)}}}"
        if variance == 1:
            return unit
        text = self._print(variance)
        return rf"\left({text}\right){unit}" if isinstance(variance, sp.Add) else rf"{text}\,{unit}"

    def _print_Normal(self, e: Any) -> str:
        v, mean, variance, dim = e.args
        return rf"\mathcal N\left({self._print(v)};\, {self._print(mean)},\, {self._identity(variance, dim)}\right)"

    def _print_DiagonalNormal(self, e: Any) -> str:
        v, i, mean, variance, dim = e.args
        spread = self._identity(variance, dim)
        if variance.has(i):
            spread = rf"\operatorname{{diag}}\left({self._print(whole_vectors(variance, i))}\right)"
        return rf"\mathcal N\left({self._print(v)};\, {self._print(whole_vectors(mean, i))},\, {spread}\right)"

    def _print_FullNormal(self, e: Any) -> str:
        return r"\mathcal N\left({};\, {},\, {}\right)".format(*(self._print(a) for a in e.args[:3]))

    def _print_BernoulliProduct(self, e: Any) -> str:
        probability = whole_vectors(e.args[2], e.args[1])
        return rf"\operatorname{{Bernoulli}}\left({self._print(e.args[0])};\, {self._print(probability)}\right)"

    def _print_AffineImage(self, e: Any) -> str:
        z, index, shift, scale, base, _ = e.args
        noise, i = self._print(base.args[0]), self._print(index)
        image = rf"{self._print(shift)} + {self._print(scale)}\,{noise}_{{{i}}}"
        return rf"\operatorname{{law}}\left({self._print(z)}_{{{i}}} = {image},\; {self._print(base)}\right)"

    def _print_LogDensity(self, e: Any) -> str:
        return rf"\log {self._print(e.args[0])}"

    def _print_LogJoint(self, e: Any) -> str:
        return rf"\log {bare_name(e.args[0])}({self._variables(e.args[1])})"

    def _print_Expect(self, e: Any) -> str:
        return rf"\mathbb E_{{{self._print(e.args[0])}}}\left[{self._print(e.args[1])}\right]"

    def _print_KL(self, e: Any) -> str:
        return rf"\mathrm{{KL}}\left({self._print(e.args[0])} \,\|\, {self._print(e.args[1])}\right)"

    def _print_Mean(self, e: Any) -> str:
        return rf"\operatorname{{mean}}\left[{self._print(e.args[0])}\right]"

    def _print_Variance(self, e: Any) -> str:
        return rf"\operatorname{{var}}\left[{self._print(e.args[0])}\right]"

    def _print_Inner(self, e: Any) -> str:
        return r"\left\langle {}, {} \right\rangle".format(*map(self._print, e.args))

    def _print_Norm2(self, e: Any, exp: Any = None) -> str:
        text = rf"\left\| {self._print(e.args[0])} \right\|^2"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _print_Coord(self, e: Any, exp: Any = None) -> str:
        v, index = e.args
        inner = self._print(v) if isinstance(v, terms.VectorSymbol) else rf"\left({self._print(v)}\right)"
        text = f"{{{inner}}}_{{{self._print(index)}}}"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_Hadamard(self, e: Any) -> str:
        return r" \odot ".join(self._grouped(a, terms.Hadamard, *BIG) for a in e.args)

    def _print_SumTo(self, e: Any, symbol: str = r"\sum") -> str:
        body, index, lo, hi = (self._print(a) for a in e.args)
        body = rf"\left({body}\right)" if isinstance(e.args[0], sp.Add) else body
        return rf"{symbol}_{{{index}={lo}}}^{{{hi}}} {body}"

    def _print_ProductTo(self, e: Any) -> str:
        return self._print_SumTo(e, r"\prod")

    def _print_D(self, e: Any) -> str:
        return rf"\frac{{\partial}}{{\partial {self._print(e.args[1])}}} {self._grouped(e.args[0])}"

    def _grouped(self, e: Any, *kinds: Any) -> str:
        """In brackets when it is a sum, or of one of these kinds."""
        text = self._print(e)
        return rf"\left({text}\right)" if isinstance(e, (sp.Add, *kinds)) else text

    def _print_Gradient(self, e: Any) -> str:
        return rf"\nabla {bare_name(e.args[0])}({self._print(e.args[1])})"

    def _print_Grad(self, e: Any) -> str:
        body, x = e.args
        return rf"\nabla_{{{self._print(x)}}} {self._grouped(body, *RUNNING)}"

    def _print_Div(self, e: Any) -> str:
        body, x, _ = e.args
        return rf"\nabla_{{{self._print(x)}}} \cdot {self._grouped(body, *RUNNING)}"

    def _print_Laplacian(self, e: Any) -> str:
        body, x, _ = e.args
        return rf"\Delta_{{{self._print(x)}}} {self._grouped(body, *RUNNING)}"

    def _print_StopGradient(self, e: Any) -> str:
        return rf"\operatorname{{sg}}\left[{self._print(e.args[0])}\right]"

    def _print_HeldFixed(self, e: Any) -> str:
        return self._print(written_stops(e))

    def _print_Jvp(self, e: Any) -> str:
        body, x, u = e.args
        return rf"{self._jacobian(body, x)} {self._grouped(u, *RUNNING)}"

    def _print_Vjp(self, e: Any) -> str:
        body, x, w = e.args
        return rf"{self._jacobian(body, x)}^{{\top}} {self._grouped(w, *RUNNING)}"

    def _jacobian(self, body: Any, x: Any) -> str:
        return rf"\left(\partial_{{{self._print(x)}}} {self._grouped(body, *RUNNING)}\right)"

    def _print_Partial(self, e: Any) -> str:
        name, inputs = bare_name(e.head), ", ".join(map(self._print, e.inputs))
        if (marks := primes(e)) is not None:
            shown = "'" * marks if marks < 4 else f"^{{({marks})}}"
            return rf"{{{name}}}{shown}({inputs})"
        places, along = "".join(map(str, e.places)), [self._print(v) for v in e.directions if v != 1]
        return rf"\partial_{{{places}}} {name}({inputs})" + (rf"\left[{', '.join(along)}\right]" if along else "")

    def _print_IntegralTo(self, e: Any) -> str:
        body, symbol, lo, hi = e.args
        return rf"\int_{{{self._print(lo)}}}^{{{self._print(hi)}}} {self._grouped(body)} \, d{self._print(symbol)}"

    def _print_Series(self, e: Any) -> str:
        return rf"\left[{self._print(e.args[0])}\right]_{{O({self._print(e.args[1] ** e.args[2])})}}"

    def _print_LinearSDE(self, e: Any) -> str:
        x, symbol, start, slope, noise, time, _ = (self._print(a) for a in e.args)
        moves = rf"d{x} = \left({slope}\right) {x} \, d{symbol} + \sqrt{{{noise}}} \, dw"
        return rf"\operatorname{{law}}_{{{symbol}={time}}}\left({moves}\ \text{{from}}\ {start}\right)"

    def _print_Ratio(self, e: Any) -> str:
        return rf"\frac{{{self._print(e.args[0])}}}{{{self._print(e.args[1])}}}"

    def _print_At(self, e: Any) -> str:
        body, symbol, value = e.args
        return rf"\lim_{{{self._print(symbol)} \to {self._print(value)}}} {self._grouped(body)}"

    def _print_Rounded(self, e: Any) -> str:
        digits, _, power = decimal(e).partition("e")
        return rf"{digits} \cdot 10^{{{power}}}" if power else digits

    def _print_Trace(self, e: Any) -> str:
        word = self._identity(sp.S.One, e.args[1]) if e.args[0] == 1 else self._print(e.args[0])
        return rf"\operatorname{{tr}}\left({word}\right)"

    def _print_LogDet(self, e: Any) -> str:
        return rf"\log \left|{self._print(e.args[0])}\right|"

    def _print_Quadratic(self, e: Any) -> str:
        u, m, v = e.args
        left = self._print(u) if u.is_Symbol else rf"\left({self._print(u)}\right)"
        return rf"{left}^{{\top}} {self._grouped(m)} {self._grouped(v)}"

    def _print_Entry(self, e: Any) -> str:
        word, row, column = (self._print(a) for a in e.args)
        # By what the indices are, and not by how they are printed: a marked one is long.
        apart = "" if all(len(str(index)) == 1 for index in e.args[1:]) else ","
        return rf"\left({word}\right)_{{{row}{apart}{column}}}"

    def _print_Equal(self, e: Any) -> str:
        return f"{self._print(e.args[0])} = {self._print(e.args[1])}"

    def _print_AtMost(self, e: Any) -> str:
        return rf"{self._print(e.args[0])} \le {self._print(e.args[1])}"

    def _print_SameLaw(self, e: Any) -> str:
        return rf"{self._print(e.args[0])} \equiv {self._print(e.args[1])}"

    def _print_Mul(self, e: Any) -> str:
        joined = one_root(e)
        if joined is not e and isinstance(joined, sp.Pow):
            return str(self._print(joined))
        e = joined
        split = vector_last(e)
        if split is None:
            return str(super()._print_Mul(e))
        coefficient, rest = split
        big = [type(a) for a in sp.Mul.make_args(coefficient) if isinstance(a, BIG)]
        return f"{self._grouped(coefficient, *(sp.Mul for _ in big[:1]), *big)} {self._grouped(rest)}"

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        if isinstance(expr, BIG) and not last:
            return True
        return bool(super()._needs_mul_brackets(expr, first=first, last=last))


def latex(e: Any) -> str:
    return str(Latex().doprint(e))
