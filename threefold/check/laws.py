"""Laws as the field writes them: densities, Gaussians, the subscript of an expectation, divergences, integrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.rules import (
    Block,
    Coord,
    Density,
    DiagonalNormal,
    FullNormal,
    Hadamard,
    LogDensity,
    Normal,
)
from threefold.check import single, vectors
from threefold.check.contexts import ddim, flow, score_sde
from threefold.check.contexts.base import (
    DATA_LABELS,
    ENCODER_LABELS,
    MODEL_LABELS,
    latex_of,
)
from threefold.check.lowering import LinkReader
from threefold.check.parse import Parser
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, bare

VARIABLE_LETTERS = frozenset(["x", "X", "z", "Z"])


# --- random variables and names ---------------------------------------------------------------------------------------


def variables(reader: LinkReader, node: Node) -> list[Any]:
    """The random variables that a node of a law's brackets names."""
    node = bare(node)
    if reader.context.variable is not None and node.kind == "sym":
        return [reader.context.variable(reader, node[0])]
    if node.kind == "sym" and node[0].letter in VARIABLE_LETTERS and not node[0].accents and not node[0].primes:
        name: Name = node[0]
        if reader.context.chain and name.letter in ("x", "X"):
            return [_member(reader, name)]
        if name.index or name.above:
            raise NotRead(f"{latex_of(name)} with an index is no variable of this model")
        if reader.context.chain:
            reader.withheld = f"{name.letter} is no state of the chain, and may stand for several of them"
        return [N.obs if name.letter in ("x", "X") else N.z]
    if reader.context.chain and node.kind == "sym" and node[0] in (Name("y"), Name("c")):
        reader.withheld = "a condition that the chain does not have"
        return [score_sde.condition]
    raise NotRead("no random variable")


def _member(reader: LinkReader, name: Name) -> Any:
    if not name.index:
        raise NotRead("x without its step")
    if len(name.index) == 2 and name.index[0].after == ":":
        low, high = (p.node for p in name.index)
        if low is None or high is None:
            raise NotRead("a stretch of the chain needs two steps")
        return Block(N.x, reader.index(low), reader.index(high))
    if len(name.index) != 1 or name.index[0].node is None or name.index[0].label:
        raise NotRead(f"{latex_of(name)} is no member of the chain")
    return N.x(reader.index(name.index[0].node))


def listed(reader: LinkReader, nodes: Sequence[Node]) -> list[Any]:
    """Variables in a list; x_0, ..., x_T is a stretch of the chain."""
    found: list[Any] = []
    place = 0
    nodes = [part for n in nodes for part in _apart(n)]
    while place < len(nodes):
        if nodes[place].kind == "dots":
            if not found or place + 1 >= len(nodes):
                raise NotRead("an ellipsis without its ends")
            (first,), (last,) = [found.pop()], variables(reader, nodes[place + 1])
            if isinstance(first, Block) or isinstance(last, Block):
                raise NotRead("an ellipsis between stretches")
            start, end = first.args[0], last.args[0]
            if found and type(found[-1]) is N.x and found[-1].args[0] == start - 1:  # x_1, x_2, ..., x_T
                start = found.pop().args[0]
            if sp.expand(end - start).is_negative:
                start, end = end, start
            found.append(Block(N.x, start, end))
            place += 2
            continue
        found += variables(reader, nodes[place])
        place += 1
    return found


def _apart(node: Node) -> list[Node]:
    """x_2 ..., the comma before the dots forgotten: two nodes."""
    factors = list(node[0]) if node.kind == "mul" else []
    return factors if len(factors) > 1 and any(f.kind == "dots" for f in factors) else [node]


