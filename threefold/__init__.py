"""Threefold: every formula on the way from VAEs to diffusion models, proved, measured and trained.

This package is the only one that knows all three witnesses: it runs them over the claims (`threefold.ledger`), ties
each claim to its numbers (`threefold.witnesses`) and holds the command line (`threefold.cli`). Importing it is cheap.
"""

__version__ = "0.1.0"
