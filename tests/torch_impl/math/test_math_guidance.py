"""Guidance against the exact conditional scores of a labelled mixture."""

import math

import pytest
import torch
from torch import Tensor

from torch_impl import GaussianDiffusion, NoiseSchedule, classifier_free, classifier_guidance, sample
from torch_impl.denoiser.guidance import from_paper_scale
from torch_impl.oracle import GaussianMixture
from torch_impl.process.parameterization import PREDICTIONS

SCHEDULE = NoiseSchedule.linear(50, 0.002, 0.25)
WEIGHTS, MEANS, VARIANCES = [0.3, 0.5, 0.2], [[1.0, 0.5], [-0.8, 0.1], [0.2, -1.3]], [0.2, 0.1, 0.05]
CLASSES = [GaussianMixture([1.0], [m], v, SCHEDULE) for m, v in zip(MEANS, VARIANCES, strict=True)]
ALL = GaussianMixture(WEIGHTS, MEANS, VARIANCES, SCHEDULE)


def exact_logits(x: Tensor, t: Tensor) -> Tensor:
    """log p(y) q_t(x | y): the Bayes classifier of noisy x, differentiable."""
    return torch.stack([math.log(w) + c.log_prob(x, t) for w, c in zip(WEIGHTS, CLASSES, strict=True)], dim=1)


def network(prediction: str) -> object:
    """The exact conditional network; label 3 is the null label."""

    def predict(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        heads = [law.model(prediction)(x, t) for law in (*CLASSES, ALL)]  # type: ignore[arg-type]
        return torch.stack(heads)[y, torch.arange(len(y))]

    return predict


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("t", [1, 10, 50])
def test_classifier_guidance_at_one_is_the_conditional_model(prediction: str, t: int) -> None:
    """Claim guidance.classifier by Bayes' rule, for every prediction: the score moves by w times grad."""
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]  # parametrised over the literals
    x, y = torch.randn(6, 2).double(), torch.tensor([0, 1, 2, 0, 1, 2])
    times = torch.full((6,), t)
    guided = classifier_guidance(ALL.model(prediction), exact_logits, y, 1.0, diffusion)(x, times)  # type: ignore[arg-type]
    torch.testing.assert_close(guided, network(prediction)(x, times, y), rtol=1e-8, atol=1e-8)  # type: ignore[operator]
    strong = classifier_guidance(ALL.model(prediction), exact_logits, y, 3.0, diffusion)(x, times)  # type: ignore[arg-type]
    plain, cond = ALL.score(x, times), torch.stack([CLASSES[int(k)].score(x[i : i + 1], t)[0] for i, k in enumerate(y)])
    torch.testing.assert_close(diffusion.to_score(strong, x, times), plain + 3 * (cond - plain), rtol=1e-7, atol=1e-7)
    with torch.no_grad():  # as inside sample
        again = classifier_guidance(ALL.model(prediction), exact_logits, y, 3.0, diffusion)(x, times)  # type: ignore[arg-type]
    torch.testing.assert_close(again, strong)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_classifier_free_scale_means_what_it_says(prediction: str) -> None:
    """w = 1 conditional, 0 unconditional, and in between and beyond the score is linear in w.

    Ho and Salimans' s = w - 1.
    """
    diffusion = GaussianDiffusion(SCHEDULE, prediction)  # type: ignore[arg-type]
    net = network(prediction)
    x, y, null = torch.randn(6, 2).double(), torch.tensor([0, 1, 2, 0, 1, 2]), torch.full((6,), 3)
    t = torch.full((6,), 20)
    outputs = {w: classifier_free(net, y, null, w)(x, t) for w in (0.0, 0.5, 1.0, 7.5)}  # type: ignore[arg-type]
    cond, plain = net(x, t, y), net(x, t, null)  # type: ignore[operator]
    assert torch.equal(outputs[1.0], cond)
    torch.testing.assert_close(outputs[0.0], plain, rtol=1e-13, atol=1e-13)
    for w, output in outputs.items():
        scores = [diffusion.to_score(o, x, t) for o in (output, cond, plain)]
        torch.testing.assert_close(scores[0], scores[2] + w * (scores[1] - scores[2]), rtol=1e-9, atol=1e-9)
    s = 6.5
    torch.testing.assert_close(outputs[from_paper_scale(s)], (1 + s) * cond - s * plain, rtol=1e-11, atol=1e-11)


def test_rescale_restores_the_conditional_spread() -> None:
    """Lin et al. 2024, eq. 15-16: share 1 gives each example the conditional output's standard deviation."""
    net = network("eps")
    x, y, null, t = torch.randn(4, 2).double(), torch.tensor([0, 1, 2, 0]), torch.full((4,), 3), torch.full((4,), 20)
    cond = net(x, t, y)  # type: ignore[operator]
    plain = classifier_free(net, y, null, 5.0)(x, t)  # type: ignore[arg-type]
    full = classifier_free(net, y, null, 5.0, rescale=1.0)(x, t)  # type: ignore[arg-type]
    half = classifier_free(net, y, null, 5.0, rescale=0.5)(x, t)  # type: ignore[arg-type]
    torch.testing.assert_close(full.std(1), cond.std(1), rtol=1e-12, atol=0)
    torch.testing.assert_close(full, plain * (cond.std(1) / plain.std(1)).unsqueeze(1), rtol=1e-12, atol=0)
    torch.testing.assert_close(half, 0.5 * (full + plain), rtol=1e-12, atol=0)


