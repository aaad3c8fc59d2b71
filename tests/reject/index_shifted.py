"""SNR_t with the noise of the step before."""

from derivations.notation import abar, schedule, snr, t

CLAIM = dict(says=(snr(t), "=", abar(t) / (1 - abar(t - 1))), domain=schedule(2), hypotheses=())
RIGHT = dict(says=(snr(t), "=", abar(t) / (1 - abar(t))), domain=schedule(2), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(snr(t))
    line(abar(t) / (1 - abar(t - 1)))


def right(line):
    line(snr(t))
    line(abar(t) / (1 - abar(t)))
