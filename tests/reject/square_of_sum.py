"""(u + w)^2 without its cross term."""

from derivations.rules import POSITIVE, Domain, scalar

u, w = scalar("u"), scalar("w")

CLAIM = dict(says=((u + w) ** 2, "=", u**2 + w**2), domain=Domain({"u": POSITIVE, "w": POSITIVE}), hypotheses=())
RIGHT = dict(
    says=((u + w) ** 2, "=", u**2 + 2 * u * w + w**2), domain=Domain({"u": POSITIVE, "w": POSITIVE}), hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line((u + w) ** 2)
    line(u**2 + w**2)


def right(line):
    line((u + w) ** 2)
    line(u**2 + 2 * u * w + w**2)
