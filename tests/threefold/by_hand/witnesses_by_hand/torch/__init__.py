"""Torch witnesses of the theory by hand."""
