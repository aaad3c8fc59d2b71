"""What the page "Check your own" runs on, laid beside the site: Pyodide, our own code, and the libraries it imports.

Pyodide comes from npm, once, checked against the sum below and kept in the user's cache. The libraries are those that
this very environment has installed, so they are the versions that the ledger was judged with.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from threefold.ledger.cache import folder

ROOT = Path(__file__).parents[2]
VERSION = "314.0.7"
SUM = (
    "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="  # SHA-512 of the tarball
)
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
LIBRARIES = ("sympy", "mpmath", "markdown-it-py", "mdurl", "mdit-py-plugins", "pyyaml")
OURS = ("derivations", "threefold/check", "threefold/live")
CODE, COMPILED = "threefold.zip", "libraries.zip"
LIB = "/lib/threefold"  # where both are unpacked, here and in the browser
PATIENCE = 120.0  # seconds for npm
LONG = 600.0  # seconds for compiling, which takes fifteen on a processor of its own

COMPILE = """
import { readFileSync, writeFileSync } from "node:fs";
const [runtime, packing, source, target, lib] = process.argv.slice(2);
try {
  const { loadPyodide } = await import(runtime);
  const python = await loadPyodide();
  python.unpackArchive(new Uint8Array(readFileSync(source)), "zip", { extractDir: lib });
  python.globals.set("lib", lib);
  python.runPython("import sys; sys.path.insert(0, lib)");
  python.runPython(readFileSync(packing, "utf8"));
  python.runPython("packed = pack(lib)");
  writeFileSync(target, python.globals.get("packed").toJs());
  process.exit(0);
} catch (error) {
  console.error(String(error?.message ?? error).trim().split("\\n").at(-1));
  process.exit(1);
}
"""


class NotBuilt(Exception):
    """Why the page cannot be built here."""


@dataclass(frozen=True)
class Runtime:
    """The files that a browser loads, below `folder` of the site's assets: bytes and SHA-256 of each."""

    folder: str
    files: dict[str, tuple[int, str]]

    @property
    def megabytes(self) -> float:
        return sum(size for size, _ in self.files.values()) / 1e6

    def manifest(self) -> str:
        """What the script is told, as JSON."""
        files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in self.files.items()}
        return json.dumps({"folder": self.folder, "lib": LIB, "zips": [COMPILED, CODE], "files": files})


def vendor(out: Path, cache: Path | None = None) -> Runtime:
    """Write all files below `out`, in a folder named by their content. Raises NotBuilt where that is impossible.

    What was fetched and compiled is kept in `cache`, as a rule the user's cache folder; nowhere where that is off.
    """
    with tempfile.TemporaryDirectory() as passing:
        kept = cache or (folder() or Path(passing)) / "browser"
        try:
            kept.mkdir(parents=True, exist_ok=True)
            return _vendored(out, kept)
        except (OSError, tarfile.TarError, KeyError) as reason:
            raise NotBuilt(f"{type(reason).__name__}: {reason}"[:300]) from reason


def _vendored(out: Path, cache: Path) -> Runtime:
    tarball = fetched(cache)
    contents = {name: _member(tarball, name) for name in RUNTIME}
    contents |= {COMPILED: compiled(cache, tarball).read_bytes(), CODE: zipped(our_code())}
    contents["katex.min.js"] = (Path(__file__).parent / "vendor" / "katex.min.js").read_bytes()
    files = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
    named = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    (out / named).mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (out / named / name).write_bytes(content)
    return Runtime(f"{out.name}/{named}", files)


# --- Pyodide ----------------------------------------------------------------------------------------------------------


def is_genuine(tarball: bytes) -> bool:
    return base64.b64encode(hashlib.sha512(tarball).digest()).decode() == SUM


def fetched(cache: Path) -> Path:
    """The tarball of Pyodide, from the cache or from npm. Raises NotBuilt without npm, offline, or for a wrong sum."""
    kept = cache / f"pyodide-{VERSION}.tgz"
    if kept.is_file() and is_genuine(kept.read_bytes()):
        return kept
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotBuilt("npm is not installed, and Pyodide comes from there (on Debian: apt-get install npm)")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        asked = [npm, "pack", f"pyodide@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(
                asked, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise NotBuilt(f"npm did not fetch pyodide {VERSION} within {PATIENCE:g} s") from None
        found = list(Path(folder).glob("*.tgz"))
        if done.returncode or not found:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
            raise NotBuilt(f"npm could not fetch pyodide {VERSION}: {said[:200]}")
        if not is_genuine(found[0].read_bytes()):
            raise NotBuilt(f"what npm fetched as pyodide {VERSION} has another SHA-512 than the one pinned here")
        os.replace(found[0], kept)
    return kept


def _member(tarball: Path, name: str) -> bytes:
    with tarfile.open(tarball) as archive:
        inside = archive.extractfile(f"package/{name}")
        if inside is None:
            raise KeyError(f"{tarball.name} has no {name}")
        return inside.read()


# --- our own code and its libraries -----------------------------------------------------------------------------------


def our_code() -> Iterator[tuple[str, bytes]]:
    """(path, content) of every file of ours that the browser's Python imports."""
    ours = [path for folder in OURS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".csv")]
    for path in (ROOT / "threefold" / "__init__.py", *ours):
        yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def libraries() -> Iterator[tuple[str, bytes]]:
    """(path, content) of every module of the libraries. Raises NotBuilt for one that is not installed."""
    for library in LIBRARIES:
        try:
            found = importlib.metadata.files(library) or []
        except importlib.metadata.PackageNotFoundError:
            raise NotBuilt(f"{library} is not installed") from None
        for file in sorted(found):
            inside = file.suffix == ".py" and file.parts[0] not in ("..", "_yaml") and len(file.parts) > 1
            if inside and not {"tests", "benchmarks"} & set(file.parts):
                yield file.as_posix(), Path(str(file.locate())).read_bytes()


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The same bytes for the same files, whenever they are zipped."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def compiled(cache: Path, tarball: Path) -> Path:
    """The libraries, with what is loaded first compiled by the Pyodide of the tarball under node; kept by content."""
    source, packing = zipped(libraries()), ROOT / "threefold" / "live" / "packing.py"
    digest = hashlib.sha256(source + packing.read_bytes() + f"{COMPILE} {SUM}".encode()).hexdigest()[:16]
    kept = cache / f"libraries-{digest}.zip"
    if kept.is_file() and zipfile.is_zipfile(kept):
        return kept
    node = shutil.which("node")
    if node is None:
        raise NotBuilt("node is not installed, and the libraries are compiled for the browser by it")
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        for member in RUNTIME:
            (folder / member).write_bytes(_member(tarball, member))
        (folder / "source.zip").write_bytes(source)
        (folder / "compile.mjs").write_text(COMPILE, encoding="utf-8")
        places = [folder / "compile.mjs", folder / "pyodide.mjs", packing, folder / "source.zip", folder / "made.zip"]
        try:
            done = subprocess.run(
                [node, *map(str, places), LIB],
                capture_output=True, text=True, timeout=LONG, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NotBuilt(f"compiling the libraries took more than {LONG:g} s") from None
        if done.returncode or not zipfile.is_zipfile(folder / "made.zip"):
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NotBuilt(f"the libraries could not be compiled: {said[:200]}")
        os.replace(folder / "made.zip", kept)
    return kept
