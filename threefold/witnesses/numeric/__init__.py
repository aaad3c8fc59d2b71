"""Numeric witnesses: the statement's value against `reference`, which uses another method; a module a chapter."""
