"""Whether the built site holds together: exit code 1 and a line for each fault.

    python docs/tools/check_site.py build/site

Every link and picture of every page leads to a file of the site, and to an anchor that is there; no
page loads anything from elsewhere. Links that a reader may follow to other sites are not tried.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"src", "srcset", "poster", "data"}
"""Attributes whose target a browser fetches without being asked."""
_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")
_FETCHED_LATER = "mermaid"
"""A class for which the theme's script would fetch a library."""


class Page(HTMLParser):
    """What one page has: anchors, links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if "href" in found:
            # A browser follows links of <a> only when it is told to.
            kept = tag == "a" or found.get("rel") in ("canonical", "next", "prev")
            (self.links if kept else self.loaded).append(found["href"])
        self.loaded += [value for name, value in found.items() if name in _LOADED]
        self.loaded += _IN_STYLE.findall(found.get("style", ""))
        if _FETCHED_LATER in found.get("class", "").split():
            self.loaded.append(f"https://unpkg.com/{_FETCHED_LATER}")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.loaded += _IN_STYLE.findall(data)


def faults(site: Path) -> Iterator[str]:
    """A line for each thing that is wrong in the folder `site`."""
    files = sorted(site.rglob("*.html"))
    if not files:
        yield f"{site}: no page"
    pages = {file.resolve(): Page(file.read_text(encoding="utf-8")) for file in files}
    for file, page in pages.items():
        shown = file.relative_to(site.resolve()).as_posix()
        for target in [*page.links, *page.loaded]:
            if why := _fault(file, target, pages, loaded=target in page.loaded):
                yield f"{shown}: {target} {why}"
    for file in sorted(site.rglob("*.css")):
        for target in _IN_STYLE.findall(file.read_text(encoding="utf-8")):
            yield f"{file.relative_to(site).as_posix()}: {target} is loaded from elsewhere"


def _fault(file: Path, target: str, pages: dict[Path, Page], *, loaded: bool) -> str | None:
    parts = urlsplit(target)
    if parts.scheme == "data":
        return None
    if parts.scheme or parts.netloc:
        return "is loaded from elsewhere" if loaded else None
    if parts.path.startswith("/"):
        # Of the page for what is not found, which does not know in which folder it is shown.
        return None if file.name == "404.html" else "leaves the folder of the site"
    goal = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if goal.is_dir():
        goal /= "index.html"
    if not goal.is_file():
        return "leads nowhere"
    if goal in pages and unquote(parts.fragment) not in pages[goal].anchors:
        return "leads to no anchor"
    return None


def main() -> None:
    """Print what is wrong."""
    site = Path(sys.argv[1])
    found = list(faults(site))
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        sys.exit(1)
    print(f"{len(list(site.rglob('*.html')))} pages: every link leads somewhere, nothing is loaded")


if __name__ == "__main__":
    main()
