"""Equations used where they hold, and refused elsewhere: hypotheses, earlier claims, statements above, induction."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import (
    BOUND,
    Sample,
    T,
    a,
    assert_caught,
    assert_sound,
    b,
    c,
    context,
    gauss_world,
    probe,
    said,
    spoilt_rules,
    t,
    u,
    v,
    w,
    without,
    x,
    z,
)

from derivations import notation
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.domain import POSITIVE, REAL, UNIT, Domain
from derivations.kernel.rules import equations, instances
from derivations.kernel.rules import lemmas as earlier
from derivations.kernel.rules.base import Hypothesis
from derivations.kernel.rules.equations import INDUCTION_HYPOTHESIS, above, by_claim, given, induction_hypothesis
from derivations.kernel.terms import (
    DIM,
    At,
    D,
    Expect,
    Inner,
    Malformed,
    Norm2,
    Normal,
    SumTo,
    log_p,
    scalar_function,
)
from derivations.refutation import laws
from derivations.refutation.arithmetic import close
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import mp
from derivations.refutation.worlds import World

f, g = scalar_function("probe_f"), scalar_function("probe_g")
n = sp.Symbol("n", integer=True, positive=True)
s, r, _ = BOUND
SCHEDULE = Domain(
    {"alpha": UNIT, "abar": UNIT, "c_plus": POSITIVE}, {T: (1, sp.oo), t: (1, T), DIM: (1, sp.oo)}, {"abar": "alpha"}
)

# --- hypotheses and the worlds in which they hold ---------------------------------------------------------------------

AT_T = Hypothesis("f = g now", "at this t", f(t), g(t))
ALWAYS = Hypothesis("f = g", "at every t", f(t), g(t), {t: (sp.S.One, T)})
LATER = Hypothesis("f = g later", "from t = 2 on", f(t), g(t), {t: (sp.S(2), T)})
LAST = Hypothesis("f at T", "its last value", f(T), a)
NUMBERS = Hypothesis("a = b", "two numbers", a, b)
SUMMED = Hypothesis("sum of f", "its value", SumTo(f(s), s, 1, T), a * T)
ANOTHER = Hypothesis("f = g now", "under the same name, another condition", f(1), g(1))
FORGETFUL = (log_p("q", x(t), [x(t - 1), x(0)]), log_p("q", x(t), x(t - 1)))
MARKOV = Hypothesis("Markov", "x_t forgets", *FORGETFUL, {t: (1, T)})
HYPOTHESES = [AT_T, ALWAYS, LATER, LAST, NUMBERS, SUMMED, MARKOV]


def world_of(hypothesis: Hypothesis, rng: Random) -> World:
    """A world in which the hypothesis holds, and nothing more than it: f and g differ wherever it does not speak."""
    drawn = gauss_world(rng.randrange(10**6), 1)
    last, alphas = rng.choice([1, 2, 3]), [mp.mpf(rng.randint(1, 19)) / 20 for _ in range(9)]
    now = rng.randint(1, last)
    drawn.numbers |= {"T": last, "t": now, "n": rng.choice([1, 2, 3])}
    drawn.laws["q"] = laws.markov_table(rng, last)
    drawn.finite = frozenset({"x"})
    left, right = ([mp.mpf(rng.randint(-9, 9)) / 7 for _ in range(30)] for _ in range(2))
    if hypothesis == NUMBERS:
        drawn.numbers["b"] = drawn.numbers["a"]
    places = {AT_T: [now], ALWAYS: range(1, last + 1), LATER: range(2, last + 1), ANOTHER: [1]}.get(hypothesis, ())
    for place in places:
        right[place] = left[place]
    value = mp.mpf(drawn.numbers["a"].numerator) / drawn.numbers["a"].denominator
    if hypothesis == LAST:
        left[last] = value
    if hypothesis == SUMMED:
        left[last] = value * last - mp.fsum(left[1:last])
    drawn.families |= {
        "probe_f": lambda m: left[int(m)] + (m - int(m)),
        "probe_g": lambda m: right[int(m)] - (m - int(m)),
        "alpha": lambda m: alphas[int(m)],
        "abar": lambda m: mp.fprod(alphas[1 : int(m) + 1]),
    }
    return drawn


def holding(rng: Random, instance: Any) -> Any:
    """The instance somewhere: under a sum over any index, a derivative, a limit, an average; or on its own."""
    index = rng.choice([t, s, T, n])
    lo, hi = rng.choice([(1, 3), (2, 3), (1, T), (1, 2)])
    try:
        places = [instance, a * instance + Norm2(x(0)), instance**2 + f(t + 1) - g(s), At(instance * b, b, 1)]
        places += [SumTo(instance * index, index, lo, hi), SumTo(instance, index, lo, hi)]
        places += [D(instance * a**2, a), D(instance, rng.choice([a, b]))]
        places += [Expect(Normal(rng.choice([z, w]), u, 1), instance * Inner(z, z))]
        return rng.choice(places)
    except Malformed:
        return instance


def hypotheses(rng: Random) -> Sample:
    """A hypothesis, used at an index that it speaks of or not, in a term with an instance of it or of a neighbour."""
    hypothesis = rng.choice(HYPOTHESES)
    shift = {t: rng.choice([t, t, t - 1, t + 1, T, s, sp.S.One, sp.S(2), sp.S.Zero, t + sp.Rational(1, 2)])}
    left = hypothesis.lhs.xreplace(shift)
    instance = rng.choice([left, left, hypothesis.lhs, f(s), f(rng.choice([t, T, s, sp.S.One]))])
    keywords = {} if rng.random() < 0.5 else {"t": shift[t]}
    if rng.random() < 0.1:
        keywords["T"] = rng.choice([sp.S.One, sp.S(2), t])
    domain = Domain(SCHEDULE.intervals, {**SCHEDULE.indices, t: rng.choice([(1, T), (2, T)])}, SCHEDULE.products)
    drawn = [world_of(hypothesis, rng) for _ in range(2)]
    worlds = [world for world in drawn if world.numbers["t"] >= domain.indices[t][0]]
    term = holding(rng, instance)
    return Sample(context(domain, hypothesis), worlds, (term,), args=(hypothesis,), keywords=keywords, same=nearly)


def assumed(rng: Random) -> Sample:
    """The induction hypothesis: the statement at this t (or T), and no other."""
    hypothesis = rng.choice([AT_T, LAST, SUMMED])
    named = Hypothesis(INDUCTION_HYPOTHESIS, hypothesis.words, hypothesis.lhs, hypothesis.rhs)
    instance = rng.choice([hypothesis.lhs, hypothesis.lhs, hypothesis.lhs.xreplace({t: s, T: t}), f(s), f(t + 1)])
    return Sample(context(SCHEDULE, named), [world_of(hypothesis, rng)], (holding(rng, instance),), same=nearly)


def nearly(left: Any, right: Any) -> bool:
    """Equal up to the error of a derivative of a derivative, each by differences of step 1e-9."""
    return abs(left - right) <= mp.mpf(10) ** -7 * max(1, abs(right))


# --- earlier claims, each of them true --------------------------------------------------------------------------------


def lemma(lhs: Any, rhs: Any, domain: Domain | None = None, *known: Hypothesis) -> Claim:
    return Claim("lemma", "", "", "identity", (Statement(lhs, "=", rhs),), "", (), domain or Domain(), known)


COUNT = Domain(indices={n: (1, sp.oo)})
STEPS = Domain(SCHEDULE.intervals, COUNT.indices, SCHEDULE.products)
LEMMAS = [
    lemma(sp.sqrt(a**2), a, Domain({"a": POSITIVE})),
    lemma(sp.sqrt((1 - a) ** 2), 1 - a, Domain({"a": UNIT})),
    lemma(sp.log(a * b), sp.log(a) + sp.log(b), Domain({"a": POSITIVE, "b": POSITIVE})),
    lemma(SumTo(b * s, s, 1, n), b * n * (n + 1) / 2, COUNT),
    lemma(SumTo(f(s) * a, s, 1, n), a * SumTo(f(s), s, 1, n), COUNT),
    lemma(Expect(Normal(z, 0, 1), Inner(z, u)), sp.S.Zero),
    lemma(Expect(Normal(z, u, c), Norm2(z)), Norm2(u) + c * DIM, Domain({"c_plus": POSITIVE}, {DIM: (1, sp.oo)})),
    lemma(Expect(Normal(z, 0, 1), probe(z) * a), a * Expect(Normal(z, 0, 1), probe(z))),
    lemma(D(a * b, b), a),
    lemma(D(a * probe(u), a), probe(u)),
    lemma(notation.abar(2), notation.alpha(1) * notation.alpha(2), SCHEDULE),
    lemma(notation.abar(n), notation.alpha(n) * notation.abar(n - 1), STEPS),
    lemma(Norm2(u - v), Norm2(u) - 2 * Inner(u, v) + Norm2(v)),
    lemma(At(a * b, b, 1), a),
    lemma(f(t) + a, g(t) + a, SCHEDULE, AT_T),
    lemma(f(t) + a, g(t) + a, SCHEDULE, ALWAYS),
    lemma(a**3 + 1, b**3 + 1, Domain(), NUMBERS),
]


def read_instances(rng: Random, above_it: bool) -> Sample:
    """A lemma used with its symbols replaced by whatever comes to mind, in a claim that may not grant what it needs."""
    claim = rng.choice(LEMMAS)
    (statement,), known = claim.says, claim.hypotheses
    free = sorted(sp.Tuple(statement.lhs, statement.rhs).free_symbols | set(claim.domain.indices), key=str)
    images = {
        a: [b, -c, c, c + 1, 1 / (1 + c), 1 - c, b * s, f(t), b**2, a * b],
        b: [a, c, -c, n, b * a, 1 / c, f(n)],
        n: [T, t + 1, t, s, sp.S(2), T - 1, t + sp.Rational(1, 2), n - 1, sp.S.Zero, 1 - t, -T],
        t: [T, t + 1, s, sp.S.One, t - 1],
        c: [c + 1, a, 2 * c, -c, sp.S.Zero],
        u: [z, v, u - z, x(0), a * v, w],
        v: [u, z, 2 * u],
        z: [w, u, z, v],
        s: [r, n],
        notation.alpha(n): [c],
    }
    table = {key: rng.choice(images[key]) for key in free if key in images and rng.random() < 0.5}
    if rng.random() < 0.05:
        table = {sp.Symbol("a"): rng.choice([sp.S.One, b])}
    try:
        instance = statement.lhs.xreplace(table) if rng.random() < 0.9 else statement.lhs
    except Malformed:
        instance = statement.lhs
    intervals = {name: rng.choice([POSITIVE, UNIT, REAL]) for name in ("a", "b")}
    products = SCHEDULE.products if rng.random() < 0.7 else {}
    domain = Domain({**SCHEDULE.intervals, **intervals}, {**SCHEDULE.indices, n: (rng.choice([1, 2]), sp.oo)}, products)
    granted, term = known if above_it or rng.random() < 0.8 else (ANOTHER,), holding(rng, instance)
    worlds = [numbers_in(domain, world_of(granted[0] if granted else ALWAYS, rng), rng, granted) for _ in range(2)]
    if above_it:
        where = context(domain, *granted, above=said(claim))
        return Sample(where, worlds, (term,), args=(0,), keywords={"at": table}, same=nearly)
    where = context(domain, *granted, lemma=lambda _: said(claim))
    return Sample(where, worlds, (term,), args=("lemma",), keywords={"at": table}, same=nearly)


def numbers_in(domain: Domain, drawn: World, rng: Random, known: Any) -> World:
    """The world with a and b drawn from their intervals, equal when that is what is known."""
    quarters = [sp.Rational(k, 4) for k in range(-9, 10)]
    fits = {name: [q for q in quarters if domain.intervals[name].contains(q)] for name in ("a", "b")}
    drawn.numbers |= {name: rng.choice(values) for name, values in fits.items()}
    if NUMBERS in known:
        drawn.numbers["a"] = drawn.numbers["b"] = rng.choice([q for q in fits["a"] if q in fits["b"]])
    drawn.numbers["n"] = rng.choice([2, 3])
    return drawn


def lemmas(rng: Random) -> Sample:
    return read_instances(rng, above_it=False)


def statements_above(rng: Random) -> Sample:
    return read_instances(rng, above_it=True)


# --- spoilt rules -----------------------------------------------------------------------------------------------------


def plain_replacement(sides: Any, table: Any, *_: Any) -> Any:
    return sides.xreplace(dict(table))


def gone(owner: Any, name: str) -> tuple[Any, str, Any]:
    return (owner, name, lambda *_: None)


replaced_blindly = [(module, "substitute", plain_replacement) for module in (equations, instances)]
nowhere = (earlier, "_occurs", lambda *_: False)

CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "given": (
        given,
        hypotheses,
        [without(given, gone(equations, "check_scope")), without(given, gone(equations, "check_range"))],
    ),
    "by_claim": (
        by_claim,
        lemmas,
        [
            without(by_claim, gone(earlier, "check_scope")),
            without(by_claim, gone(earlier, "_check_values")),
            without(by_claim, gone(earlier, "check_range")),
            without(by_claim, *replaced_blindly),
            without(by_claim, nowhere),
            without(by_claim, (Hypothesis, "content", property(lambda _: ()))),
        ],
    ),
    "above": (
        above,
        statements_above,
        [without(above, gone(earlier, "_check_values")), without(above, *replaced_blindly)],
    ),
    "induction_hypothesis": (
        induction_hypothesis,
        assumed,
        [without(induction_hypothesis, gone(equations, "check_scope"))],
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", CASES)
def test_the_value_is_the_same_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)


@pytest.mark.parametrize("claim", LEMMAS, ids=lambda claim: str(claim.says[0].lhs))
def test_every_lemma_is_true_where_it_speaks(claim: Claim) -> None:
    """So that a wrong instance is the rule's fault and not the lemma's."""
    (statement,), known = claim.says, claim.hypotheses
    for seed in range(10):
        rng = Random(seed)
        places = {**SCHEDULE.intervals, "a": REAL, "b": REAL, **claim.domain.intervals}
        world = numbers_in(Domain(places), world_of(known[0] if known else ALWAYS, rng), rng, known)
        assert close(evaluate(statement.lhs, world), evaluate(statement.rhs, world))
