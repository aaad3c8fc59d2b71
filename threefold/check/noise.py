"""A proof for averages over Gaussians: divergences in closed form, every state by its noise, squares written out.

Both sides are brought into that form line by line, and the two forms are compared; the kernel judges every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derivations import claims
from derivations import notation as N
from derivations import rules as R
from derivations.rules import KL, Domain, Expect, Hypothesis, Normal
from threefold.check import kernel, vectors
from threefold.check.rehearsal import may_follow

DIVERGENCE = "gaussian.kl.isotropic"
COMPARE = (
    [R.algebra],
    [R.linearity],
    [R.linearity, R.moments, R.algebra],
    [R.linearity, R.induction(N.T, 1)],
)
Step = tuple[Any, Sequence[Any]]


def proof(lhs: Any, rhs: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> kernel.Proof | None:
    """lhs = rhs by way of their forms, if one of them has an average over a Gaussian or a divergence of two."""
    left, right = (_lines(e, domain, hypotheses) for e in (lhs, rhs))
    if not (left or right):
        return None
    one, two = left[-1][0] if left else lhs, right[-1][0] if right else rhs
    for by in COMPARE:
        if not may_follow(one, "=", two, domain, hypotheses, by):
            continue
        steps = [*left, (two, by), *_backwards(rhs, right)]
        return kernel.prove_lines(lhs, "=", [(e, "=", reason) for e, reason in steps], domain, hypotheses)
    return None


def _lines(e: Any, domain: Domain, hypotheses: tuple[Hypothesis, ...]) -> list[Step]:
    """The lines from e to its form, each with its rules; [] where e has no such average."""
    found: list[Step] = []
    pairs = [k for k in e.atoms(KL) if all(isinstance(law, Normal) for law in k.args)]
    if pairs:
        table = {k: _closed(k) for k in pairs}
        rules = [R.by_claim(DIVERGENCE, at=_at(k)) for k in pairs]
        found.append((e.xreplace(table), [*rules, R.algebra]))
    here = found[-1][0] if found else e
    if any(isinstance(a.args[0], Normal) and a.args[0].args[0] != N.eps for a in here.atoms(Expect)):
        try:
            by_noise = kernel.rewritten(here, R.reparameterize(N.eps), domain, hypotheses)
        except Exception:  # the noise is not fresh, or a law is not taken apart
            return []
        found.append((by_noise, [R.reparameterize(N.eps)]))
    here = found[-1][0] if found else e
    written = vectors.opened(here)
    return [*found, (written, [R.algebra])] if written != here else found


def _backwards(e: Any, lines: Sequence[Step]) -> list[Step]:
    """The lines from the form back to e."""
    before = [e, *(line for line, _ in lines)]
    return [(before[n], by) for n, (_, by) in reversed(list(enumerate(lines)))]


def _at(divergence: Any) -> dict[Any, Any]:
    """What the claim's letters stand for in this divergence."""
    from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

    (x, mean, variance), (_, other_mean, other_variance) = (law.args[:3] for law in divergence.args)
    return {N.z: x, m_1: mean, v_1: variance, m_2: other_mean, v_2: other_variance}


def _closed(divergence: Any) -> Any:
    return claims()[DIVERGENCE].says[0].rhs.xreplace(_at(divergence))