def law_name(reader: LinkReader, name: Name) -> str:
    """p for the model, q for the encoder or the forward chain, p_data for the data; another mark is another law."""
    if reader.context.name == "score-sde":
        return "_".join(
            [
                name.letter.lower(),
                *("".join(c for s in p.signs for c in s if c.isalnum()) for p in name.index),
            ]
        )
    labels = [label for label in name.labels if label not in ("t",)]
    letter = name.letter.lower()
    if reader.true_law and letter == "p" and not name.labels and not name.accents and not name.primes:
        reader.note("p_t is the law of the noisy data, q(x_t)")
        return "q"
    if reader.context.name == "ddim" and letter == "q" and [p.signs for p in name.index] == [("sigma",)]:
        return ddim.FAMILY
    if name.accents or name.primes:
        raise NotRead(f"the law {latex_of(name)} is not known")
    if any(label in DATA_LABELS for label in labels):
        return "p_data"
    for label in labels:
        known = MODEL_LABELS if letter == "p" else ENCODER_LABELS | {"theta"} if letter == "q" else frozenset()
        if label not in known:
            raise NotRead(f"the law {latex_of(name)} is not known: another mark is another law")
    if reader.context.name == "flow-matching" and not name.accents:
        return "p"
    extra = [p for p in name.index if not p.label and (p.signs != ("lambda",) or letter != "q")]
    if extra and not labels and not reader.context.chain:
        raise NotRead(f"the law {latex_of(name)} with an index is not known")
    if extra and not labels and [flat_text(p) for p in extra] != ["t"]:
        raise NotRead(f"the law {latex_of(name)} with an index is not known")
    return letter


def flat_text(piece: Any) -> str:
    return "".join(piece.signs)


def split(node: Node) -> tuple[list[Node], list[Node]]:
    """Arguments before and behind the conditional bar of p(...|...)."""
    arguments, separators = list(node[1]), list(node[2])
    for place, sign in enumerate(separators):
        if sign == "|":
            return arguments[: place + 1], [a for a in arguments[place + 1 :] if not _is_parameter(a)]
        if sign == ";" and all(_is_parameter(a) for a in arguments[place + 1 :]):
            return arguments[: place + 1], []
    return arguments, []


def _is_parameter(node: Node) -> bool:
    node = bare(node)
    return node.kind == "sym" and node[0].letter in ("theta", "phi", "psi", "lambda") and not node[0].index


# --- laws -------------------------------------------------------------------------------------------------------------


def law(reader: LinkReader, node: Node, like: Sequence[Any] | None = None) -> Any:
    """The law that a node names. `like`: its variables, when it does not write them."""
    node = bare(node)
    if node.kind == "normal":
        return normal(reader, node, like)
    if node.kind == "sym" and node[0].letter in ("p", "q", "P", "Q"):
        return _named_law(reader, node[0], like)
    if node.kind == "call" and node[0][0].letter in ("p", "q", "P", "Q"):
        return _called_law(reader, node, like)
    raise NotRead("no law that is known")


def _named_law(reader: LinkReader, name: Name, like: Sequence[Any] | None) -> Any:
    from threefold.check.contexts import vae

    defined = reader.definitions.law(name)
    if defined is not None:
        return law(reader, defined.node, like if like is not None else [N.z])
    if not (name.labels or name.index or name.accents) and (
        reader.names_matrices or (name.letter in ("P", "Q") and not reader.context.chain)
    ):
        side = name.letter.lower()
        return FullNormal(N.z, vae.mu_of[side], vae.cov_of[side], N.k)
    letter = law_name(reader, name)
    if reader.amortised and letter == "q" and list(like or [N.z]) == [N.z]:
        return _encoder(reader)
    if reader.context.name == "flow-matching":
        return Density("p", list(like) if like is not None else [N.z], [flow.time])
    if like is not None:
        return Density(letter, list(like))
    if letter == "p_data":
        return Density("p_data", [N.x(0) if reader.context.chain else N.obs])
    if "latent" in name.labels or "prior" in name.labels:
        return Density("p", [N.x(N.T)] if reader.context.chain else [N.z])
    if "vae" in name.labels or (name.labels and not reader.context.chain):
        return Density(letter, [N.obs])
    raise NotRead(f"{latex_of(name)} without its variable")


