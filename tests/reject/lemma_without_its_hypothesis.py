"""A lemma that holds for Markov encoders is used for any encoder.

The lemma rests on `forward Markov`, which this claim does not declare.
"""

import sympy as sp

from derivations.notation import T, forward_markov, t, x
from derivations.rules import Domain, by_claim, given, log_p, scalar

a = scalar("a")
known, forgotten = (log_p("q", x(t), [x(t - 1), x(0)]), log_p("q", x(t), x(t - 1)))

CLAIM = dict(says=(2 * known, "=", 2 * forgotten), domain=Domain(indices={T: (1, sp.oo), t: (1, T)}))
RIGHT = dict(
    says=(2 * known, "=", 2 * forgotten),
    domain=Domain(indices={T: (1, sp.oo), t: (1, T)}),
    hypotheses=(forward_markov,),
)
FAILS_AT = 2
BECAUSE = "does not declare"


def derive_step(line):
    line(known)
    line(forgotten, by=given(forward_markov))


def wrong(line):
    line(2 * known)
    line(2 * forgotten, by=by_claim("step of a Markov encoder"))


def right(line):
    line(2 * known)
    line(2 * forgotten, by=by_claim("step of a Markov encoder"))


LEMMAS = {
    "step of a Markov encoder": (
        dict(
            says=(known, "=", forgotten),
            domain=Domain(indices={T: (1, sp.oo), t: (1, T)}),
            hypotheses=(forward_markov,),
        ),
        derive_step,
    )
}
