"""Hyvärinen's integration by parts with no word about infinity."""

from derivations.notation import decay, integrable, smooth, z
from derivations.rules import Density, Div, Expect, Grad, Inner, by_parts, log_p, vector_function

field, law = vector_function("f_reject"), Density("q", z)
score = Grad(log_p("q", z), z)

SAYS = (Expect(law, Inner(field(z), score)), "=", -Expect(law, Div(field(z), z)))
CLAIM = dict(says=SAYS, hypotheses=(smooth, integrable))
RIGHT = dict(says=SAYS, hypotheses=(smooth, decay, integrable))
FAILS_AT = 2
BECAUSE = "needs the hypothesis 'decay'"


def wrong(line):
    line(Expect(law, Inner(field(z), score)))
    line(-Expect(law, Div(field(z), z)), by=by_parts)


right = wrong
