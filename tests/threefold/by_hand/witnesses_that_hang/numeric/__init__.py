"""Witnesses of the theory that hangs."""
