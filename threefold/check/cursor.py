"""Moving about among the items of one side, and what the parts of the parser ask of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from threefold.check.tokens import Group, Item, NotRead, Token
from threefold.check.tree import Node

CLOSING = frozenset([")", "]", r"\}", "⟩", ",", ";", ":", ".", r"\\", "&"])
RELATIONS = frozenset(
    [
        r"=",
        r":=",
        r"=:",
        r"?=",
        r"=c",
        r"\equiv",
        r"\le",
        r"\ge",
        r"<",
        r">",
        r"\ll",
        r"\gg",
        r"\sim",
        r"\propto",
        r"\approx",
        r"\in",
        r"\to",
        r"\leftarrow",
        r"\mapsto",
        r"\iff",
        r"\Rightarrow",
        r"\neq",
        r"\ne",
        r"\notin",
        r"\subset",
        r"\subseteq",
        r"\leftrightarrow",
        r"\lesssim",
        r"\gtrsim",
        r"\doteq",
    ]
)
DOTS = ("·", "×", "*", "⊙")
PAIRS = {"(": ")", "[": "]", r"\{": r"\}", "⟨": "⟩"}
PARAMETERS = frozenset(["theta", "phi", "psi", "vartheta", "omega", "w"])
LAWS = frozenset(["p", "q", "P", "Q", "Pr", "π", "r"])
HEADS = frozenset(
    [
        "f",
        "g",
        "h",
        "u",
        "v",
        "s",
        "D",
        "E",
        "G",
        "F",
        "H",
        "O",
        "c",
        "e",
        "m",
        "d",
        "ℓ",
        "ell",
        "ℒ",
        "L",
        "J",
    ]
)
TIMES = frozenset(["t", "s", "i", "j", "n", "k"])
WORD_FUNCTIONS = frozenset(
    [
        "Cov",
        "Var",
        "cov",
        "var",
        "Trace",
        "tr",
        "trace",
        "Tr",
        "diag",
        "Diag",
        "Ber",
        "Bernoulli",
        "Bern",
        "Uniform",
        "Unif",
        "U",
        "Categorical",
        "Cat",
        "sg",
        "stopgrad",
        "SNR",
        "snr",
        "ELBO",
        "norm",
        "det",
        "dim",
        "log",
        "exp",
        "sin",
        "cos",
        "tanh",
        "softmax",
        "sigmoid",
        "div",
        "sgn",
        "logit",
        "Norm",
        "Normal",
        "Gaussian",
        "VLB",
        "NLL",
        "BCE",
        "MSE",
    ]
)


@dataclass(frozen=True, slots=True)
class Choices:
    """How doubtful notation is read."""

    log_reaches: bool = True  # log a b is log(ab)
    mean_reaches: bool = True  # E a b is E[ab]
    product_reaches: bool = False  # prod_i a_i b is prod_i (a_i b)
    letters_call: bool = True  # f(x) is the value of f, where f may also be a factor
    grad_reaches: bool = False  # the gradient of log a (b) is that of log(a b)
    log_over_dot: bool = False  # log a · b is log(a · b), where b may be a density


@dataclass
class Cursor:
    """One pass over the items of one side."""

    items: Sequence[Item]
    choices: Choices = field(default_factory=Choices)
    mattered: set[str] = field(default_factory=set)
    repairs: list[str] = field(default_factory=list)
    labels: list[tuple[Node, Node]] = field(default_factory=list)
    i: int = 0
    bars: list[str] = field(default_factory=lambda: ["top"])
    depth: int = 0

    # --- moving about -------------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> str | None:
        """The text of the next token; None at the end, '{' for a group."""
        place = self.i
        while place < len(self.items):
            item = self.items[place]
            if isinstance(item, Token) and (item.kind == "space" or item.text in ("&", r"\\")):
                place += 1
                continue
            if ahead == 0:
                return "{" if isinstance(item, Group) else item.text
            ahead -= 1
            place += 1
        return None

    def next(self) -> Item:
        while self.i < len(self.items):
            item = self.items[self.i]
            self.i += 1
            if isinstance(item, Token) and (item.kind == "space" or item.text in ("&", r"\\")):
                continue
            return item
        raise NotRead("it ends too early", self.place())

    def token(self) -> Token:
        item = self.next()
        if isinstance(item, Group):
            raise NotRead("braces where a sign is expected", item.at)
        return item

    def place(self) -> int:
        if self.i < len(self.items):
            return self.items[self.i].at
        return self.items[-1].at if self.items else 0

    def signed_brace(self) -> bool:
        """Does a brace with a label stand here whose content begins with a sign? The sign is a binary one then."""
        if self.peek() not in (r"\underbrace", r"\overbrace"):
            return False
        group = next((i for i in self.items[self.i :] if isinstance(i, Group)), None)
        first = group.items[0] if group is not None and group.items else None
        return isinstance(first, Token) and first.text in ("+", "-")

    def expect(self, text: str) -> None:
        if self.peek() != text:
            raise NotRead(f"expected {text}, found {self.peek() or 'the end'}", self.place())
        self.next()

    def group(self) -> Group:
        item = self.next()
        if not isinstance(item, Group):
            raise NotRead("an argument is missing", item.at)
        return item

    def inner(self, items: Sequence[Item]) -> Self:
        if self.depth > 60:
            raise NotRead("nested too deeply", self.place())
        return type(self)(
            items,
            self.choices,
            self.mattered,
            self.repairs,
            self.labels,
            depth=self.depth + 1,
        )

    def read(self, group: Group) -> Node:
        if not group.items:
            raise NotRead("empty braces", group.at)
        return self.inner(group.items).whole()

    def within(self, what: str, read: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > 200:
            raise NotRead("nested too deeply", self.place())
        self.bars.append(what)
        try:
            return read()
        finally:
            self.bars.pop()
            self.depth -= 1

    # --- what the other parts provide --------------------------------------------------------------------------------

    def whole(self) -> Node:
        """Everything there is."""
        raise NotImplementedError

    def ends(self, text: str | None) -> bool:
        """Does this sign end the product that is being read?"""
        raise NotImplementedError

    def sum(self) -> Node:
        """Terms with their signs."""
        raise NotImplementedError

    def product(self) -> Node:
        """Factors side by side."""
        raise NotImplementedError

    def factor(self) -> Node:
        """One factor with its scripts."""
        raise NotImplementedError

    def atom(self) -> Node:
        """One factor without its scripts."""
        raise NotImplementedError

    def scripted(self, node: Node) -> Node:
        """The node with the scripts that follow."""
        raise NotImplementedError

    def exponent(self, group: Group) -> Node:
        """What stands above, read as a power or a transpose."""
        raise NotImplementedError

    def letter(self) -> Node:
        """The letter of a differential."""
        raise NotImplementedError


def multiplied(factors: list[Node], operators: list[str]) -> Node:
    """A product; the factor itself where there is one."""
    return factors[0] if len(factors) == 1 else Node("mul", (tuple(factors), tuple(operators)))
