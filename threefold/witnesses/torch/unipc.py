"""UniPC, which no sampler of the package takes."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

for _claim in ("solver.unipc.order", "solver.unipc.second_corrector"):
    not_applicable(_claim, "the package has no sampler with a corrector of this kind", witness="torch")
