"""The documentation site: every displayed equation is printed from the expression that was checked."""
