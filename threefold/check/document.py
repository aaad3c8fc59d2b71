"""A document from top to bottom: contexts, definitions in order, and a task for every link that may be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from threefold.check import definitions as D
from threefold.check import kinds, macros, suppositions, walkthrough
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import detect
from threefold.check.display import Statement, statements
from threefold.check.extract import Display
from threefold.check.known import LAW, Known
from threefold.check.links import Document, Link, Spot, at, both, source, tasks
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import Item, NotRead, tokenise
from threefold.check.tree import bare

__all__ = ["Document", "Link", "read", "tasks"]

EXPLAINS = ("where", "with", "here", "in which")  # words behind a display that say what its names are


def read(
    displays: Sequence[Display],
    *,
    file: str = "",
    known_macros: dict[str, macros.Macro] | None = None,
    settings: Settings | None = None,
    forced: Sequence[tuple[int, str]] = (),
    asides: Sequence[Display] = (),
    seconds: float = 30.0,
) -> Document:
    """Every link of the displays, in order, with its task."""
    settings = settings or Settings()
    formulas = [d.tex for d in (*displays, *asides)]
    settings = walkthrough.schedule_of(settings, formulas, settings.alpha != "1 - beta")
    document = Document(file, list(displays), detect(displays, forced), settings=settings)
    walker = _Walker(document, known_macros or {}, seconds, Known(settings))
    walker.known.tie([walker.items(d) for d in displays], [walker.items(d) for d in asides])
    waiting = list(asides)
    for number, (display, decision) in enumerate(zip(displays, document.decisions, strict=True), 1):
        explained = display.after.lstrip(" \n.,;:*").lower().startswith(EXPLAINS)
        following = displays[number].offset if explained and number < len(displays) else display.offset
        while waiting and waiting[0].file == display.file and waiting[0].offset < max(following, display.offset):
            walker.aside(waiting.pop(0), decision.context)
        walker.display(number, display, decision.context)
    walker.known.compare_fields()
    return document


@dataclass
class _Walker:
    document: Document
    macros: dict[str, macros.Macro]
    seconds: float
    known: Known
    last_side: tuple[Item, ...] | None = None
    head: tuple[Item, ...] = ()  # the state that a chain of equations between random variables begins with
    supposed: str = ""  # the case that the prose speaks of
    case: str = ""  # the case of the statement in hand

    def items(self, display: Display) -> tuple[Item, ...]:
        try:
            return tokenise(display.tex, self.macros)
        except NotRead:
            return ()

    def display(self, number: int, display: Display, context: str) -> None:
        try:
            items = tokenise(display.tex, self.macros)
            found = statements(items)
        except NotRead as reason:
            answer = Answer("not read", reason.message, place=reason.at)
            self.add(display, number, 1, reason.at, "other", answer, display.tex)
            self.last_side, self.head = None, ()
            self.known.lost(display.tex, display.place(0)[0])
            return
        count = 0
        carried = self.supposed if suppositions.goes_on(display) else ""
        self.supposed = suppositions.in_prose(display) or carried
        for place, statement in enumerate(found):
            self.case = self.supposed or suppositions.in_display(items, found, place)
            count = self.statement(number, count, display, context, statement)
        if not found:
            self.add(display, number, 1, 0, "other", Answer("not a statement", "no formula"), display.tex)

    def aside(self, display: Display, context: str) -> None:
        """A formula inside a sentence: it is not judged, and may define a name."""
        try:
            found = statements(tokenise(display.tex, self.macros))
        except NotRead:
            return
        for left, relation, right in (link for s in found for link in s.links):
            nodes = both(left or (), right) if relation.text in kinds.EQUALITIES and left and right else None
            if nodes is not None:
                self.known.aside(display, nodes, context)

    def statement(self, number: int, count: int, display: Display, context: str, statement: Statement) -> int:
        """Every link of one statement; the number of the last one."""
        if not statement.relations:
            side = statement.sides[0] or ()
            self.last_side = statement.sides[0]
            answer = Answer("not a statement", "an expression without a relation")
            self.add(display, number, count + 1, at(side), "other", answer, source(display, side, ()), context)
            return count + 1
        if statement.sides[0] is not None:
            self.head = statement.sides[0] if _is_state(statement.sides[0]) else ()
        for place, (left, relation, right) in enumerate(statement.links):
            count += 1
            left = self.last_side if left is None else left
            if not left or not right:
                answer = Answer("not a statement", "one side is missing")
                tex = source(display, left or (), right)
                self.add(display, number, count, relation.at, "other", answer, tex, context)
            else:
                begun = statement.sides[0] is not None
                loose = any(r.text in (r"\propto", "=c") for r in statement.relations[:place])
                about = (statement.sides[0] or ()) if loose else ()
                spot = Spot(display, context, left, relation, right, place, begun, both(left, right), loose, about)
                self.link(number, count, spot, "chain" if len(statement.relations) > 1 else "statement")
            self.last_side = right or None
            if relation.text not in kinds.EQUALITIES:  # what is only near the state is not the state
                self.head = ()
        return count

    def link(self, number: int, count: int, spot: Spot, kind: str) -> None:
        if spot.relation.text not in kinds.JUDGED:
            unknown = ("other", f"the relation {spot.relation.text} is not judged")
            kind, why = kinds.NOT_STATEMENTS.get(spot.relation.text, unknown)
            if kind == "definition" and spot.nodes is not None:
                self.known.aside(spot.display, spot.nodes[::-1], spot.context)
            verdict = "definition" if kind == "definition" else "not a statement"
            self.add(spot.display, number, count, spot.at, kind, Answer(verdict, why), spot.tex, spot.context)
            return
        link = self.add(spot.display, number, count, spot.at, kind, None, spot.tex, spot.context)
        if spot.nodes is not None and spot.relation.text == "=" and kinds.differential(spot.nodes[0]):
            link.kind = "statement"
            self.known.differential(spot, link, self.seconds)
            return
        early = says_nothing(spot)
        if early is not None:
            link.says(*early)
        else:
            link.task = self.task(spot)
        if spot.relation.text in kinds.EQUALITIES or link.task is not None:
            self.known.leave_out(link, spot.display, spot.nodes)
        if spot.nodes is None:
            self.known.lost(spot.tex, link.line)
        if spot.nodes is not None:
            self.known.under_braces(spot.nodes, spot.display, spot.context)
            self.known.remember(spot, link)

    def contexts(self, detected: str) -> tuple[str, ...]:
        """The contexts that a link may have: DDIM's letters and DDPM's, where nothing says which alpha is meant."""
        context, settings = self.known.context(detected), self.known.settings
        unsaid = context == "ddim" and not settings.bars and settings.alpha != "cumulative"
        return (context, "ddpm") if unsaid else (context,)

    def task(self, spot: Spot) -> Task:
        sentence = kinds.last_sentence(spot.display.before)
        behind = spot.display.after.lstrip()[:80].split(".")[0]
        return Task(
            spot.left,
            spot.relation.text,
            spot.right,
            self.contexts(spot.context),
            self.known.settings,
            self.known.definitions,
            announced=spot.loose or any(kinds.LEAVES_OUT.search(words) for words in (sentence, behind)),
            may_define=spot.place == 0 and spot.nodes is not None and D.settable(spot.nodes[0]),
            known=self.known.tied_in(spot.nodes),
            about=spot.about,
            case=self.case,
            head=self.head if self.head != spot.left and spot.relation.text == "=" else (),
            seconds=self.seconds,
        )

    def add(
        self,
        display: Display,
        number: int,
        count: int,
        place: int,
        kind: str,
        answer: Answer | None,
        tex: str,
        context: str = "",
    ) -> Link:
        line, column = display.place(place)
        link = Link(number, count, line, column, tex.strip(), kind, answer, None, display.file, display.inline, context)
        self.document.links.append(link)
        return link


def _is_state(side: Sequence[Item]) -> bool:
    """Is it x_t, alone?"""
    try:
        node = bare(parse_side(side, Choices())[0])
    except NotRead:
        return False
    return node.kind == "sym" and node[0].letter in ("x", "X") and len(node[0].index) == 1 and not node[0].accents


def says_nothing(spot: Spot) -> tuple[str, Answer] | None:
    """A link with nothing to judge: what it is, and the words for it."""
    if spot.nodes is None:
        return None
    left, right = spot.nodes
    if kinds.range_of_indices(left, right):
        return "other", Answer("not a statement", "an index and where it runs")
    if kinds.objective(left) != kinds.objective(right) or (kinds.objective(left) and bare(left).kind != "opt"):
        return "objective", Answer("not a statement", "a minimum or maximum is sought")
    if walkthrough.product_of_bits(left, right):
        return "definition", LAW
    return None
