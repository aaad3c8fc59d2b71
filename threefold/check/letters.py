"""Letters and functions of a link: the document's own definitions first, then the context, then made-up names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.rules import Coord, Density, Entropy, SumTo, Trace
from threefold.check import laws, moments, own_letters, single, varying, vectors
from threefold.check.contexts import vae
from threefold.check.contexts.base import key_of, latex_of
from threefold.check.definitions import COVARIANCES, is_evidence_bound, is_loss, is_own
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, Piece, bare, letter_of

LAW_LETTERS = frozenset("pqPQ")


def is_constant(node: Node) -> bool:
    """const, C, C_1: a term that stands for whatever is left out."""
    node = bare(node)
    if node.kind != "sym":
        return False
    return node[0].plain in (
        "word const",
        "word constant",
        "word const.",
        "word cst",
        "C",
        "c",
    )


def symbol(reader: LinkReader, node: Node) -> Any:
    name: Name = node[0]
    if is_evidence_bound(name) and "ELBO" in reader.context.symbols:
        return reader.context.symbols["ELBO"](reader, name)
    defined = reader.definitions.named(name)
    wanted = reader.unfold != "none" or name.letter in reader.settings.posterior
    if defined is not None and wanted and name not in reader.unfolding:
        if defined.call is not None and is_own(name, defined.call) and not reader.calls:  # f(x) is no product f x
            raise NotRead("a function without its argument")
        reader.uses.append(defined.line)
        reader.unfolding.append(name)
        try:
            return reader.value(defined.node)
        finally:
            reader.unfolding.pop()
    value = _without_definition(reader, node, name)
    if reader.reaches and varying.folded(reader.definitions, name, value):
        raise NotRead(varying.REACHING)
    return value


def _without_definition(reader: LinkReader, node: Node, name: Name) -> Any:
    """A letter by its context, or made up."""
    if name == Name("e") and reader.context.name != "vq":
        return sp.E
    if reader.single and (coordinate := single.symbol(name)) is not None:
        return coordinate
    if name.letter == "pi" and not (name.accents or name.index or name.above):
        return sp.pi
    if not (name.index or name.above or name.primes) and name.plain in (
        "T",
        "t",
        "k",
        "d",
        "D",
        "i",
        "j",
        "K",
        "J",
    ):
        return _count(reader, node, name)
    if name.plain in ("𝟏",):
        raise NotRead("a vector of ones outside a product")
    if name.primes:
        raise NotRead("a primed letter")
    if reader.names_matrices and name.plain in ("mu", "Sigma") and name.labels in (("p",), ("q",)):
        return vae.SYMBOLS[name.plain](reader, name)
    own = own_letters.put_in(reader, name)
    if own is not None:
        return own
    meaning = reader.context.symbols.get(name.plain)
    if meaning is not None:
        try:
            return meaning(reader, name)
        except NotRead:
            if reader.opaque is None or name.letter in ("x", "X", "z", "Z"):
                raise
    return _undeclared(reader, name)


def _count(reader: LinkReader, node: Node, name: Name) -> Any:
    if name.plain in ("d", "D"):
        if reader.latent_size:
            reader.note(f"{name.letter} is read as the dimension of the latent")
        return N.k if reader.latent_size or (reader.names_no_data and reader.names_matrices) else N.d
    if name.plain in ("K", "J"):
        return N.k
    return reader.index(node)


def _undeclared(reader: LinkReader, name: Name) -> Any:
    if reader.opaque is None:
        raise NotRead(f"unknown name {latex_of(name)}")
    if name.letter in LAW_LETTERS or name.letter in ("I", "𝟏", "∇"):
        raise NotRead(f"unknown name {latex_of(name)}")
    if name.plain.startswith("word"):
        raise NotRead(f"unknown name {latex_of(name)}")
    if name.above and not name.labels:
        raise NotRead(f"a script above {latex_of(name)}")
    normaliser = name.letter == "Z" and "theta" in name.labels
    key, tex, capital = key_of(name), latex_of(name), name.letter[:1].isupper() and not normaliser
    numbered = [reader.index(i) for i in name.indices] if name.letter in ("Sigma", "mu", "m") else []
    if all(n.is_Integer for n in numbered) and (name.letter == "Sigma" or (numbered and not reader.context.chain)):
        places = [str(n) for n in numbered]
        made = reader.opaque.matrix if name.letter == "Sigma" else reader.opaque.vector
        return made("_".join([key, *places]), tex + (f"_{{{','.join(places)}}}" if places else ""))
    if name.letter in ("x", "y", "z", "u", "v", "epsilon", "e", "s", "f", "h", "r", "mu") and not name.indices:
        return reader.opaque.vector(key, tex)
    if name.letter in ("x", "y", "z", "u", "v", "epsilon", "e"):
        return reader.opaque.field(key, tex)(*[reader.index(i) for i in name.indices])
    if name.letter in ("ℒ", "L", "J", "H"):
        raise NotRead(f"{latex_of(name)} is not defined above")
    if name.indices:
        return reader.opaque.family(key, tex, capital)(*[reader.index(i) for i in name.indices])
    return reader.opaque.number(key, tex, capital)


def called(reader: LinkReader, node: Node) -> Any:
    head: Node = node[0]
    name: Name = head[0]
    if name.letter in LAW_LETTERS or name.letter == "Pr":
        return sp.exp(reader.log(node))
    if is_evidence_bound(name) and "ELBO" in reader.context.symbols:
        if name.indices or any(letter_of(a) not in ("x", "X", "theta", "phi", "lambda", "q") for a in node[1]):
            raise NotRead("the bound of something else")
        return reader.context.symbols["ELBO"](reader, name)
    defined = reader.definitions.called(name, node)
    wanted = reader.unfold == "all" or (reader.unfold == "losses" and is_loss(name))
    if defined is not None and wanted and name not in reader.unfolding:
        reader.uses.append(defined.line)
        reader.unfolding.append(name)
        try:
            return reader.value(defined.node)
        finally:
            reader.unfolding.pop()
    special = SPECIAL.get(name.letter) if "word" in name.accents or name.letter == "𝕍" else None
    if special is not None:
        return special(reader, node)
    if name.letter in ("H", "ℋ") and not (name.labels or name.index or name.above):
        return _entropy(reader, node)
    if reader.context.name == "flow-matching":
        arguments = tuple(laws.variables(reader, a)[0] for a in node[1])
    else:
        arguments = tuple(_argument(reader, a) for a in node[1])
    meaning = reader.context.functions.get(name.plain)
    if meaning is not None:
        return meaning(reader, name, arguments)
    plain = reader.context.symbols.get(name.plain)
    if plain is not None and len(node[1]) == 1 and letter_of(node[1][0]) in ("t", "s"):
        stepped = Name(name.letter, name.accents, name.primes, _as_index(node[1][0]), name.above)
        return _without_definition(reader, Node("sym", (stepped,)), stepped)
    return _undeclared_call(reader, name, arguments)


def _argument(reader: LinkReader, node: Node) -> Any:
    if node.kind in ("num", "add", "sym"):
        try:
            return reader.index(node)
        except NotRead:
            pass
    return reader.value(node)


def _undeclared_call(reader: LinkReader, name: Name, arguments: tuple[Any, ...]) -> Any:
    if reader.opaque is None or "word" in name.accents:
        raise NotRead(f"unknown function {latex_of(name)}")
    if reader.reaches and varying.folded(reader.definitions, name, None, call=True):
        raise NotRead(varying.REACHING)
    key, tex = key_of(name), latex_of(name)
    scalar_letters = (
        "alpha",
        "beta",
        "gamma",
        "sigma",
        "lambda",
        "g",
        "eta",
        "omega",
        "w",
    )
    if name.letter in ("ℒ", "L", "J"):
        raise NotRead(f"{tex} is not defined above")
    if name.letter in scalar_letters and not any(vectors.is_vector(a) for a in arguments):
        return reader.opaque.family(key, tex, False)(*arguments)
    indices = [reader.index(i) for i in name.indices]
    if reader.scalar_fields and not indices:
        return reader.opaque.value(key, tex)(*arguments)
    return reader.opaque.field(key, tex)(*indices, *arguments)


def _as_index(node: Node) -> tuple[Any, ...]:
    return (Piece(node, (), "", ""),)


# --- functions written as words ---------------------------------------------------------------------------------------


def _trace(reader: LinkReader, node: Node) -> Any:
    (inner,) = node[1]
    inner = bare(inner)
    if inner.kind == "call" and inner[0][0].letter in ("diag", "Diag"):
        return SumTo(Coord(vectors.ensure(reader.value(inner[1][0])), N.i), N.i, 1, N.k)
    value = reader.value(inner)
    if value.is_commutative:
        raise NotRead("a trace of something that is no matrix")
    return Trace(value, N.k)


def _snr(reader: LinkReader, node: Node) -> Any:
    n = reader.index(node[1][0])
    return N.abar(n) / (1 - N.abar(n))


def _log_function(reader: LinkReader, node: Node) -> Any:
    return reader.log(node[1][0])


def _entropy(reader: LinkReader, node: Node) -> Any:
    """H(q), H(q(z | x)), H(x_t | x_0): the entropy of the law, for every condition."""
    shown, behind = laws.split(node)
    if len(shown) != 1:
        raise NotRead("an entropy of several variables")
    inner = bare(shown[0])
    if inner.kind in ("call", "sym") and (inner[0] if inner.kind == "sym" else inner[0][0]).letter in ("q", "p"):
        law = laws.law(reader, inner, [N.z] if inner.kind == "sym" and not reader.context.chain else None)
    elif reader.context.chain and behind:
        law = Density("q", laws.variables(reader, inner), laws.listed(reader, behind))
    else:
        raise NotRead("an entropy of a law that is not known")
    return Entropy(law)


SPECIAL: dict[str, Callable[[Any, Node], Any]] = {
    "Trace": _trace,
    "trace": _trace,
    "tr": _trace,
    "Tr": _trace,
    "SNR": _snr,
    "log": _log_function,
    **dict.fromkeys(COVARIANCES, moments.covariance),
}
