"""How terms are shown: LaTeX for the site, Unicode for the terminal. Shown is what was checked; nothing is retyped."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from derivations.kernel import terms

RELATIONS = {"=": "=", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "iff": r"\iff", "": ""}
RELATIONS_TEXT = {"=": "=", "<=": "≤", ">=": "≥", "<": "<", ">": ">", "iff": "⟺", "": ""}
OWN = (terms.VectorFunction, terms.ScalarFunction, terms.DefinedFunction)
LAST = (terms.Norm2, terms.Inner, terms.Expect, terms.KL, terms.SumTo, sp.log)
BIG = (terms.SumTo, terms.Expect)


def _bare(name: Any) -> str:
    return terms.LATEX.get(str(name), str(name))


def whole_vectors(e: Any, index: Any) -> Any:
    """mu_i as mu: what a law says of each coordinate, shown as it says it of the vector."""
    return e.xreplace({c: c.args[0] for c in e.atoms(terms.Coord) if c.args[1] == index})


def one_root(product: Any) -> Any:
    """sqrt(2) sqrt(pi) as sqrt(2 pi): SymPy splits the roots of numbers."""
    half = sp.Rational(1, 2)
    roots = [a for a in product.args if isinstance(a, sp.Pow) and a.args[1] == half and a.args[0].is_number]
    if len(roots) < 2:
        return product
    inside = sp.Mul(*[a.args[0] for a in roots])
    rest = [a for a in product.args if a not in roots]
    return sp.Mul(sp.Pow(inside, half, evaluate=False), *rest, evaluate=False)


def positive_first(summands: list[Any]) -> list[Any]:
    """The terms of a sum in the printer's order, those with a minus sign last: z - mu, not -mu + z."""
    return sorted(summands, key=lambda a: bool(a.could_extract_minus_sign()))


