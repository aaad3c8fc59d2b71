"""Golden verdicts: documents of a few lines, what each link must be called, and what it must never be called."""

from __future__ import annotations

import pytest

import threefold
from threefold.check.report import Report

VAE = "A latent model with encoder $q(z|x)$ and prior $p(z)$.\n\n"
DDPM = (
    "The forward chain, $\\alpha_t = 1 - \\beta_t$.\n\n"
    "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{1-\\beta_t}\\,x_{t-1}, \\beta_t I)$$\n\n"
)

PROVED = [
    r"\log p_\theta(x) \ge \mathbb E_{q_\phi(z|x)}[\log p_\theta(x|z)] - D_{KL}(q_\phi(z|x)\,\|\,p(z))",
    r"\log p(x) = \mathbb E_{q(z|x)}\left[\log\frac{p(x,z)}{q(z|x)}\right] + \mathrm{KL}(q(z|x)\,\|\,p(z|x))",
    r"p_\theta(x) = \int p_\theta(x|z)\,p(z)\,dz",
    r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, (1-\bar\alpha_t)I)",
    r"x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon",
    r"x_0 = \frac{1}{\sqrt{\bar\alpha_t}}\left(x_t - \sqrt{1-\bar\alpha_t}\,\epsilon\right)",
    r"\beta_t + \alpha_t = 1",
]
FALSE = [
    r"q(x_t|x_0) = \mathcal N(x_t; \bar\alpha_t x_0, (1-\bar\alpha_t)I)",
    r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, \sqrt{1-\bar\alpha_t}\,I)",
    r"\log p_\theta(x) \ge \mathbb E_{q_\phi(z|x)}[\log p_\theta(x|z)] + D_{KL}(q_\phi(z|x)\,\|\,p(z))",
    r"\sqrt{1-\bar\alpha_t} = \sqrt{1-\alpha_t}",
    r"\|x_t\|^2 + 2 = \|x_0\|^2 + 2",
    r"1-\frac1e = 1+\frac1e",
    r"2^{-99} = 2^{-98}",
]
NEVER_WRONG = [
    r"\sigma_t^2 = \beta_t",
    r"\sigma_t^2 = \sigma_{\text{encoder},t}^2 = \beta_t",
    r"L_{simple} = \mathbb E_{t,x_0,\epsilon}\|\epsilon-\epsilon_\theta(x_t,t)\|^2",
    r"z = \mu_\phi(x) + \sigma_\phi(x)\odot\epsilon,\quad \epsilon\sim\mathcal N(0,I)",
    r"q_\sigma(x_{t-1}|x_t,x_0) = \mathcal N(x_{t-1}; x_0, \sigma_t^2 I)",
    r"q(x_{t-1}|x_t) = \mathcal N(x_{t-1}; \mu_\theta(x_t,t), \sigma_t^2 I)",
    r"x_T \sim \mathcal N(0, I)",
    r"t = 1, \dots, T",
    r"\theta^* = \arg\min_\theta L(\theta)",
    r"x_{t-1} = \mu_\theta(x_t,t) + \sigma_t z",
    r"p_\theta(x|z) = \mathcal N(x; \hat x, I)",
    r"a_t = 3 b_t",
    r"D_{KL}(q(x_{t-1}|x_t,x_0)\|p_\theta(x_{t-1}|x_t)) = \mathbb E_q[\tfrac{1}{2\sigma_t^2}\|x_0-x_t\|^2]",
    r"q(x_t|x_0) = \mathcal N(x_t; x_0, \sigma_t^2 I)",
    r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, \sigma_t^2 I)",
]


def judged(tex: str) -> Report:
    body = VAE if "z" in tex and "x_t" not in tex else DDPM
    return threefold.check(f"{body}$${tex}$$\n", seconds=20)


def verdicts(tex: str) -> list[str]:
    report = judged(tex)
    last = max(link.display for link in report)
    return [link.verdict for link in report if link.display == last]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("tex", PROVED)
