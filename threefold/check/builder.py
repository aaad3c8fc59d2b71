"""From raw tokens to items: commands take their arguments, decoration goes, styles and environments are opened."""

from __future__ import annotations

import re

from threefold.check.items import Group, Item, Token, flat
from threefold.check.macros import NotRead
from threefold.check.raw import Raw
from threefold.check.signs import (
    ACCENTS,
    DROP_ARGUMENT,
    ENVIRONMENTS_OF_ROWS,
    FANCY,
    GREEK,
    SAME,
    SCRIPT_LETTERS,
    SECOND_ARGUMENT,
    SIZES,
    SPACES,
    STYLES,
    TEXTS,
    TRANSPARENT,
    UNICODE_LETTERS,
    UNICODE_VARIANTS,
    VARIANTS,
    WIDE_SPACES,
    WORDS_OF_COMMANDS,
)

DEEPEST = 60  # braces within braces; the longest formula in the literature needs 12


class Builder(Raw):
    """Makes items of raw tokens."""

    def sequence(self, depth: int, until: str | None) -> list[Item]:
        if depth > DEEPEST:
            raise NotRead(f"braces are nested deeper than {DEEPEST}", self.at())
        found: list[Item] = []
        while True:
            text = self.peek()
            if text is None:
                if until is not None:
                    raise NotRead("a brace is not closed", self.at())
                return found
            if text == until:
                self.i += 1
                return found
            if text == "}":
                raise NotRead("a brace is closed that was not opened", self.at())
            if text == r"\end":
                if until is not None:
                    raise NotRead("an environment ends inside a brace", self.at())
                return found
            self.one(found, depth)

    def one(self, found: list[Item], depth: int) -> None:
        """Append what stands next: a token with its arguments, or nothing for decoration."""
        text, at = self.raw[self.i]
        self.i += 1
        if text == "{":
            inner = self.sequence(depth + 1, "}")
            lost = (
                bool(found)
                and isinstance(found[-1], Token)
                and found[-1].text == "𝔼"
                and self.peek() in ("[", r"\left")
            )
            if lost or (self.peek() in ("_", "^") and len(inner) != 1):  # E{...}[...] lost its underscore
                found.append(Group(tuple(inner), at))
            else:
                found.extend(inner)
        elif text in ("_", "^", "'"):
            self.i -= 1
            self.scripts(found, depth)
        elif text.startswith("\\"):
            self.command(text, at, found, depth)
        elif (function := self._spelled(text, at)) is not None:
            found.append(Token(function, at, "spelled" if function.startswith("\\") else "word"))
        elif text not in SPACES:
            found.append(_plain(text, at))

    def _spelled(self, text: str, at: int) -> str | None:
        """log, exp or ELBO as letters side by side, the backslash forgotten; exp only before a bracket."""
        word = {"l": "log", "e": "exp", "E": "ELBO"}.get(text)
        following = self.raw[self.i : self.i + len(word or "") - 1]
        if word is None or [(t, n) for t, n in following] != [(c, at + n) for n, c in enumerate(word[1:], 1)]:
            return None
        behind = self.raw[self.i + 2][0] if self.i + 2 < len(self.raw) else ""
        if word == "exp" and behind not in ("(", "[", "{", r"\left", r"\{"):
            return None
        self.i += len(word) - 1
        return word if word == "ELBO" else "\\" + word

    def scripts(self, found: list[Item], depth: int) -> None:
        """All scripts that hang on one base, in the order: primes, below, above."""
        below: Group | None = None
        above: Group | None = None
        primes: list[Token] = []
        first = self.at()
        while (text := self.peek()) in (
            "_",
            "^",
            "'",
            r"\prime",
            r"\limits",
            r"\nolimits",
        ):
            at = self.at()
            self.i += 1
            if text in (r"\limits", r"\nolimits"):
                continue
            if text in ("'", r"\prime"):
                primes.append(Token("'", at, "mark"))
                continue
            script = self.argument(depth, at)
            if text == "^" and above is None and _is_prime(script):
                primes += [Token("'", at, "mark")] * len(script.items)
            elif text == "_" and below is None:
                below = script
            elif text == "^" and above is None:
                above = script
            else:
                raise NotRead(f"a second {text} on one base", at)
        found.extend(primes)
        if below is not None and below.items:
            found.extend((Token("_", first), below))
        if above is not None and above.items:
            found.extend((Token("^", first), above))

    def argument(self, depth: int, at: int) -> Group:
        """The next {...}, or the one token that stands for it."""
        text = self.peek()
        if text is None or text in ("}", "&", r"\\", r"\end"):
            raise NotRead("an argument is missing", at)
        if text == "{":
            start = self.at()
            self.i += 1
            return Group(tuple(self.sequence(depth + 1, "}")), start)
        if text[0].isdigit() and len(text) > 1:  # \frac12
            place = self.at()
            self.raw[self.i] = (text[1:], place + 1)
            return Group((Token(text[0], place, "number"),), place)
        found: list[Item] = []
        start = self.at()
        if text in ("_", "^"):
            raise NotRead("an argument is missing", at)
        self.one(found, depth)
        return Group(tuple(found), start)

    def optional(self, depth: int) -> Group | None:
        if self.peek() != "[":
            return None
        at = self.at()
        self.i += 1
        found: list[Item] = []
        while self.peek() != "]":
            if self.peek() is None:
                raise NotRead("a bracket [ is not closed", at)
            self.one(found, depth)
        self.i += 1
        return Group(tuple(found), at)

    def command(self, text: str, at: int, found: list[Item], depth: int) -> None:
        name = text[1:]
        if self.i < len(self.raw) and self.raw[self.i][0] == "*" and name in ("operatorname", "tag", "hspace"):
            self.i += 1
        if text in (r"\left", r"\right") or text in SIZES:
            if text in (r"\left", r"\right") and self.peek() == ".":
                self.i += 1
        elif text in WIDE_SPACES:
            found.append(Token(r"\quad", at, "space"))
        elif text in SPACES:
            pass
        elif text in DROP_ARGUMENT:
            self.optional(depth)
            self.text_of_argument(at)
        elif text in SECOND_ARGUMENT:
            self.text_of_argument(at)
            found.extend(self.argument(depth, at).items)
        elif text in TRANSPARENT:
            self.optional(depth)
            found.extend(self.argument(depth, at).items)
        elif text in STYLES:
            self.style(text, at, found, depth)
        elif name in ACCENTS:
            found.extend((Token(ACCENTS[name], at, "accent"), *_script_outside(self.argument(depth, at))))
        elif text in (r"\frac", r"\tfrac", r"\dfrac", r"\cfrac"):
            over, under = self.argument(depth, at), self.argument(depth, at)
            found.extend((Token(r"\frac", at, "command"), over, under))
        elif text == r"\sqrt":
            if self.optional(depth) is not None:
                raise NotRead("a root other than the square root", at)
            found.extend((Token(text, at, "command"), self.argument(depth, at)))
        elif text in (r"\underbrace", r"\overbrace"):
            found.extend((Token(text, at, "command"), self.argument(depth, at)))
        elif text in (r"\overset", r"\stackrel", r"\underset"):
            self.stacked(text, at, found, depth)
        elif text == r"\begin":
            self.environment(at, found, depth)
        elif text in WORDS_OF_COMMANDS:
            self.word(WORDS_OF_COMMANDS[text], at, found)
        elif (VARIANTS.get(name) or name) in GREEK:
            found.append(Token(VARIANTS.get(name, name), at, "symbol"))
        elif text == r"\mathbf1":
            found.append(Token("𝟏", at, "symbol"))
        else:
            found.append(Token(SAME.get(text, text), at, "mark"))

    def word(self, word: str, at: int, found: list[Item]) -> None:
        last = found[-1] if found else None
        if word in ("min", "max") and isinstance(last, Token) and last.text == "arg":
            found[-1] = Token("arg" + word, last.at, "word")
        elif word in ("log", "exp"):
            found.append(Token("\\" + word, at, "command"))
        elif word == "𝔼":
            found.append(Token(word, at, "symbol"))
        else:
            found.append(Token(word, at, "word"))

    def style(self, text: str, at: int, found: list[Item], depth: int) -> None:
        if text == r"\operatorname" and self._opens_a_command():
            found.extend(self.argument(depth, at).items)
            return
        if text in TEXTS:
            words = self.text_of_argument(at).strip()
            if not words:
                return
            commands = "\\" in words and not re.fullmatch(r"[^\\]*(\\[ ,;:!][^\\]*)*", words)
            if ("$" in words or commands) and text != r"\operatorname":
                found.append(Token(words, at, "word"))
                return
            words = re.sub(r"\\[ ,;:!]|~", " ", words).strip()
            if len(words) == 1 and words.isalpha():
                found.append(Token(words, at, "symbol"))
            elif words in ("log", "ln", "exp"):
                found.append(Token(r"\log" if words != "exp" else r"\exp", at, "command"))
            elif re.fullmatch(r"\d+", words):
                found.append(Token(words, at, "number"))
            else:
                found.append(Token(re.sub(r"\s+", " ", words.replace("\\", "")), at, "word"))
            return
        inner = self.argument(depth, at)
        letters = [i.text if isinstance(i, Token) else "" for i in inner.items]
        word = "".join(letters)
        if text in SCRIPT_LETTERS and len(inner.items) == 1 and word in FANCY:
            found.append(Token(FANCY[word], at, "symbol"))
        elif text in SCRIPT_LETTERS and word == "1":
            found.append(Token("𝟏", at, "symbol"))
        elif text == r"\mathbf" and word in ("N", "1", "E"):
            found.append(Token({"N": "𝒩", "1": "𝟏", "E": "𝔼"}[word], at, "symbol"))
        elif (
            len(letters) > 1 and word.isalpha() and all(isinstance(i, Token) and len(i.text) == 1 for i in inner.items)
        ):
            if text in SCRIPT_LETTERS or text in (
                r"\mathbf",
                r"\boldsymbol",
                r"\bm",
                r"\bold",
            ):
                if word == "KL":
                    found.append(Token("KL", at, "word"))
                else:
                    found.extend(inner.items)
            else:
                self.upright(word, at, found)
        else:
            found.extend(inner.items)

    def _opens_a_command(self) -> bool:
        """\\operatorname{\\mathbb{E}}: a brace with a style in it."""
        return self.peek() == "{" and self.i + 1 < len(self.raw) and self.raw[self.i + 1][0].startswith(r"\math")

    def upright(self, word: str, at: int, found: list[Item]) -> None:
        if word in ("log", "ln", "exp"):
            found.append(Token(r"\exp" if word == "exp" else r"\log", at, "command"))
        elif re.fullmatch(r"d[a-zA-Z]", word):  # \mathrm{dx}
            found.extend((Token("d", at, "symbol"), Token(word[1], at, "symbol")))
        else:
            found.append(Token(word, at, "word"))

    def stacked(self, text: str, at: int, found: list[Item], depth: int) -> None:
        """Something over or under a relation (its mark), or under E, min, sum (its script)."""
        mark, base = self.argument(depth, at), self.argument(depth, at)
        items = base.items
        if text == r"\underset":
            found.extend((*items, Token("_", at), mark))
        elif len(items) == 1 and isinstance(items[0], Token):
            over = "".join(flat(mark.items)).strip()
            known = {
                "?": "?=",
                "def": ":=",
                "Delta": ":=",
                "△": ":=",
                r"\triangle": ":=",
                "c": "=c",
                "+": "=c",
            }
            relation = items[0].text
            if relation == "=" and over in known:
                relation = known[over]
            found.append(Token(relation, at, "mark"))
        else:
            raise NotRead(f"{text} over more than one sign", at)

    def environment(self, at: int, found: list[Item], depth: int) -> None:
        name = self.text_of_argument(at)
        opened_by_brace = bool(found) and isinstance(found[-1], Token) and found[-1].text == r"\{"
        if name in ("alignat", "alignat*", "alignedat"):
            self.text_of_argument(at)
        inner = self.sequence_of_environment(depth + 1, at)
        if name in ENVIRONMENTS_OF_ROWS and not opened_by_brace:
            found.extend(inner)
        else:
            if opened_by_brace:
                found.pop()
            found.append(Token(f"environment {name}", at, "environment"))

    def sequence_of_environment(self, depth: int, at: int) -> list[Item]:
        inner = self.sequence(depth, None)
        if self.peek() != r"\end":
            raise NotRead("an environment does not end", at)
        self.i += 1
        self.text_of_argument(at)
        return inner


def _script_outside(accented: Group) -> tuple[Item, ...]:
    """\\bar{x_t} as \\bar{x}_t: the accent is the letter's."""
    items = accented.items
    below = len(items) == 3 and isinstance(items[1], Token) and items[1].text == "_" and isinstance(items[0], Token)
    return (Group(items[:1], accented.at), *items[1:]) if below else (accented,)


def _is_prime(script: Group) -> bool:
    return bool(script.items) and all(isinstance(i, Token) and i.text == "'" for i in script.items)


def _plain(text: str, at: int) -> Token:
    if text[0].isdigit():
        return Token(text, at, "number")
    if text in UNICODE_LETTERS or text in UNICODE_VARIANTS:
        return Token(UNICODE_LETTERS.get(text) or UNICODE_VARIANTS[text], at, "symbol")
    if text.isalpha():
        return Token(text, at, "symbol")
    return Token(SAME.get(text, text), at, "mark")