class Latex(LatexPrinter):
    """LaTeX in the field's usual notation: x_{t-1}, \\bar\\alpha_t, \\mathbb E_{q(z \\mid x)}[...]."""

    def __init__(self) -> None:
        super().__init__({"mul_symbol": None, "ln_notation": False, "fold_short_frac": False})

    def _as_ordered_terms(self, e: Any, order: Any = None) -> list[Any]:
        return positive_first(super()._as_ordered_terms(e, order))

    def _indexed(self, e: Any) -> str:
        name, args = _bare(type(e).__name__), list(e.args)
        if args and not terms.is_vector(args[0]) and args[0].is_integer:
            name += f"_{{{self._print(args.pop(0))}}}"
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
        return _bare(e.name)

    def _print_Symbol(self, e: Any, style: str = "plain") -> str:
        return _bare(e.name)

    _print_Covariance = _print_Symbol

    def _print_Block(self, e: Any) -> str:
        if e.bounds[1] - e.bounds[0] == 1:
            return self._variables(map(terms.HEADS[e.args[0].name], e.bounds))
        lo, hi = (self._print(b) for b in e.bounds)
        return f"{_bare(e.args[0].name)}_{{{lo}:{hi}}}"

    def _variables(self, variables: Any) -> str:
        return ", ".join(self._print(v) for v in variables)

    def _print_Density(self, e: Any) -> str:
        name, variables, given = e.args
        condition = rf" \mid {self._variables(given)}" if len(given) else ""
        return f"{_bare(name)}({self._variables(variables)}{condition})"

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
        return rf"\operatorname{{law}}\left({self._print(z)}_{{{i}}} = {image}\right)"

    def _print_LogDensity(self, e: Any) -> str:
        return rf"\log {self._print(e.args[0])}"

    def _print_LogJoint(self, e: Any) -> str:
        return rf"\log {_bare(e.args[0])}({self._variables(e.args[1])})"

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
        return r" \odot ".join(self._print(a) for a in e.args)

    def _print_SumTo(self, e: Any, symbol: str = r"\sum") -> str:
        body, index, lo, hi = (self._print(a) for a in e.args)
        body = rf"\left({body}\right)" if isinstance(e.args[0], sp.Add) else body
        return rf"{symbol}_{{{index}={lo}}}^{{{hi}}} {body}"

    def _print_ProductTo(self, e: Any) -> str:
        return self._print_SumTo(e, r"\prod")

    def _print_D(self, e: Any) -> str:
        return rf"\frac{{\partial}}{{\partial {self._print(e.args[1])}}} {self._grouped(e.args[0])}"

    def _grouped(self, e: Any) -> str:
        text = self._print(e)
        return rf"\left({text}\right)" if isinstance(e, sp.Add) else text

    def _print_Gradient(self, e: Any) -> str:
        return rf"\nabla {_bare(e.args[0])}({self._print(e.args[1])})"

    def _print_Ratio(self, e: Any) -> str:
        return rf"\frac{{{self._print(e.args[0])}}}{{{self._print(e.args[1])}}}"

    def _print_At(self, e: Any) -> str:
        body, symbol, value = e.args
        return rf"\lim_{{{self._print(symbol)} \to {self._print(value)}}} {self._grouped(body)}"

    def _print_Rounded(self, e: Any) -> str:
        digits, _, power = decimal(e).partition("e")
        return rf"{digits} \cdot 10^{{{power}}}" if power else digits

    def _print_Trace(self, e: Any) -> str:
        return rf"\operatorname{{tr}}\left({'I' if e.args[0] == 1 else self._print(e.args[0])}\right)"

    def _print_LogDet(self, e: Any) -> str:
        return rf"\log \left|{self._print(e.args[0])}\right|"

    def _print_Quadratic(self, e: Any) -> str:
        u, m, v = e.args
        left = self._print(u) if u.is_Symbol else rf"\left({self._print(u)}\right)"
        return rf"{left}^{{\top}} {self._print(m)} {self._grouped(v)}"

    def _print_Entry(self, e: Any) -> str:
        word, row, column = (self._print(a) for a in e.args)
        return rf"\left({word}\right)_{{{row}{column}}}"

    def _print_Equal(self, e: Any) -> str:
        return f"{self._print(e.args[0])} = {self._print(e.args[1])}"

    def _print_AtMost(self, e: Any) -> str:
        return rf"{self._print(e.args[0])} \le {self._print(e.args[1])}"

    def _print_SameLaw(self, e: Any) -> str:
        return rf"{self._print(e.args[0])} \equiv {self._print(e.args[1])}"

    def _print_Mul(self, e: Any) -> str:
        e = one_root(e)
        split = vector_last(e)
        if split is None:
            return str(super()._print_Mul(e))
        coefficient, rest = split
        last = rf"\left({self._print(rest)}\right)" if isinstance(rest, sp.Add) else self._print(rest)
        return f"{self._grouped(coefficient)} {last}"

    def _needs_mul_brackets(self, expr: Any, first: bool = False, last: bool = False) -> bool:
        if isinstance(expr, BIG) and not last:
            return True
        return bool(super()._needs_mul_brackets(expr, first=first, last=last))


def decimal(e: Any) -> str:
    """A rounded value with exactly the digits it claims."""
    centre, radius = (sp.Rational(a) for a in e.args)
    digits = max(1, int(sp.floor(sp.log(abs(centre) / (2 * radius), 10))) + 1) if centre else 1
    places = max(0, -int(sp.floor(sp.log(2 * radius, 10))))
    if places <= 6:
        return f"{Decimal(int(sp.Integer(sp.floor(centre * 10**places + sp.Rational(1, 2))))).scaleb(-places):f}"
    return f"{Decimal(int(centre.p)) / Decimal(int(centre.q)):.{digits - 1}e}".replace("e-0", "e-")


def _is_name(e: Any) -> bool:
    return isinstance(e, terms.DefinedFunction) and not e.notation


