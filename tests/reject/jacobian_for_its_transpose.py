"""The gradient of an inner product with a Jacobian the wrong way round."""

from derivations.notation import smooth, z
from derivations.rules import Grad, Inner, Jvp, Vjp, vector, vector_calculus, vector_function

field, u = vector_function("f_reject"), vector("u")
product = Grad(Inner(field(z), u), z)

CLAIM = dict(says=(product, "=", Jvp(field(z), z, u)), hypotheses=(smooth,))
RIGHT = dict(says=(product, "=", Vjp(field(z), z, u)), hypotheses=(smooth,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(product)
    line(Jvp(field(z), z, u), by=vector_calculus)


def right(line):
    line(product)
    line(Vjp(field(z), z, u), by=vector_calculus)
