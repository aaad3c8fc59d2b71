"""What a document has named so far, in order: losses, hatted quantities, parameterisations, laws.

A definition is a lone name on the left of an equality that nobody had defined. It is put in when the name is read
later, everywhere or nowhere; names that a context builds in (x, alpha, p, q) are never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from threefold.check.tree import Name, Node, bare

NEVER = frozenset(
    [
        "x",
        "X",
        "z",
        "Z",
        "t",
        "T",
        "d",
        "k",
        "i",
        "j",
        "s",
        "D",
        "K",
        "I",
        "p",
        "q",
        "P",
        "Q",
        "pi",
        "θ",
    ]
)
SCHEDULE = frozenset(["alpha", "bar alpha", "beta", "sigma", "tilde beta", "epsilon"])
COVARIANCES = frozenset(["cov", "Cov", "var", "Var", "𝕍"])
LOSSES = frozenset(["L", "ℒ", "J", "ELBO", "VLB", "NLL", "Loss", "loss", "VLBO", "O", "F"])


@dataclass(frozen=True, slots=True)
class Definition:
    """name := node, at the line; `call` is the left side where it has arguments."""

    name: Name
    node: Node
    line: int
    call: Node | None = None


@dataclass(frozen=True)
class Definitions:
    """All that holds at one place of the document."""

    names: Mapping[Name, Definition] = field(default_factory=dict)
    older: Mapping[Name, Definition] = field(default_factory=dict)
    laws: Mapping[Name, Definition] = field(default_factory=dict)
    fields: Mapping[Name, tuple[Definition, ...]] = field(default_factory=dict)
    deviations: tuple[Definition, ...] = ()  # what the text chooses for sigma_t
    turned: Mapping[str, Definition] = field(default_factory=dict)  # letters of the schedule that mean something else
    unread: Mapping[str, Definition] = field(default_factory=dict)  # letters with a definition that was not read
    dropped: tuple[Name, ...] = ()  # letters that the document has used for two things: never put in
    varying: tuple[str, ...] = ()  # names that the document, anywhere, equates to something that varies

    def named(self, name: Name) -> Definition | None:
        return self.names.get(name)

    def without(self, name: Name) -> Definitions:
        """After a second definition: nobody can say which of the two holds."""
        kept = {n: d for n, d in self.names.items() if n != name}
        return replace(self, names=kept, dropped=(*self.dropped, name))

    def called(self, name: Name, node: Node) -> Definition | None:
        """The definition of a value f(...), if it was written with these arguments, or takes parameters alone."""
        found = self.names.get(name)
        if found is None:
            return None
        if found.call == node or (all(_is_parameter(a) for a in node[1]) and not is_own(name, node)):
            return found
        return None

    def law(self, name: Name) -> Definition | None:
        return self.laws.get(name)

    def with_name(self, made: Definition) -> Definitions:
        first = self.older.get(made.name) or self.names.get(made.name)
        older = self.older if first is None else {**self.older, made.name: first}
        return replace(self, names={**self.names, made.name: made}, older=older)

    def at_first(self) -> Definitions:
        """With every name as it was defined for the first time."""
        return replace(self, names={**self.names, **self.older}, older={})

    def with_law(self, made: Definition) -> Definitions:
        return replace(self, laws={**self.laws, made.name: made})

    def with_deviation(self, made: Definition) -> Definitions:
        return replace(self, deviations=(*self.deviations, made))

    def with_letter(self, made: Definition, what: str) -> Definitions:
        """After a line about a letter of the schedule: `what` it was found to say of the field's meaning."""
        key = made.name.plain
        turned = {k: d for k, d in self.turned.items() if k != key or what == "open"}
        unread = {k: d for k, d in self.unread.items() if k != key or what == "open"}
        if what == "differs":
            turned[key] = made
        elif what == "unread":
            unread[key] = made
        return replace(self, turned=turned, unread=unread)

    def with_field(self, made: Definition) -> Definitions:
        before = self.fields.get(made.name, ())
        return replace(self, fields={**self.fields, made.name: (*before, made)})


def _is_parameter(node: Node) -> bool:
    node = bare(node)
    return node.kind == "sym" and node[0].letter in ("theta", "phi", "psi", "x", "omega") and not node[0].index


def lone(node: Node) -> tuple[Name, Node | None] | None:
    """(name, call) of a side that is one name, or one value of a named function; None for anything else."""
    node = bare(node)
    if node.kind == "sym":
        return node[0], None
    if node.kind == "call":
        return node[0][0], node
    return None


def is_evidence_bound(name: Name) -> bool:
    """Is it the evidence lower bound by its name?"""
    return name.letter == "ELBO" or (
        name.letter in ("ℒ", "L")
        and any("ELBO" in label.upper() for label in (*name.labels, *("".join(p.signs) for p in name.index)))
    )


LENT = frozenset(["a", "b", "c", "A", "B", "C", "kappa", "Y", "w", "lambda", "r", "h"])  # for a document's own use


def is_own(name: Name, call: Node | None) -> bool:
    """A letter that a document may use for one thing here and for another there."""
    if is_loss(name) or name.letter in ("𝒯", "T") or name.accents:
        return False
    return call is not None or name.letter not in LENT


def is_loss(name: Name) -> bool:
    return name.letter in LOSSES and "hat" not in name.accents


def settable(node: Node) -> bool:
    """May a document set this side? A lone name, or the square of one, that no chain or law fixes."""
    node = bare(node)
    if node.kind == "pow" and node[1] == Node("num", ("2",)):
        node = bare(node[0])
    found = lone(node)
    if found is None:
        return False
    name, call = found
    if call is None and name.letter in NEVER and not name.accents:
        return False
    if call is not None and (name.letter in COVARIANCES or _is_entropy(name, call)):
        return False
    return not (call is not None and name.letter in ("p", "q", "P", "Q"))


def _is_entropy(name: Name, call: Node) -> bool:
    """Is it H(q(x_t | x_0)), the entropy of a law that is written with its variables?"""
    inner = bare(call[1][0])
    lawful = len(call[1]) == 1 and inner.kind == "call" and inner[0][0].letter in ("p", "q")
    return lawful and name in (Name("H"), Name("ℋ"))


def unsquared(node: Node) -> Node:
    """The base of a square; the node itself otherwise."""
    node = bare(node)
    if node.kind == "pow" and node[1] == Node("num", ("2",)):
        return bare(node[0])
    return node


def tie(name: Name) -> str:
    """One word for a name whatever its step: tilde mu, mu encoder."""
    labels = [x for x in name.labels if x in ("encoder", "q")]
    return " ".join([name.plain, *labels])