def vector_last(product: Any) -> tuple[Any, Any] | None:
    """(coefficient, vector or average) of a product that reads better with the coefficient in front; else None."""

    def is_last(factor: Any) -> bool:
        whole = factor.args if isinstance(factor, sp.Add) else (factor,)
        return any(terms.is_vector(a) or isinstance(a, LAST) or _is_name(a) for a in whole)

    last = [a for a in product.args if is_last(a)]
    if len(last) != 1:
        return None
    coefficient = sp.Mul(*[a for a in product.args if a is not last[0]])
    if sp.fraction(coefficient)[0].is_Integer or coefficient.could_extract_minus_sign():
        return None
    return coefficient, last[0]


def densities(exponent: Any) -> tuple[list[Any], list[Any]] | None:
    """(laws multiplied, laws divided by) when the exponent is a sum of log-densities, or of sums of them; else None."""
    above: list[Any] = []
    below: list[Any] = []
    for term in sp.Add.make_args(exponent):
        sign, factor = term.as_coeff_Mul()
        if isinstance(factor, terms.SumTo) and densities(factor.args[0]) is not None and abs(sign) == 1:
            (above if sign > 0 else below).append(factor)
        elif isinstance(factor, terms.LogDensity) and abs(sign) == 1:
            (above if sign > 0 else below).append(factor.args[0])
        else:
            return None
    return above, below


def latex(e: Any) -> str:
    return str(Latex().doprint(e))


GREEK = {
    "alpha": "α", "abar": "ᾱ", "beta": "β", "beta_tilde": "β̃", "sigma": "σ", "eps": "ε", "mu": "μ", "phi": "φ",
    "eps_theta": "ε_θ", "x0_theta": "x̂_θ", "mu_theta": "μ_θ", "v_theta": "v_θ", "mu_tilde": "μ̃", "x_obs": "x",
    "mu_p": "μ_p", "mu_q": "μ_q", "Sigma_p": "Σ_p", "Sigma_q": "Σ_q", "std": "σ", "log_variance": "ℓ", "mu_of": "μ",
    "mu_phi": "μ_φ", "std_phi": "σ_φ", "sigma_x": "σ", "std_of": "σ", "p_theta": "p_θ", "eps_draw": "ε",
    "alpha_one": "α", "x_mixed": "x₁", "x0_restored": "x̂₀", "L_onestep": "ℒ", "ELBO_vae": "ELBO", "ELBO_normal": "ELBO",
    "pi_theta": "π_θ", "logit": "a", "eps_theta_prime": "ε_θ′", "w_x0": "w^x₀", "w_eps": "w^ε", "weight": "w",
    "L_step": "L", "noisy": "x", "x0_hat": "x̂₀", "eps_hat": "ε̂", "noised": "x_t", "velocity": "v", "x0_of_v": "x̂₀ᵛ",
    "pixel_noised": "x_t", "pixel_guess": "x̂₀", "pixel_stride": "x_s", "pixel_signal": "signal",
    "pixel_noise": "noise", "pixel_loss": "loss", "abar_x": "ᾱ", "x_pixel": "x₀", "e_pixel": "ε", "g_pixel": "ε̂",
    "eps_of_v": "ε̂ᵛ",
    "abar_linear": "ᾱ", "beta_linear": "β", "beta_1": "β₁", "beta_T": "β_T", "Sigma": "Σ", "alpha_bar": "ᾱ",
    "p_theta_prime": "p_θ′",
}  # fmt: skip
SUBSCRIPT = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


