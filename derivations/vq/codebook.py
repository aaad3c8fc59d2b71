"""A codebook that follows what is assigned to it: moving averages of counts and sums are steps towards a mean."""

from __future__ import annotations

from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    Domain,
    Statement,
    define,
    definition,
    scalar,
    vector,
)

decay = scalar("decay", r"\gamma")
count, assigned = scalar("codeword_count", "N", positive=True), scalar("assigned", "n")
codeword, batch_mean = (
    vector("codeword", "e"),
    vector("batch_mean", r"\bar z"),
)

new_count = define("new_count", "N'", lambda g, n_old, n: g * n_old + (1 - g) * n)
new_sum = define("new_sum", "m'", lambda g, m_old, n, mean: g * m_old + (1 - g) * n * mean, is_vector_valued=True)
batches = scalar("batches", "b", positive=True)  # t - 1, those before this one
running = batches / (batches + 1)
BOOK = Domain({"decay": UNIT, "codeword_count": POSITIVE, "assigned": NONNEGATIVE, "batches": POSITIVE})
moved = new_sum(decay, count * codeword, assigned, batch_mean) / new_count(decay, count, assigned)

statistics = Claim(
    id="vq.codebook.statistics",
    title="A codebook of moving averages moves towards the mean of what is assigned",
    chapter="Vector quantisation",
    kind="identity",
    says=(
        Statement(
            moved,
            "=",
            codeword + (1 - decay) * assigned / new_count(decay, count, assigned) * (batch_mean - codeword),
            words="the ratio of the two averages is a step from the old codeword to the mean of the batch",
        ),
        Statement(
            new_sum(running, count * codeword, assigned, batch_mean) / new_count(running, count, assigned),
            "=",
            (batches * count * codeword + assigned * batch_mean) / (batches * count + assigned),
            words="with the decay 1 - 1/t it is the mean of all that was ever assigned: (t - 1) N vectors so far",
        ),
    ),
    domain=BOOK,
    scope="any dimension, any decay in (0, 1), any count N > 0 with sum N e, any number n >= 0 of vectors of mean z",
    sources=("van den Oord et al. 2017, appendix A.1", "slides, VQ-VAE"),
    words="Counts and sums are averaged with the same decay, so their ratio is a weighted mean of the old codeword and "
    "of what was assigned now: k-means, a batch at a time. Where nothing is assigned, it is the old codeword.",
)


@statistics.proves()
def _(line: Chain) -> None:
    line(moved)
    line(
        (decay * count * codeword + (1 - decay) * assigned * batch_mean) / (decay * count + (1 - decay) * assigned),
        by=definition,
    )
    line(
        codeword + (1 - decay) * assigned / new_count(decay, count, assigned) * (batch_mean - codeword),
        by=definition,
        why="gamma N of the new count is old, the rest is new",
    )


@statistics.proves(1)
def _(line: Chain) -> None:
    line(new_sum(running, count * codeword, assigned, batch_mean) / new_count(running, count, assigned))
    line(
        (running * count * codeword + (1 - running) * assigned * batch_mean)
        / (running * count + (1 - running) * assigned),
        by=definition,
    )
    line(
        (batches * count * codeword + assigned * batch_mean) / (batches * count + assigned),
        why="multiply by t above and below",
    )
