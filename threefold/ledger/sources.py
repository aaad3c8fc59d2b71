"""What a verdict rests on: the source files that were read for it, found by following imports, and versions.

Nothing is imported to find out. An edge leads from a module to what it imports anywhere in its text, to the packages
around those, and to the modules of the claims whose ids it spells out, since lemmas are cited by id. A module that
imports by computed names is taken to import all of its package.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path

import threefold
from threefold.theory import Setting

PACKAGES = ("derivations", "reference", "torch_impl", "threefold")
LIBRARIES = ("sympy", "mpmath", "numpy", "scipy", "torch")


class Sources:
    """The project's source files, and those of another theory and its witnesses, as they stand now."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        own = (setting.theory.partition(".")[0], setting.witnesses.partition(".")[0])
        # These import by computed names what is accounted for otherwise: chapters, witnesses, commands.
        self._directories = {"derivations", "threefold", *own}
        tops = dict.fromkeys([*PACKAGES, *own])
        self.paths: dict[str, Path] = {}
        for top in tops:
            self.paths |= dict(_modules(top))

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The hash of each file, by module; data files of the packages go with the package they lie in."""
        return {name: _hash(_contents(path)) for name, path in self.paths.items()}

    @cached_property
    def fingerprint(self) -> str:
        """The hash of everything that any verdict may rest on."""
        return _hash(repr((versions(), self.setting, sorted(self.digests.items()))).encode())

    def key(self, modules: Iterable[str], claims: Mapping[str, tuple[str, ...]], *options: object) -> str:
        """The hash of what is reached from these modules, of the versions and of the options.

        claims: the modules of each claim, by id.
        """
        reached = self._reached(modules, claims)
        return _hash(repr((versions(), options, [(name, self.digests[name]) for name in sorted(reached)])).encode())

    def mentioning(self, claim: str, package: str) -> list[str]:
        """The modules of a package that spell out a claim's id; all of them if none does, for it may be computed."""
        inside = [name for name in self.paths if name == package or name.startswith(package + ".")]
        return [name for name in inside if claim in self._edges(name)[1]] or inside

    def _reached(self, modules: Iterable[str], claims: Mapping[str, tuple[str, ...]]) -> set[str]:
        seen: set[str] = set()
        waiting = [name for name in modules if name in self.paths]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            imported, strings = self._edges(name)
            waiting.extend(imported - seen)
            if name.partition(".")[0] == self.setting.theory.partition(".")[0]:
                for cited in strings & claims.keys():
                    waiting.extend(module for module in claims[cited] if module not in seen)
        return seen

    @cache  # noqa: B019  (a Sources lives as long as a command)
    def _edges(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        """The modules that a module imports, and the strings in it."""
        path = self.paths[name]
        tree = ast.parse(path.read_bytes())
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found = {above for target in self._imports(tree, package) for above in _with_packages(target)}
        if name.partition(".")[0] not in self._directories and _imports_by_computed_names(tree):
            found |= self._below(package)
        strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str}
        return frozenset((found | set(_with_packages(package))) & self.paths.keys()), frozenset(strings)

    def _imports(self, tree: ast.Module, package: str) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    lazy = alias.name in self.paths and self._lazy(alias.name) is not None
                    yield from self._below(alias.name) if lazy else (alias.name,)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield base
                for alias in node.names:
                    yield from self._from(base, alias.name)

    def _from(self, base: str, name: str) -> Iterable[str]:
        """The modules behind `from base import name`."""
        if f"{base}.{name}" in self.paths:
            return (f"{base}.{name}",)
        owners = self._lazy(base) if base in self.paths else None
        if owners is None:
            return ()
        return (f"{base}.{owners[name]}",) if f"{base}.{owners.get(name)}" in self.paths else self._below(base)

    @cache  # noqa: B019
    def _lazy(self, name: str) -> dict[str, str] | None:
        """name -> submodule, by the tables of a package that loads its names on first use; None where it does not."""
        tree = ast.parse(self.paths[name].read_bytes())
        if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
            return None
        pairs: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                        pairs[str(key.value)] = str(value.value)
        return pairs

    def _below(self, package: str) -> set[str]:
        return {name for name in self.paths if name == package or name.startswith(package + ".")}


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """The versions of what computes: Python, the processor's kind, the libraries."""
    found = [("python", f"{platform.python_implementation()} {platform.python_version()}")]
    found += [("machine", f"{platform.system()} {platform.machine()}"), ("threefold", threefold.__version__)]
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, ""))
    return tuple(found)


def _modules(top: str) -> Iterator[tuple[str, Path]]:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return
    if spec is None or not spec.origin:
        return
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        yield top, origin
        return
    for path in sorted(origin.parent.rglob("*.py")):
        parts = path.relative_to(origin.parent).with_suffix("").parts
        yield ".".join([top, *(parts[:-1] if parts[-1] == "__init__" else parts)]), path


def _contents(path: Path) -> bytes:
    """A module's text; with a package's go the tables that lie beside it."""
    found = path.read_bytes()
    if path.name == "__init__.py":
        for table in sorted([*path.parent.glob("*.csv"), *path.parent.glob("*.json"), *path.parent.glob("*.toml")]):
            found += b"\0" + table.name.encode() + b"\0" + table.read_bytes()
    return found


def _imports_by_computed_names(tree: ast.Module) -> bool:
    """Whether `import_module` or the like is called outside of a package's `__getattr__`."""
    lazily = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__"
        for inner in ast.walk(node)
    }
    return any(
        isinstance(node, ast.Call)
        and id(node) not in lazily
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in ("import_module", "__import__", "iter_modules")
        for node in ast.walk(tree)
    )


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