def test_interval_guides_inside_and_only_there() -> None:
    net = network("eps")
    calls: list[int] = []

    def counting(x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        calls.append(len(x))
        return net(x, t, y)  # type: ignore[operator,no-any-return]

    x, y, null = torch.randn(4, 2).double(), torch.tensor([0, 1, 2, 0]), torch.full((4,), 3)
    model = classifier_free(counting, y, null, 4.0, interval=(10, 30))
    for t, inside in ((9, False), (10, True), (30, True), (31, False)):
        times = torch.full((4,), t)
        expected = classifier_free(net, y, null, 4.0)(x, times) if inside else net(x, times, y)  # type: ignore[arg-type,operator]
        torch.testing.assert_close(model(x, times), expected)
        assert calls[-1] == (8 if inside else 4)
    diffusion = GaussianDiffusion(SCHEDULE)
    guided = classifier_guidance(ALL.noise, exact_logits, y, 2.0, diffusion, interval=(10, 30))
    assert torch.equal(guided(x, torch.full((4,), 31)), ALL.noise(x, torch.full((4,), 31)))
    assert not torch.equal(guided(x, torch.full((4,), 30)), ALL.noise(x, torch.full((4,), 30)))


def test_learned_variance_is_left_alone() -> None:
    diffusion = GaussianDiffusion(SCHEDULE, "eps", "learned")
    x, y, null, t = torch.randn(4, 2).double(), torch.tensor([0, 1, 2, 0]), torch.full((4,), 3), torch.full((4,), 20)
    wide = lambda x, t, y: torch.cat([network("eps")(x, t, y), y.view(-1, 1) * torch.ones_like(x)], 1)  # type: ignore[operator]  # noqa: E731 - a network in a line
    output = classifier_free(wide, y, null, 3.0)(x, t)
    torch.testing.assert_close(output[:, :2], classifier_free(network("eps"), y, null, 3.0)(x, t))  # type: ignore[arg-type]
    assert torch.equal(output[:, 2:], y.view(-1, 1) * torch.ones_like(x))
    guided = classifier_guidance(lambda x, t: wide(x, t, null), exact_logits, y, 1.0, diffusion)(x, t)
    torch.testing.assert_close(guided[:, :2], network("eps")(x, t, y), rtol=1e-9, atol=1e-9)  # type: ignore[operator]
    assert torch.equal(guided[:, 2:], 3 * torch.ones_like(x))


@pytest.mark.parametrize("how", ["classifier", "classifier-free"])
def test_guided_samples_at_one_have_the_class_law(how: str) -> None:
    """Deterministic and ancestral sampling, 4000 draws.

    Class mean within 5 and variance within 5 standard errors + 2 %.
    """
    n = 4000
    y, null = torch.full((n,), 2), torch.full((n,), 3)
    schedule, diffusion = SCHEDULE, GaussianDiffusion(SCHEDULE, "eps", "beta")
    model = (
        classifier_guidance(ALL.noise, exact_logits, y, 1.0, diffusion)
        if how == "classifier"
        else classifier_free(network("eps"), y, null, 1.0)
    )  # type: ignore[arg-type]
    start = CLASSES[2].sample(n, torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(1)
    start = diffusion.q_sample(start, schedule.T, torch.randn(n, 2, dtype=torch.float64, generator=g))
    result = sample(model, diffusion, start, "dpmpp_2m", generator=g)
    assert ((result.mean(0) - torch.tensor(MEANS[2]).double()).abs() < 5 * math.sqrt(0.05 / n)).all()
    assert ((result.var(0) / 0.05 - 1).abs() < 5 * math.sqrt(2 / n) + 0.02).all()


def test_bad_arguments_are_named() -> None:
    net, y, x = network("eps"), torch.tensor([0, 1]), torch.randn(2, 2).double()
    ended = GaussianDiffusion(SCHEDULE.zero_terminal_snr(), "v")
    for call, message in (
        (lambda: classifier_free(net, y, y[:1], 2.0), "make them equal"),  # type: ignore[arg-type]
        (lambda: classifier_free(net, y, y, 2.0, rescale=1.5), "rescale = 1.5"),  # type: ignore[arg-type]
        (lambda: classifier_free(net, y, y, 2.0, interval=(30, 10)), "interval = "),  # type: ignore[arg-type]
        (lambda: classifier_free(net, y, y, math.nan), "must be finite"),  # type: ignore[arg-type]
        (lambda: classifier_guidance(ALL.noise, exact_logits, y, math.inf, ended), "must be finite"),
        (
            lambda: classifier_free(net, y, y, 2.0, rescale=0.5)(x[:, :1], torch.tensor([5, 5])),  # type: ignore[arg-type]
            "no standard deviation; use rescale=0",
        ),
        (
            lambda: classifier_guidance(ALL.noise, exact_logits, y, 1.0, ended)(x, torch.tensor([50, 50])),
            r"use interval=\(1, 49\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
