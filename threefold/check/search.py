"""Look for a proof of one reading: an earlier claim, or one of a fixed list of rules; nothing here is trusted.

The lists are ordered by what the terms contain, and the first that the kernel accepts ends the search.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations import claims
from derivations import notation as N
from derivations import rules as R
from derivations.kernel.algebra import Algebra
from derivations.kernel.terms import (
    DefinedFunction,
    ScalarFunction,
    VectorFunction,
    is_vector,
    unfold_all,
)
from derivations.rules import (
    KL,
    BernoulliProduct,
    Density,
    Domain,
    Expect,
    FullNormal,
    Hypothesis,
    Normal,
    SumTo,
)
from threefold.check import kernel, vectors


@dataclass(frozen=True)
class Found:
    """A proof and the words for how it was found."""

    proof: kernel.Proof
    how: str


@dataclass(frozen=True)
class Goal:
    """lhs relation rhs, where, under what."""

    lhs: Any
    relation: str
    rhs: Any
    domain: Domain
    hypotheses: tuple[Hypothesis, ...]
    chain: bool

    @property
    def both(self) -> Any:
        return sp.Tuple(self.lhs, self.rhs)

    def at(self, lhs: Any, rhs: Any) -> Goal:
        return Goal(lhs, self.relation, rhs, self.domain, self.hypotheses, self.chain)


def prove(goal: Goal, close: Any, deadline: float, *, thorough: bool = True) -> Found | None:
    """The first proof that is found; None when the lists are used up or the time is."""
    quick = attempt(goal, [R.algebra]) if goal.relation == "=" else None
    if quick is not None:
        return Found(quick, "algebra")
    known = from_library(goal)
    if known is not None:
        return known
    for version, words in versions(goal, close):
        if words:
            known = attempt_found(version, [R.algebra], words) if goal.relation == "=" else None
            known = known or from_library(version, words)
            if known is not None:
                return known
        if kernel_says_no(version):
            continue
        for by in strategies(version) if thorough else ():
            if time.process_time() > deadline:
                return None
            proof = attempt(version, by)
            if proof is not None:
                return Found(proof, words + ", ".join(rule.name for rule in by))
        found = (
            (_through_markov(version, words) or _through_landmark(version, words) or _opened(version, words))
            if thorough
            else None
        )
        if found is not None:
            return found
    return None


def _through_markov(goal: Goal, words: str) -> Found | None:
    """With q(x_t | x_{t-1}, x_0) for q(x_t | x_{t-1}), by the chain's hypothesis; Bayes then sees one joint law."""
    if not goal.chain or goal.relation != "=" or N.forward_markov not in goal.hypotheses:
        return None
    table = {}
    for law in goal.both.atoms(Density):
        members = [*law.variables, *law.given]
        if law.args[0].name == "q" and len(members) == 2 and all(isinstance(m, N.x) for m in members):
            here, before = members[0].args[0], members[1].args[0]
            if len(law.given) == 1 and here - before == 1 and before != 0:
                table[law] = Density("q", law.variables, [*law.given, N.x(0)])
    if not table:
        return None
    lhs, rhs = goal.lhs.xreplace(table), goal.rhs.xreplace(table)
    markov = [R.given(N.forward_markov)]
    for by in ([R.bayes, R.algebra], [R.definition, R.bayes, R.linearity]):
        lines = [(lhs, "=", markov), (rhs, "=", by), (goal.rhs, "=", markov)]
        proof = kernel.prove_lines(goal.lhs, "=", lines, goal.domain, goal.hypotheses)
        if proof is not None:
            return Found(proof, words + "forward Markov, Bayes")
    return None


def _through_landmark(goal: Goal, words: str) -> Found | None:
    """By way of the bound's decomposition: one side is the bound, the other its terms under one average."""
    if not (goal.chain and goal.relation == "=" and goal.both.atoms(Expect)) or is_vector(goal.lhs):
        return None
    (statement,) = claims()["ddpm.elbo.decomposition"].says[:1]
    algebra, bound = Algebra(goal.domain), unfold_all(statement.lhs)
    for lhs, rhs in ((goal.lhs, goal.rhs), (goal.rhs, goal.lhs)):
        for sign in (1, -1):
            try:
                if not algebra.equal(unfold_all(lhs), sign * bound):
                    continue
            except Exception:  # outside of what the algebra decides
                continue
            known = R.by_claim("ddpm.elbo.decomposition")
            for by in ([R.linearity, R.tower], [R.definition, R.linearity, R.tower]):
                lines = [
                    (sign * statement.lhs, "=", [R.definition]),
                    (sign * statement.rhs, "=", [known]),
                    (rhs, "=", by),
                ]
                proof = kernel.prove_lines(lhs, "=", lines, goal.domain, goal.hypotheses)
                if proof is not None:
                    return Found(
                        proof,
                        words + "claim ddpm.elbo.decomposition, linearity of E, tower",
                    )
    return None


