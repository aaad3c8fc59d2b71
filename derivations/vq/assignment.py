"""Codewords and what is assigned to them: the nearest one, the mean of its vectors, how many codes are in use."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import sympy as sp

from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Grad,
    Hypothesis,
    Inner,
    Norm2,
    Statement,
    SumTo,
    above,
    define,
    definition,
    given,
    induction_hypothesis,
    last_term,
    scalar_function,
    vector,
    vector_calculus,
    vector_function,
)

n, i, j = (sp.Symbol(name, integer=True, positive=True) for name in ("M", "m_v", "l_v"))
K, k = sp.Symbol("K_v", integer=True, positive=True), sp.Symbol("k_v", integer=True, positive=True)
point, codeword, other = vector("encoder_output", "z"), vector("codeword", "e"), vector("other_codeword", "e'")
assigned = vector_function("assigned_vector", "z")
share = scalar_function("code_share", "p", positive=True)
MANY = Domain(indices={n: (sp.Integer(1), sp.oo)})
centre = SumTo(assigned(j), j, 1, n) / n

nearest = Claim(
    id="vqvae.quantize.nearest",
    title="The nearest codeword, by inner products",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            Norm2(point - other) - Norm2(point - codeword),
            "=",
            2 * ((Inner(point, codeword) - Norm2(codeword) / 2) - (Inner(point, other) - Norm2(other) / 2)),
            words="the codeword is nearer than another one exactly where its inner product, less half its square, is "
            "larger",
        ),
    ),
    scope="any dimension, any two codewords",
    sources=("slides, VQ-VAE", "van den Oord et al. 2017, eq. 1"),
    words="So all distances are one matrix product and a bias per codeword: the cells are cut by planes.",
)


@nearest.proves()
def _(line: Chain) -> None:
    line(Norm2(point - other) - Norm2(point - codeword))
    line(
        2 * ((Inner(point, codeword) - Norm2(codeword) / 2) - (Inner(point, other) - Norm2(other) / 2)),
        why="the square of z is in both",
    )


total = SumTo(Norm2(assigned(i) - codeword), i, 1, n)

kmeans = Claim(
    id="vqvae.codebook.kmeans",
    title="The dictionary term is k-means",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            SumTo(Inner(assigned(i), codeword), i, 1, n),
            "=",
            Inner(SumTo(assigned(i), i, 1, n), codeword),
            name="sum",
            words="inner products add up to that of the sum",
        ),
        Statement(
            total,
            "=",
            SumTo(Norm2(assigned(i) - centre), i, 1, n) + n * Norm2(centre - codeword),
            name="split",
            words="the squared distances of all vectors of a codeword: their scatter, and how far their mean is off",
        ),
        Statement(
            Grad(total, codeword),
            "=",
            2 * n * (codeword - centre),
            name="gradient",
            words="so its gradient points from the mean, and vanishes there only",
        ),
    ),
    domain=MANY,
    scope="any dimension, any number M >= 1 of vectors, the assignment held fixed",
    sources=("slides, VQ-VAE learning", "MacQueen 1967"),
    words="The best codeword is the mean of what is assigned to it: one half of k-means. A step of size 1/(2 M) along "
    "the gradient is that mean.",
)


@kmeans.proves("sum", induction_on=n)
def _(base: Chain, step: Chain) -> None:
    base(SumTo(Inner(assigned(i), codeword), i, 1, 1))
    base(Inner(SumTo(assigned(i), i, 1, 1), codeword), why="a sum of one term is that term, on both sides")
    step(SumTo(Inner(assigned(i), codeword), i, 1, n + 1))
    step(SumTo(Inner(assigned(i), codeword), i, 1, n) + Inner(assigned(n + 1), codeword), by=last_term(n + 1))
    step(Inner(SumTo(assigned(i), i, 1, n), codeword) + Inner(assigned(n + 1), codeword), by=induction_hypothesis)
    step(
        Inner(SumTo(assigned(i), i, 1, n) + assigned(n + 1), codeword),
        why="two inner products with one codeword: of the sum",
    )
    step(Inner(SumTo(assigned(i), i, 1, n + 1), codeword), by=last_term(n + 1))


@kmeans.proves("split")
def _(line: Chain) -> None:
    own, whole = SumTo(Norm2(assigned(i)), i, 1, n), SumTo(assigned(i), i, 1, n)
    line(total)
    line(
        own - 2 * SumTo(Inner(assigned(i), codeword), i, 1, n) + n * Norm2(codeword),
        why="each square multiplied out: M times |e|^2, and the sums of the other two",
    )
    line(own - 2 * Inner(whole, codeword) + n * Norm2(codeword), by=above("sum"))
    line(
        own - 2 * SumTo(Inner(assigned(i), centre), i, 1, n) + n * Norm2(centre) + n * Norm2(centre - codeword),
        by=above("sum", at={codeword: centre}),
        why="the sum is n times the mean",
    )
    line(
        SumTo(Norm2(assigned(i) - centre), i, 1, n) + n * Norm2(centre - codeword),
        why="the first three terms are the squares about the mean, multiplied out and summed",
    )


@kmeans.proves("gradient")
def _(line: Chain) -> None:
    line(Grad(total, codeword))
    line(SumTo(2 * (codeword - assigned(i)), i, 1, n), by=vector_calculus)
    line(2 * n * (codeword - centre), why="M codewords less the sum of the vectors, which is M times their mean")


# --- how many codes are in use ----------------------------------------------------------------------------------------

shares = Hypothesis("shares", "the shares of the codes add up to 1", SumTo(share(k), k, 1, K), sp.S.One)
entropy = define("usage_entropy", r"\mathrm H", lambda m: -SumTo(share(k) * sp.log(share(k)), k, 1, m), notation=False)


def a_few_codes(rng: Random, number: int) -> World:
    """One to four codes; equal shares at times."""
    count = 1 + number % 4
    weights = [1 if number % 3 == 2 else rng.randint(1, 9) for _ in range(count)]
    known = [Fraction(w, sum(weights)) for w in weights]
    return World(
        numbers={"K_v": count},
        families={"code_share": lambda m: known[int(m) - 1] if 1 <= m <= count else Fraction(1, 2)},
    )


perplexity = Claim(
    id="vq.perplexity",
    title="What perplexity lacks to the number of codes",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            sp.log(K) - entropy(K),
            "=",
            SumTo(share(k) * sp.log(K * share(k)), k, 1, K),
            name="gap",
            words="what the entropy of usage lacks to log K is the divergence from equal shares, never negative: "
            "so e^H is at most K",
        ),
    ),
    domain=Domain({"code_share": POSITIVE}, {K: (1, sp.oo)}),
    hypotheses=(shares,),
    worlds=(a_few_codes,),
    scope="any number K of codes, any shares above 0 that add up to 1; nats",
    sources=("van den Oord et al. 2017", "textbooks of information theory"),
    words="K codes used equally have perplexity K, one code has 1. Averaged over batches it says less than it seems: "
    "the perplexity of the mean shares is another number than the mean of the perplexities.",
)


@perplexity.proves("gap")
def _(line: Chain) -> None:
    line(sp.log(K) - entropy(K))
    line(sp.log(K) * SumTo(share(k), k, 1, K) - entropy(K), by=given(shares))
    line(sp.log(K) * SumTo(share(k), k, 1, K) + SumTo(share(k) * sp.log(share(k)), k, 1, K), by=definition)
    line(SumTo(share(k) * sp.log(K * share(k)), k, 1, K), why="log K goes into the sum: log K + log p_k = log(K p_k)")
