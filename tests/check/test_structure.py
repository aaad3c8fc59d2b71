"""KaTeX as a second witness of structure: it sees the fractions, roots and scripts that our reader sees."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from true_lines import ALL

from threefold.check.tokens import Group, Item, tokenise

pytest.importorskip("py_mini_racer", reason="KaTeX needs an embedded JavaScript engine")

COUNT = """
(tex) => {
  const found = {frac: 0, sqrt: 0, below: 0, above: 0};
  const walk = (node) => {
    if (Array.isArray(node)) { node.forEach(walk); return; }
    if (node === null || typeof node !== 'object') { return; }
    if (node.type === 'genfrac' && node.hasBarLine) { found.frac += 1; }
    if (node.type === 'sqrt') { found.sqrt += 1; }
    if (node.type === 'supsub') { found.below += node.sub ? 1 : 0; found.above += node.sup ? 1 : 0; }
    Object.entries(node).forEach(([key, value]) => { if (key !== 'loc') { walk(value); } });
  };
  walk(katex.__parse(tex, {displayMode: true, strict: false}));
  return JSON.stringify(found);
}
"""


@pytest.fixture(scope="module")
def katex() -> Any:
    from threefold.site.tex import engine

    return engine("katex.min.js")


def signs(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Group):
            yield from signs(item.items)
        else:
            yield item.text


@pytest.mark.parametrize("tex", ALL)
def test_katex_sees_the_same_fractions_roots_and_scripts(katex: Any, tex: str) -> None:
    theirs = json.loads(katex.eval(f"({COUNT})({json.dumps(tex)})"))
    ours = Counter(signs(tokenise(tex)))
    assert {k: ours[s] for k, s in (("frac", r"\frac"), ("sqrt", r"\sqrt"), ("below", "_"), ("above", "^"))} == theirs
