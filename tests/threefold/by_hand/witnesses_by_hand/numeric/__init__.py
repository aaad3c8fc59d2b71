"""Numeric witnesses of the theory by hand."""
