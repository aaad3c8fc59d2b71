"""What a document's own lines fix while it is read: its decoder, its forward law, what its names stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from derivations import notation as N
from derivations.rules import LogDensity, algebra, density
from threefold.check import kernel, laws, print_back
from threefold.check.contexts import ddpm
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import CONTEXTS, plain
from threefold.check.definitions import LENT, NEVER, SCHEDULE, Definitions, is_loss, tie
from threefold.check.display import statements
from threefold.check.equalities import equalities
from threefold.check.parse import Choices, Parser
from threefold.check.parses import parse_side
from threefold.check.read import Reader
from threefold.check.tokens import Item, NotRead
from threefold.check.tree import Name, Node, bare, letter_of, walk


def settings_after(settings: Settings, left: Node, right: Node, line: int, context: str) -> Settings:
    """The settings once this equality has been read."""
    left, right = bare(left), bare(right)
    if left.kind == "call" and left[0][0].letter in ("p", "P") and context == "vae":
        return _decoder(settings, left, right)
    if context == "linear-gaussian" and not settings.posterior:
        return replace(settings, posterior=posterior_letters(left, right))
    if context == "ddpm" and right.kind == "normal" and not settings.own and _is_step(left):
        if not settings.foreign and _is_forward_kernel(left, right, settings):
            return replace(settings, step=settings.step or line)
        return replace(settings, foreign=settings.foreign if settings.foreign > 1 else line, own=_own_letters(right))
    return settings


def posterior_letters(left: Node, right: Node) -> tuple[str, ...]:
    """(a, b, c) of q(x_{t-1} | x_t, x_0) = N(a_t x_0 + b_t x_t, c_t^2 I); nothing for any other law."""
    left, right = bare(left), bare(right)
    if left.kind != "call" or left[0][0].letter not in ("q", "Q") or right.kind != "normal":
        return ()
    mean, variance = right[2][-2:]
    weights: dict[str, str] = {}
    for sign, term in bare(mean)[0] if bare(mean).kind == "add" else ():
        factors = _factors(term)
        if sign == "-" or len(factors) != 2 or any(f.kind != "sym" for f in factors):
            return ()
        weight, state = sorted(factors, key=lambda f: f[0].letter in ("x", "X"))
        weights["".join(print_back.signs(state))[1:]] = weight[0].letter
    squares = [bare(f[0]) for f in _factors(variance) if f.kind == "pow" and f[1] == Node("num", ("2",))]
    if set(weights) != {"_{0}", "_{t}"} or len(squares) != 1 or squares[0].kind != "sym":
        return ()
    return weights["_{0}"], weights["_{t}"], squares[0][0].letter


def _own_letters(right: Node) -> tuple[str, ...]:
    """(c, s) of N(c_t x_{t-1}, s_t^2 I): the letters of a chain that scales as the document likes."""
    mean, variance = right[2][-2:]
    scales = [f for f in _factors(mean) if f.kind == "sym" and f[0].letter not in ("x", "X")]
    squares = [bare(f[0]) for f in _factors(variance) if f.kind == "pow" and f[1] == Node("num", ("2",))]
    if len(_factors(mean)) != 2 or len(_factors(variance)) != 2 or len(scales) != 1 or len(squares) != 1:
        return ()
    names = [n[0] for n in (*scales, *squares) if n.kind == "sym" and not n[0].accents and len(n[0].index) == 1]
    return tuple(n.letter for n in names) if len({n.letter for n in names}) == 2 else ()


def _factors(node: Node) -> list[Node]:
    node = bare(node)
    return [bare(f) for f in node[0]] if node.kind == "mul" else [node]


def _is_step(left: Node) -> bool:
    """q(x_t | x_{t-1}), perhaps given x_0 as well."""
    if left.kind != "call" or left[0][0].letter not in ("q", "Q"):
        return False
    shown, behind = laws.split(left)
    signs = [print_back.signs(n) for n in (*shown, *behind)]
    return len(shown) == 1 and signs[0][-2:] == ["t", "}"] and len(signs) > 1 and "1" in signs[1] and "-" in signs[1]


def _is_forward_kernel(left: Node, right: Node, settings: Settings) -> bool:
    """Is it the step of the context, sqrt(alpha_t) x_{t-1} with variance 1 - alpha_t?"""
    reader = Reader(ddpm.CONTEXT, settings, Definitions())
    if reader.opaque is not None:
        reader.opaque.positive = True
    try:
        law = laws.law(reader, left)
        made, known = LogDensity(laws.normal(reader, right, [*law.variables])), LogDensity(N.kernel(N.t))
        domain = ddpm.CONTEXT.domain({N.t}, settings, dict(reader.opaque.intervals) if reader.opaque else {})
        return kernel.prove(made, "=", known, domain, (), [density, algebra]) is not None
    except (NotRead, ValueError, TypeError, AttributeError):
        return False


_BARS = re.compile(r"\\bar\\alpha|\\overline\\alpha|\\bar\{?\\alpha|ᾱ")
_SINGLE = re.compile(r"\\alpha_t(?:=|:=|&=)1-\\beta_t|\\beta_t(?:=|:=|&=)1-\\alpha_t")
_STEPS = re.compile(r"1-\\beta|\\sqrt\\alpha|1-\\alpha|\\beta_t\\?I")
_SCALED = re.compile(  # x_t = alpha_t x_0 + sigma_t epsilon, and what goes with it
    r"\\alpha(?:_t|\(t\))(?:\\cdot)?\\?[xz](?:_0|_1)?[+,]\\sigma|=x_0\+\\sigma|\\alpha_t\^2\+\\sigma_t\^2"
    r"|\\sigma_t(?:\^2=|=\\sqrt)1-\\alpha_t\^2|\\alpha_t(?:\^2=|=\\sqrt)1-\\sigma_t\^2|\\[dt]?frac\\alpha_t\^2\\sigma_t\^2"
)
_CUMULATIVE = re.compile(r"\\sqrt\\alpha_t(?:\\cdot)?x_0")


def schedule_of(settings: Settings, formulas: Iterable[str], said: bool) -> Settings:
    """Cumulative alphas where no bar is written and x_0 is scaled by sqrt(alpha_t); a chain of its own without any."""
    text = "\n".join(plain(tex) for tex in formulas)
    settings = replace(settings, scaled=bool(_SCALED.search(text)))
    if _BARS.search(text) or said:
        return replace(settings, bars=settings.bars or not said)
    settings = replace(settings, bars=settings.bars or bool(_SINGLE.search(text)))
    if _CUMULATIVE.search(text):
        return replace(settings, alpha="cumulative")
    return settings if _STEPS.search(text) else replace(settings, foreign=1)


def _decoder(settings: Settings, left: Node, right: Node) -> Settings:
    shown, behind = laws.split(left)
    if [_letter(n) for n in shown] not in (["x"], ["X"]) or [_letter(n) for n in behind] not in (["z"], ["Z"]):
        return settings
    if right.kind == "normal":
        arguments = list(right[2])
        mean, variance = arguments[-2:]
        return replace(settings, decoders=(*settings.decoders, ("gaussian", mean, variance)))
    if (
        right.kind == "prod"
        and bare(right[2]).kind == "call"
        and bare(right[2])[0][0].letter in ("Ber", "Bernoulli", "Bern")
    ):
        mean = bare(right[2])[1][-1]
        return replace(settings, decoders=(*settings.decoders, ("bernoulli", mean, None)))
    return settings


def product_of_bits(left: Node, right: Node) -> bool:
    """p(x | z) = a product of Bernoulli laws."""
    left, right = bare(left), bare(right)
    if left.kind != "call" or left[0][0].letter not in ("p", "P") or right.kind not in ("prod", "call"):
        return False
    law = bare(right[2]) if right.kind == "prod" else right
    return law.kind == "call" and law[0][0].letter in ("Ber", "Bernoulli", "Bern")


def _letter(node: Node) -> str:
    node = bare(node)
    return node[0].plain if node.kind == "sym" else ""


def role(name: Name, call: Node | None, context: str) -> str:
    """What a lone left side is: '' (a claim), a name to be put in, or a field (a network's parameterisation)."""
    if is_loss(name):
        return "name"
    if name.letter in ("p", "q", "P", "Q"):
        return ""
    if call is not None and context == "flow-matching" and name.letter in ("u", "v") and "theta" not in name.labels:
        return "name"
    if call is not None and "theta" in name.labels and name.letter in ("mu", "epsilon", "x", "v"):
        return "field"
    if call is not None and name.plain == "mu" and not name.index and len(call[1]) == 2:
        return "name"  # mu(x_t, x_0), as the document has it
    if call is not None:
        return "name" if _is_free(name, context) else ""
    if name.plain in NEVER or name.plain in SCHEDULE or (name.letter in ("x", "X", "z", "Z") and not name.accents):
        return ""
    if name.accents and name.letter in ("x", "epsilon", "z") and name.accents[0] in ("hat", "tilde"):
        return "name"
    if name.letter == "𝒯" or (name.letter in ("T", "𝒯") and name.index):
        return "name"
    if name.letter in LENT:
        return "name"
    return "name" if _is_free(name, context) else ""


def _is_free(name: Name, context: str) -> bool:
    """A letter, or a function of one, to which the context gives no meaning: the document's own."""
    if "word" in name.accents or name.letter in MEANT or context not in CONTEXTS or context == "vq":
        return False
    meanings = (CONTEXTS[context].symbols, CONTEXTS[context].functions)
    return not any(name.plain in known or name.letter in known for known in meanings)


MEANT = frozenset(["E", "H", "ℋ", "D", "I", "N", "Pr", "e", "pi", "π", "𝟏", "𝔼", "𝕍", "∇", "Σ", "Sigma"])
TIED = (
    "tilde mu",
    "mu encoder",
    "mu q",
    "tilde beta",
    "sigma encoder",
    "sigma q",
    "hat beta",
)


def tied_names(displays: Iterable[Sequence[Item]]) -> set[str]:
    """Names that the document puts into q(x_{t-1} | x_t, x_0) = N(...): they are that law's mean and variance."""
    found: set[str] = set()
    for items in displays:
        try:
            all_statements = statements(items)
        except NotRead:
            continue
        for statement in all_statements:
            for left, _, right in statement.links:
                found |= _tied(left, right)
    return found


def _tied(left: Sequence[Item] | None, right: Sequence[Item]) -> set[str]:
    try:
        law = bare(parse_side(left or (), Choices())[0])
        value = bare(parse_side(right, Choices())[0])
    except NotRead:
        return set()
    if law.kind != "call" or law[0][0].letter not in ("q", "Q") or value.kind != "normal":
        return set()
    _, behind = laws.split(law)
    if len(behind) != 2:
        return set()
    names = {tie(n[0]) for argument in value[2] for n in walk(argument) if n.kind == "sym"}
    return names & set(TIED)


def functions_in(displays: Iterable[Sequence[Item]]) -> dict[Node, Node]:
    """What the document says that f(x_{t-1}) is, for every function that is no law: the first that it says."""
    found: dict[Node, Node] = {}
    for left, right in (pair for items in displays for pair in equalities(items)):
        call = bare(left)
        if call.kind == "call" and call[0][0].letter in ("f", "g", "h", "m"):
            found.setdefault(call, right)
    return found


def with_functions(node: Node, functions: dict[Node, Node]) -> Node:
    """A normal law with the values of the document's functions for its mean and its variance."""
    if not functions or bare(node).kind != "normal":
        return node
    sign, script, arguments, *rest = bare(node).parts
    return Node("normal", (sign, script, tuple(functions.get(bare(a), a) for a in arguments), *rest))


def scores_in(formulas: Iterable[Sequence[Item]]) -> dict[Node, Node]:
    """s_t(x), for every function that the document says is a gradient of a logarithm."""
    found: dict[Node, Node] = {}
    for call, value in (map(bare, pair) for items in formulas for pair in equalities(items)):
        is_score = value.kind == "grad" and bare(value[2]).kind == "log"
        if call.kind == "call" and call[0][0].letter == "s" and is_score:
            found.setdefault(call, value)
    return found


def put_in(node: Node, known: dict[Node, Node]) -> Node:
    """The node with the values that the document gives for some others."""
    if node in known:
        return known[node]

    def part(p: Any) -> Any:
        if isinstance(p, Node):
            return put_in(p, known)
        return tuple(map(part, p)) if isinstance(p, tuple) else p

    return Node(node.kind, tuple(map(part, node.parts))) if known else node


def energy(left: Node, right: Node, context: str) -> bool:
    """p(x) = e^{...}/Z: a law by its energy; or p_t(x | z) = N(...), where the context has no law for it."""
    left = bare(left)
    if context in ("score-sde", "flow-matching") and left.kind == "call" and bare(right).kind == "normal":
        return bool(left[0][0].letter in ("p", "q"))
    if left.kind != "call" or left[0][0].letter not in ("p", "q") or "|" in left[2]:
        return False
    return any(n.kind == "exp" or (n.kind == "pow" and letter_of(n[0]) == "e") for n in walk(right))


def labels(node: Node) -> Iterator[tuple[Node, Sequence[Item]]]:
    """(what a brace spans, its label) for every labelled brace."""
    for inner in walk(node):
        if inner.kind == "under" and inner[2] is not None:
            yield inner[0], inner[2].items


def name_in(items: Sequence[Item]) -> Name | None:
    """The name that a label consists of, if it is one and no word."""
    try:
        node = Parser(items).whole()
    except NotRead:
        return None
    return node[0] if node.kind == "sym" and "word" not in node[0].accents else None
