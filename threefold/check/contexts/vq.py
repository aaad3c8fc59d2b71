"""Vector quantisation: z_e(x) what the encoder gives, e_k the codebook, z_q(x) its nearest entry, D the decoder.

`sg` passes a value on and stops its gradient. An equation with it is one between values as it is read here, and authors
often mean gradients: so it is proved as read at most, and never refuted.
"""

from __future__ import annotations

from typing import Any

from derivations import notation as N
from derivations.kernel.terms import is_vector
from derivations.rules import POSITIVE, Coord, scalar, vector, vector_function
from threefold.check.contexts.base import Context, Settings, latex_of
from threefold.check.tokens import NotRead
from threefold.check.tree import Name

encoded = vector_function("z_encoded", "z_e")
quantised = vector_function("z_quantised", "z_q")
decode = vector_function("decoder", "D")
commitment = scalar("commitment", r"\beta", positive=True)


def close(e: Any, settings: Settings) -> Any:
    """Nothing is fixed: a codebook is any set of vectors."""
    return e


def _label(name: Name) -> str:
    """e or q: which latent it is."""
    return "".join(c for p in name.index for s in p.signs for c in s if c.isalpha())


def _latent(reader: Any, name: Name) -> Any:
    """z_e, z_q without their argument: at x."""
    return _latent_of(reader, name, (N.obs,))


def _latent_of(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if name.accents or name.above or len(arguments) != 1 or not is_vector(arguments[0]):
        raise NotRead("a latent takes the observation alone")
    heads = {"e": encoded, "q": quantised}
    if _label(name) not in heads:
        raise NotRead(f"{latex_of(name)} is neither what is encoded (z_e) nor what is quantised (z_q)")
    if _label(name) == "q":
        reader.withheld = "that z_q is the nearest entry is not supposed"
    return heads[_label(name)](*arguments)


def _entry(reader: Any, name: Name) -> Any:
    """e_k: one entry of the codebook, whichever; e the one that was chosen."""
    if name.accents or name.above or name.labels or len(name.indices) > 1:
        raise NotRead("an entry of the codebook has one index")
    chosen = [str(reader.index(i)) for i in name.indices]
    return vector("_".join(["codebook", *chosen]), latex_of(name))


def _data(reader: Any, name: Name) -> Any:
    if name.labels or name.accents or name.above:
        raise NotRead(f"{latex_of(name)} is no observation")
    return N.obs if not name.indices else Coord(N.obs, reader.index(name.indices[0]))


def _stopped(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 1:
        raise NotRead("a stopped gradient of several arguments")
    reader.repaired = True
    reader.note("sg keeps the value: this is about values, and says nothing about gradients")
    return arguments[0]


def _decoded(reader: Any, name: Name, arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 1 or not is_vector(arguments[0]):
        raise NotRead("a decoder takes one latent")
    return decode(*arguments)


CONTEXT = Context(
    name="vq",
    words="z_e(x) what is encoded, e_k the codebook, z_q(x) its nearest entry, D the decoder, sg stops a gradient",
    chain=False,
    hypotheses=(N.integrable,),
    intervals={"commitment": POSITIVE},
    products={},
    symbols={"x": _data, "z": _latent, "e": _entry, "beta": lambda reader, name: commitment},
    functions={
        "z": _latent_of,
        "D": _decoded,
        **{f"word {word}": _stopped for word in ("sg", "stopgrad", "StopGradient", "detach")},
        "sg": _stopped,
    },
    close=close,
)
