"""The signal-to-noise ratio is written upside down.

SNR = abar / (1 - abar).
"""

from derivations.notation import abar, schedule, snr, t

CLAIM = dict(says=(snr(t), "=", (1 - abar(t)) / abar(t)), domain=schedule())
RIGHT = dict(says=(snr(t), "=", abar(t) / (1 - abar(t))), domain=schedule())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(snr(t))
    line((1 - abar(t)) / abar(t))


def right(line):
    line(snr(t))
    line(abar(t) / (1 - abar(t)))
