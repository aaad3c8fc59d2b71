"""What a document has said so far: settings, names, what it has left out, its equations for dx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from threefold.check import conventions, kinds, marks, omissions, sde, suppositions, varying, walkthrough
from threefold.check import definitions as D
from threefold.check.contexts.base import Settings
from threefold.check.extract import Display
from threefold.check.links import Link, Spot, names_in
from threefold.check.tasks import Answer, Task
from threefold.check.tokens import Item
from threefold.check.tree import Name, Node, bare

SET = Answer("definition", "the name is new here")
LAW = Answer("definition", "a law is set")


@dataclass
class Known:
    """Follows the document from link to link."""

    settings: Settings
    tied: set[str] = field(default_factory=set)
    meant: set[str] = field(default_factory=set)  # letters made from others, of which it has said what the field does
    functions: dict[Node, Node] = field(default_factory=dict)  # f(x_{t-1}) = ..., anywhere in the document
    scores: dict[Node, Node] = field(default_factory=dict)  # s_t(x) = grad log p_t(x), anywhere in the document
    definitions: D.Definitions = field(default_factory=D.Definitions)
    equations: list[sde.Equation] = field(default_factory=list)
    omitted: omissions.Omitted = field(default_factory=omissions.Omitted)
    fields: list[tuple[Link, D.Definition]] = field(default_factory=list)

    def tie(self, displays: Sequence[Sequence[Item]], asides: Sequence[Sequence[Item]]) -> None:
        """Note what the whole document says, wherever it says it: names in a law of its own, and names that vary."""
        self.tied = walkthrough.tied_names(displays)
        self.functions = walkthrough.functions_in(displays)
        everywhere = [*displays, *asides]
        self.scores = walkthrough.scores_in(everywhere)
        self.settings = replace(self.settings, priors=marks.priors_in(everywhere))
        self.definitions = replace(self.definitions, varying=varying.names_in(everywhere, self.settings))

    def tied_in(self, nodes: tuple[Node, Node] | None) -> tuple[str, ...]:
        """The names of these sides whose meaning the document has fixed."""
        found = conventions.claimed(nodes) if nodes is not None else None
        claimed = self.meant & ({D.tie(found)} if found is not None else set())
        return tuple(sorted((self.tied & names_in(nodes)) | claimed))

    def context(self, detected: str) -> str:
        """The context of a link: a chain that the document scales in its own way has one of its own."""
        return "linear-gaussian" if detected in ("ddpm", "score-sde") and self.settings.own else detected

    # --- names --------------------------------------------------------------------------------------------------------

    def new_name(self, name: Name, context: str) -> bool:
        """May the name be put in later, and has nobody defined it yet?"""
        if D.is_evidence_bound(name) or self.definitions.named(name) is not None or name in self.definitions.dropped:
            return False
        return walkthrough.role(name, None, context) == "name"

    def name(self, made: D.Definition) -> None:
        self.definitions = self.definitions.with_name(made)

    def twice(self, made: D.Definition) -> None:
        """A letter of the document's own that it defines a second time, as something else, is put in no more."""
        before = self.definitions.named(made.name)
        if (
            before is not None
            and D.is_own(made.name, made.call)
            and (before.node, before.call) != (made.node, made.call)
        ):
            self.definitions = self.definitions.without(made.name)

    def aside(self, display: Display, nodes: tuple[Node, Node], context: str) -> None:
        """An equality inside a sentence may define a name; a setting, like w = 7, does not."""
        self.deviation(nodes, display.line)
        if not suppositions.STRONG.search(kinds.last_sentence(display.before)):
            self.letter(nodes, display.line, Task((), "=", (), (context,), self.settings, self.definitions))
        found = D.lone(nodes[0])
        if found is None:
            return
        self.leave_out(None, display, nodes)
        if bare(nodes[1]).kind == "normal" and walkthrough.energy(*nodes, context):
            self.definitions = self.definitions.with_law(D.Definition(found[0], nodes[1], display.line, found[1]))
            return
        if self.definitions.named(found[0]) is not None and walkthrough.role(*found, context) == "name":
            self.twice(D.Definition(found[0], nodes[1], display.line, found[1]))
        if self.new_name(found[0], context) and not kinds.elliptic(nodes[1]) and bare(nodes[1]).kind != "num":
            self.name(D.Definition(found[0], nodes[1], display.line, found[1]))

    def deviation(self, nodes: tuple[Node, Node], line: int) -> None:
        """sigma_t = ... or sigma_t^2 = ...: the text chooses a deviation, and what follows may rest on it."""
        base = D.unsquared(nodes[0])
        name = D.lone(base)
        if name is None or name[1] is not None or name[0].plain != "sigma" or name[0].labels or not name[0].indices:
            return
        value = nodes[1] if base == bare(nodes[0]) else Node("sqrt", (nodes[1],))
        self.definitions = self.definitions.with_deviation(D.Definition(name[0], value, line))

    def letter(self, nodes: tuple[Node, Node], line: int, task: Task) -> str:
        """An equality about alpha, beta or what is made of them: the letter, if it has the field's meaning there."""
        if not set(task.contexts) & set(conventions.CONTEXTS) or self.settings.foreign or self.settings.scaled:
            return ""
        found = conventions.letter_of(*nodes)
        if found is None or not conventions.mentions_others(*found):
            return ""
        name, value = found
        usual = self.definitions.with_letter(D.Definition(name, value, line), "agrees")
        what = conventions.said(replace(task, nodes=(nodes,), known=(), head=(), definitions=usual))
        if what == "agrees" and name.plain in conventions.MADE:
            self.meant.add(D.tie(name))
        if what == "agrees" or D.tie(name) not in self.meant:  # said before, it is a claim
            self.definitions = self.definitions.with_letter(D.Definition(name, value, line), what)
        return D.tie(name) if what == "agrees" else ""

    def lost(self, tex: str, line: int) -> None:
        """A display that could not be read may have been a definition."""
        name = conventions.written_first(tex)
        if name is not None and D.tie(name) not in self.meant:
            self.definitions = self.definitions.with_letter(D.Definition(name, Node("dots"), line), "unread")

    def under_braces(self, nodes: tuple[Node, Node], display: Display, context: str) -> None:
        """Names that stand under braces."""
        for node in nodes:
            for body, label in walkthrough.labels(node):
                name = walkthrough.name_in(label)
                if name is not None and self.new_name(name, context):
                    self.name(D.Definition(name, body, display.line, None))

    def leave_out(self, link: Link | None, display: Display, nodes: tuple[Node, Node] | None) -> None:
        """Note where the text says that something is left out, here or in what this link leans on."""
        line = self.omitted.line(display, nodes)
        if line is None:
            return
        self.omitted.remember(display, nodes, line)
        if link is not None and link.task is not None:
            link.task = replace(link.task, leaves_out=line)

    # --- links --------------------------------------------------------------------------------------------------------

    def remember(self, spot: Spot, link: Link) -> None:
        """Take note of what the link defines, and answer it where it does nothing else."""
        assert spot.nodes is not None
        if spot.relation.text not in kinds.EQUALITIES:
            return
        left, right = spot.nodes
        if spot.place == 0:
            self.deviation(spot.nodes, link.line)
            if link.task is not None and not link.task.case:
                agreed = self.letter(spot.nodes, link.line, link.task)
                link.task = replace(link.task, known=tuple(k for k in link.task.known if k != agreed))
        context = self.context(spot.context)
        fixed = self.settings.posterior
        written = walkthrough.with_functions(right, self.functions)
        self.settings = walkthrough.settings_after(self.settings, left, written, link.line, context)
        if self.settings.posterior != fixed:
            link.says("definition", LAW)
        named, value = _named_behind(left, right)
        if named is not None and spot.place > 0 and self.new_name(named[0], spot.context):
            self.name(D.Definition(named[0], value, link.line, named[1]))
            link.says("definition", SET)
        found = D.lone(left) if spot.place == 0 else self._made_below(spot, left)
        if found is None and spot.place == 0 and D.unsquared(left) != bare(left):  # c^2 = ... sets c
            found, right = D.lone(D.unsquared(left)), Node("sqrt", (right,))
            if found is not None and walkthrough.role(found[0], found[1], context) != "name":
                found = None
        if found is None:
            return
        made = D.Definition(found[0], right, link.line, found[1])
        if made.name.letter in fixed and link.task is not None:  # the text has said what it is: the line is a claim
            link.task = replace(link.task, known=(*link.task.known, D.tie(made.name)))
            self.name(made)
            return
        if walkthrough.energy(left, right, context):
            self.definitions = self.definitions.with_law(made)
            link.says("definition", LAW)
            return
        what = walkthrough.role(made.name, made.call, spot.context)
        dropped = made.name in self.definitions.dropped
        if what == "name" and self.definitions.named(made.name) is None and not dropped:
            self.name(made)
            if link.answer is None:
                link.says("objective" if D.is_loss(made.name) else "definition", SET)
        elif what == "name" and D.is_loss(made.name):
            self.name(made)
        elif what == "name":
            self.twice(made)
        elif what == "field":
            if link.task is not None:
                link.task = replace(link.task, may_define=True, field=True)
                self.fields.append((link, made))
            self.definitions = self.definitions.with_field(made)

    def _made_below(self, spot: Spot, left: Node) -> tuple[Name, Node | None] | None:
        """g(eps, x) in z = g(eps, x) = ...: what the chain goes on with says what the function is."""
        found = D.lone(left)
        if spot.place != 1 or found is None or found[1] is None or not self.new_name(found[0], spot.context):
            return None
        return found

    def compare_fields(self) -> None:
        """Give every parameterisation the others of the same network, before and behind it."""
        for link, made in self.fields:
            others = tuple(o for _, o in self.fields if o is not made and (o.name, o.call) == (made.name, made.call))
            if link.task is not None and others:
                link.task = replace(link.task, rivals=others)

    def differential(self, spot: Spot, link: Link, seconds: float) -> None:
        """An equation for dx: the first one defines; one with a score must be the reverse of one before."""
        assert spot.nodes is not None
        left, right = spot.nodes[0], walkthrough.put_in(spot.nodes[1], self.scores)
        made = sde.Equation(right, None, False, link.line) if kinds.ordinary(left) else sde.read(right, link.line)
        link.context = "score-sde"
        if made is None:
            link.says("other", Answer("not a statement", "an informal differential"))
            return
        alternatives = [e for before in reversed(self.equations) for e in sde.expected(before, made)]
        known = any((e.drift, e.diffusion) == (made.drift, made.diffusion) for e in self.equations)
        if known or not alternatives or made.drift is None:
            if not known and not sde.scores(made.drift or spot.nodes[1]):
                self.equations.append(made)
            link.says("definition", Answer("definition", "an equation for the state is set"))
            return
        pairs = tuple((made.drift, drift) for drift, _ in alternatives)
        link.task = Task(
            spot.left, spot.relation.text, spot.right, ("score-sde",), self.settings, self.definitions,
            nodes=pairs, theorem=alternatives[0][1], seconds=seconds,
        )  # fmt: skip


def _named_behind(left: Node, right: Node) -> tuple[tuple[Name, Node | None] | None, Node]:
    """The name that a right side consists of, and what it is equated to; -L is one too."""
    right = bare(right)
    if right.kind == "add" and len(right[0]) == 1 and right[0][0][0] == "-":
        return D.lone(right[0][0][1]), Node("add", ((("-", Node("par", ("(", left, ")"))),),))
    return D.lone(right), left
