"""A copy of the house in a temporary folder, to which a test adds something new and sees who learns of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


class Copy:
    """The packages and the tests named, with the files that were written into the copy since."""

    def __init__(self, folder: Path, *tests: str) -> None:
        self.folder = folder
        for name in ("derivations", "reference", "threefold", "torch_impl"):
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        for name in tests:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
            else:
                shutil.copy(ROOT / name, folder / name)
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.before = self.files()

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
        }

    def touched(self) -> list[str]:
        """The files that were added or changed by hand."""
        now = self.files()
        return sorted(name for name in now.keys() | self.before.keys() if now.get(name) != self.before.get(name))

    def add(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def python(self, *arguments: str) -> str:
        """What a command of Python prints, run in the copy and with the copy's packages."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "COLUMNS": "120"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pytest(self, *arguments: str) -> str:
        return self.python("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-n", "0", "-q", *arguments)
