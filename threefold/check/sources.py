"""Files that hold Markdown in something else: notebooks, and Python's docstrings."""

from __future__ import annotations

from collections.abc import Iterator

from threefold.check.extract import Extracted, markdown


def notebook(text: str, file: str = "") -> Iterator[Extracted]:
    """The displays of a notebook's Markdown cells; lines count within the cell. Raises ValueError if it is none."""
    import json

    try:
        cells = json.loads(text)["cells"]
        sources = [
            (
                n,
                "".join(c["source"]) if isinstance(c["source"], list) else str(c["source"]),
            )
            for n, c in enumerate(cells, 1)
            if c["cell_type"] == "markdown"
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as reason:
        raise ValueError(f"it is no notebook: {type(reason).__name__}: {reason}") from reason
    for number, source in sources:
        yield markdown(source, f"{file}#cell-{number}")


def python(text: str, file: str = "") -> Iterator[Extracted]:
    """The displays of a Python file's docstrings. Raises ValueError if it is no Python."""
    import ast

    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as reason:
        raise ValueError(f"it is no Python: {reason}") from reason
    blocks = [n for n in ast.walk(module) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
    for block in sorted(blocks, key=lambda n: n.lineno):
        value = block.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield markdown(_dedented(value.value), file, block.lineno)


def _dedented(text: str) -> str:
    """Without the common indentation of all lines but the first; no line is added or taken."""
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins, default=0)
    return "\n".join([lines[0].lstrip(), *(line[margin:] for line in lines[1:])])
