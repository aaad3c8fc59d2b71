"""The kernel: what a sceptic reads. If it says that a claim is proved, then the claim holds on its domain.

Read the rooms in this order; each leans on those before it.

- `symbols`, `laws`, `averages`, `products`, `fields`, `rates`, `held`, `matrices`, `terms`: the language. Inert
  expressions, with the sorts that they take: vectors of any dimension, laws, expectations, derivatives, integrals, sums
  to a symbolic T. Nothing computes.
- `domain`, `points`, `signs`: where each symbol lives, whether there is such a place, and what follows for integers and
  for the sign of a polynomial. Sound and incomplete: what it cannot decide is None, and nobody guesses.
- `memory`, `genuine`: what is remembered of a calculation, and of whom: an impostor that equals a term could stand in
  for it; and that a term is what its class made, and was not written into afterwards.
- `binders`, `dependence`, `stopping`, `substitution`: indices without names, who depends on what, what a derivative
  holds fixed, and the one substitution, which captures nothing. Its `core` is the way in: it writes out abbreviations,
  gives indices their places, and leaves no stop-gradient.
- `spaces`, `sorts`, `naming`, `formation`: the door. What may be written at all: sorts, sizes, ranges, exact
  numbers, one meaning a name.
- `surface`, `radicals`, `powers`, `forms`, `words`, `lowering`, `algebra`: the zero test, which decides in a polynomial
  ring, and for matrices in words; signs of sums, means and quadratic forms besides.
- `continuous`, `stepwise`, `expansion`: how smooth functions are declared to be, what integrals and SDEs ask for,
  and what a term is up to O(h^p) as a step h tends to 0.
- `definedness`, `means`, `written`: what a term needs to have a value, which means are finite, and the same asked of
  the text, before anything cancels.
- `hypotheses`, `supposed`, `facts`, `never`, `consistency`, `places`: what is supposed, that it is not known to hold
  nowhere, alone, together, or with what is so of any matrix, vector or function, and where a line stands.
- `rules/base`, then the other rules in any order: primitives, each of which rewrites a term into one of the same value,
  or decides one relation. Each names its condition; `tests/kernel` reads each in finite models, and again without it.
- `relations`, `theorem`: theorems, which only its functions make. To accept `previous = next` by a rule, it applies the
  rule to both lines and asks the algebra; so nothing that a person typed is believed, neither a result nor a status.

Outside of what is trusted, `claims` is a claim and its chain as data, and `judge` asks for the theorems and reports.

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
