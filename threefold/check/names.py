"""Names and what they begin: letters with accents and scripts, calls, densities, divergences, normal laws."""

from __future__ import annotations

from collections.abc import Sequence

from threefold.check.cursor import HEADS, LAWS, PAIRS, PARAMETERS, TIMES, WORD_FUNCTIONS
from threefold.check.reach import Reaching
from threefold.check.tokens import Group, Item, NotRead, Token, flat
from threefold.check.tree import Name, Node, Piece, Script

SCALES = frozenset(["alpha", "beta", "gamma", "lambda", "eta", "e", "pi", "t", "s", "T", "d", "k", "I"])


class Naming(Reaching):
    """The part of the parser that reads names."""

    def letter(self) -> Node:
        item = self.next()
        if isinstance(item, Group):
            return Node("group", (self.inner(item.items).whole(),))
        if item.kind not in ("symbol", "accent"):
            raise NotRead(f"a differential of {item.text}", item.at)
        self.i -= 1
        return Node("sym", (self.name(),))

    def named(self) -> Node:
        text = self.peek()
        item = self.items[self.i] if self.i < len(self.items) else None
        if text == "K" and self.peek(1) == "L" and self.peek(2) in ("(", "[", r"\{"):
            self.next()
            self.next()
            return self.divergence("K L", None)
        if text in ("D", "𝔻") and self.peek(1) == "_" and self._script_says_kl():
            self.next()
            self.next()
            return self.divergence(text or "", Script(self.group().items))
        if text == "𝔼" or (text == "E" and self.peek(1) in ("_", "[")):
            return self.expectation(self.token().text)
        if isinstance(item, Token) and item.kind == "word":
            return self.worded()
        if text == "𝒩" or (text == "N" and self.peek(1) == "("):
            return self.normal()
        if self.at_differential():
            return self.differential()
        node = Node("sym", (self.name(),))
        power: Node | None = None
        if self.peek() == "^":
            self.next()
            power = self.exponent(self.group())
        if self.peek() in ("(", "[") and self.calls(node[0]):
            node = self.call(node)
        return node if power is None else Node("pow", (node, power, "name"))

    def _script_says_kl(self) -> bool:
        for item in self.items[self.i :]:
            if isinstance(item, Group):
                return "".join(flat(item.items)) == "KL"
        return False

    def worded(self) -> Node:
        word = self.token().text
        if word in ("E", "𝔼"):
            return self.expectation(word)
        if word in ("KL", "kl"):
            script = None
            if self.peek() == "_":
                self.next()
                script = Script(self.group().items)
            return self.divergence(word, script)
        if word in ("min", "max", "argmin", "argmax", "inf", "sup", "lim"):
            script = None
            if self.peek() == "_":
                self.next()
                script = Script(self.group().items)
            return Node("opt", (word, script, self.product()))
        if word in ("Norm", "Normal", "Gaussian", "N") and self.peek() in (
            "(",
            "[",
            "_",
        ):
            return self.normal(word)
        index = self.script("_")
        above = self.script("^") if self.peek() == "^" and not self._power_follows() else ()
        node = Node("sym", (Name(word, ("word",), 0, index, above),))
        if self.peek() in ("(", "[") and (word in WORD_FUNCTIONS or len(word) > 1):
            return self.call(node)
        if word in ("det", "tr", "Tr", "Trace", "trace", "diag"):
            return Node("call", (node, (self.factor(),), (), ("", "")))
        return node

    def name(self) -> Name:
        """A letter, its accents, primes and what stands below; above only what cannot be a power."""
        accents: list[str] = []
        item = self.next()
        inner: Naming | None = None
        while isinstance(item, Token) and item.kind == "accent":
            accents.append(item.text)
            group = self.group() if inner is None else inner.group()
            inner = self.inner(group.items)
            item = inner.next()
        if isinstance(item, Group) or item.kind not in ("symbol", "word"):
            raise NotRead("a letter is expected", item.at)
        letter = item.text
        primes = 0
        index: tuple[Piece, ...] = ()
        above: tuple[Piece, ...] = ()
        if inner is not None:
            index = inner.script("_")
            if inner.peek() is not None:
                raise NotRead("an accent over more than one letter", inner.place())
        while self.peek() == "'":
            self.next()
            primes += 1
        if index and self.peek() == "_":
            raise NotRead("two subscripts on one letter", self.place())
        if self.peek() == "_":
            index = self.script("_")
        if self.peek() == "^" and not self._power_follows():
            above = self.script("^")
        return Name(letter, tuple(accents), primes, index, above)

    def _power_follows(self) -> bool:
        """Is the ^ that stands here a power or a transpose (and no label, sample or step)?"""
        for item in self.items[self.i :]:
            if isinstance(item, Group):
                signs = flat(item.items)
                words = [i for i in item.items if isinstance(i, Token) and i.kind == "word"]
                if words or signs in (["*"], ["⋆"], [r"\star"], [r"\dagger"]) or signs[:1] == ["("]:
                    return False
                return not (len(signs) == 1 and signs[0] in PARAMETERS)
        return False

    def script(self, sign: str) -> tuple[Piece, ...]:
        """The pieces of a script, cut at commas and colons."""
        if self.peek() != sign:
            return ()
        self.next()
        group = self.group()
        pieces: list[Piece] = []
        start, depth = 0, 0
        items = [i for i in group.items if not (isinstance(i, Token) and i.kind == "space")]
        for place, item in enumerate([*items, Token("", group.at)]):
            text = item.text if isinstance(item, Token) else ""
            depth += (text in PAIRS) - (text in PAIRS.values())
            if place == len(items) or (text in (",", ":") and depth == 0):
                pieces.append(self.piece(items[start:place], text, group.at))
                start = place + 1
        return tuple(pieces)

    def piece(self, items: Sequence[Item], after: str, at: int) -> Piece:
        if not items:
            raise NotRead("an empty index", at)
        signs = tuple(flat(items))
        only = items[0] if len(items) == 1 else None
        if isinstance(only, Token) and only.kind == "word":
            return Piece(None, signs, only.text, after)
        if isinstance(only, Token) and (only.text in PARAMETERS or only.text in ("p", "q", "mu", "Sigma")):
            return Piece(Node("sym", (Name(only.text),)), signs, only.text, after)
        try:
            node = self.inner(items).whole()
        except NotRead:
            return Piece(None, signs, "".join(signs), after)
        words = [i.text for i in items if isinstance(i, Token) and i.kind == "word"]
        return Piece(node, signs, " ".join(signs) if words else "", after)

    def calls(self, name: Name) -> bool:
        """Is name(...) the value of a function (or a density), and no product?"""
        if name.letter in LAWS:
            return True
        inside = self._inside_bracket()
        if self.peek() == "[":
            return name.letter in ("𝕍", "H", "ℋ") and not (name.index or name.accents)
        separators = any(isinstance(i, Token) and i.text in (",", "|", ";") for i in inside)
        if separators:
            return True
        if name == Name("e") and self._behind_pi():  # log(2 pi e (1 - a)): the number
            return False
        alone = inside[0].text if len(inside) == 1 and isinstance(inside[0], Token) else ""
        if alone in TIMES:
            return True
        if any(label in ("encoder", "decoder", "target") for label in name.labels):
            return True
        if any(label in PARAMETERS for label in name.labels):
            doubtful = any(isinstance(i, Token) and i.text in ("+", "-") for i in inside)
            if doubtful:
                self.mattered.add("letters_call")
            return self.choices.letters_call or not doubtful
        if name.letter in HEADS or name.accents in (("hat",), ("tilde",)):
            self.mattered.add("letters_call")
            return self.choices.letters_call
        if alone in ("x", "z", "X", "Z") and name.letter not in SCALES:  # w(z): a value, hardly a product
            self.mattered.add("letters_call")
            return self.choices.letters_call
        if name.letter in ("epsilon", "mu", "z") and inside and _is_state(inside):
            self.mattered.add("letters_call")
            return self.choices.letters_call
        return False

    def _behind_pi(self) -> bool:
        """Does a pi stand before the letter that was just read?"""
        signs = [i.text for i in self.items[: self.i] if isinstance(i, Token) and i.kind != "space"]
        return signs[-2:-1] == ["pi"]

    def _inside_bracket(self) -> list[Item]:
        """What stands between the bracket that opens here and its partner, outer level only."""
        depth = 0
        found: list[Item] = []
        for item in self.items[self.i :]:
            text = item.text if isinstance(item, Token) else ""
            if isinstance(item, Token) and (item.kind == "space" or text in ("&", r"\\")):
                continue
            if text in PAIRS.values():
                depth -= 1
                if depth == 0:
                    return found
            if depth == 1:
                found.append(item)
            if text in PAIRS:
                depth += 1
        raise NotRead("a bracket is not closed", self.place())

    def call(self, head: Node) -> Node:
        opening = self.token().text
        closing = PAIRS[opening]
        arguments: list[Node] = []
        separators: list[str] = []
        while True:
            if self.peek() in ("·", "⊙") and self.peek(1) in (")", "]", "|", ",", ";"):
                self.next()
                arguments.append(Node("dot"))
            else:
                arguments.append(self.within("call", self.sum))
                if self.peek() == "=":  # q(z = k | x)
                    raise NotRead("an equation inside a law's brackets", self.place())
            text = self.token().text
            if text == closing:
                return Node(
                    "call",
                    (head, tuple(arguments), tuple(separators), (opening, closing)),
                )
            if text not in (",", ";", ":", "|"):
                raise NotRead(f"unexpected {text} among arguments", self.place())
            separators.append(text)

    def divergence(self, word: str, script: Script | None) -> Node:
        opening = self.peek()
        if opening not in ("(", "[", r"\{"):
            return Node("sym", (Name("KL", ("word",)),)) if script is None else Node("KL", (word, script))
        self.next()
        first = self.within("KL", self.sum)
        bar = self.token().text
        if bar not in ("‖", ",", "|", ":", ";"):
            raise NotRead(f"unexpected {bar} in a divergence", self.place())
        if bar == "|":
            self.repairs.append("a single bar read as the double bar of KL")
        second = self.within("KL", self.sum)
        self.expect(PAIRS[opening])
        return Node("KL", (word, script, opening, first, bar, second, PAIRS[opening]))

    def normal(self, word: str = "") -> Node:
        sign = word or self.token().text
        script = None
        if self.peek() == "_":
            self.next()
            script = Script(self.group().items)
        if self.peek() not in ("(", "["):
            raise NotRead("a normal law without brackets", self.place())
        node = self.call(Node("sym", (Name("𝒩"),)))
        return Node("normal", (sign, script, *node.parts[1:]))


def _is_state(inside: Sequence[Item]) -> bool:
    first = inside[0]
    return isinstance(first, Token) and first.text in ("x", "X", "z", "Z") and len(inside) <= 3