def _called_law(reader: LinkReader, node: Node, like: Sequence[Any] | None) -> Any:
    shown, behind = split(node)
    if len(shown) == 1 and not behind and is_noise(reader, bare(shown[0])) and not node[0][0].labels:  # p(epsilon)
        return Normal(N.eps, 0, 1) if reader.context.chain else N.standard_normal(N.eps, N.k)
    letter = law_name(reader, node[0][0])
    if reader.context.chain and not behind and [bare(s) for s in shown] == [Node("sym", (Name("x"),))]:
        reader.repaired = True
        reader.note("x without its step is the data, x_0")
        return Density(letter, [N.x(0)])
    given = listed(reader, behind)
    if reader.context.name == "flow-matching":
        return _at_time(reader, shown, given, like)
    if letter == "q" and reader.as_model and len(shown) == len(given) == 1 and shown[0].kind != "dot":
        (member,) = variables(reader, shown[0])
        if isinstance(member, N.x) and isinstance(given[0], N.x) and given[0].args[0] - member.args[0] == 1:
            reader.note("q is read as the model's kernel")
            letter = "p"
    if shown and shown[0].kind == "dot":
        return Density(letter, _dotted(reader, node[0][0], given, like), given)
    made = listed(reader, shown)
    if set(made) & set(given):  # q(x_0 | x_1, x_0)
        raise NotRead("a law of what is given")
    if reader.amortised and letter == "q" and made == [N.z] and not given:
        return _encoder(reader)
    return Density(letter, made, given)


def _encoder(reader: LinkReader) -> Density:
    reader.note("q is read as the encoder q(z | x)")
    return Density("q", [N.z], [N.obs])


def unconditional_encoder(node: Node) -> bool:
    """Is it a bare q, or q(z): a law that may be the encoder's, its condition left out?"""
    if node.kind == "sym":
        return node[0].letter in ("q", "Q")
    return node.kind == "call" and node[0][0].letter in ("q", "Q") and "|" not in node[2]


def of_noisy_data(node: Node, between: bool = False) -> bool:
    """p_t(x_t), p_0(x_0): the law of the data after t steps, which the index says that it is; `between`: not 0 or T."""
    if node.kind != "call" or node[0][0].letter != "p" or node[0][0].labels or len(node[0][0].index) != 1:
        return False
    (member,) = [bare(a) for a in node[1]] if len(node[1]) == 1 else [Node("dot")]
    indexed = member.kind == "sym" and member[0].letter in ("x", "X") and len(member[0].index) == 1
    signs = node[0][0].index[0].signs
    return indexed and member[0].index[0].signs == signs and not (between and tuple(signs) in (("0",), ("T",)))


def _at_time(reader: LinkReader, shown: list[Node], given: list[Any], like: Sequence[Any] | None) -> Any:
    """A law of flow matching: every one is conditional on the time, but that of the time itself."""
    made = list(like or [N.obs]) if shown and shown[0].kind == "dot" else listed(reader, shown)
    if made == [flow.time]:
        return flow.uniform()
    return Density("p", made, [*given, flow.time])


def _dotted(reader: LinkReader, name: Name, given: list[Any], like: Sequence[Any] | None) -> list[Any]:
    """The variables that a dot stands for."""
    if like is not None:
        return list(like)
    if not reader.context.chain:
        if "latent" in name.labels or "prior" in name.labels or given == [N.obs]:
            return [N.z]
        if given == [N.z]:
            return [N.obs]
        raise NotRead("which variable does the dot stand for?")
    if "latent" in name.labels:
        return [N.x(N.T)]
    steps = [g.args[0] for g in given if not isinstance(g, Block)]
    later = [s for s in steps if s != 0]
    if any(not p.label for p in name.index) and later:
        return [N.x(later[0] - 1)]
    if steps == [0]:
        return [N.x(1)] if any(not p.label for p in name.index) else [Block(N.x, 1, N.T)]
    raise NotRead("which variable does the dot stand for?")


