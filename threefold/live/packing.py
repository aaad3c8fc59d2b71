"""Run once under Pyodide, when a site is built: what is loaded first of the libraries goes into a zip compiled.

Compiling SymPy takes longer than loading it; what is loaded later stays as it is written, which takes less room.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
import zipfile
from pathlib import Path

FIRST = ("sympy", "mpmath", "yaml", "markdown_it", "mdit_py_plugins.front_matter", "mdit_py_plugins.myst_blocks")
DATE = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is built


def pack(root: str) -> bytes:
    """A zip of all the modules below `root`, which is on the path."""
    sys.dont_write_bytecode = False
    for name in FIRST:
        importlib.import_module(name)
    folder = Path(root)
    loaded = {Path(file) for m in list(sys.modules.values()) if (file := getattr(m, "__file__", None))}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.py")):
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            if path in loaded:
                name, content = name + "c", Path(importlib.util.cache_from_source(path)).read_bytes()
            archive.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
