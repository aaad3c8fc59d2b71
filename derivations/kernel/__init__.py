"""The kernel: what a sceptic reads. If it says that a claim is proved, then the claim holds on its domain.

Read the rooms in this order; each leans on those before it.

- `terms`: the language. Inert expressions, each with the sorts that it takes: vectors of generic dimension, laws,
  expectations, divergences, sums to a symbolic T. Nothing here computes.
- `domain`: where each symbol lives, and what follows for signs and for the bounds of integers. Sound and incomplete:
  what it cannot decide is None, and nobody guesses.
- `scope`: who depends on what. It finds the random variables and indices that a term depends on, says what is known in
  each of its arguments, and refuses names that could be captured when a symbol is replaced.
- `grammar`: what may be written at all. Every term has a sort, every number is exact, a law is not conditioned on its
  own variable, a variable lives in one space, and what SymPy assumes of a symbol is granted by the domain.
- `algebra`: the zero test, and the side conditions under which a term has a value. It decides in a polynomial ring.
- `rules/base`, then the other rules in any order: a rule rewrites a term into one of the same value, or decides one
  relation. Each names its condition; `tests/kernel` reads each in finite models, and again with that condition removed.
- `claims` and `verdict`: a claim, its chain and what may be said of it, as data.
- `judge`: replays a chain. To accept `previous = next` by a rule, it applies the rule to both lines and asks the
  algebra; so nothing that a person typed is believed, neither a result nor a status.

What is trusted, beside these files: Python; SymPy's automatic simplification of sums, products and powers, `xreplace`,
and its polynomials over the rationals (`expand`, `cancel`, `factor_list`, fraction fields); mpmath's intervals, for
numbers with digits. `simplify`, `equals`, limits, integrals and floating point decide nothing.

What is supposed: the laws of probability of tier "law" (`rules/base` lists what their use supposes, such as finite
expectations), and the steps of tier "assumed", each of which a test allows by name.

What is not trusted: `derivations/refutation`, which looks for worlds where a statement fails. It cannot make a claim
proved. It could call a true one false, so a refutation carries the numbers of its world: plug them in. The published
mistakes are computed once more in `reference`, which shares no code with it. `derivations/printing` is not trusted
either, but it is what you read: a line that it shows wrongly is a line that you judge wrongly.
"""