def test_true_lines_are_proved(tex: str) -> None:
    assert set(verdicts(tex)) == {"proved"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("tex", FALSE)
def test_false_lines_are_refuted_with_numbers(tex: str) -> None:
    report = judged(tex)
    assert report.links[-1].verdict == "refuted", report.links[-1]
    assert not report
    witness = report.links[-1].witness
    assert witness is not None and witness.left != witness.right


@pytest.mark.sampled(2)
@pytest.mark.parametrize("tex", NEVER_WRONG)
def test_what_may_be_set_is_never_refuted(tex: str) -> None:
    assert not {"refuted", "contradiction"} & set(verdicts(tex))


def test_a_constant_is_its_own_word() -> None:
    decoder = "$$p_\\theta(x|z) = \\mathcal N(x; \\hat x, I)$$\n\n"
    claim = "$$\\log p_\\theta(x|z) = -\\tfrac12\\|x-\\hat x\\|^2 + \\text{const}$$\n"
    text = VAE + decoder + claim
    assert threefold.check(text).links[-1].verdict == "equal up to a constant"


def test_the_log_of_a_product_is_the_sum_of_the_logs() -> None:
    assert verdicts(r"\log(\alpha_t\bar\alpha_t) = \log\alpha_t + \log\bar\alpha_t") == ["proved"]


def test_a_chain_of_three_is_two_links() -> None:
    report = judged(r"\beta_t = 1 - \alpha_t = 1 - \alpha_t")
    assert [(k.display, k.link) for k in report if k.display == 2] == [(2, 1), (2, 2)]


def test_the_package_imports_neither_torch_nor_numpy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, threefold; threefold.check('$$q(x_t|x_0) = \\\\mathcal N(x_t; x_0, I)$$'); "
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


FLOW = "The marginal field, $u_t$.\n\n$$u_t(x) = \\int u_t(x|z)\\frac{p_t(x|z)q(z)}{p_t(x)}dz$$\n\n"


def test_the_marginal_path_is_an_average_over_the_data() -> None:
    lines = [r"p_t(x) = \int p_t(x|z)\,q(z)\,dz", r"p_t(x) = 2\int p_t(x|z)\,q(z)\,dz"]
    found = [threefold.check(f"{FLOW}$${tex}$$\n", seconds=20).links[-1].verdict for tex in lines]
    assert found == ["proved", "refuted"]


def test_two_densities_of_one_variable_are_no_two_averages() -> None:
    link = threefold.check(f"{FLOW}$$p_t(x) = \\int p_t(z|x)\\,q(z)\\,dz$$\n", seconds=20).links[-1]
    assert link.verdict == "not read"


def test_a_line_that_goes_on_stands_in_the_context_of_the_one_before() -> None:
    report = threefold.check(f"{FLOW}$$p_t(x) = \\int p_t(x|z)\\,q(z)\\,dz$$\n\n$$= \\int p(x|z)\\,p(z)\\,dz$$\n")
    assert {link.context for link in report} == {"flow-matching"}


def test_a_decoder_is_the_one_whose_letters_the_line_writes() -> None:
    both = "$$p(x|z) = \\mathcal N(x; \\mu_\\theta(z), \\sigma^2 I)$$\n\n"
    both += "$$p(x|z) = \\prod_i \\mathrm{Bernoulli}(x_i; \\pi_\\theta(z)_i)$$\n\n"
    claim = (
        "$$\\log p(x|z) = -\\frac{\\|x - \\mu_\\theta(z)\\|^2}{2\\sigma^2} - d\\log(\\sqrt{2\\pi}\\sigma)$$\n\n"
        "$$\\log p(x|z) = -\\frac{\\|x - \\mu_\\theta(z)\\|^2}{\\sigma^2} - d\\log(\\sqrt{2\\pi}\\sigma)$$\n"
    )
    assert [k.verdict for k in threefold.check(VAE + both + claim).links[-2:]] == ["proved", "refuted"]


STEPS = [
    r"\sqrt{\alpha_t}x_{t-1} + \sqrt{1-\alpha_t}\epsilon_t = \sqrt{\alpha_t}(\sqrt{\bar\alpha_{t-1}}x_0"
    r" + \sqrt{1-\bar\alpha_{t-1}}\bar\epsilon_{t-1}) + \sqrt{1-\alpha_t}\epsilon_t",
    r"\sqrt{\alpha_t(1-\alpha_{t-1})}\epsilon_{t-1} + \sqrt{1-\alpha_t}\epsilon_t"
    r" = \sqrt{1-\alpha_t\alpha_{t-1}}\bar\epsilon_{t-1}",
    r"\bar\epsilon_t = \epsilon_t",
    r"\sqrt{\alpha_t} z + \sqrt{1-\alpha_t}\epsilon = (\sqrt{\alpha_t} + \sqrt{1-\alpha_t})\epsilon",
    r"z = \epsilon",
]


@pytest.mark.parametrize("tex", STEPS)
def test_noises_are_not_compared_path_by_path(tex: str) -> None:
    """Two noises of one law are two variables: an equation between them is neither refuted nor proved for that."""
    assert not {"refuted", "contradiction", "proved"} & set(verdicts(tex))


def test_a_wrong_closed_form_of_the_state_is_refuted_once_the_step_is_defined() -> None:
    line = r"x_t = \sqrt{\bar\alpha_t}\,x_0 + (1-\bar\alpha_t)\,\epsilon"
    assert verdicts(line) == ["refuted"]
    assert threefold.check(f"$${line}$$\n").links[-1].verdict == "definition"


def test_lost_mark_up_is_put_back_and_said_to_be() -> None:
    bound = r"\log p_\theta(x) \geq \mathbb{E}{q\phi(z|x)}[\log p_\theta(x|z)] - KL(q_\phi(z|x) | p(z))"
    link = threefold.check(f"{VAE}$${bound}$$\n").links[-1]
    assert link.verdict == "proved as read" and any("lost" in note for note in link.notes)
    wrong = bound.replace(" - KL", " + KL")
    assert threefold.check(f"{VAE}$${wrong}$$\n").links[-1].verdict == "undecided"


def test_a_sum_that_was_lost_is_refuted_in_little_time() -> None:
    line = (
        r"\mathbb E_{q(x_{1:T}|x_0)}\left[\sum_{t=2}^T \log\frac{p(x_{t-1}|x_t)}{q(x_{t-1}|x_t,x_0)}\right]"
        r" = -\mathbb E_{q(x_t|x_0)}[D_{KL}(q(x_{t-1}|x_t,x_0)\|p(x_{t-1}|x_t))]"
    )
    link = threefold.check(f"{DDPM}$${line}$$\n", seconds=20).links[-1]
    assert link.verdict == "refuted"


def test_scores_are_compared() -> None:
    lines = [
        r"\nabla_x \log p(x|y) = \nabla_x \log p(x) + \nabla_x \log p(y|x)",
        r"\nabla_x \log p(x|y) = \nabla_x \log p(x) - \nabla_x \log p(y|x)",
    ]
    text = "<!-- threefold: context: score-sde -->\n\n" + "\n\n".join(f"$${tex}$$" for tex in lines)
    assert [k.verdict for k in threefold.check(text)] == ["proved", "refuted"]


CHOICE = "$$\\sigma_t^2 = \\beta_t$$\n\n"
WEIGHT = r"\frac{\beta_t^2}{2\sigma_t^2\alpha_t(1-\bar\alpha_t)} = \frac{\beta_t}{2\alpha_t(1-\bar\alpha_t)}"


@pytest.mark.parametrize(
    ("before", "tex", "verdict"),
    [
        (CHOICE, WEIGHT, "proved"),
        ("We choose $\\sigma_t^2 = \\beta_t$ here.\n\n", WEIGHT, "proved"),
        (CHOICE + CHOICE.replace("\\beta_t", "\\tilde\\beta_t"), WEIGHT, "proved"),
        (CHOICE, WEIGHT.replace("{2\\alpha_t", "{\\alpha_t"), "refuted"),
        ("", WEIGHT, "refuted"),
    ],
)
def test_what_rests_on_a_choice_of_the_deviation_is_judged_with_it(before: str, tex: str, verdict: str) -> None:
    assert threefold.check(f"{DDPM}{before}$${tex}$$\n", seconds=20).links[-1].verdict == verdict


def test_the_mean_of_the_posterior_in_terms_of_the_noise() -> None:
    right = (
        r"\tilde\mu_t(x_t,\epsilon) = \frac{1}{\sqrt{\alpha_t}}(x_t - \frac{\beta_t}{\sqrt{1-\bar\alpha_t}}\epsilon)"
    )
    tied = "$$q(x_{t-1}|x_t,x_0) = \\mathcal N(x_{t-1}; \\tilde\\mu_t(x_t,x_0), \\tilde\\beta_t I)$$\n\n"
    wrong = right.replace(r"\sqrt{1-\bar\alpha_t}", r"\sqrt{1-\alpha_t}")
    report = threefold.check(f"{DDPM}{tied}$${right}$$\n\n$${wrong}$$\n", seconds=20)
    assert [link.verdict for link in report][-2:] == ["proved", "refuted"]
