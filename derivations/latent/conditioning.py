"""How a condition comes in: attention to its tokens, an adapter that starts at nothing, a direction between texts."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.latent.interpolation import cosine, left, sine
from derivations.notation import d, smooth
from derivations.refutation.worlds import World
from derivations.rules import (
    NONZERO,
    POSITIVE,
    REAL,
    Apply,
    At,
    Chain,
    Claim,
    D,
    Domain,
    Gradient,
    Hypothesis,
    Inner,
    Norm2,
    Statement,
    SumTo,
    above,
    constant_vector,
    continuity,
    define,
    definition,
    differentiation,
    given,
    induction_hypothesis,
    last_term,
    matrix,
    rate,
    rates,
    scalar,
    scalar_function,
    smoothness,
    vector_function,
)

# --- attention --------------------------------------------------------------------------------------------------------

asked = constant_vector("query", "q")
n, m, more, other = (sp.Symbol(name, integer=True, positive=True) for name in ("n_t", "m_t", "N_t", "o_t"))
tail = sp.Symbol("r_t", integer=True, nonnegative=True)
key = vector_function("key", "k")
token, token_of = scalar_function("token", r"\tau"), scalar_function("exchanged_token", r"\tau'")
logit, value = scalar_function("token_logit", r"\ell"), scalar_function("token_value", "v")
width = scalar("head_width", r"d_{\mathrm h}", positive=True)
factor = scalar("logit_factor", r"\gamma", positive=True)
fit = define("attention_fit", "e", lambda q, k, d: sp.exp(Inner(q, k) / sp.sqrt(d)), notation=False)
keys = SumTo(fit(asked, key(other), width), other, 1, more)


def total(tokens: Any, last: sp.Expr) -> sp.Expr:
    return SumTo(sp.exp(logit(tokens(n))), n, 1, last)


def mixed(tokens: Any, last: sp.Expr) -> sp.Expr:
    return SumTo(weighed(tokens(n)), n, 1, last)


def weighed(one: sp.Expr) -> sp.Expr:
    return sp.exp(logit(one)) * value(one)


def exchanged(what: str, new: Any, old: Any) -> tuple[Hypothesis, ...]:
    """The m-th and the next one change places."""
    return (
        Hypothesis(f"{what}s before", f"the {what}s before the m-th stay", new(n), old(n), {n: (sp.S.One, m - 1)}),
        Hypothesis(f"the m-th {what}", f"the m-th {what} is now the next one", new(m), old(m + 1)),
        Hypothesis(f"the next {what}", f"and the next {what} is now the m-th", new(m + 1), old(m)),
        Hypothesis(f"{what}s after", f"the {what}s after these stay", new(n), old(n), {n: (m + 2, sp.oo)}),
    )


end = m + 1 + tail
EXCHANGED = exchanged("token", token_of, token)


def some_tokens(rng: Random, seed: int) -> World:
    """A few tokens, and the same with two neighbours exchanged; now and then with another one changed, too."""
    d, place, after = 1 + seed % 2, rng.randint(1, 3), rng.randint(0, 2)
    changed = max(seed % 8 - 3, 0)  # from 1 on one hypothesis fails
    if changed:
        place, after = 2, 1
    row = [Fraction(rng.randint(-6, 6), 4) for _ in range(9)]
    key_table = [tuple(Fraction(rng.randint(-6, 6), 4) for _ in range(d)) for _ in range(9)]

    def turned(i: Any) -> Fraction:
        return row[{place: place + 1, place + 1: place}.get(int(i), int(i))] + (1 if int(i) == changed else 0)

    families: dict[str, Any] = {
        "token": lambda i: row[int(i)],
        "exchanged_token": turned,
        "token_logit": lambda x: x / 2 - x * x / 3,
        "token_value": lambda x: 1 + x - x * x / 5,
        "key": lambda i: key_table[int(i)],
    }
    numbers = {"m_t": place, "r_t": after, "N_t": place + after, "head_width": Fraction(rng.choice((1, 4, 9)))}
    numbers["logit_factor"] = Fraction(rng.randint(3, 9), 2)
    return World(d, seed=seed, numbers=numbers, families=families)


attention = Claim(
    id="ldm.cross_attention",
    title="Attention to a condition: a mean of its values, whatever their order",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(
            SumTo(fit(asked, key(n), width) / keys, n, 1, more),
            "=",
            1,
            name="weights",
            words="the weights of the tokens add up to 1: what comes out is a mean of the values",
        ),
        Statement(
            factor * sp.exp(logit(token(m))) / SumTo(factor * sp.exp(logit(token(n))), n, 1, more),
            "=",
            sp.exp(logit(token(m))) / total(token, more),
            name="shift",
            words="only differences count: what is added to all logits, by a part that all keys share, is a factor of "
            "every weight, and cancels",
        ),
        Statement(
            total(token_of, end),
            "=",
            total(token, end),
            name="total",
            words="two neighbouring tokens change places: what all weights are divided by stays",
        ),
        Statement(
            mixed(token_of, end),
            "=",
            mixed(token, end),
            name="mixture",
            words="and so does the weighted sum of the values",
        ),
        Statement(
            mixed(token_of, end) / total(token_of, end),
            "=",
            mixed(token, end) / total(token, end),
            name="order",
            words="so attention knows no order of the tokens: exchanges of neighbours make every permutation",
        ),
    ),
    domain=Domain(
        {"head_width": POSITIVE, "logit_factor": POSITIVE},
        {more: (sp.S.One, sp.oo), m: (sp.S.One, sp.oo), tail: (sp.S.Zero, sp.oo)},
    ),
    hypotheses=EXCHANGED,
    worlds=(some_tokens,),
    scope="any query q = W_Q phi(z_t) of a feature of the picture, any keys W_K tau(y)_n and values W_V tau(y)_n of "
    "any number of tokens, any width of a head; one head, one query. The order of words is known to it only if their "
    "embeddings hold their places",
    sources=("Vaswani et al. 2017, eq. 1", "Rombach et al. 2022, section 3.3", "article, Conditioning"),
    words="A softmax of inner products over the root of their width, and a mean by it. Queries are features inside the "
    "network, and not the latent itself.",
)


@attention.proves("weights")
def _(line: Chain) -> None:
    line(SumTo(fit(asked, key(n), width) / keys, n, 1, more))
    line(1, by=definition, why="the total comes out of the sum, and is positive, for it has a term")


@attention.proves("shift")
def _(line: Chain) -> None:
    line(factor * sp.exp(logit(token(m))) / SumTo(factor * sp.exp(logit(token(n))), n, 1, more))
    line(sp.exp(logit(token(m))) / total(token, more), why="a factor of all terms comes out of the sum")


def exchange(part: str, new: Callable[[sp.Expr], sp.Expr], old: Callable[[sp.Expr], sp.Expr]) -> None:
    """By induction on how many tokens come after the two that change places."""
    known = [given(h) for h in EXCHANGED]
    later = [given(h, n_t=end + 1) for h in EXCHANGED if h.name.endswith("after")]

    def upto(term: Callable[[sp.Expr], sp.Expr], last: sp.Expr) -> sp.Expr:
        return SumTo(term(n), n, 1, last)

    @attention.proves(part, induction_on=tail, start=0)
    def _(base: Chain, step: Chain) -> None:
        base(upto(new, m + 1))
        base(upto(new, m - 1) + new(m) + new(m + 1), by=[last_term(m + 1), last_term(m)])
        base(upto(old, m - 1) + old(m + 1) + old(m), by=known, why="the two terms change places")
        base(upto(old, m + 1), by=[last_term(m + 1), last_term(m)], why="a sum does not mind")
        step(upto(new, end + 1))
        step(upto(new, end) + new(end + 1), by=last_term(end + 1))
        step(upto(old, end) + old(end + 1), by=[induction_hypothesis, *later])
        step(upto(old, end + 1), by=last_term(end + 1))


exchange("total", lambda k: sp.exp(logit(token_of(k))), lambda k: sp.exp(logit(token(k))))
exchange("mixture", lambda k: weighed(token_of(k)), lambda k: weighed(token(k)))


@attention.proves("order")
def _(line: Chain) -> None:
    line(mixed(token_of, end) / total(token_of, end))
    line(mixed(token, end) / total(token_of, end), by=above("mixture"))
    line(mixed(token, end) / total(token, end), by=above("total"))


# --- an adapter that starts at nothing --------------------------------------------------------------------------------

seen, told, features = (
    constant_vector("block_input", "x"),
    constant_vector("control_in", "c"),  # what the first zero convolution makes of the control, for weights of 1
    constant_vector("copy_features", "f"),  # what the copy makes of its input
)
block, copied = vector_function("frozen_block", "F"), vector_function("trained_copy", "G")
loss = scalar_function("loss_of_block", "L")
out_step, in_step = scalar("out_step", "a"), scalar("in_step", "b")
out_way = matrix("W_out", r"\mathrm{A}")
start = block(seen)
moved_out = start + out_step * Apply(out_way, features)
both = start + out_step * copied(seen + in_step * told)

adapter = Claim(
    id="controlnet.zero_convolution",
    title="An adapter between zero convolutions starts as nothing, and is trained from outside in",
    chapter="Latents",
    kind="gradient",
    says=(
        Statement(
            At(both, out_step, 0),
            "=",
            start,
            name="start",
            words="with last weights of zero the frozen block is left as it is, whatever the copy makes of the control",
        ),
        Statement(
            D(loss(moved_out), out_step),
            "=",
            Inner(Gradient(loss, moved_out), Apply(out_way, features)),
            name="outer",
            words="the last weights have a gradient at once: along any direction A of them it is the upstream gradient "
            "on A f, with f the copy's features; so it is 0 in all directions only if one of the two is 0",
        ),
        Statement(
            D(loss(both), in_step),
            "=",
            out_step * Inner(Gradient(loss, both), rate(copied(seen + in_step * told), 1, told)),
            name="inner",
            words="for the copy and the first weights the last ones are a factor: at the start the zero lets nothing "
            "through, and as soon as they have moved, it does",
        ),
    ),
    domain=Domain({"out_step": REAL, "in_step": REAL}, sizes={"W_out": (d, d)}),
    hypotheses=(smooth, smoothness(copied, 1, "the copy is differentiated")),
    scope="any block and copy, any loss of the block's answer, at one place of the picture: a 1 x 1 convolution is a "
    "matrix there; weights move along one direction each, by a and by b, from zero",
    sources=("Zhang et al. 2023 (ControlNet), section 3.1", "slides, ControlNet"),
    words="Zero weights are no trap, as long as there are not two layers of them in a row: the outer ones move first, "
    "and open the way for all that is before them.",
)


@adapter.proves("start")
def _(line: Chain) -> None:
    line(At(both, out_step, 0))
    line(start, by=continuity, why="zero times what the copy says")


@adapter.proves("outer")
def _(line: Chain) -> None:
    line(D(loss(moved_out), out_step))
    line(Inner(Gradient(loss, moved_out), D(moved_out, out_step)), by=differentiation, why="the chain rule")
    line(Inner(Gradient(loss, moved_out), Apply(out_way, features)), by=differentiation, why="linear in the weights")


@adapter.proves("inner")
def _(line: Chain) -> None:
    line(D(loss(both), in_step))
    line(
        out_step * Inner(Gradient(loss, both), rate(copied(seen + in_step * told), 1, told)),
        by=[differentiation, rates],
        why="the chain rule through the last weights, the copy and the first weights",
    )


# --- a direction between two texts ------------------------------------------------------------------------------------

picture, wanted, there_before = (
    constant_vector("picture_code", "z_i"),
    constant_vector("wanted_text", "z_t"),
    constant_vector("text_before", r"z_{t_0}"),
)
apart, half_angle, half_way = (
    scalar("texts_apart", "r", positive=True),
    scalar("half_angle", "u"),
    scalar("half_way", "w"),
)
difference = (wanted - there_before) / apart
C, S, c, s = cosine(half_angle), sine(half_angle), cosine(half_way), sine(half_way)
edited = (left(half_angle, half_way) * picture + s * difference) / S
measures = (
    Hypothesis("texts apart", "the two texts are apart by r", Norm2(wanted - there_before), apart**2),
    Hypothesis("length of a code", "the picture's code has the length 1", Norm2(picture), sp.S.One),
    Hypothesis(
        "angle of code and difference",
        "its angle with the difference of the texts is omega = 2 arctan u",
        Inner(picture, wanted - there_before),
        apart * C,
    ),
)


def texts(rng: Random, seed: int) -> World:
    """Codes with lengths and angles that are fractions; now and then with one of them wrong."""
    r, u, w = (Fraction(rng.randint(1, 12), rng.randint(3, 8)) for _ in range(3))
    turned = (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)
    wrong = ("", "", "", "apart", "length", "angle")[seed % 6]
    before = tuple(Fraction(rng.randint(-8, 8), 4) for _ in range(3))
    across = 0 if wrong == "angle" else r * turned[1] / (2 if wrong == "apart" else 1)
    along = r if wrong == "angle" else r * turned[0]
    code = Fraction(1), Fraction(0), Fraction(1 if wrong == "length" else 0)
    vectors = {("picture_code",): code, ("text_before",): before}
    vectors["wanted_text",] = (before[0] + along, before[1] + across, before[2])
    return World(3, seed=seed, numbers={"texts_apart": r, "half_angle": u, "half_way": w}, vectors=vectors)


text_difference = Claim(
    id="unclip.text_diff",
    title="Editing a picture's code along the difference of two texts",
    chapter="Latents",
    kind="algorithm",
    says=(
        Statement(Norm2(difference), "=", 1, name="direction", words="the difference, normalised, has the length 1"),
        Statement(Norm2(edited), "=", 1, name="length", words="and so is every code on the arc from the picture to it"),
        Statement(
            Inner(picture, edited), "=", c, name="angle", words="at the angle that was asked for from the picture"
        ),
        Statement(
            left(half_angle, sp.S.Zero) * picture / S,
            "=",
            picture,
            name="nothing asked",
            words="at the angle 0 that is the picture itself; the whole way would leave the direction alone, and of "
            "the picture nothing: a quarter to half of the way is what is used",
        ),
    ),
    domain=Domain({"texts_apart": POSITIVE, "half_angle": NONZERO, "half_way": REAL}),
    hypotheses=measures,
    worlds=(texts,),
    scope="any dimension, any two different texts, any picture's code of length 1 that does not lie along their "
    "difference; omega the angle between code and difference, theta the one that is gone. No evaluation of a network",
    sources=("Ramesh et al. 2022 (unCLIP), section 3.3", "slides, Text diffs"),
    words="What one text has and the other lacks is a direction on the sphere of codes; the picture is turned along "
    "it. Two equal texts have no such direction.",
)


@text_difference.proves("direction")
def _(line: Chain) -> None:
    line(Norm2(difference))
    line(Norm2(wanted - there_before) / apart**2, why="a factor comes out of a length squared")
    line(1, by=given(measures[0]))


@text_difference.proves("length")
def _(line: Chain) -> None:
    first, second = left(half_angle, half_way) / S, s / S / apart
    gap = wanted - there_before
    line(Norm2(edited))
    line(
        first**2 * Norm2(picture) + 2 * first * second * Inner(picture, gap) + second**2 * Norm2(gap),
        by=definition,
        why="the square of a sum: both squares, and twice the inner product",
    )
    line(first**2 + 2 * first * (s / S) * C + (s / S) ** 2, by=[given(h) for h in measures])
    line(1, by=definition, why="the law of cosines, backwards")


@text_difference.proves("angle")
def _(line: Chain) -> None:
    line(Inner(picture, edited))
    line(
        left(half_angle, half_way) / S * Norm2(picture) + s / S / apart * Inner(picture, wanted - there_before),
        by=definition,
        why="the inner product is linear",
    )
    line(left(half_angle, half_way) / S + s / S * C, by=[given(h) for h in measures])
    line(c, by=definition)


@text_difference.proves("nothing asked")
def _(line: Chain) -> None:
    line(left(half_angle, sp.S.Zero) * picture / S)
    line(picture, by=definition, why="sin(omega - 0) = sin(omega)")
