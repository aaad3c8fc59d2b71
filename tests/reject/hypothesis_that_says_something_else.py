"""A hypothesis is declared, and another one of the same name is used.

The claim declares a = b under that name, the step uses a = c.
"""

from derivations.rules import Hypothesis, given, scalar, scalar_function

a, b, c = scalar("a"), scalar("b"), scalar("c")
f = scalar_function("f")
declared, used = (Hypothesis("tie", "a is b", a, b), Hypothesis("tie", "a is c", a, c))

CLAIM = dict(says=(f(a), "=", f(c)), hypotheses=(declared,))
RIGHT = dict(says=(f(a), "=", f(b)), hypotheses=(declared,))
FAILS_AT = 2
BECAUSE = "says something else"


def wrong(line):
    line(f(a))
    line(f(c), by=given(used))


def right(line):
    line(f(a))
    line(f(b), by=given(declared))
