"""The raw tokens of a formula and the place where they are read."""

from __future__ import annotations

from threefold.check.macros import NotRead


class Raw:
    """Raw tokens, read once from left to right."""

    def __init__(self, source: str, tokens: list[tuple[str, int]]) -> None:
        self.source = source
        self.raw = tokens
        self.i = 0

    def peek(self) -> str | None:
        self.skip_spaces()
        return self.raw[self.i][0] if self.i < len(self.raw) else None

    def at(self) -> int:
        return self.raw[self.i][1] if self.i < len(self.raw) else len(self.source)

    def skip_spaces(self) -> None:
        while self.i < len(self.raw) and self.raw[self.i][0].isspace():
            self.i += 1

    def text_of_argument(self, at: int) -> str:
        """The characters of {...} as they stand, for upright text."""
        if self.peek() != "{":
            if self.i >= len(self.raw):
                raise NotRead("an argument is missing", at)
            text = self.raw[self.i][0]
            self.i += 1
            return text
        self.i += 1
        pieces: list[str] = []
        depth = 1
        while self.i < len(self.raw):
            text = self.raw[self.i][0]
            self.i += 1
            depth += (text == "{") - (text == "}")
            if depth == 0:
                return "".join(pieces)
            pieces.append(text)
        raise NotRead("a brace is not closed", at)
