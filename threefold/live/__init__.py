"""Judging while one types: a text or an altered line of a derivation in, verdicts out as JSON, one after another.

It runs in a browser (see `threefold.site.browser`), so it imports only what `threefold.check` needs: SymPy, mpmath and
readers of Markdown and YAML. Nothing here knows of a browser.
"""
