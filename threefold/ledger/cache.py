"""Answers of earlier runs, each with a hash of all that it rests on, in the user's cache folder.

One file for each installation. It is read only if it is, byte for byte, what this user's commands wrote: a keyed digest
stands over it, whose key lies beside it. A stored answer is used only if the hash of what it rests on is what it was.
Both guard against damage, stale results and edits by hand; neither guards against a program that runs as this user.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from threefold import account
from threefold.account import Errata, Heading
from threefold.ledger import rows
from threefold.ledger.sources import Sources
from threefold.theory import Setting
from threefold.witnesses import registry

FORMAT = b"threefold ledger cache 1"
MOST_ANSWERS = 3_000  # that depend on a seed: of these the oldest go when there are more
ENGINE = ("threefold.account", "threefold.ledger.questions")


def folder() -> Path | None:
    """Where the cache lies: $THREEFOLD_CACHE, else the user's cache folder; None where it is switched off."""
    named = os.environ.get("THREEFOLD_CACHE")
    if named is not None:
        return None if named.strip().lower() in ("", "0", "off", "none") else Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "threefold"


class Cache:
    """The answers that stand for the sources as they are now, and those that were added to them.

    fresh: nothing stored is read; what is answered now replaces it. note: what is wrong with the file, if anything is.
    """

    def __init__(self, setting: Setting, *, fresh: bool = False) -> None:
        self.setting = setting
        self.fresh = fresh
        self.sources = Sources(setting)
        self.note = ""
        self._answers: dict[str, Any] = {}
        self._headings: list[Any] | None = None
        self._errata: dict[str, Any] | None = None
        self._known: set[str] = set()  # slots whose hash was compared
        self._same = False
        self._changed = False
        where = folder()
        self.path = None if where is None else where / f"ledger-{_installation(self.sources)}.json"
        self._take(self._read())

    # --- what is there ------------------------------------------------------------------------------------------------

    def headings(self) -> dict[str, Heading] | None:
        """The headings of all claims, if no source has changed since they were stored."""
        if self.fresh or not self._same or self._headings is None:
            return None
        return {found.id: found for found in map(decode, self._headings)}

    def get(self, claim: str, asked: str, seed: int, headings: Mapping[str, Heading]) -> tuple[Any, float] | None:
        """What was answered, and how long it took, if it rests on the very same; else None."""
        slot = _slot(claim, asked, seed)
        stored = self._answers.get(slot)
        if stored is None or self.fresh:
            return None
        if not self._same and slot not in self._known:
            if stored["key"] != self._key(claim, asked, seed, headings):
                del self._answers[slot]
                return None
            self._known.add(slot)
        return decode(stored["found"]), float(stored["seconds"])

    def errata(self) -> Errata | None:
        """What was found of the errata, if it rests on the very same sources."""
        stored = None if self.fresh else self._errata
        if stored is None or not (self._same or stored["key"] == self._errata_key()):
            return None
        found: Errata = decode(stored["found"])
        return found

    # --- what is added ------------------------------------------------------------------------------------------------

    def put(self, claim: str, asked: str, seed: int, found: Any, seconds: float) -> None:
        slot = _slot(claim, asked, seed)
        self._answers.pop(slot, None)
        self._answers[slot] = {"key": None, "seconds": seconds, "found": encode(found)}
        self._changed = True

    def put_errata(self, found: Errata) -> None:
        self._errata = {"key": self._errata_key(), "found": encode(found)}
        self._changed = True

    def save(self, headings: Mapping[str, Heading] | None) -> None:
        """Write what stands, whole or not at all, unless a source changed meanwhile.

        A folder that cannot be written to is no error: then nothing is kept.
        """
        if self.path is None or not self._changed or Sources(self.setting).fingerprint != self.sources.fingerprint:
            return
        if headings is None and not self._same:
            self._headings, self._answers = None, {}
        if headings is not None:
            self._headings = [encode(heading) for heading in headings.values()]
            for slot, stored in list(self._answers.items()):
                if stored["key"] is None or not self._same:
                    self._settle(slot, stored, headings)
        body = {
            "fingerprint": self.sources.fingerprint,
            "headings": self._headings,
            "answers": self._kept(),
            "errata": self._errata,
        }
        with suppress(OSError):
            _write(self.path, _sealed(json.dumps(body, ensure_ascii=False).encode(), _key_of(self.path.parent)))
        self._changed = False

    def _kept(self) -> dict[str, Any]:
        seeded = [slot for slot in self._answers if "|symbolic|" not in slot]
        dropped = set(seeded[: max(0, len(seeded) - MOST_ANSWERS)])
        return {slot: stored for slot, stored in self._answers.items() if slot not in dropped}

    def _settle(self, slot: str, stored: dict[str, Any], headings: Mapping[str, Heading]) -> None:
        """Give a new answer its hash; drop an old one whose hash is no longer the same."""
        claim, asked, seed = slot.split("|")
        key = self._key(claim, asked, int(seed), headings) if claim in headings else ""
        if stored["key"] is None and key:
            stored["key"] = key
        elif stored["key"] != key:
            del self._answers[slot]

    # --- hashes -------------------------------------------------------------------------------------------------------

    def _key(self, claim: str, asked: str, seed: int, headings: Mapping[str, Heading]) -> str:
        """The hash of what an answer rests on; empty where it cannot be told."""
        stored = self._answers.get(_slot(claim, asked, seed))
        lemmas = set(stored["found"].get("rests_on", ())) if stored is not None else set()
        if claim not in headings or not lemmas <= headings.keys():
            return ""
        theory = self.setting.theory
        chapters = [module for name in sorted({claim, *lemmas}) for module in headings[name].modules] or [theory]
        modules = [*chapters, theory, f"{theory}.library", *ENGINE]
        where = {name: heading.modules for name, heading in headings.items()}
        if asked == "symbolic":
            return self.sources.key(modules, where, asked)
        if asked in rows.MEASURING:
            package = f"{self.setting.witnesses}.{asked}"
            modules += [*self.sources.mentioning(claim, package), "threefold.witnesses.registry"]
        return self.sources.key(modules, where, asked, seed)

    def _errata_key(self) -> str:
        every = [name for name in self.sources.paths if name.partition(".")[0] == self.setting.theory.partition(".")[0]]
        return self.sources.key([*every, "threefold.account", "threefold.errata"], {}, "errata")

    # --- the file -----------------------------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any]:
        if self.path is None:
            return {}
        try:
            sealed = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.note = f"the stored results in {self.path} cannot be read ({error.strerror}); all is judged anew"
            return {}
        body = _opened(sealed, _key_of(self.path.parent))
        if body is None:
            self.note = (
                f"the stored results in {self.path} are not as they were written (damaged, edited, or from elsewhere): "
                "they are not used, and all is judged anew"
            )
            return {}
        found: dict[str, Any] = json.loads(body)
        return found

    def _take(self, body: dict[str, Any]) -> None:
        self._same = body.get("fingerprint") == self.sources.fingerprint
        self._answers = body.get("answers", {})
        self._headings = body.get("headings")
        self._errata = body.get("errata")


