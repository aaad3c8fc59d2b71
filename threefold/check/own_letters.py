"""A letter of the schedule by the document's own definition, where that is not the field's."""

from __future__ import annotations

from typing import Any

from derivations.kernel.terms import bound_indices
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Name


def put_in(reader: LinkReader, name: Name) -> Any:
    """The document's own value of a letter of the schedule at this index; None where it has none."""
    made = reader.definitions.turned.get(name.plain)
    if made is None or len(name.indices) != 1:
        return None
    if name.plain in reader.unfolding:
        raise NotRead("a letter that is defined by itself")
    n, step = reader.index(name.indices[0]), reader.index(made.name.indices[0])
    reader.uses.append(made.line)
    reader.unfolding.append(name.plain)
    try:
        value = reader.value(made.node)
    finally:
        reader.unfolding.pop()
    if n == step:
        return value
    if not step.is_Symbol or getattr(n, "free_symbols", set()) & bound_indices(value):
        raise NotRead("an index that is bound in the letter's definition")
    return value.xreplace({step: n})
