"""Checkpoints and data files altered by chance, as a hostile or a broken machine might."""

from __future__ import annotations

import json
import math
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch_impl.training.stored import file_digest, manifest_digest

WEIRD: list[Any] = [
    *(None, True, False, -1, 0, 1, 2, 7, 255, 40_000, 2**31, 2**53, 2**63, 2**70, -(2**63), 10**300),
    *(0.5, -0.5, 1e-300, 1e308, math.nan, math.inf),
    *("", "x", "1", "x" * 3000, "../../etc/passwd", "/dev/zero", "\0"),
    *([], {}, [[]], [1] * 50, [40_000] * 3, [-1], ["x"], {"kind": "ddpm"}, {"a": {"b": [1, 2]}}, [[[[[[[[1]]]]]]]]),
]


def rewrite_manifest(folder: Path, extra: dict[str, Any] | None = None, **facts: Any) -> None:
    """Make the manifest agree with the files as they are now: a forger can."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p != path]
    manifest["files"] = {name: file_digest(folder / name)._asdict() for name in names} | (extra or {})
    manifest.update(facts)
    manifest["digest"] = manifest_digest(manifest)
    path.write_text(json.dumps(manifest))


# -- bytes ------------------------------------------------------------------------------------------------------------


def spoil_bytes(path: Path, chance: random.Random) -> None:
    """Flip, cut, lengthen, repeat or overwrite bytes."""
    content = bytearray(path.read_bytes()) or bytearray(b"\0")
    place = chance.choice([chance.randrange(len(content)), min(chance.randrange(200), len(content) - 1)])
    kind = chance.randrange(6)
    if kind == 0:
        content[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del content[place:]
    elif kind == 2:
        content += chance.randbytes(chance.randrange(1, 64))
    elif kind == 3:
        content[place : place + 8] = chance.choice([b"\xff" * 8, b"\0" * 8, chance.randbytes(8)])
    elif kind == 4:
        content[place:place] = content[place : place + chance.randrange(1, 200)]
    else:
        content = bytearray(chance.randbytes(chance.randrange(2000)))
    path.write_bytes(content)


# -- JSON -------------------------------------------------------------------------------------------------------------


def spoil_json(path: Path, chance: random.Random) -> None:
    """Replace, remove or add a value anywhere in a JSON document."""
    if chance.random() < 0.05:
        deep = 10 ** chance.randrange(2, 6)
        path.write_text(chance.choice(['{"a":' * deep + "1" + "}" * deep, "[" * deep + "]" * deep]))
        return
    try:
        data = json.loads(path.read_text())
    except ValueError:
        return spoil_bytes(path, chance)
    holders: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            holders.append((value, key))
            if isinstance(value[key], dict | list) and value[key]:
                walk(value[key])

    walk(data)
    holder, key = chance.choice(holders) if holders else (data, "a")
    kind = chance.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(["a", "kind", "../x", "widths", "step", "steps"])] = chance.choice(WEIRD)
    elif kind == 2 and type(holder[key]) is int:
        holder[key] *= chance.choice([-1, 10, 1000, 10**6, 10**12])
    else:
        holder[key] = chance.choice(WEIRD)
    path.write_text(json.dumps(data))


# -- safetensors ------------------------------------------------------------------------------------------------------


def spoil_tensors(path: Path, chance: random.Random) -> None:
    """Alter the header's claims, or put a number into the data that no weight is."""
    content = path.read_bytes()
    if len(content) < 8:
        return spoil_bytes(path, chance)
    (length,) = struct.unpack("<Q", content[:8])
    body = bytearray(content[8 + length :])
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError:
        return spoil_bytes(path, chance)
    name = chance.choice(sorted(key for key in header if key != "__metadata__"))
    entry, kind = header[name], chance.randrange(9)
    if kind == 0:
        entry["shape"] = chance.choice(
            [[], [1], [2**40], [40_000, 40_000], entry["shape"][::-1], entry["shape"] + [1], [-1], [0]]
        )
    elif kind == 1:
        entry["dtype"] = chance.choice(["I32", "F16", "F64", "BOOL", "X", "F8_E4M3", None, 7])
    elif kind == 2:
        entry["data_offsets"] = chance.choice(
            [[0, 0], [0, 2**40], [-4, 0], [4, 0], entry["data_offsets"][::-1], [2**63, 2**64], ["a"]]
        )
    elif kind == 3:
        header[chance.choice(["other", "model.x", "", "x" * 500])] = header.pop(name)
    elif kind == 4:
        del header[name]
    elif kind == 5:
        header["__metadata__"] = chance.choice([{"format": "pt"}, {"a": 1}, [], "x", {"DCP_SHARDING_INFO": "{}"}])
    elif kind == 6:
        header[name] = chance.choice(WEIRD)
    elif kind == 7 and body:
        place = chance.randrange(max(1, len(body) // 4)) * 4
        body[place : place + 4] = struct.pack("<f", chance.choice([math.nan, math.inf, -math.inf]))
    else:
        length = chance.choice([0, 1, 2**20, 2**40, 2**63, len(content)])
        path.write_bytes(struct.pack("<Q", length) + content[8:])
        return
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


# -- checkpoints ------------------------------------------------------------------------------------------------------


def spoil_folder(folder: Path, chance: random.Random) -> dict[str, Any]:
    """Put a link, a pipe or nothing where a file was; what the manifest is to say besides."""
    path = chance.choice(sorted(p for p in folder.rglob("*") if p.is_file()))
    kind = chance.randrange(5)
    if kind == 4:
        place = chance.choice(
            ["/dev/zero", "../../state.json", "..", ".", "", "a/../../b", "shards", "C:\\x", "\0", "pipe", "nothing"]
        )
        os.mkfifo(folder / "pipe")
        return {place: {"sha256": "0" * 64, "bytes": chance.choice([0, 1, 2**60, -1, None])}}
    path.unlink()
    if kind == 0:
        path.symlink_to(chance.choice(["/dev/zero", "/etc/passwd", str(path), "../manifest.json"]))
    elif kind == 1:
        os.mkfifo(path)
    elif kind == 2:
        path.mkdir()
    return {}


def spoil_checkpoint(folder: Path, chance: random.Random) -> str:
    """One alteration of a checkpoint, with a manifest that hides it more often than not; says what was done."""
    extra: dict[str, Any] = {}
    kind = chance.choice(["json", "json", "json", "tensors", "tensors", "bytes", "folder", "manifest"])
    if kind == "folder":
        extra = spoil_folder(folder, chance)
    elif kind == "manifest":
        spoil_json(folder / "manifest.json", chance)
        return kind
    else:
        pattern, spoil = _SPOILERS[kind]
        path = chance.choice(sorted(p for p in folder.rglob(pattern) if p.is_file() and p.name != "manifest.json"))
        spoil(path, chance)
        kind = f"{kind} of {path.name}"
    if (folder / "manifest.json").is_file() and not (folder / "manifest.json").is_symlink() and chance.random() < 0.9:
        facts = {"schema": chance.choice([99, "1", True])} if chance.random() < 0.02 else {}
        try:
            rewrite_manifest(folder, extra, **facts)
        except ValueError:  # a link or a pipe, which has no digest
            return kind
    return kind


_SPOILERS: dict[str, tuple[str, Callable[[Path, random.Random], None]]] = {
    "json": ("*.json", spoil_json),
    "tensors": ("*.safetensors", spoil_tensors),
    "bytes": ("*", spoil_bytes),
}