def _slot(claim: str, asked: str, seed: int) -> str:
    """A proof is the same for every seed."""
    return f"{claim}|{asked}|{0 if asked == 'symbolic' else seed}"


def _installation(sources: Sources) -> str:
    """Names the file: other checkouts, other theories and other environments have files of their own."""
    places = [str(sources.paths[name].resolve()) for name in sorted(sources.paths) if "." not in name]
    return hashlib.sha256(repr((places, sources.setting)).encode()).hexdigest()[:16]


# --- plain data to JSON and back --------------------------------------------------------------------------------------


def _classes() -> dict[str, type]:
    modules = [account, rows, sys.modules[registry.Evidence.__module__]]
    named = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    return {found.__name__: found for found in named if dataclasses.is_dataclass(found)}


def encode(value: Any) -> Any:
    """Dataclasses as objects that name their class, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{value!r} is no plain data")


def decode(value: Any, classes: Mapping[str, type] | None = None) -> Any:
    """The inverse of `encode`: every list becomes a tuple."""
    classes = classes or _classes()
    if isinstance(value, list):
        return tuple(decode(item, classes) for item in value)
    if isinstance(value, dict):
        fields = {key: decode(item, classes) for key, item in value.items() if key != "class"}
        return classes[value["class"]](**fields) if "class" in value else fields
    return value


# --- the seal ---------------------------------------------------------------------------------------------------------


def _key_of(where: Path) -> bytes:
    """This user's key, made when first needed. Another key means that what was sealed before is not trusted."""
    path = where / "key"
    with suppress(OSError):
        found = path.read_bytes()
        if len(found) == 32:
            return found
    made = secrets.token_bytes(32)
    with suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, made)
        return path.read_bytes()
    return made


def _sealed(body: bytes, key: bytes) -> bytes:
    return FORMAT + b" " + _digest(body, key) + b"\n" + body


def _opened(sealed: bytes, key: bytes) -> bytes | None:
    head, _, body = sealed.partition(b"\n")
    return body if hmac.compare_digest(head, FORMAT + b" " + _digest(body, key)) else None


def _digest(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, FORMAT + b"\n" + body, hashlib.sha256).hexdigest().encode()


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole, readable by this user alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(name, path)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
