"""What ties a claim to its numbers: `numeric/` against `reference`, `torch/` against `torch_impl`; a module a chapter.

`threefold.witnesses.registry` says how a witness is written and how it is judged.
"""
