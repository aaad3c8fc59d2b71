"""Signs that reach over what follows: log, E, sums, products, integrals, gradients, braces with labels."""

from __future__ import annotations

from typing import Any

from threefold.check.cursor import DOTS, LAWS, PAIRS, RELATIONS, Cursor, multiplied
from threefold.check.tokens import Group, NotRead, Token
from threefold.check.tree import Node, Range, Script, mentions

ACCENTED = frozenset(["bar", "hat", "tilde", "dot"])


class Reaching(Cursor):
    """The part of the parser that reads functions without brackets."""

    def logarithm(self) -> Node:
        if self.peek() == "_":
            raise NotRead("a logarithm to another base", self.place())
        if self.peek() in ("(", "["):
            inner = self.atom()
            return Node("log", (self.scripted(inner) if self.peek() == "_" else inner,))
        factors, operators = [self.factor()], []
        more = False
        while not self.ends(self.peek()) and self.peek() not in ("+", "-", "d", "/", r"\log", r"\int", *DOTS[1:]):
            if self.peek() == DOTS[0]:
                if not self._dot_before_density():
                    break
                self.mattered.add("log_over_dot")
                if not self.choices.log_over_dot:
                    break
                operators.append(self.token().text)
                factors.append(self.factor())
                continue
            if not self.choices.log_reaches:
                self.mattered.add("log_reaches")
                break
            more = True
            operators.append("")
            factors.append(self.factor())
        if more:
            self.mattered.add("log_reaches")
        return Node("log", (multiplied(factors, operators),))

    def _dot_before_density(self) -> bool:
        """Does a ratio, a bracket or a density stand behind the dot that comes next?"""
        return self.peek(1) in (r"\frac", "(", "[", *LAWS)

    def expectation(self, sign: str) -> Node:
        script: Script | None = None
        if self.peek() == "_":
            self.next()
            script = Script(self.group().items)
        elif self.peek() == "{":
            self.repairs.append("the subscript of E was lost")
            return Node("mean", (sign, Script(self.group().items), *self.mean_body(), "{"))
        return Node("mean", (sign, script, *self.mean_body(), ""))

    def mean_body(self) -> tuple[Any, ...]:
        opening = self.peek()
        if opening in ("[", r"\{") or (opening == "(" and not self._more_after_bracket()):
            self.next()
            body = self.within("mean", self.sum)
            if self.peek() == "|":
                self.next()
                given = [self.within("(", self.sum)]
                while self.peek() == ",":
                    self.next()
                    given.append(self.within("(", self.sum))
                self.expect(PAIRS[opening])
                return (opening, body, tuple(given))
            self.expect(PAIRS[opening])
            return (opening, body, ())
        if not self.choices.mean_reaches:
            self.mattered.add("mean_reaches")
            return ("", self.factor(), ())
        start = self.i
        first = self.factor()
        if not self.ends(self.peek()) and self.peek() not in ("+", "-"):
            self.mattered.add("mean_reaches")
            self.i = start
            first = self.product()
        return ("", first, ())

    def _more_after_bracket(self) -> bool:
        """Is the bracket that opens here followed by more factors, so that E may reach over them?"""
        return False

    def big(self, kind: str, sign: str) -> Node:
        index: Node | None = None
        relation, low, high = "", None, None
        if self.peek() == "_":
            self.next()
            index, relation, low = self.bounds(self.group())
        if self.peek() == "^":
            self.next()
            high = self.read(self.group())
        factors, operators = [self.factor()], []
        while not self.ends(self.peek()) and self.peek() not in ("+", "-"):
            mark, operator = self.i, ""
            if self.peek() in DOTS:
                operator = self.token().text
            following = self.factor()
            free = kind == "prod" and index is not None and not mentions(following, index)
            if free:
                self.mattered.add("product_reaches")
            if free and not self.choices.product_reaches:
                self.i = mark
                break
            factors.append(following)
            operators.append(operator)
        return Node(
            kind,
            (sign, Range(index, relation, low, high), multiplied(factors, operators)),
        )

    def bounds(self, group: Group) -> tuple[Node | None, str, Node | None]:
        for place, item in enumerate(group.items):
            if isinstance(item, Token) and item.text in RELATIONS:
                left = self.inner(group.items[:place]).whole()
                return left, item.text, self.inner(group.items[place + 1 :]).whole()
        return self.read(group), "", None

    def integral(self, sign: str) -> Node:
        low: Script | None = None
        high: Script | None = None
        if self.peek() == "_":
            self.next()
            low = Script(self.group().items)
        if self.peek() == "^":
            self.next()
            high = Script(self.group().items)
        factors, operators = self.integrand()
        if factors and not any(f.kind in ("d", "int") for f in factors) and self.peek() in ("+", "-"):
            terms = [("", multiplied(factors, operators))]
            while self.peek() in ("+", "-") and not any(f.kind == "d" for f in factors):
                before = self.token().text
                factors, operators = self.integrand()
                own = [n for n, f in enumerate(factors) if f.kind not in ("d", "dots")]
                if not own or own != list(range(len(own))) or any(factors[n].kind == "int" for n in own):
                    raise NotRead("an integral without its differential", self.place())
                terms.append((before, multiplied(factors[: len(own)], operators[: len(own) - 1])))
            behind = [f for f in factors if f.kind in ("d", "dots")]
            factors, operators = [Node("add", (tuple(terms),)), *behind], [""] * len(behind)
        if not factors:
            raise NotRead("nothing after the integral sign", self.place())
        return Node("int", (sign, low, high, tuple(factors), tuple(operators)))

    def integrand(self) -> tuple[list[Node], list[str]]:
        """The factors behind an integral sign up to the end of their product, differentials among them."""
        factors: list[Node] = []
        operators: list[str] = []
        while not self.ends(self.peek()) and self.peek() not in ("+", "-"):
            operator = self.token().text if self.peek() in DOTS else ""
            if operator and not factors:
                raise NotRead(f"nothing before {operator}", self.place())
            if factors:
                operators.append(operator)
            factors.append(self.differential() if self.at_differential() else self.factor())
            if factors[-1].kind == "d" and self.peek() == r"\dots":  # dx_1 ... dx_T
                self.next()
                factors.append(Node("dots"))
                operators.append("")
            elif factors[-1].kind == "d" and len(factors) > 1 and not self.at_differential():
                break
        return factors, operators

    def at_differential(self) -> bool:
        if self.peek() not in ("d", "D"):
            return False
        following = self.peek(1)
        if following is None or following in (
            "_",
            "^",
            "(",
            "+",
            "-",
            ",",
            ".",
            "=",
            ")",
            "]",
            "|",
            "/",
            "'",
            *DOTS,
        ):
            return False
        if following in ACCENTED:
            group = next((i for i in self.items[self.i + 1 :] if isinstance(i, Group)), None)
            inner = group.items[0] if group is not None and group.items else None
            return isinstance(inner, Token) and inner.text in ("w", "W", "B", "omega", "x")
        return self.peek() == "d" and (following == "{" or following[0].isalpha())

    def differential(self) -> Node:
        self.next()
        return Node("d", (self.letter(),))

    def gradient(self) -> Node:
        wrt = None
        if self.peek() == "_":
            self.next()
            wrt = self.read(self.group())
        if self.peek() == "^":
            raise NotRead("a second derivative", self.place())
        dot = ""
        if self.peek() in ("·", "×"):
            dot = self.token().text
        short = self._score_before_bracket() if wrt is not None and not dot else None
        if short is not None:
            return Node("grad", (wrt, dot, short))
        factors, operators = [self.factor()], []
        while not self.ends(self.peek()) and self.peek() not in ("+", "-", *DOTS) and not self.at_differential():
            operators.append("")
            factors.append(self.factor())
        return Node("grad", (wrt, dot, multiplied(factors, operators)))

    def _score_before_bracket(self) -> Node | None:
        """The log of one density where a bracket follows: the gradient of log q (f) is that of log q, times f."""
        if self.peek() != r"\log" or self.peek(1) not in LAWS:
            return None
        start = self.i
        self.next()
        inner = self.factor()
        if self.peek() in ("(", "["):
            self.mattered.add("grad_reaches")
            if not self.choices.grad_reaches:
                return Node("log", (inner,))
        self.i = start
        return None

    def braced(self, sign: str) -> Node:
        group = self.group()
        inner = self.inner(group.items)
        body = inner.whole()
        script = "_" if sign == r"\underbrace" else "^"
        if self.peek() != script:
            return Node("under", (body, sign, None))
        self.next()
        label = self.group()
        node = Node("under", (body, sign, Script(label.items)))
        self.labels.append((body, node))
        return node
