"""Where displays are found, and that every place is a place of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from threefold.check import extract, sources

TEXT = r"""---
threefold: {context: ddpm}
---

Inline $$x$$ and $y = 1$ here, then

$$a = b$$

- in a list: $$ c = d $$ padded

$ e = f $

\[ g = h \]

\begin{align}
i &= j \\
\end{align}

```math
k = l
```

```python
s = "$$not = this$$"
```

`$$nor = this$$` and <!-- $$nor = that$$ -->

```{math}
:label: eq
m = n
```
"""


def test_every_kind_of_display_is_found_and_code_is_not() -> None:
    found = extract.markdown(TEXT)
    sides = ["".join(d.tex.split()).replace("\\begin{align}", "").replace("\\end{align}", "") for d in found.displays]
    assert sides == ["a=b", "c=d", "e=f", "g=h", r"i&=j\\", "k=l", "m=n"]
    assert [d.tex for d in found.inline] == ["x", "y = 1"]


def test_places_are_places_of_the_file() -> None:
    lines = TEXT.split("\n")
    for display in extract.markdown(TEXT).displays:
        first = display.tex.strip()[0]
        line, column = display.place(display.tex.index(first))
        assert lines[line - 1][column - 1] == first


def test_the_marks_of_a_quotation_are_no_relation() -> None:
    text = "> Defined as\n> $$\n> a = b\n> $$\n>> $$c =\n>> d$$\n\n$$e\n> f$$\n"
    first, second, third = extract.markdown(text).displays
    assert (first.tex.split(), second.tex.split(), third.tex.split()) == (
        ["a", "=", "b"],
        ["c", "=", "d"],
        ["e", ">", "f"],
    )
    assert first.place(first.tex.index("a")) == (3, 3)


def test_settings_come_with_their_line() -> None:
    found = extract.markdown("a\n\n<!-- threefold: context: vae -->\n")
    assert found.settings == [(3, "comment", "context: vae ")]


def test_latex_reads_input_of_its_own_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "in.tex").write_text(r"\[ c = d \]")
    (tmp_path.parent / "outside.tex").write_text(r"\[ e = f \]")
    text = "% \\[ no = no \\]\n\\begin{equation} a = b \\end{equation}\n\\input{in}\\input{../outside}"
    parts = extract.latex(text, "main.tex", tmp_path)
    assert [d.tex.split("}")[-1].strip() if "}" in d.tex[-2:] else d.tex.strip() for p in parts for d in p.displays][
        -1
    ] == "c = d"
    assert sum(len(p.displays) for p in parts) == 2


def test_an_input_of_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tex"
    path.write_text(r"\[ a = b \] \input{a}")
    assert len(extract.latex(path.read_text(), "a.tex", tmp_path, frozenset([path.resolve()]))) == 1


def test_notebooks_and_python() -> None:
    cells = [{"cell_type": "markdown", "source": ["$$a = b$$\n"]}, {"cell_type": "code", "source": "$$c = d$$"}]
    (part,) = sources.notebook(json.dumps({"cells": cells}), "n.ipynb")
    assert [d.tex for d in part.displays] == ["a = b"]
    found = list(sources.python('def f():\n    r"""Doc.\n\n    $$a = b$$\n    """\n', "f.py"))
    assert [(d.tex, d.line) for p in found for d in p.displays] == [("a = b", 4)]


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [1]}'])
def test_what_is_no_notebook_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="no notebook"):
        list(sources.notebook(text))