def normal(reader: LinkReader, node: Node, like: Sequence[Any] | None) -> Any:
    """N(x; m, S), N(m, S): isotropic, diagonal, or with a full covariance."""
    _, script, arguments, _separators, _brackets = node.parts
    arguments = list(arguments)
    found = list(like) if like is not None else None
    if script is not None:
        found = variables(reader, Parser(script.items).whole())
    if len(arguments) == 3:
        first = bare(arguments.pop(0))
        found = [N.eps] if is_noise(reader, first) else variables(reader, first)
    if len(arguments) != 2:
        raise NotRead(f"a normal law of {len(arguments)} arguments")
    if not found or len(found) != 1:
        raise NotRead("a normal law without its variable")
    variable = found[0]
    mean = _mean_of(reader, arguments[0])
    kind, spread = variance(reader, arguments[1])
    if kind == "full":
        return FullNormal(variable, mean, spread, N.k)
    latent = variable == N.z or (variable == N.eps and not reader.context.chain)
    if kind == "diagonal" or latent:
        entry = spread if kind == "isotropic" else Coord(spread, N.i)
        return DiagonalNormal(variable, N.i, Coord(mean, N.i) if mean != 0 else 0, entry, N.k)
    return Normal(variable, mean, spread)


def log_of_coordinate(reader: LinkReader, node: Node) -> Any:
    """log N(x_i; m, v) of one coordinate, written out; None for any other normal law."""
    arguments = list(node[2])
    first = bare(arguments[0])
    if len(arguments) != 3 or reader.context.chain or first.kind != "sym" or first[0].letter not in VARIABLE_LETTERS:
        return None
    if first[0].labels or len(first[0].indices) != 1 or reader.index(first[0].indices[0]) not in (N.i, N.j):
        return None
    place, mean, spread = (reader.number(a) for a in arguments)
    return -sp.log(2 * sp.pi * spread) / 2 - (place - mean) ** 2 / (2 * spread)


def is_noise(reader: LinkReader, node: Node) -> bool:
    letters = ("epsilon", "bar epsilon", "tilde epsilon", reader.settings.noise)
    return bool(node.kind == "sym" and node[0].plain in letters)


def _mean_of(reader: LinkReader, node: Node) -> Any:
    value = single.whole(reader.value(node)) if reader.single else reader.value(node)
    if value != 0:
        vectors.ensure(value)
    return value


def variance(reader: LinkReader, node: Node) -> tuple[str, Any]:
    """('isotropic', v), ('diagonal', vector of variances) or ('full', matrix)."""
    node = bare(node)
    factors, operators = (list(node[0]), list(node[1])) if node.kind == "mul" else ([node], [])
    identity = [n for n, f in enumerate(factors) if is_identity(f)]
    if identity:
        rest = [f for n, f in enumerate(factors) if n not in identity]
        if len(identity) > 1:
            raise NotRead("two identities in a variance")
        del operators
        value = sp.S.One if not rest else vectors.product(reader, rest, [""] * (len(rest) - 1))
        return ("diagonal" if vectors.is_vector(value) else "isotropic", value)
    if node.kind == "frac" and bare(node[0]).kind == "mul":
        kind, value = variance(reader, node[0])
        return kind, value / reader.number(node[1])
    if node.kind == "call" and node[0][0].letter in ("diag", "Diag"):
        return "diagonal", vectors.ensure(reader.value(node[1][0]))
    value = reader.value(node)
    if reader.single and value == single.VARIANCE:
        return "diagonal", Hadamard(single.COORDINATES["sigma"], single.COORDINATES["sigma"])
    if value.is_commutative is False:
        return "full", value
    if vectors.is_vector(value):
        return "diagonal", value if isinstance(value, Hadamard) else Hadamard(value, value)
    if node.kind == "num" and node[0] == "1":
        return "isotropic", sp.S.One
    if reader.context.chain or node.kind == "pow":
        reader.note("a variance without the identity")
        return "isotropic", value
    raise NotRead("a variance that is neither isotropic, diagonal nor a covariance")


def is_identity(node: Node) -> bool:
    return node.kind == "sym" and node[0].letter in ("I", "𝟏", "𝕀") and not node[0].accents and not node[0].index


def log_density(reader: LinkReader, node: Node) -> Any:
    """log p(...): by its name, or read at a place where an argument is no variable but a value."""
    try:
        return LogDensity(law(reader, node))
    except NotRead:
        shown, behind = split(node)
        if len(behind) != 1 or reader.context.chain or law_name(reader, node[0][0]) != "p":
            raise
        from threefold.check.contexts import vae

        place = reader.value(behind[0])
        if variables(reader, shown[0]) != [N.obs] or not vectors.is_vector(place):
            raise
        return LogDensity(vae.decoder(reader.settings, place))
