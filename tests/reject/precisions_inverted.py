"""The posterior variance upside down: precisions add, variances do not."""

from derivations.notation import abar, alpha, schedule, t

CLAIM = dict(
    says=(
        1 / (alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1))),
        "=",
        (1 - alpha(t)) * (1 - abar(t)) / (1 - abar(t - 1)),
    ),
    domain=schedule(2),
    hypotheses=(),
)
RIGHT = dict(
    says=(
        1 / (alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1))),
        "=",
        (1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)),
    ),
    domain=schedule(2),
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(1 / (alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1))))
    line((1 - alpha(t)) * (1 - abar(t)) / (1 - abar(t - 1)))


def right(line):
    line(1 / (alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1))))
    line((1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)))