def _opened(goal: Goal, words: str) -> Found | None:
    """With the squares written out first: linearity sees their terms."""
    if goal.relation != "=" or is_vector(goal.lhs) or not goal.both.atoms(Expect):
        return None
    via = (vectors.opened(goal.lhs), vectors.opened(goal.rhs))
    if via == (goal.lhs, goal.rhs):
        return None
    for by in (
        [R.linearity],
        [R.definition, R.linearity, R.tower],
        [R.definition, R.tower, R.linearity],
    ):
        proof = kernel.prove(goal.lhs, "=", goal.rhs, goal.domain, goal.hypotheses, by, via=via)
        if proof is not None:
            return Found(
                proof,
                words + "squares written out, " + ", ".join(rule.name for rule in by),
            )
    return None


def attempt(goal: Goal, by: Sequence[Any]) -> kernel.Proof | None:
    return kernel.prove(goal.lhs, goal.relation, goal.rhs, goal.domain, goal.hypotheses, by)


def attempt_found(goal: Goal, by: Sequence[Any], words: str) -> Found | None:
    proof = attempt(goal, by)
    return None if proof is None else Found(proof, words + ", ".join(rule.name for rule in by))


def kernel_says_no(goal: Goal) -> bool:
    """Does the statement fail in one world? Then no list of rules can prove it."""
    try:
        with kernel.limit(2.0):
            found = kernel.refute(goal.lhs, goal.relation, goal.rhs, goal.domain, suppositions(goal), 1)
            return found is not None and "undefined" not in f"{found.lhs} {found.rhs}"
    except kernel.OutOfTime:
        return False
    except Exception:  # a world that cannot be made says nothing
        return False


def suppositions(goal: Goal) -> tuple[Hypothesis, ...]:
    """What a world must satisfy: a line about named densities alone is meant for any densities, Gaussian or not."""
    e = unfold_all(goal.both)
    bare = e.atoms(Density) and not e.atoms(Normal, FullNormal, R.DiagonalNormal, BernoulliProduct, R.Norm2)
    if not (goal.chain and bare) or e.atoms(ScalarFunction) or any(len(f.args) > 1 for f in e.atoms(VectorFunction)):
        return goal.hypotheses
    return tuple(h for h in goal.hypotheses if h not in (N.gaussian_forward, N.gaussian_reverse, N.standard_prior))


def versions(goal: Goal, close: Any) -> Iterator[tuple[Goal, str]]:
    """The goal as it is, with closed laws put in, with unused variables dropped, with names written out."""
    seen = [(goal.lhs, goal.rhs)]
    yield goal, ""
    candidates = [(close(goal.lhs), close(goal.rhs), "closed laws, ")]
    if goal.chain and goal.both.atoms(Expect):
        dropped = [kernel.rewritten(e, R.tower, goal.domain, goal.hypotheses) for e in _safely(goal)]
        if len(dropped) == 2:
            candidates.append((dropped[0], dropped[1], "unused variables dropped, "))
            candidates.append(
                (
                    close(dropped[0]),
                    close(dropped[1]),
                    "unused variables dropped, closed laws, ",
                )
            )
    opened = (unfold_all(goal.lhs), unfold_all(goal.rhs))
    if opened != (goal.lhs, goal.rhs):
        candidates.append((close(opened[0]), close(opened[1]), "written out, closed laws, "))
    for lhs, rhs, words in candidates:
        if (lhs, rhs) not in seen:
            seen.append((lhs, rhs))
            yield goal.at(lhs, rhs), words


def _safely(goal: Goal) -> list[Any]:
    try:
        for e in (goal.lhs, goal.rhs):
            kernel.rewritten(e, R.tower, goal.domain, goal.hypotheses)
    except Exception:
        return []
    return [goal.lhs, goal.rhs]


# --- the library ------------------------------------------------------------------------------------------------------


