"""The mutants of the kernel are spoilt programs: each parses, differs from the original, and can be made again."""

from __future__ import annotations

import ast
from random import Random

from mutate import KERNEL, ROOT, changes, mutants, spoilt

SOURCE = """
def sign(x):
    if x < 0 and not zero(x):
        raise ValueError(x)
    return x + 1
"""


def test_every_kind_of_node_is_spoilt():
    whole = ast.unparse(ast.parse(SOURCE))
    made = [spoilt(SOURCE, number) for number, _ in enumerate(changes(ast.parse(SOURCE)))]
    assert whole not in made and len(set(made)) == len(made)
    for part in (
        "x <= 0",
        " or not",
        "if not (x < 0",
        "if x < 0:",
        "if not zero(x):",
        "x < 1",
        "x - 1",
        "x + 2",
        "+zero",
    ):
        assert any(part in source for source in made), part
    assert any("return None" in source for source in made)


def test_the_source_is_whole_again():
    tree = ast.parse(SOURCE)
    list(changes(tree))
    assert ast.unparse(tree) == ast.unparse(ast.parse(SOURCE))


def test_the_kernel_has_thousands_and_each_parses():
    every = mutants(ROOT)
    assert len(every) > 2000
    assert {m.file for m in every} > {f"{KERNEL}/theorem.py", f"{KERNEL}/rules/base.py"}
    for mutant in Random(0).sample(every, 40):
        source = (ROOT / mutant.file).read_text()
        made = spoilt(source, mutant.number)
        assert made != ast.unparse(ast.parse(source)), mutant.words
