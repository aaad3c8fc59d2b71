"""The marks around symbols change no letter: seen at once, and not only when the site is built."""

from __future__ import annotations

import derivations
from derivations.printing import latex
from threefold.site import marked


def test_every_line_reads_the_same_with_its_marks_taken_out() -> None:
    lines = 0
    for claim in derivations.claims().values():
        for says in claim.says:
            assert marked.bare(marked.statement(says)) == says.latex(), claim.id
        for proof in claim.proofs.values():
            for line in (line for chain in proof.chains for line in chain.lines):
                assert marked.bare(marked.expression(line.expression)) == latex(line.expression), claim.id
                lines += 1
    assert lines > 700
