"""Unicode for the terminal."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from derivations.kernel import terms
from derivations.printing.shapes import (
    BIG,
    OWN,
    RUNNING,
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
    "p_theta_prime": "p_θ′", "noisy_point": "x", "clean": "x₀", "one_way": "u", "another_way": "w", "log_weight": "f",
    "partition": "Z", "guess": "x̂₀", "score_model": "s_θ", "score_of_noise": "s",
    "lam": "λ", "lam_step": "h", "lam_left": "L", "inside": "u", "step_share": "v",
    "m_along": "m", "xbar_along": "x̄", "xbar_now": "x̄", "clean_along": "x̂₀", "noise_along": "ε̂", "varsigma": "ς",
    "varsigma_now": "ς", "varsigma_step": "k", "eps_field": "ε̂", "ratio_0": "r₀", "ratio_1": "r₁", "ratio_2": "r₂",
    "first_share": "θ", "time": "t", "clock": "s", "earlier": "u", "before": "w", "x_at": "x_t",
    "x_begin": "x₀", "drift_rate": "f", "noise_rate": "g²", "vp_rate": "β",
}  # fmt: skip
SUBSCRIPT = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


class Text(StrPrinter):
    """One line of Unicode for a terminal: x[t-1], ᾱ[t], E_{q(z|x)}[...], ‖x − y‖²."""

    def _as_ordered_terms(self, e: Any, order: Any = None) -> list[Any]:
        return positive_first(super()._as_ordered_terms(e, order))

    def parenthesize(self, item: Any, level: int, strict: bool = False) -> str:
        if needs_brackets(item, level):
            return f"({self._print(item)})"
        return str(super().parenthesize(item, level, strict))

    def _grouped(self, e: Any, *kinds: Any) -> str:
        """In brackets when it is a sum, or of one of these kinds."""
        text = self._print(e)
        return f"({text})" if isinstance(e, (sp.Add, *kinds)) else text

    def _identity(self, dim: Any) -> str:
        return "I" if dim == terms.DIM else f"I_{self._grouped(dim)}"

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

    _print_VectorSymbol = _print_Covariance = _print_LinearMap = _print_Symbol

    def _print_Transposed(self, e: Any) -> str:
        return f"{self._print(e.args[0])}ᵀ"

    def _print_Identity(self, e: Any) -> str:
        return "I"

    def _print_Apply(self, e: Any) -> str:
        matrix, v = e.args
        return f"{self._grouped(matrix)} {self._grouped(v, sp.Mul, terms.Apply, *RUNNING)}"

    def _print_Add(self, e: Any, order: Any = None) -> str:
        return str(super()._print_Add(e if e.is_commutative else with_identity(e), order))

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
        spread = "" if e.args[2] == 1 else f"({variance}) "
        return f"N({v}; {mean}, {spread}{self._identity(e.args[3])})"

    def _print_DiagonalNormal(self, e: Any) -> str:
        v, i, mean, variance, dim = e.args
        spread = f"diag({self._print(whole_vectors(variance, i))})" if variance.has(i) else self._identity(dim)
        if variance != 1 and not variance.has(i):
            spread = f"({self._print(variance)}) {spread}"
        return f"N({self._print(v)}; {self._print(whole_vectors(mean, i))}, {spread})"

    def _print_FullNormal(self, e: Any) -> str:
        return "N({}; {}, {})".format(*(self._print(a) for a in e.args[:3]))

    def _print_BernoulliProduct(self, e: Any) -> str:
        return f"Bernoulli({self._print(e.args[0])}; {self._print(whole_vectors(e.args[2], e.args[1]))})"

    def _print_AffineImage(self, e: Any) -> str:
        z, index, shift, scale, base, _ = e.args
        image = f"{self._print(shift)} + {self._print(scale)} {self._print(base.args[0])}[{index}]"
        return f"law({self._print(z)}[{index}] = {image}, {self._print(base)})"

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
        v, index = e.args
        bare = isinstance(v, (sp.Symbol, *OWN, terms.Mean))
        return f"{self._print(v) if bare else f'({self._print(v)})'}[{self._print(index)}]"

    def _print_Hadamard(self, e: Any) -> str:
        return " ⊙ ".join(self._grouped(a, terms.Hadamard) for a in e.args)

    def _print_SumTo(self, e: Any, symbol: str = "Σ") -> str:
        body, index, lo, hi = (self._print(a) for a in e.args)
        return f"{symbol}_{{{index}={lo}..{hi}}} {f'({body})' if isinstance(e.args[0], sp.Add) else body}"

    def _print_ProductTo(self, e: Any) -> str:
        return self._print_SumTo(e, "Π")

    def _print_D(self, e: Any) -> str:
        return f"∂/∂{self._print(e.args[1])} ({self._print(e.args[0])})"

    def _print_Gradient(self, e: Any) -> str:
        return f"∇{e.args[0]}({self._print(e.args[1])})"

    def _print_Grad(self, e: Any) -> str:
        return f"∇_{self._print(e.args[1])} {self._grouped(e.args[0], *RUNNING)}"

    def _print_Div(self, e: Any) -> str:
        return f"∇_{self._print(e.args[1])}·{self._grouped(e.args[0], *RUNNING)}"

    def _print_Laplacian(self, e: Any) -> str:
        return f"Δ_{self._print(e.args[1])} {self._grouped(e.args[0], *RUNNING)}"

    def _print_StopGradient(self, e: Any) -> str:
        return f"sg[{self._print(e.args[0])}]"

    def _print_HeldFixed(self, e: Any) -> str:
        return self._print(written_stops(e))

    def _print_Jvp(self, e: Any) -> str:
        body, x, u = e.args
        return f"(∂_{self._print(x)} {self._grouped(body, *RUNNING)}) {self._grouped(u, *RUNNING)}"

    def _print_Vjp(self, e: Any) -> str:
        body, x, w = e.args
        return f"(∂_{self._print(x)} {self._grouped(body, *RUNNING)})ᵀ {self._grouped(w, *RUNNING)}"

    def _print_Partial(self, e: Any) -> str:
        name, inputs = self._name(e.head), self._list(e.inputs)
        if (marks := primes(e)) is not None:
            return f"{name}{'′' * marks}({inputs})"
        places, along = "".join(map(str, e.places)), [self._print(v) for v in e.directions if v != 1]
        return f"∂{places.translate(SUBSCRIPT)} {name}({inputs})" + (f"[{', '.join(along)}]" if along else "")

    def _print_IntegralTo(self, e: Any) -> str:
        body, symbol, lo, hi = (self._print(a) for a in e.args)
        return f"∫_{{{symbol}={lo}..{hi}}} {f'({body})' if isinstance(e.args[0], sp.Add) else body} d{symbol}"

    def _print_Series(self, e: Any) -> str:
        return f"[{self._print(e.args[0])}] + O({self._print(e.args[1] ** e.args[2])})"

    def _print_LinearSDE(self, e: Any) -> str:
        x, symbol, start, slope, noise, time, _ = (self._print(a) for a in e.args)
        return f"law at {symbol}={time} of d{x} = ({slope}) {x} d{symbol} + √({noise}) dw from {start}"

    def _print_Ratio(self, e: Any) -> str:
        return f"({self._print(e.args[0])})/({self._print(e.args[1])})"

    def _print_At(self, e: Any) -> str:
        return f"lim_{{{self._print(e.args[1])}→{self._print(e.args[2])}}} ({self._print(e.args[0])})"

    def _print_Rounded(self, e: Any) -> str:
        return decimal(e)

    def _print_Trace(self, e: Any) -> str:
        return f"tr({self._identity(e.args[1]) if e.args[0] == 1 else self._print(e.args[0])})"

    def _print_LogDet(self, e: Any) -> str:
        return f"log|{self._print(e.args[0])}|"

    def _print_Quadratic(self, e: Any) -> str:
        u, m, v = e.args
        return f"({self._print(u)})ᵀ {self._grouped(m)} ({self._print(v)})"

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
        joined = one_root(e)
        if joined is not e and isinstance(joined, sp.Pow):
            return str(self._print(joined))
        e = joined
        split = vector_last(e)
        if split is None:
            return str(super()._print_Mul(e))
        coefficient, last = split
        return f"{self._grouped(coefficient, *BIG)}*{self._grouped(last)}"

    def _print_Pow(self, e: Any, rational: bool = False) -> str:
        if e.args[1] == sp.Rational(1, 2):
            return f"√({self._print(e.args[0])})"
        return str(super()._print_Pow(e, rational))