def from_library(goal: Goal, words: str = "") -> Found | None:
    """An earlier claim that says this, as it stands, written out, or with terms moved to the other side."""
    for candidate, how in _candidates(goal):
        claim_id, part, swap = candidate
        rule = R.by_claim(claim_id, part)
        for by in _by_claim(goal, rule, how, swap):
            proof = attempt(goal, by)
            if proof is not None:
                return Found(proof, f"{words}claim {claim_id}")
        if how in ("rearranged", "order") and kernel.is_proved(claim_id):
            return Found(
                kernel.Proof((claim_id,), (claim_id,), ()),
                f"{words}claim {claim_id}" + (", rearranged" if how == "rearranged" else ""),
            )
    return None


def _by_claim(goal: Goal, rule: Any, how: str, swap: bool) -> Iterator[list[Any]]:
    del swap
    if goal.relation == "=":
        yield [rule]
        yield [rule, R.algebra]
        if how != "same":
            yield [R.definition, rule]


def _candidates(goal: Goal) -> Iterator[tuple[tuple[str, int, bool], str]]:
    """Claims whose statement is this one, decided by the kernel's algebra on this goal's domain."""
    algebra = Algebra(goal.domain)
    densities = unfold_all(goal.both).atoms(Density)
    supposed = set(goal.hypotheses)
    for claim_id, part, statement, domain, hypotheses in kernel.library():
        if not _within(goal.domain, domain) or not set(hypotheses) <= supposed:
            continue
        if unfold_all(sp.Tuple(statement.lhs, statement.rhs)).atoms(Density) != densities:
            continue
        for swap in (False, True):
            lhs, rhs = (goal.rhs, goal.lhs) if swap else (goal.lhs, goal.rhs)
            relation = (
                {"<=": ">=", ">=": "<="}.get(statement.relation, statement.relation) if swap else statement.relation
            )
            try:
                if not swap and _same_gap(algebra, statement, goal):
                    yield (claim_id, part, swap), "order"
                if relation != goal.relation:
                    continue
                if _same(algebra, statement.lhs, lhs) and _same(algebra, statement.rhs, rhs):
                    yield (claim_id, part, swap), "order" if relation != "=" else "same"
                elif not swap and relation == "=" and _rearranged(algebra, statement, lhs, rhs):
                    yield (claim_id, part, swap), "rearranged"
            except Exception:
                continue


def _within(here: Domain, there: Domain) -> bool:
    """Is everything that the claim supposes of its symbols supposed here too?"""
    for index, bounds in there.indices.items():
        if index in here.indices and here.indices[index] != bounds:
            low, high = bounds
            mine = here.indices[index]
            if mine[1] != high or not (mine[0] - low).is_nonnegative:
                return False
    return all(here.intervals.get(n, i) == i for n, i in there.intervals.items()) and all(
        here.products.get(big) == small for big, small in there.products.items()
    )


def _same(algebra: Any, a: Any, b: Any) -> bool:
    if type(a) is type(b) and algebra.equal(a, b):
        return True
    opened, other = unfold_all(a), unfold_all(b)
    return (opened, other) != (a, b) and type(opened) is type(other) and bool(algebra.equal(opened, other))


def _same_gap(algebra: Any, statement: Any, goal: Goal) -> bool:
    """Two inequalities of one kind whose larger sides exceed the smaller ones by the same."""
    kinds = {"<=": ("<=", -1), ">=": ("<=", 1), "<": ("<", -1), ">": ("<", 1)}
    if statement.relation not in kinds or goal.relation not in kinds:
        return False
    (kind, sign), (other, mine) = kinds[statement.relation], kinds[goal.relation]
    theirs = sign * (unfold_all(statement.lhs) - unfold_all(statement.rhs))
    gap = mine * (unfold_all(goal.lhs) - unfold_all(goal.rhs))
    if kind != other:
        return False
    return (
        bool(algebra.is_zero(theirs - gap))
        or attempt(replace(goal, lhs=theirs, relation="=", rhs=gap), [R.linearity]) is not None
    )


def _rearranged(algebra: Any, statement: Any, lhs: Any, rhs: Any) -> bool:
    sides = [unfold_all(e) for e in (statement.lhs, statement.rhs, lhs, rhs)]
    if not all(isinstance(e, sp.Expr) for e in sides) or len({is_vector(e) for e in sides if e != 0}) > 1:
        return False
    mine, theirs = sides[2] - sides[3], sides[0] - sides[1]
    if not mine.atoms(Density) or mine.atoms(Density) != theirs.atoms(Density):
        return False
    return bool(algebra.is_zero(mine - theirs) or algebra.is_zero(mine + theirs))


# --- lists of rules ---------------------------------------------------------------------------------------------------