class Text(StrPrinter):
    """One line of Unicode for a terminal: x[t-1], ᾱ[t], E_{q(z|x)}[...], ‖x − y‖²."""

    def _as_ordered_terms(self, e: Any, order: Any = None) -> list[Any]:
        return positive_first(super()._as_ordered_terms(e, order))

    def _name(self, name: Any) -> str:
        return GREEK.get(str(name), str(name))

    def _indexed(self, e: Any) -> str:
        name, args = self._name(type(e).__name__), list(e.args)
        if args and not terms.is_vector(args[0]) and args[0].is_integer:
            index = args.pop(0)
            name += str(index).translate(SUBSCRIPT) if index.is_Integer else f"[{self._print(index)}]"
        return f"{name}({', '.join(self._print(a) for a in args)})" if args else name

    def _print(self, expr: Any, **settings: Any) -> str:
        """Families first: one that is called beta or I is not SymPy's function of that name."""
        return self._indexed(expr) if isinstance(expr, OWN) else str(super()._print(expr, **settings))

    def _print_ExpBase(self, e: Any) -> str:
        """exp of log-densities is a product of densities."""
        ratio = densities(e.args[0])
        if ratio is None:
            return f"exp({self._print(e.args[0])})"
        above, below = (" ".join(self._density(f) for f in side) for side in ratio)
        return f"{above or 1} / ({below})" if below else above

    _print_exp = _print_ExpBase

    def _density(self, factor: Any) -> str:
        if not isinstance(factor, terms.SumTo):
            return self._print(factor)
        body, *bounds = factor.args
        index, lo, hi = (self._print(b) for b in bounds)
        return f"Π_{{{index}={lo}..{hi}}} {self._print(sp.exp(body))}"

    def _print_Symbol(self, e: Any) -> str:
        return self._name(e.name)

    _print_VectorSymbol = _print_Covariance = _print_Symbol

    def _print_Block(self, e: Any) -> str:
        if e.bounds[1] - e.bounds[0] == 1:
            return self._list(map(terms.HEADS[e.args[0].name], e.bounds))
        lo, hi = (self._print(b) for b in e.bounds)
        return f"{self._name(e.args[0].name)}[{lo}:{hi}]"

    def _list(self, variables: Any) -> str:
        return ", ".join(self._print(v) for v in variables)

    def _print_Density(self, e: Any) -> str:
        name, variables, given = e.args
        return f"{self._name(name)}({self._list(variables)}{' | ' + self._list(given) if len(given) else ''})"

    def _print_Normal(self, e: Any) -> str:
        v, mean, variance, _ = (self._print(a) for a in e.args)
        return f"N({v}; {mean}, {'I' if e.args[2] == 1 else f'({variance}) I'})"

    def _print_DiagonalNormal(self, e: Any) -> str:
        v, i, mean, variance, _ = e.args
        spread = f"diag({self._print(whole_vectors(variance, i))})" if variance.has(i) else "I"
        if variance != 1 and not variance.has(i):
            spread = f"({self._print(variance)}) I"
        return f"N({self._print(v)}; {self._print(whole_vectors(mean, i))}, {spread})"

    def _print_FullNormal(self, e: Any) -> str:
        return "N({}; {}, {})".format(*(self._print(a) for a in e.args[:3]))

    def _print_BernoulliProduct(self, e: Any) -> str:
        return f"Bernoulli({self._print(e.args[0])}; {self._print(whole_vectors(e.args[2], e.args[1]))})"

    def _print_AffineImage(self, e: Any) -> str:
        z, index, shift, scale, base, _ = e.args
        image = f"{self._print(shift)} + {self._print(scale)} {self._print(base.args[0])}[{index}]"
        return f"law({self._print(z)}[{index}] = {image})"

    def _print_LogDensity(self, e: Any) -> str:
        return f"log {self._print(e.args[0])}"

    def _print_LogJoint(self, e: Any) -> str:
        return f"log {self._name(e.args[0])}({self._list(e.args[1])})"

    def _print_Expect(self, e: Any) -> str:
        return f"E_{{{self._print(e.args[0])}}}[{self._print(e.args[1])}]"

    def _print_KL(self, e: Any) -> str:
        return f"KL({self._print(e.args[0])} ‖ {self._print(e.args[1])})"

    def _print_Mean(self, e: Any) -> str:
        return f"mean[{self._print(e.args[0])}]"

    def _print_Variance(self, e: Any) -> str:
        return f"var[{self._print(e.args[0])}]"

    def _print_Inner(self, e: Any) -> str:
        return "⟨{}, {}⟩".format(*map(self._print, e.args))

    def _print_Norm2(self, e: Any) -> str:
        return f"‖{self._print(e.args[0])}‖²"

    def _print_Coord(self, e: Any) -> str:
        inner = self._print(e.args[0])
        return f"{f'({inner})' if isinstance(e.args[0], sp.Add) else inner}[{self._print(e.args[1])}]"

    def _print_Hadamard(self, e: Any) -> str:
        return " ⊙ ".join(self._print(a) for a in e.args)

    def _print_SumTo(self, e: Any, symbol: str = "Σ") -> str:
        body, index, lo, hi = (self._print(a) for a in e.args)
        return f"{symbol}_{{{index}={lo}..{hi}}} {f'({body})' if isinstance(e.args[0], sp.Add) else body}"

    def _print_ProductTo(self, e: Any) -> str:
        return self._print_SumTo(e, "Π")

    def _print_D(self, e: Any) -> str:
        return f"∂/∂{self._print(e.args[1])} ({self._print(e.args[0])})"

    def _print_Gradient(self, e: Any) -> str:
        return f"∇{e.args[0]}({self._print(e.args[1])})"

    def _print_Ratio(self, e: Any) -> str:
        return f"({self._print(e.args[0])})/({self._print(e.args[1])})"

    def _print_At(self, e: Any) -> str:
        return f"lim_{{{self._print(e.args[1])}→{self._print(e.args[2])}}} ({self._print(e.args[0])})"

    def _print_Rounded(self, e: Any) -> str:
        return decimal(e)

    def _print_Trace(self, e: Any) -> str:
        return f"tr({'I' if e.args[0] == 1 else self._print(e.args[0])})"

    def _print_LogDet(self, e: Any) -> str:
        return f"log|{self._print(e.args[0])}|"

    def _print_Quadratic(self, e: Any) -> str:
        u, m, v = (self._print(a) for a in e.args)
        return f"({u})ᵀ {m} ({v})"

    def _print_Entry(self, e: Any) -> str:
        return "({})[{},{}]".format(*map(self._print, e.args))

    def _print_Equal(self, e: Any) -> str:
        return f"{self._print(e.args[0])} = {self._print(e.args[1])}"

    def _print_AtMost(self, e: Any) -> str:
        return f"{self._print(e.args[0])} ≤ {self._print(e.args[1])}"

    def _print_SameLaw(self, e: Any) -> str:
        return f"{self._print(e.args[0])} ≡ {self._print(e.args[1])}"

    def _print_Pi(self, e: Any) -> str:
        return "π"

    def _print_Mul(self, e: Any) -> str:
        e = one_root(e)
        split = vector_last(e)
        if split is None:
            return str(super()._print_Mul(e))
        return "*".join(f"({self._print(a)})" if isinstance(a, sp.Add) else self._print(a) for a in split)

    def _print_Pow(self, e: Any, rational: bool = False) -> str:
        if e.args[1] == sp.Rational(1, 2):
            return f"√({self._print(e.args[0])})"
        return str(super()._print_Pow(e, rational))


def text(e: Any) -> str:
    return str(Text().doprint(e))


def name_text(name: str) -> str:
    """A symbol's name as terminals show it."""
    return GREEK.get(name, name)


def condition_text(kind: str, e: Any) -> str:
    """A side condition: "> 0", ">= 0" or "!= 0"."""
    return f"{text(e)} {kind.replace('>=', '≥').replace('!=', '≠')}"


def relation_latex(lhs: Any, relation: str, rhs: Any) -> str:
    return f"{latex(lhs)} {RELATIONS[relation]} {latex(rhs)}"


def relation_text(lhs: Any, relation: str, rhs: Any) -> str:
    return f"{text(lhs)} {RELATIONS_TEXT[relation]} {text(rhs)}"
