"""A Pratt parser for one side of a link: items in, tree out. It knows the layout of the field's notation, no meaning.

Where the notation has more than one reading, `Choices` says which to take, and the parser notes which of them
mattered; `readings.parses` tries the others.
"""

from __future__ import annotations

from threefold.check.cursor import CLOSING, DOTS, PAIRS, RELATIONS, Choices, multiplied
from threefold.check.names import Naming
from threefold.check.tokens import Group, NotRead, flat
from threefold.check.tree import Node

__all__ = ["DOTS", "PAIRS", "RELATIONS", "Choices", "Parser"]


class Parser(Naming):
    """One pass over the items of one side."""

    def whole(self) -> Node:
        """Everything there is."""
        node = self.sum()
        if self.peek() is not None:
            raise NotRead(f"cannot go on at {self.peek()}", self.place())
        return node

    def ends(self, text: str | None) -> bool:
        """Does this sign end the product that is being read?"""
        if text is None or text in CLOSING or text in RELATIONS or self.signed_brace():
            return True
        if text == "‖":
            return self.bars[-1] in ("‖", "KL")
        if text == "|":
            return self.bars[-1] in ("|", "call", "KL", "mean")
        return False

    def sum(self) -> Node:
        terms: list[tuple[str, Node]] = []
        sign = ""
        if self.peek() in ("+", "-"):
            sign = self.token().text
        while True:
            terms.append((sign, self.product()))
            if self.signed_brace():
                sign = ""
                continue
            if self.peek() not in ("+", "-", r"\pm"):
                break
            sign = self.token().text
            if sign == r"\pm":
                raise NotRead("± is two claims", self.place())
        if len(terms) == 1 and not terms[0][0]:
            return terms[0][1]
        return Node("add", (tuple(terms),))

    def product(self) -> Node:
        factors: list[Node] = []
        operators: list[str] = []
        operator = ""
        while not self.ends(self.peek()) or (self.signed_brace() and not factors):
            text = self.peek()
            if text in ("+", "-"):
                if not operator:
                    break
                factors.append(Node("add", (((self.token().text, self.product()),),)))
                operators.append(operator)
                operator = ""
                continue
            if text in DOTS:
                if not factors or operator:
                    raise NotRead(f"nothing before {text}", self.place())
                operator = self.token().text
                continue
            if text == "/":
                if not factors or operator:
                    raise NotRead("nothing before /", self.place())
                self.next()
                under = self.factor()
                above = multiplied(factors, operators)
                factors, operators = [Node("over", (above, under))], []
                continue
            if factors:
                operators.append(operator)
            factors.append(self.factor())
            operator = ""
        if operator:
            raise NotRead(f"nothing after {operator}", self.place())
        if not factors:
            raise NotRead(f"nothing before {self.peek() or 'the end'}", self.place())
        return multiplied(factors, operators)

    def factor(self) -> Node:
        return self.scripted(self.atom())

    def scripted(self, node: Node) -> Node:
        """Scripts on something that is no letter."""
        while True:
            text = self.peek()
            if text == "_":
                self.next()
                node = Node("sub", (node, self.read(self.group())))
            elif text == "^":
                self.next()
                node = Node("pow", (node, self.exponent(self.group())))
            elif text == "'":
                raise NotRead("a prime on something that is no letter", self.place())
            else:
                return node

    def exponent(self, group: Group) -> Node:
        if flat(group.items) in ([r"\top"], ["T"], ["⊤"]):
            return Node("transpose", tuple(flat(group.items)))
        return self.read(group)

    def atom(self) -> Node:
        item = self.next()
        if isinstance(item, Group):
            return Node("group", (self.inner(item.items).whole(),))
        text, kind = item.text, item.kind
        if kind == "number":
            return Node("num", (text,))
        if text in ("(", "[", r"\{", "⟨"):
            return self.bracket(text)
        if text in ("‖", "|"):
            inner = self.within(text, self.sum)
            self.expect(text)
            return Node("norm" if text == "‖" else "bars", (inner,))
        if text == r"\frac":
            return Node("frac", (self.read(self.group()), self.read(self.group())))
        if text == r"\sqrt":
            return Node("sqrt", (self.read(self.group()),))
        if text in (r"\sum", r"\prod") or (text == "Pi" and self.peek() == "_"):
            return self.big("sum" if text == r"\sum" else "prod", text)
        if text in (r"\int", r"\iint", r"\oint"):
            return self.integral(text)
        if kind == "spelled":
            self.repairs.append(f"{text[1:]} without its backslash")
        if text == r"\log":
            return self.logarithm()
        if text == r"\exp":
            return Node("exp", (self.factor_of_function(),))
        if text in (r"\underbrace", r"\overbrace"):
            return self.braced(text)
        if text == r"\nabla":
            return self.gradient()
        if text == r"\dots":
            return Node("dots")
        if kind in ("symbol", "word", "accent"):
            self.i -= 1
            return self.named()
        if kind == "environment":
            raise NotRead(f"{text}: cases and matrices are not read", item.at)
        raise NotRead(f"unknown sign {text}", item.at)

    def factor_of_function(self) -> Node:
        if self.peek() == "^":
            raise NotRead("a power on a function's name", self.place())
        return self.factor()

    def bracket(self, opening: str) -> Node:
        closing = PAIRS[opening]
        items, separators = [self.within("(", self.sum)], []
        while self.peek() in (",", ";", ":"):
            separators.append(self.token().text)
            items.append(self.within("(", self.sum))
        if self.peek() == ")" and opening == "[" and separators:
            closing = ")"
        self.expect(closing)
        if separators:
            return Node("list", (opening, tuple(items), tuple(separators), closing))
        return Node("par", (opening, items[0], closing))
