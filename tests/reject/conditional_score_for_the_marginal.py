"""The score of noisy data said to be that of one corruption, which is only so on average."""

from derivations.notation import integrable, interchange_hypothesis
from derivations.rules import Expect, bayes, by_claim, vector_calculus
from derivations.score.functions import score
from derivations.score.marginal import of_corruption, posterior

CLAIM = dict(says=(score, "=", of_corruption), hypotheses=(interchange_hypothesis, integrable))
RIGHT = dict(says=(score, "=", Expect(posterior, of_corruption)), hypotheses=(interchange_hypothesis, integrable))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(score)
    line(of_corruption, by=(bayes, vector_calculus))


def right(line):
    line(score)
    line(Expect(posterior, of_corruption), by=by_claim("score.fisher_identity"))
