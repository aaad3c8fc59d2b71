"""The state of one link's reading, and what its parts may ask: the rooms of the notation know their reader by this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import sympy as sp

from derivations import notation as N
from threefold.check.contexts.base import INTEGERS, Context, Opaque, Settings, latex_of
from threefold.check.definitions import Definitions
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, bare

Unfold = Literal["all", "losses", "none"]


class LinkReader(ABC):
    """What is known while one link is read, and what the rooms of the notation ask of their reader.

    `opaque`: may names that nobody declared be made up?
    """

    def __init__(
        self,
        context: Context,
        settings: Settings,
        definitions: Definitions,
        *,
        opaque: bool = True,
        unfold: Unfold = "all",
    ) -> None:
        self.context = context
        self.settings = settings
        self.definitions = definitions
        self.unfold = unfold
        self.opaque = Opaque() if opaque else None
        self.notes: list[str] = []
        self.constants = 0
        self.indices: set[Any] = set()
        self.counted: dict[str, Any] = {}  # other letters that a sum or product of this line counts with
        self.line_letters: set[str] = set()
        self.dimensions: set[Any] = set()
        self.uses: list[int] = []
        self.unfolding: list[Any] = []
        self.lost_law = False
        self.scored: set[Any] = set()  # what the made-up scores depend on: gradients of laws that are only named
        self.constant_scores: dict[Any, tuple[Any, ...]] = {}  # a made-up score that is no function yet: members
        self.scores: dict[Any, tuple[str, tuple[Any, ...], Any]] = {}  # made up: letter, members, the one
        self.scores_of: dict[str, tuple[str, frozenset[Any], Any]] = {}  # the same by name, as functions
        self.moved: frozenset[Any] | None = None  # the laws that a gradient in a parameter sees; None: none is taken
        self.parameter = ""  # in which those gradients are taken
        self.depth = 0  # of the node that is read in its side
        self.covariances = 0  # how many are written
        self.theorems: list[str] = []  # claims that the reading leans on
        self.repaired = False
        self.as_model = False
        self.amortised = False  # q(z) is the encoder, its condition left out
        self.true_law = False  # p without a parameter is the forward law
        self.by_slopes = False  # gradients in a parameter are worked out, law by law
        self.scalar_fields = False  # f(z) of an f that nobody declared is a number
        self.single = False  # the latent has one coordinate: z, mu and sigma are numbers
        self.latent_size = False  # d counts the coordinates of the latent
        self.names_matrices = False  # a covariance is in the line
        self.names_no_data = False  # neither x nor z is in the line: its Gaussians are any two of one space
        self.noise_letter = ""  # what the line calls the one noise that it speaks of
        self.calls = True  # f(x) is a value of f, where it may also be a product
        self.reaches = False  # an average, an integral, a gradient is in the line
        self.withheld = ""  # why nothing that is read here may be refuted

    def note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    # --- integers -----------------------------------------------------------------------------------------------------

    def index(self, node: Node) -> Any:
        """An integer: a step, a coordinate's number, a bound."""
        node = bare(node)
        if node.kind == "num" and node[0].isdigit():
            return sp.Integer(int(node[0]))
        if node.kind == "sym":
            name: Name = node[0]
            plain = not (name.accents or name.index or name.above)
            found = (self.counted.get(name.letter) or INTEGERS.get(name.letter)) if plain else None
            if found is None:
                raise NotRead(f"{latex_of(name)} is no index")
            self.indices.add(found)
            return found
        if node.kind == "add":
            return sp.Add(*[(-1 if sign == "-" else 1) * self.index(term) for sign, term in node[0]])
        raise NotRead("an index is a letter, a number or a sum of them")

    def bound_index(self, node: Node) -> Any:
        """The index of a sum or product, which may be any letter: one that is none elsewhere takes a free index."""
        name = bare(node)[0] if bare(node).kind == "sym" else None
        if name is not None and name.letter not in INTEGERS and not (name.accents or name.index or name.above):
            taken = {INTEGERS[x] for x in self.line_letters if x in INTEGERS} | set(self.counted.values())
            free = [n for n in (N.s, N.j, N.i) if n not in taken]
            if free and name.letter not in self.counted:
                self.counted[name.letter] = free[0]
        return self.index(node)

    # --- what a reader answers ----------------------------------------------------------------------------------------

    @abstractmethod
    def value(self, node: Node) -> Any:
        """The node as a term."""

    @abstractmethod
    def of_alphas(self, body: Any, index: Any, low: Any, high: Any) -> Any:
        """A product of the chain's alphas by its abar; None for any other product."""

    @abstractmethod
    def number(self, node: Node) -> Any:
        """The node as a term that is no vector."""

    @abstractmethod
    def log(self, node: Node) -> Any:
        """The logarithm of the node: densities become log-densities, products sums."""
