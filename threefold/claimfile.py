"""Claims of a user's own file: run in a process of its own, checked, and judged beside those of the library.

The file is a Python program, and running it is all that this module does with it. Whatever goes wrong there ends as
`Unusable` that names the file, the line, the claim and the remedy.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threefold import account, pool, untouched
from threefold.account import Heading, PartAccount
from threefold.claimtext import ClaimText
from threefold.errors import Unusable, nearest
from threefold.witnesses import registry

if TYPE_CHECKING:
    from derivations import Claim, Editorial, Erratum, ErratumReport, Judgement, MutantReport

LIMIT = 60.0  # seconds for running the file once
MODULE = "threefold_claims_of_a_file"
MOST_PRINTED = 4000  # characters of what the file prints that are handed on


@dataclass(frozen=True)
class Contents:
    """What a file holds: its claims, and what it printed, cut short where it is long."""

    headings: tuple[Heading, ...]
    printed: str


class FileTheory:
    """The claims of a file. Their proofs may use each other and those of the library.

    circles: the chains of claims that rest on themselves. unknown: (claim, lemma) where there is no such lemma.
    Both are found while claims are judged.
    """

    def __init__(self, file: str, own: Mapping[str, Claim]) -> None:
        import derivations
        from derivations.judge.replay import Judge
        from derivations.refutation.refute import refute
        from derivations.shadow import watch

        circles: list[tuple[str, ...]] = []
        unknown: list[tuple[str, str]] = []

        class Watched(Judge):
            """A judge that remembers which lemmas could not be had."""

            def _lemma(self, claim_id: str) -> Any:
                if claim_id in self._open:
                    circles.append((*self._open[self._open.index(claim_id) :], claim_id))
                elif claim_id not in self.registry:
                    unknown.append((self._open[-1], claim_id))
                return super()._lemma(claim_id)

        self._file, self._own, self._seen = file, own, untouched.snapshot()
        registry = {**derivations.claims(), **own}
        self._proofs, self._judge = Watched(registry), Judge(registry, refute, watch=watch)
        self.circles, self.unknown = circles, unknown

    def claims(self) -> Mapping[str, Claim]:
        return self._own

    def judge(self, claim: str, /) -> Judgement:
        """Judge a claim. Raises Unusable where it says nothing that could be judged, before anything refutes it."""
        stated = self._judge.registry[claim]
        if claim in self._own and not (found := self._proofs.judge(stated)).verdict:
            self._refuse(stated, account.of_judgement(found))
        judgement = self._judge.judge(stated)
        _refuse_changes(self._file, self._seen)  # what an abbreviation's body does runs only now
        return judgement

    def judge_mutants(self, claim: str, /, seed: int = 0) -> MutantReport:
        import derivations

        return derivations.judge_mutants(self._own[claim], seed)

    def errata(self) -> tuple[Erratum, ...]:
        return ()

    def editorial(self) -> tuple[Editorial, ...]:
        return ()

    def judge_erratum(self, erratum: Erratum, /) -> ErratumReport:
        raise NotImplementedError("a file of claims has no errata")

    def _refuse(self, claim: Claim, parts: Sequence[PartAccount]) -> None:
        advice = self._advice(claim, parts)
        if advice is None:
            return
        said, part, step = advice
        text = ClaimText.read(self._file)
        names: list[str | int] = [part, parts[part].statement.name]
        line = next((line for name in names if (line := text.step_line(claim.id, name, step))), text.line(claim.id))
        raise Unusable(f"{_place(self._file, line)}: claim {claim.id!r}: {said}")

    def _advice(self, claim: Claim, parts: Sequence[PartAccount]) -> tuple[str, int, int] | None:
        """Why a claim cannot be judged at all and what to do, the statement and the step; None where it was judged."""
        for number, part in enumerate(parts):
            failing = [step.number for step in part.steps if step.outcome.kind == "undecided"]
            if part.outcome.kind == "undecided" and number in claim.proofs and not part.steps:
                reason = part.outcome.reason
                return f"{reason}; mend what this is about: the statement, its domain or a hypothesis", number, 0
            for circle in (circle for circle in self.circles if failing and claim.id in circle):
                chain = " rests on ".join(circle)
                return f"it is proved in a circle: {chain}; prove one of them without the others", number, failing[0]
            for lemma in (lemma for user, lemma in self.unknown if failing and user == claim.id):
                near = nearest(lemma, self._judge.registry)
                listed = "`threefold list --fast` shows those of the library"
                return f"no claim is called {lemma!r}{near} Correct the id of the lemma; {listed}", number, failing[0]
        return None


def is_file(name: str) -> bool:
    """Whether an argument of a command means a file of claims, not a pattern or an id."""
    return name.endswith(".py") or "/" in name or (os.sep in name)


def path_of(name: str) -> str:
    """The file, whole path. Raises Unusable where there is none to be read."""
    path = Path(name)
    if path.suffix != ".py":
        raise Unusable(f"{name!r} is no Python file; a file of claims ends in .py, an id or a pattern has no slash")
    if not path.exists():
        near = nearest(path.name, (found.name for found in path.parent.glob("*.py"))) if path.parent.is_dir() else "."
        raise Unusable(f"there is no file {name!r}{near} Give the path of a Python file that defines claims")
    if not path.is_file():
        raise Unusable(f"{name!r} is no file; give the path of a Python file that defines claims")
    try:
        path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot read {name!r}: {error.strerror}; give a file that you may read") from error
    return str(path.resolve())


def headings(file: str, *, limit: float = LIMIT) -> dict[str, Heading]:
    """Run the file in a process of its own and return what its claims say of themselves.

    What the file prints goes to standard error. Raises Unusable for whatever makes the file unusable.
    """
    done = next(pool.run(contents, [file], jobs=1, limit=limit))
    if isinstance(done.result, pool.Failed):
        raise Unusable(
            f"{file}: running it gave no claims: {done.result.reason}; at its top level a file of claims may only "
            "define them, and not start, wait or exit"
        )
    if done.result.printed:
        sys.stderr.write(done.result.printed)
    return {heading.id: heading for heading in done.result.headings}


def contents(file: str) -> Contents:
    """Run the file, here and now, and return its claims as plain data; for worker processes."""
    theory, printed = _loaded(file)
    text = ClaimText.read(file)
    registered = {kind: found.ids() for kind, found in registry.REGISTRIES.items()}
    made = []
    for name, claim in theory.claims().items():
        witnesses = tuple(kind for kind, ids in registered.items() if name in ids)
        made.append(replace(_heading(file, claim, text), line=text.line(name), witnesses=witnesses))
    for kind, ids in registered.items():
        for stray in [name for name in ids if name not in theory.claims()]:
            raise Unusable(
                f"{file}: it registers a {kind} witness for {stray!r}, and defines no such claim"
                f"{nearest(stray, theory.claims())} Correct the id, or take the witness out"
            )
    return Contents(tuple(made), printed)


@cache
def _loaded(file: str) -> tuple[FileTheory, str]:
    with quiet() as printed:
        own = _checked(file, _run(file), ClaimText.read(file))
    return FileTheory(file, own), "".join(printed)


def load(file: str) -> FileTheory:
    """Run the file once in this process and return its claims. Raises Unusable for a file that cannot be used."""
    return _loaded(file)[0]


def _run(file: str) -> dict[str, Any]:
    """Execute the file as a module. What it raises becomes Unusable with the line and the claim."""
    text = ClaimText.read(file)
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if spec is None or spec.loader is None:
        raise Unusable(f"{file}: Python cannot import it; give a file that ends in .py")
    from sympy.core.cache import clear_cache

    import derivations

    derivations.claims()  # first, so that a name with a second look is refused where the file declares it
    seen = untouched.snapshot()
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    sys.path.insert(0, str(Path(file).parent))
    try:
        spec.loader.exec_module(module)
    except Unusable:
        raise
    except SystemExit as error:
        raise Unusable(
            f"{_place(file, _line_of(error, file))}: the file ends the program ({_short(error)}); take that out, since "
            "a file of claims only defines them"
        ) from error
    except BaseException as error:
        line = _line_of(error, file)
        claim = text.claim_at(line)
        about = f"claim {claim!r}: " if claim else ""
        raise Unusable(f"{_place(file, line)}: {about}{_short(error)}; mend that line") from error
    finally:
        sys.path.remove(str(Path(file).parent))
    _refuse_changes(file, seen)
    clear_cache()  # a class of the file's own may have had itself remembered for a number
    return vars(module)


def _refuse_changes(file: str, seen: untouched.Seen) -> None:
    if (change := next(untouched.changes(seen), None)) is not None:
        raise Unusable(f"{file}: {change}; take that out, since a file of claims only defines them")


def _checked(file: str, names: Mapping[str, Any], text: ClaimText) -> dict[str, Claim]:
    """The claims that the file defines, in its order. Raises Unusable for one that stands twice or is lost."""
    import derivations

    library = derivations.claims()
    found: dict[str, Claim] = {}
    for value in names.values():
        if not isinstance(value, derivations.Claim) or library.get(value.id) is value or found.get(value.id) is value:
            continue
        place = _place(file, text.line(value.id))
        if value.id in library:
            raise Unusable(
                f"{place}: claim {value.id!r}: the library has a claim of this id; choose another, such as "
                f"'my.{value.id}'"
            )
        if value.id in found:
            lines = " and ".join(map(str, text.lines(value.id)))
            raise Unusable(f"{place}: claim {value.id!r} is defined twice (lines {lines}); give one another id")
        _refuse_unprintable(place, value)
        if value.nothing_said:
            raise Unusable(f"{place}: claim {value.id!r}: {value.nothing_said}")
        found[value.id] = value
    for name in text.ids():
        if name not in found and name not in library:
            raise Unusable(
                f"{_place(file, text.line(name))}: claim {name!r} is made but not kept; give it a name of its own "
                "at the top level of the file: name = Claim(...)"
            )
        if len(text.lines(name)) > 1:
            lines = " and ".join(map(str, text.lines(name)))
            raise Unusable(
                f"{_place(file, text.line(name))}: claim {name!r} is defined twice (lines {lines}); give one another id"
            )
    if not found:
        raise Unusable(
            f'{file} defines no claim; at its top level there must be one, as in `mine = Claim(id="my.claim", ...)`'
        )
    return found


def _refuse_unprintable(place: str, claim: Claim) -> None:
    """A line break or a control character in what a claim says of itself could write over other lines of a terminal."""
    lines = (line.why for proof in claim.proofs.values() for chain in proof.chains for line in chain.lines)
    texts = [claim.id, claim.title, claim.chapter, claim.scope, *claim.sources, *(s.words for s in claim.says), *lines]
    texts += [text for h in claim.hypotheses for text in (h.name, h.words)]
    if not claim.id.isascii():
        raise Unusable(f"{place}: claim {claim.id!r} has an id that may be taken for another; use ASCII letters")
    for text in (*texts, *claim.words.splitlines()):
        if not str(text).isprintable():
            raise Unusable(f"{place}: claim {claim.id!r} says {text!r}; write plain text, without control characters")


def refuse_other_words(file: str, said: Heading, claim: Claim, judged: Sequence[PartAccount]) -> None:
    """Refuse a claim that says something else than when it was read: what is shown of it must be what was judged."""
    now = replace(account.of_claim(claim), line=said.line, witnesses=said.witnesses)
    if now != said or tuple(part.statement for part in judged) != said.statements:
        raise Unusable(
            f"{_place(file, said.line)}: claim {claim.id!r} says one thing when the file is run, and another later; a "
            "claim is data, and neither what the file was run for nor an abbreviation's body may change it"
        )


def _heading(file: str, claim: Claim, text: ClaimText) -> Heading:
    try:
        return account.of_claim(claim)
    except Exception as error:  # what cannot be printed was not meant to be
        place = _place(file, text.line(claim.id))
        raise Unusable(f"{place}: claim {claim.id!r} cannot be read: {_short(error)}; mend its statement") from error


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep what is printed from the process's standard streams; the list that is yielded then holds its beginning."""
    printed: list[str] = []
    streams = (sys.stdout, sys.stderr)
    with tempfile.TemporaryFile("w+b", buffering=0) as file:
        for stream in streams:
            stream.flush()
        kept = [os.dup(number) for number in (1, 2)]
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield printed
        finally:
            for stream in streams:
                stream.flush()
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
            printed.append(_beginning(file))


def _beginning(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    text: str = file.read(MOST_PRINTED).decode(errors="replace")
    more = size - MOST_PRINTED
    return text if more <= 0 else f"{text}\n... and {more} bytes more that the file printed\n"


def _line_of(error: BaseException, file: str) -> int:
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else 0


def _place(file: str, line: int) -> str:
    return f"{file}, line {line}" if line else file


def _short(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {said[:500]}" if said else type(error).__name__
