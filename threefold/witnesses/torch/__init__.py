"""Torch witnesses: what `torch_impl` computes against the statement and `reference`; a module a chapter."""
