"""The steps of the fast samplers: what each computes, which law it leaves behind, and what it costs."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR, fresh, rho, toward
from derivations.ddpm.algorithms import aimed, drawn, noise, said, strided
from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.notation import abar, d, eps, s, t, x, z
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Expect,
    Norm2,
    Statement,
    above,
    define,
    definition,
    moments,
    scalar,
    vector,
)

x_0, x_t = x(0), x(t)
again = vector("second_answer", r"\hat o'")  # what the network says at the predicted point
now_said, before_said = vector("data_said_now", "m_0"), vector("data_said_before", "m_1")
ratio = scalar("step_ratio", "r", positive=True)

# --- DDIM -------------------------------------------------------------------------------------------------------------

walked = define(
    "ddim_walked",
    r"\mathrm{D}",
    lambda r, n, m, at, e, new: (
        sp.sqrt(abar(m)) * (at - sp.sqrt(1 - abar(n)) * e) / sp.sqrt(abar(n))
        + sp.sqrt((1 - r) * (1 - abar(m))) * e
        + sp.sqrt(r * (1 - abar(m))) * new
    ),
    is_vector_valued=True,
)

ddim = Claim(
    id="ddim.sampling",
    title="DDIM sampling, step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            walked(rho, t, s, x_t, said, z),
            "=",
            toward(rho, t, s, x_t, x0_hat(x_t, said, t)) + sp.sqrt(fresh(rho, s)) * z,
            name="step",
            words="what is computed from the noise that the network sees is the mean of the family's kernel at the "
            "data that this noise implies, and fresh noise of its variance",
        ),
        Statement(
            drawn(Norm2(walked(rho, t, s, x_t, said, z) - aimed)),
            "=",
            Norm2(toward(rho, t, s, x_t, x0_hat(x_t, said, t)) - aimed) + d * fresh(rho, s),
            name="law",
            words="so a step leaves this mean and this variance behind, in every dimension",
        ),
        Statement(
            Expect(noise, drawn(Norm2(walked(rho, t, s, noisy(t, x_0, eps), eps, z) - aimed))),
            "=",
            Norm2(sp.sqrt(abar(s)) * x_0 - aimed) + d * (1 - abar(s)),
            name="marginal",
            words="and if the network sees the noise that is there, the law of the chain at s: whatever share is fresh",
        ),
    ),
    domain=ANY_PAIR,
    scope="any dimension d, any schedule, any steps 1 <= s < t <= T, any share rho of fresh noise in (0, 1), any "
    "answer; rho = 0 is ddim.deterministic. At s = 0 the estimate of the data is returned. One evaluation and one "
    "draw a step",
    sources=("Song et al. 2021 (DDIM), eq. 12", "slides, DDIM", "staircase, DDIM"),
    words="The same network, asked as often as one likes to pay for.",
)


@ddim.proves("step")
def _(line: Chain) -> None:
    line(walked(rho, t, s, x_t, said, z))
    line(
        toward(rho, t, s, x_t, x0_hat(x_t, said, t)) + sp.sqrt(fresh(rho, s)) * z,
        by=definition,
        why="what is left of x_t without these data is this noise",
    )


@ddim.proves("law")
def _(line: Chain) -> None:
    line(drawn(Norm2(walked(rho, t, s, x_t, said, z) - aimed)))
    line(
        drawn(Norm2(toward(rho, t, s, x_t, x0_hat(x_t, said, t)) + sp.sqrt(fresh(rho, s)) * z - aimed)),
        by=above("step"),
    )
    line(Norm2(toward(rho, t, s, x_t, x0_hat(x_t, said, t)) - aimed) + d * fresh(rho, s), by=moments)


@ddim.proves("marginal")
def _(line: Chain) -> None:
    kept, new = sp.sqrt((1 - rho) * (1 - abar(s))), sp.sqrt(rho * (1 - abar(s)))
    line(Expect(noise, drawn(Norm2(walked(rho, t, s, noisy(t, x_0, eps), eps, z) - aimed))))
    line(
        Expect(noise, drawn(Norm2(sp.sqrt(abar(s)) * x_0 + kept * eps + new * z - aimed))),
        by=definition,
        why="the true noise implies the true data",
    )
    line(
        Expect(noise, Norm2(sp.sqrt(abar(s)) * x_0 + kept * eps - aimed) + d * rho * (1 - abar(s))),
        by=moments,
        why="over the fresh noise",
    )
    line(
        Norm2(sp.sqrt(abar(s)) * x_0 - aimed) + d * (1 - abar(s)),
        by=moments,
        why="over the noise that was there: both shares add up",
    )


# --- Heun -------------------------------------------------------------------------------------------------------------

level = define("over_signal", r"\varsigma", lambda n: sp.sqrt(1 - abar(n)) / sp.sqrt(abar(n)))
averaged = define(
    "heun_step",
    r"\mathrm{H}",
    lambda n, m, at, e, second: (
        sp.sqrt(abar(m)) * (at - sp.sqrt(1 - abar(n)) * e) / sp.sqrt(abar(n))
        + sp.sqrt(1 - abar(m)) * e
        + (sp.sqrt(1 - abar(m)) - sp.sqrt(abar(m)) * sp.sqrt(1 - abar(n)) / sp.sqrt(abar(n))) / 2 * (second - e)
    ),
    is_vector_valued=True,
)
BETWEEN = Domain({k: v for k, v in ANY_PAIR.intervals.items() if k != "rho"}, ANY_PAIR.indices, ANY_PAIR.products)

heun = Claim(
    id="solver.heun.step",
    title="Heun's sampler, step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            averaged(t, s, x_t, said, again) / sp.sqrt(abar(s)),
            "=",
            x_t / sp.sqrt(abar(t)) + (level(s) - level(t)) * (said + again) / 2,
            name="step",
            words="in x/a the step goes along the mean of two slopes: the noise seen at the start, and that seen where "
            "DDIM would land",
        ),
        Statement(
            averaged(t, s, x_t, said, said),
            "=",
            strided(t, s, x_t, said),
            name="DDIM",
            words="where both agree it is DDIM's step",
        ),
        Statement(
            averaged(t, s, noisy(t, x_0, eps), eps, eps),
            "=",
            noisy(s, x_0, eps),
            name="law",
            words="and if they see the noise that is there it lands on the path to its data, in the law of x_s",
        ),
    ),
    domain=BETWEEN,
    scope="any dimension d, any schedule, any steps 1 <= s < t <= T, any two answers; two evaluations a step, no draw, "
    "and the step to s = 0 is DDIM's, with one. Its order is solver.heun.local_error",
    sources=("Karras et al. 2022 (EDM), algorithm 1",),
    words="Go there, look, and go half of the way again with what was seen.",
)


@heun.proves("step")
def _(line: Chain) -> None:
    line(averaged(t, s, x_t, said, again) / sp.sqrt(abar(s)))
    line(
        x_t / sp.sqrt(abar(t)) + (level(s) - level(t)) * (said + again) / 2,
        by=definition,
        why="the estimate of the data is x_t/a_t less sigma_t/a_t of the noise",
    )


@heun.proves("DDIM")
def _(line: Chain) -> None:
    line(averaged(t, s, x_t, said, said))
    line(strided(t, s, x_t, said), by=definition, why="the correction is a multiple of the difference")


@heun.proves("law")
def _(line: Chain) -> None:
    line(averaged(t, s, noisy(t, x_0, eps), eps, eps))
    line(strided(t, s, noisy(t, x_0, eps), eps), by=above("DDIM", at={x_t: noisy(t, x_0, eps), said: eps}))
    line(noisy(s, x_0, eps), by=definition, why="the true noise implies the true data")


# --- DPM-Solver++(2M) -------------------------------------------------------------------------------------------------

shrunk = define(
    "exponential_of_step",
    r"\mathrm e^{-h}",
    lambda n, m: sp.sqrt(1 - abar(m)) * sp.sqrt(abar(n)) / (sp.sqrt(abar(m)) * sp.sqrt(1 - abar(n))),
)
extrapolated = define(
    "extrapolated_data",
    r"\mathrm{m}",
    lambda new, old, r: new + (new - old) / (2 * r),
    is_vector_valued=True,
)
second_order = define(
    "dpmpp_2m_step",
    r"\mathrm{M}",
    lambda n, m, at, new, old, r: (
        sp.sqrt(1 - abar(m)) / sp.sqrt(1 - abar(n)) * at
        + sp.sqrt(abar(m)) * (1 - shrunk(n, m)) * (new + (new - old) / (2 * r))
    ),
    is_vector_valued=True,
)

multistep = Claim(
    id="solver.dpmpp_2m.step",
    title="DPM-Solver++(2M), step by step",
    chapter="Algorithms",
    kind="algorithm",
    says=(
        Statement(
            second_order(t, s, x_t, now_said, before_said, ratio),
            "=",
            strided(
                t,
                s,
                x_t,
                (x_t - sp.sqrt(abar(t)) * extrapolated(now_said, before_said, ratio)) / sp.sqrt(1 - abar(t)),
            ),
            name="step",
            words="a step of DDIM, from the data that the last two estimates lead one to expect in the middle of it",
        ),
        Statement(
            second_order(t, s, x_t, now_said, now_said, ratio),
            "=",
            strided(t, s, x_t, (x_t - sp.sqrt(abar(t)) * now_said) / sp.sqrt(1 - abar(t))),
            name="DDIM",
            words="where the estimates agree it is DDIM's own, and so is the first step, which has no past",
        ),
        Statement(
            second_order(t, s, noisy(t, x_0, eps), x_0, x_0, ratio),
            "=",
            noisy(s, x_0, eps),
            name="law",
            words="and if they are right it lands on the path to these data, in the law of x_s",
        ),
    ),
    domain=Domain({**BETWEEN.intervals, "step_ratio": POSITIVE}, BETWEEN.indices, BETWEEN.products),
    scope="any dimension d, any schedule, any steps 1 <= s < t <= T, any ratio r > 0 of the step before to this one in "
    "lambda = log(a/sigma), any two estimates; one evaluation a step, no draw. Its order: solver.dpmpp_2m.local_error",
    sources=("Lu et al. 2022b (DPM-Solver++), algorithm 2",),
    words="The past is used instead of a second look: of the same order as Heun, at half the price.",
)


@multistep.proves("step")
def _(line: Chain) -> None:
    meant = extrapolated(now_said, before_said, ratio)
    line(second_order(t, s, x_t, now_said, before_said, ratio))
    line(
        sp.sqrt(abar(s)) * meant + sp.sqrt(1 - abar(s)) * (x_t - sp.sqrt(abar(t)) * meant) / sp.sqrt(1 - abar(t)),
        by=definition,
        why="a_s e^{-h} is sigma_s a_t/sigma_t",
    )
    line(
        strided(t, s, x_t, (x_t - sp.sqrt(abar(t)) * meant) / sp.sqrt(1 - abar(t))),
        by=definition,
        why="the noise that goes with these data, and these data again",
    )


@multistep.proves("DDIM")
def _(line: Chain) -> None:
    line(second_order(t, s, x_t, now_said, now_said, ratio))
    line(
        strided(t, s, x_t, (x_t - sp.sqrt(abar(t)) * extrapolated(now_said, now_said, ratio)) / sp.sqrt(1 - abar(t))),
        by=above("step", at={before_said: now_said}),
    )
    line(
        strided(t, s, x_t, (x_t - sp.sqrt(abar(t)) * now_said) / sp.sqrt(1 - abar(t))),
        by=definition,
        why="no difference, nothing to extrapolate",
    )


@multistep.proves("law")
def _(line: Chain) -> None:
    line(second_order(t, s, noisy(t, x_0, eps), x_0, x_0, ratio))
    line(
        strided(t, s, noisy(t, x_0, eps), (noisy(t, x_0, eps) - sp.sqrt(abar(t)) * x_0) / sp.sqrt(1 - abar(t))),
        by=above("DDIM", at={x_t: noisy(t, x_0, eps), now_said: x_0}),
    )
    line(noisy(s, x_0, eps), by=definition, why="what is left of x_t without its data is its noise")
