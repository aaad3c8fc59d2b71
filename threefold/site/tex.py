"""Mathematics at build time: TeX from the checked expressions, drawn by KaTeX inside an embedded JavaScript engine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

from derivations import printing


@dataclass
class Typesetter:
    """Draws TeX as HTML with KaTeX, and remembers every formula that it drew (`drawn`), for the gate in the tests."""

    drawn: dict[str, str] = field(default_factory=dict)
    _cache: dict[tuple[str, bool], str] = field(default_factory=dict)

    @cached_property
    def _engine(self) -> Any:
        from py_mini_racer import MiniRacer

        engine = MiniRacer()
        engine.eval((files("threefold.site") / "vendor" / "katex.min.js").read_text(encoding="utf-8"))
        return engine

    def expression(self, e: Any, source: str, *, display: bool = False) -> str:
        """HTML of a SymPy expression; `source` says where it was checked ("ddpm.posterior.mean, step 3")."""
        return self.tex(printing.latex(e), source, display=display)

    def tex(self, tex: str, source: str, *, display: bool = False) -> str:
        """HTML of TeX that `derivations.printing` made. Raises ValueError when KaTeX cannot draw it."""
        self.drawn.setdefault(tex, source)
        key = (tex, display)
        if key not in self._cache:
            options = json.dumps({"displayMode": display, "throwOnError": False, "output": "htmlAndMathml"})
            html = str(self._engine.eval(f"katex.renderToString({json.dumps(tex)}, {options})"))
            if "katex-error" in html:
                raise ValueError(f"KaTeX cannot draw {tex!r} ({source})")
            self._cache[key] = html
        return self._cache[key]
