"""A document from top to bottom: contexts, definitions in order, and a task for every link that may be judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from threefold.check import definitions as D
from threefold.check import kinds, macros, omissions, sde, walkthrough
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import Decision, detect
from threefold.check.display import Statement, statements
from threefold.check.extract import Display
from threefold.check.parse import Choices, Parser
from threefold.check.readings import parse_side
from threefold.check.tokens import Item, NotRead, Token, tokenise
from threefold.check.tree import Name, Node, bare
from threefold.check.verdicts import Answer, Task

EXPLAINS = ("where", "with", "here", "in which")  # words behind a display that say what its names are


@dataclass
class Link:
    """One relation of the document. `answer` is there at once where nothing has to be judged."""

    display: int
    link: int
    line: int
    column: int
    tex: str
    kind: str
    answer: Answer | None = None
    task: Task | None = None
    file: str = ""
    inline: bool = False
    context: str = ""
    label: str = ""


@dataclass
class Document:
    """All links of one file, with the decisions that the report prints first."""

    file: str
    displays: list[Display]
    decisions: list[Decision] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)


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
    walker = _Walker(document, known_macros or {}, seconds)
    waiting = list(asides)
    for number, (display, decision) in enumerate(zip(displays, document.decisions, strict=True), 1):
        explained = display.after.lstrip(" \n.,;:*").lower().startswith(EXPLAINS)
        following = displays[number].offset if explained and number < len(displays) else display.offset
        while waiting and waiting[0].file == display.file and waiting[0].offset < max(following, display.offset):
            walker.aside(waiting.pop(0), decision.context)
        walker.display(number, display, decision)
    return document


@dataclass
class _Walker:
    document: Document
    macros: dict[str, macros.Macro]
    seconds: float
    definitions: D.Definitions = field(default_factory=D.Definitions)
    last_side: tuple[Item, ...] | None = None
    last_context: str = ""
    tied: set[str] = field(default_factory=set)
    equations: list[sde.Equation] = field(default_factory=list)
    omitted: omissions.Omitted = field(default_factory=omissions.Omitted)

    def __post_init__(self) -> None:
        self.settings = self.document.settings
        self.memory = walkthrough.Memory(self.settings)
        self.tied = walkthrough.tied_names(self.items(d) for d in self.document.displays)

    def items(self, display: Display) -> tuple[Item, ...]:
        try:
            return tokenise(display.tex, self.macros)
        except NotRead:
            return ()

    def display(self, number: int, display: Display, decision: Decision) -> None:
        context = decision.context
        try:
            found = statements(tokenise(display.tex, self.macros))
        except NotRead as reason:
            self.add(
                display,
                number,
                1,
                reason.at,
                "other",
                Answer("not read", reason.message, place=reason.at),
                display.tex,
            )
            self.last_side = None
            return
        count = 0
        for statement in found:
            count = self.statement(number, count, display, context, statement)
        if not found:
            self.add(
                display,
                number,
                1,
                0,
                "other",
                Answer("not a statement", "no formula"),
                display.tex,
            )

    def aside(self, display: Display, context: str) -> None:
        """A formula inside a sentence: it is not judged, and may define a name."""
        try:
            found = statements(tokenise(display.tex, self.macros))
        except NotRead:
            return
        for left, relation, right in (link for s in found for link in s.links):
            nodes = _both(left or (), right) if relation.text in kinds.EQUALITIES and left and right else None
            name = D.lone(nodes[0]) if nodes is not None else None
            if nodes is not None and name is not None:
                self.leaves_out(None, display, nodes)
            if nodes is None or name is None or not self.new_name(name[0], context) or kinds.elliptic(nodes[1]):
                continue
            if bare(nodes[1]).kind == "num":  # a setting, like w = 7
                continue
            self.definitions = self.definitions.with_name(D.Definition(name[0], nodes[1], display.line, name[1]))

    def statement(
        self,
        number: int,
        count: int,
        display: Display,
        context: str,
        statement: Statement,
    ) -> int:
        if not statement.relations:
            self.last_side = statement.sides[0]
            side = statement.sides[0] or ()
            tex = _source(display, side, ())
            answer = Answer("not a statement", "an expression without a relation")
            self.add(display, number, count + 1, _at(side), "other", answer, tex, context)
            return count + 1
        chain = len(statement.relations) > 1
        for place, (left, relation, right) in enumerate(statement.links):
            count += 1
            if left is None:
                left = self.last_side
            if left is None or not left or not right:
                answer = Answer("not a statement", "one side is missing")
                self.add(
                    display,
                    number,
                    count,
                    relation.at,
                    "other",
                    answer,
                    _source(display, left or (), right),
                    context,
                )
            else:
                self.link(
                    number,
                    count,
                    display,
                    context,
                    statement,
                    place,
                    left,
                    relation,
                    right,
                    chain,
                )
            self.last_side = right or None
            self.last_context = context
        return count

    def link(
        self,
        number: int,
        count: int,
        display: Display,
        context: str,
        statement: Statement,
        place: int,
        left: tuple[Item, ...],
        relation: Token,
        right: tuple[Item, ...],
        chain: bool,
    ) -> None:
        at = _at(left) if place == 0 and statement.sides[0] is not None else relation.at
        tex = _source(
            display,
            left if statement.sides[0] is not None or place else (),
            right,
            relation,
        )
        if relation.text not in kinds.JUDGED:
            kind, why = kinds.NOT_STATEMENTS.get(
                relation.text, ("other", f"the relation {relation.text} is not judged")
            )
            verdict = "definition" if kind == "definition" else "not a statement"
            self.add(display, number, count, at, kind, Answer(verdict, why), tex, context)
            return
        nodes = _both(left, right)
        if nodes is not None and relation.text == "=" and kinds.differential(nodes[0]):
            link = self.add(display, number, count, at, "statement", None, tex, context)
            self.differential(link, nodes, left, relation, right)
            return
        early = self.says_nothing(nodes, relation, statement, place, display)
        link = self.add(
            display,
            number,
            count,
            at,
            early[0] if early else ("chain" if chain else "statement"),
            None,
            tex,
            context,
        )
        if early:
            link.answer = early[1]
        else:
            link.task = self.task(nodes, left, relation, right, context, display, place)
        if relation.text in kinds.EQUALITIES or link.task is not None:
            self.leaves_out(link, display, nodes)
        if nodes is not None:
            self.labelled(nodes, number, display, context)
            before = self.definitions
            self.remember(nodes, relation, place, display, link, context)
            if link.task is None and early is None and before is not self.definitions:
                link.kind = "definition"

    def leaves_out(self, link: Link | None, display: Display, nodes: tuple[Node, Node] | None) -> None:
        """Note where the text says that something is left out, here or in what this link leans on."""
        line = self.omitted.line(display, nodes)
        if line is None:
            return
        self.omitted.remember(display, nodes, line)
        if link is not None and link.task is not None:
            link.task = replace(link.task, leaves_out=line)

    def differential(
        self,
        link: Link,
        nodes: tuple[Node, Node],
        left: tuple[Item, ...],
        relation: Token,
        right: tuple[Item, ...],
    ) -> None:
        """An equation for dx: the first one defines; one with a score must be the reverse of one before."""
        made = sde.read(nodes[1], link.line)
        link.context = "score-sde"
        if made is None:
            link.kind, link.answer = (
                "other",
                Answer("not a statement", "an informal differential"),
            )
            return
        alternatives = [e for before in reversed(self.equations) for e in sde.expected(before, made)]
        known = any((e.drift, e.diffusion) == (made.drift, made.diffusion) for e in self.equations)
        if known or not alternatives or made.drift is None:
            if not known and not sde.scores(made.drift or nodes[1]):
                self.equations.append(made)
            link.kind, link.answer = (
                "definition",
                Answer("definition", "an equation for the state is set"),
            )
            return
        pairs = tuple((made.drift, drift) for drift, _ in alternatives)
        link.task = Task(
            left, relation.text, right, ("score-sde",), self.settings, self.definitions,
            nodes=pairs, theorem=alternatives[0][1], seconds=self.seconds,
        )  # fmt: skip

    def says_nothing(
        self,
        nodes: tuple[Node, Node] | None,
        relation: Token,
        statement: Statement,
        place: int,
        display: Display,
    ) -> tuple[str, Answer] | None:
        """A link with nothing to judge: what it is, and the words for it."""
        if nodes is None:
            return None
        left, right = nodes
        if kinds.range_of_indices(left, right):
            return "other", Answer("not a statement", "an index and where it runs")
        if kinds.objective(left) != kinds.objective(right) or (
            any(n.kind == "opt" for n in (bare(left),)) is False and kinds.objective(left)
        ):
            return "objective", Answer("not a statement", "a minimum or maximum is sought")
        if walkthrough.product_of_bits(left, right):
            return "definition", Answer("definition", "a law is set")
        del relation, statement, place, display
        return None

    def task(
        self,
        nodes: tuple[Node, Node] | None,
        left: tuple[Item, ...],
        relation: Token,
        right: tuple[Item, ...],
        context: str,
        display: Display,
        place: int,
    ) -> Task:
        sentence = kinds.last_sentence(display.before)
        follows = display.after.lstrip()[:80]
        announced = bool(kinds.LEAVES_OUT.search(sentence)) or bool(kinds.LEAVES_OUT.search(follows.split(".")[0]))
        return Task(
            left,
            relation.text,
            right,
            (context,),
            self.settings,
            self.definitions,
            announced=announced,
            may_define=place == 0 and nodes is not None and D.settable(nodes[0]),
            concludes=bool(kinds.CONCLUDES.search(sentence)),
            known=tuple(sorted(self.tied & _names(nodes))),
            seconds=self.seconds,
        )

    def remember(
        self,
        nodes: tuple[Node, Node],
        relation: Token,
        place: int,
        display: Display,
        link: Link,
        context: str,
    ) -> None:
        """Take note of what the link defines, and answer it where it does nothing else."""
        left, right = nodes
        line = link.line
        if relation.text not in kinds.EQUALITIES:
            return
        self.settings = self.memory.settings_after(self.settings, left, right, line, context)
        found = D.lone(left) if place == 0 else None
        named = D.lone(right)
        if named is not None and place > 0 and self.new_name(named[0], context):
            self.definitions = self.definitions.with_name(D.Definition(named[0], left, line, named[1]))
            link.kind, link.answer, link.task = (
                "definition",
                Answer("definition", "the name is new here"),
                None,
            )
        if found is None:
            return
        if walkthrough.energy(left, right):
            self.definitions = self.definitions.with_law(D.Definition(found[0], right, line, found[1]))
            link.answer, link.task, link.kind = (
                Answer("definition", "a law is set"),
                None,
                "definition",
            )
            return
        name, call = found
        what = walkthrough.role(name, call, context)
        if what == "name" and self.definitions.named(name) is None:
            self.definitions = self.definitions.with_name(D.Definition(name, right, line, call))
            if link.answer is None:
                link.kind = "objective" if D.is_loss(name) else "definition"
                link.answer, link.task = (
                    Answer("definition", "the name is new here"),
                    None,
                )
        elif what == "name" and D.is_loss(name):
            self.definitions = self.definitions.with_name(D.Definition(name, right, line, call))
        elif what == "field":
            made = D.Definition(name, right, line, call)
            earlier = self.definitions.fields.get(name, ())
            if link.task is not None:
                link.task = replace(link.task, may_define=True, field=True, earlier=earlier)
            self.definitions = self.definitions.with_field(made)

    def new_name(self, name: Name, context: str) -> bool:
        """May the name be put in later, and has nobody defined it yet?"""
        if D.is_evidence_bound(name) or self.definitions.named(name) is not None:
            return False
        return walkthrough.role(name, None, context) == "name"

    def labelled(self, nodes: tuple[Node, Node], number: int, display: Display, context: str) -> None:
        """Names that stand under braces."""
        for node in nodes:
            for body, label in walkthrough.labels(node):
                name = walkthrough.name_in(label)
                if (
                    name is not None
                    and self.definitions.named(name) is None
                    and walkthrough.role(name, None, context) == "name"
                ):
                    made = D.Definition(name, body, display.line, None)
                    self.definitions = self.definitions.with_name(made)
        del number

    def add(
        self,
        display: Display,
        number: int,
        count: int,
        at: int,
        kind: str,
        answer: Answer | None,
        tex: str,
        context: str = "",
    ) -> Link:
        line, column = display.place(at)
        link = Link(
            number,
            count,
            line,
            column,
            tex.strip(),
            kind,
            answer,
            None,
            display.file,
            display.inline,
            context,
        )
        self.document.links.append(link)
        return link


def _both(left: Sequence[Item], right: Sequence[Item]) -> tuple[Node, Node] | None:
    try:
        return parse_side(left, Choices())[0], parse_side(right, Choices())[0]
    except NotRead:
        return None


def _names(nodes: tuple[Node, Node] | None) -> set[str]:
    if nodes is None:
        return set()
    return {D.tie(found[0]) for node in nodes if (found := D.lone(D.unsquared(node))) is not None}


def _at(items: Sequence[Item]) -> int:
    return items[0].at if items else 0


def _source(
    display: Display,
    left: Sequence[Item],
    right: Sequence[Item],
    relation: Token | None = None,
) -> str:
    """The characters of the link, from its first sign to its last, as they stand."""
    places = [i.at for i in (*left, *right)] + ([relation.at] if relation is not None else [])
    if not places:
        return display.tex
    start, end = min(places), _end([*left, *right], max(places))
    return display.tex[start : end + 1]


def _end(items: Iterable[Item], least: int) -> int:
    end = least
    stack = list(items)
    while stack:
        item = stack.pop()
        if isinstance(item, Token):
            end = max(
                end,
                item.at + len(item.text) - 1 if item.kind in ("symbol", "number", "mark") else item.at,
            )
        else:
            stack.extend(item.items)
    return end


def tasks(document: Document) -> Iterator[tuple[int, Task]]:
    """(place of the link, its task) for every link that is still to be judged."""
    for place, link in enumerate(document.links):
        if link.task is not None and link.answer is None:
            yield place, link.task


_ = Parser
