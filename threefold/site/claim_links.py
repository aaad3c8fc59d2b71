"""A Python-Markdown extension for the interface pages: a claim's id in code links to the page of its tag."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

# Python-Markdown comes with mkdocs, and without types.
from markdown import Markdown  # type: ignore[import-untyped,import-not-found,unused-ignore]
from markdown.extensions import Extension  # type: ignore[import-untyped,import-not-found,unused-ignore]
from markdown.treeprocessors import Treeprocessor  # type: ignore[import-untyped,import-not-found,unused-ignore]

import derivations

# Docstrings are shown on the pages in docs/reference/api; the texts themselves link with [[ID]].
ROOT = "../../"


class LinkClaims(Treeprocessor):  # type: ignore[misc,unused-ignore]  # its base has no types
    """`ddpm.forward.marginal`, as docstrings cite it, with its tag and a link."""

    def run(self, root: Element) -> None:
        claims = derivations.claims()
        for parent in list(root.iter()):
            if parent.tag in ("a", "pre"):
                continue
            for place, child in enumerate(list(parent)):
                name = "".join(child.itertext()).strip()
                if child.tag == "code" and name in claims:
                    link = Element("a", {"href": f"{ROOT}tag/{claims[name].tag}/index.html"})
                    link.set("title", f"{claims[name].tag} · {claims[name].title}")
                    link.tail, child.tail = child.tail, None
                    parent.remove(child)
                    link.append(child)
                    parent.insert(place, link)


class ClaimLinks(Extension):  # type: ignore[misc,unused-ignore]  # its base has no types
    """Registers the links after everything inside lines was found."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(LinkClaims(md), "claim-links", 5)


def makeExtension(**options: Any) -> ClaimLinks:
    """What Python-Markdown asks of a module that is an extension."""
    return ClaimLinks(**options)
