"""One of two statements is derived, the other is not.

The second statement has no derivation, and nothing is proved because nobody looked.
"""

from derivations.rules import scalar

a, b = scalar("a"), scalar("b")


CLAIM = dict(says=(a + b, "=", b + a), also=((a - b, "=", b - a),))
FAILS_AT = 0
BECAUSE = "no derivation is written"


def wrong(line):
    line(a + b)
    line(b + a)
