"""How two builds of the site differ: pages, formulas byte for byte, and the places that links lead to.

    python tests/site/compare.py site build/zensical

Exit status 1 if they differ in any of these.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TEX = re.compile(r'<annotation encoding="application/x-tex">(.*?)</annotation>', re.DOTALL)
ID = re.compile(r'\bid="(?!__)([^"]+)"')


def differences(one: Path, other: Path) -> list[str]:
    """In words, page by page."""
    pages = [{path.relative_to(folder).as_posix() for path in folder.rglob("*.html")} for folder in (one, other)]
    found = [f"{name} is missing in {other}" for name in sorted(pages[0] - pages[1])]
    found += [f"{name} is missing in {one}" for name in sorted(pages[1] - pages[0])]
    for name in sorted(pages[0] & pages[1]):
        first, second = ((folder / name).read_text(encoding="utf-8") for folder in (one, other))
        if TEX.findall(first) != TEX.findall(second):
            found.append(f"{name}: the formulas differ")
        if lost := sorted(set(ID.findall(first)) - set(ID.findall(second))):
            found.append(f"{name}: {len(lost)} places that links lead to are gone, {', '.join(lost[:3])}")
    return found


if __name__ == "__main__":
    said = differences(*map(Path, sys.argv[1:3]))
    print("\n".join(said) or "the same pages, the same formulas, the same places")
    sys.exit(bool(said))
