"""What a context is: the field's letters as the kernel's terms, the laws it fixes, what it supposes.

A context never decides anything. It says what `\\bar\\alpha_t` stands for and which Gaussian `q(x_t | x_{t-1})` is; the
kernel proves or refutes what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.rules import (
    POSITIVE,
    REAL,
    Domain,
    Hypothesis,
    covariance,
    scalar,
    scalar_function,
    vector,
    vector_function,
)
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node

PARAMETERS = ("theta", "phi", "psi", "omega", "w")
MODEL_LABELS = frozenset(
    (
        "theta",
        "decoder",
        "latent",
        "vae",
        "diff",
        "prior",
        "model",
        "psi",
        "reverse",
        "generator",
        "gen",
        "dec",
        "simple",
    )
)
ENCODER_LABELS = frozenset(("phi", "encoder", "enc", "posterior", "forward", "lambda", "inference"))
DATA_LABELS = frozenset(("data", "d", "true", "real", "D"))
INTEGERS = {"t": N.t, "T": N.T, "s": N.s, "i": N.i, "j": N.j, "k": N.k, "d": N.d, "D": N.d, "K": N.k, "J": N.k,
            "τ": N.s, "tau": N.s, "n": N.k, "l": N.j}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a document, or its reader, has said. `decoder`: the mean of a Bernoulli or Gaussian p(x | z)."""

    noise: str = "epsilon"
    alpha: str = "1 - beta"  # or cumulative
    variance: str = "variance"
    first: int = 1  # T >= first, t in first..T
    decoder: str = ""  # "", bernoulli, gaussian
    decoder_mean: Any = None
    decoder_variance: Any = None
    decoders: tuple[tuple[str, Any, Any], ...] = ()  # (kind, mean, variance) as the document has them, in order
    own: tuple[str, ...] = ()  # the letters of the scale and of the deviation in a chain of the document's own
    step: int = 0  # the line where the document defines the context's own forward step
    posterior: tuple[str, ...] = ()  # (a, b, c): it writes q(x_{t-1} | x_t, x_0) = N(a_t x_0 + b_t x_t, c_t^2 I)
    scaled: bool = False  # somewhere x_t is alpha_t x_0 + sigma_t epsilon
    foreign: int = 0  # the line where the document defines a forward law that is not the context's
    bars: bool = False  # the document has another sign than alpha for the product of all steps
    priors: tuple[str, ...] = ("",)  # with which parameters the document marks p(z); "": it writes it bare
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """One field's conventions."""

    name: str
    words: str
    chain: bool
    hypotheses: tuple[Hypothesis, ...]
    intervals: Mapping[str, Any]
    products: Mapping[str, str]
    symbols: Mapping[str, Callable[[Any, Name], Any]]
    functions: Mapping[str, Callable[[Any, Name, tuple[Any, ...]], Any]]
    close: Callable[[Any, Settings], Any]
    variable: Callable[[Any, Name], Any] | None = None  # random variables, where they are not a chain or x and z
    instance: Callable[[Any], Any] | None = None  # an instance of closed terms, in which a refutation is sought

    def domain(self, used: Any, settings: Settings, extra: Mapping[str, Any]) -> Domain:
        """Where a link is judged: T from the first step on, t up to it, schedules in (0, 1)."""
        indices: dict[Any, tuple[Any, Any]] = {}
        if self.chain:
            indices[N.T] = (sp.Integer(settings.first), sp.oo)
            if N.t in used:
                indices[N.t] = (sp.Integer(settings.first), N.T)
        for size in (N.k, N.j, N.s, N.i):
            if size in used:
                indices[size] = (sp.Integer(1), sp.oo)
        return Domain({**self.intervals, **extra}, indices, dict(self.products))


DECLARED_BY_NOBODY = "doc_"  # how the names begin that were made up


@dataclass
class Opaque:
    """Names that nobody declared, made up as they come: good for an identity, never for a refutation.

    `positive`: are the numbers among them supposed to be?
    """

    positive: bool = False
    guesses: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    intervals: dict[str, Any] = field(default_factory=dict)
    capitals: list[str] = field(default_factory=list)  # taken for numbers, and might be matrices

    def vector(self, key: str, latex: str) -> Any:
        self.guesses[key] = latex
        return vector(f"{DECLARED_BY_NOBODY}{key}", latex)

    def matrix(self, key: str, latex: str) -> Any:
        self.guesses[key] = latex
        return covariance(f"{DECLARED_BY_NOBODY}{key}", latex)

    def number(self, key: str, latex: str, capital: bool) -> Any:
        name = self._number(key, latex, "", capital)
        return scalar(name, latex, positive=True) if self.positive else scalar(name, latex)

    def family(self, key: str, latex: str, capital: bool) -> Any:
        return scalar_function(self._number(key, latex, "_of", capital), latex, positive=self.positive)

    def _number(self, key: str, latex: str, ending: str, capital: bool) -> str:
        name = f"{DECLARED_BY_NOBODY}{key}{ending}" + "_real" * (not self.positive)
        self.guesses[key] = self.numbers[key] = latex
        self.intervals[name] = POSITIVE if self.positive else REAL
        if capital and latex not in self.capitals:
            self.capitals.append(latex)
        return name

    def value(self, key: str, latex: str) -> Any:
        """A function of vectors whose values are numbers of either sign."""
        self.guesses[key] = latex
        name = f"{DECLARED_BY_NOBODY}{key}_real"
        self.intervals[name] = REAL
        return scalar_function(name, latex)

    def field(self, key: str, latex: str) -> Any:
        self.guesses[key] = latex
        return vector_function(f"{DECLARED_BY_NOBODY}{key}_at", latex)


def key_of(name: Name) -> str:
    """A word for the letter that serves as a symbol's name: accents, letter, labels."""
    text = "_".join([*name.accents, name.letter, *("p" * name.primes), *name.labels])
    return "".join(c if c.isalnum() else "_" for c in text)


def latex_of(name: Name) -> str:
    """The letter as LaTeX, for our own print of a reading."""
    letter = name.letter if len(name.letter) == 1 or "word" in name.accents else f"\\{name.letter}"
    if "word" in name.accents:
        letter = rf"\mathrm{{{letter}}}"
    for accent in reversed([a for a in name.accents if a != "word"]):
        letter = rf"\{accent}{{{letter}}}"
    letter += "'" * name.primes
    labels = [f"\\{x}" if x in PARAMETERS else rf"\mathrm{{{x}}}" for x in name.labels]
    return letter + (f"_{{{','.join(labels)}}}" if labels else "")


def only_index(reader: Any, name: Name) -> Any:
    """The one index of a letter; NotRead if there is none, or more."""
    if len(name.indices) != 1:
        raise NotRead(f"{latex_of(name)} needs one index here")
    return reader.index(name.indices[0])


def node_is(node: Node, letter: str) -> bool:
    return node.kind == "sym" and node[0].plain == letter and not node[0].index
