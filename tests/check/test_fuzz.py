"""Whatever stands in a document, a report comes back, soon, and every link of it has a verdict."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import threefold
from threefold.check.report import VERDICTS

SIGNS = (
    r"x_t x_0 \alpha_t \bar\alpha_t \beta_t \sigma_t^2 \epsilon \epsilon_\theta(x_t,t) p(x|z) q_\phi(z|x) = = \ge "
    r"\mathbb{E}_q [ ] ( ) { } \frac{1}{2} \sqrt{ \| | \log \int dz \sum_{t=1}^T D_{KL}(q\|p) \mathcal{N}(x;0,I) + - , "
    r"\\ & \quad \text{for} \nabla_x \propto \sim \underbrace{x}_{L_0} 2 z \mu_\theta \cdot \odot \left. \right| ^2 _t"
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(SIGNS.split()), max_size=14))
def test_any_signs_in_any_order_get_a_verdict(signs: list[str]) -> None:
    report = threefold.check("$$" + " ".join(signs) + "$$\n", seconds=1)
    assert all((link.verdict in VERDICTS and link.verdict != "refuted") or link.witness for link in report)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_report(text: str) -> None:
    assert all(link.verdict in VERDICTS for link in threefold.check(text + "\n", seconds=1))


def test_random_bytes_end_in_time() -> None:
    rng = random.Random(0)
    noise = bytes(rng.randrange(1, 256) for _ in range(200_000)).decode("latin-1")
    started = time.perf_counter()
    assert threefold.check(f"$$x = x$$\n\n{noise}\n", seconds=1).links
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize(("opening", "closing"), [("{", "}"), ("(", ")"), (r"\frac{", "}{1}"), (r"\left[", r"\right]")])
def test_a_hundred_thousand_braces_end_in_time(opening: str, closing: str) -> None:
    started = time.perf_counter()
    report = threefold.check(f"$${opening * 100_000}x{closing * 100_000} = 1$$\n\n$$2 + 2 = 4$$\n", seconds=5)
    assert [link.verdict for link in report] == ["not read", "proved"]
    assert time.perf_counter() - started < 60