def strategies(goal: Goal) -> Iterator[list[Any]]:
    """Lists of rules, those that fit the terms first."""
    if goal.relation != "=":
        yield from _for_orders()
        return
    e = goal.both
    averages = bool(e.atoms(Expect) or e.atoms(KL) or e.atoms(DefinedFunction))
    laws = bool(e.atoms(Density))
    closed = bool(e.atoms(Normal) or e.atoms(R.DiagonalNormal) or e.atoms(FullNormal) or e.atoms(BernoulliProduct))
    sums = bool(e.atoms(SumTo))
    lists: list[list[Any]] = []
    for rule in _isotropic(goal):
        lists += [[rule, R.linearity], [rule, R.algebra]]
    if closed:
        lists += _gaussian(averages)
    if laws:
        lists += _probability(averages)
    if goal.chain and (laws or sums):
        lists += _chain(averages)
    if averages:
        lists += [
            [R.definition, R.algebra],
            [R.definition, R.linearity],
            [R.linearity],
            [R.composition, R.algebra],
        ]
    if goal.chain and (sums or e.atoms(R.ProductTo) or e.has(N.T)):
        lists += [[R.induction(N.T, 1)], [R.definition, R.induction(N.T, 1)]]
    if e.atoms(R.D):
        lists.append([R.differentiation, R.algebra])
    yield from lists


def _gaussian(averages: bool) -> list[list[Any]]:
    de, dn, mo, al, li, tr = (
        R.definition,
        R.density,
        R.moments,
        R.algebra,
        R.linearity,
        R.trace_algebra,
    )
    latent = R.reparameterize(N.eps, N.mu_phi(N.obs), N.std_phi(N.obs))
    lists: list[list[Any]] = [[dn, al]]
    if averages:
        lists += [
            [R.composition, al],
            [de, dn, al],
            [de, dn, li],
            [de, dn, mo, al],
            [de, dn, tr, mo, tr],
            [R.reparameterize(N.eps), al],
            [de, R.reparameterize(N.eps), li],
            [latent, al],
            [de, dn, li, latent, li],
            [de, dn, R.reparameterize(N.eps), li],
        ]
    return lists


def _probability(averages: bool) -> list[list[Any]]:
    de, by, li, to, al = R.definition, R.bayes, R.linearity, R.tower, R.algebra
    lists: list[list[Any]] = [[by, al]]
    if averages:
        lists += [
            [de, al],
            [de, li],
            [de, by, al],
            [de, by, li],
            [de, to, li],
            [de, by, li, to],
            [R.importance, al],
            [R.total_probability, al],
            [de, R.importance],
        ]
    return lists


def _chain(averages: bool) -> list[list[Any]]:
    de, by, li, to, al = R.definition, R.bayes, R.linearity, R.tower, R.algebra
    gf, gr, gm = (
        R.given(N.forward_factorisation),
        R.given(N.reverse_factorisation),
        R.given(N.forward_markov),
    )
    up = R.induction(N.T, 1)
    lists: list[list[Any]] = [
        [gm, al],
        [by, gm, al],
        [gm, by, al],
        [gf, gm, al],
        [gr, al],
        [gr, gf, gm, al],
    ]
    if averages:
        lists += [
            [de, gr, gf, al],
            [de, gr, gf, gm, al],
            [de, gf, gm, by, al],
            [de, gr, gf, li],
            [de, gr, gf, gm, li],
            [de, gr, gf, by, li, to],
            [de, gr, gf, by, up],
            [de, gr, gf, by, li, to, up],
            [de, by, gr, gf, gm, li, to],
        ]
    lists += [
        [gr, gf, by, up],
        [de, gr, by, up],
        [R.exponents, gf, by, up],
        [de, gr, gf, by, R.exponents, up],
    ]
    return lists


def _for_orders() -> Iterator[list[Any]]:
    de, by, li = R.definition, R.bayes, R.linearity
    yield from (
        [R.jensen],
        [R.mass],
        [R.gibbs],
        [de, li, R.gibbs],
        [de, by, li, R.gibbs],
        [R.positivity],
    )


def _isotropic(goal: Goal) -> list[Any]:
    """The closed form of a divergence between isotropic Gaussians, matched to the ones that stand there."""
    from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

    found = []
    for divergence in goal.both.atoms(KL):
        p, q = divergence.args
        if isinstance(p, Normal) and isinstance(q, Normal):
            at = {
                N.z: p.args[0],
                m_1: p.args[1],
                v_1: p.args[2],
                m_2: q.args[1],
                v_2: q.args[2],
            }
            found.append(R.by_claim("gaussian.kl.isotropic", at=at))
    return found
