"""Lay out what the site is made of in build/pages, every file in its place in the repository.

    python docs/tools/stage.py

So one relative link works on a git host and in the site, also from the README into `docs/` and from
a page to a source file. A source file that a page links to becomes a page `NAME.html` with its
text, highlighted, and the link is sent there; pictures and Markdown are copied as they are.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from html import escape
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "build" / "pages"
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""Pages outside `docs/`."""
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")
"""A link or picture of Markdown to a file of the repository."""
_COPIED = (".md", ".png", ".svg", ".css")


def main() -> None:
    """Make the folder anew."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for name in staged():
        file = STAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            text = (ROOT / name).read_text(encoding="utf-8")
            file.write_text(LINK.sub(_shown_as, text), encoding="utf-8")
        elif name.endswith(_COPIED):
            shutil.copyfile(ROOT / name, file)
        else:
            file.with_name(f"{file.name}.html").write_text(source_page(name), encoding="utf-8")


def staged() -> list[str]:
    """Every page, and every file that one of them links to, from the root of the repository."""
    docs = (p for p in (ROOT / "docs").rglob("*") if p.suffix in _COPIED)
    waiting = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in docs)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and (ROOT / name).is_file():
            found.add(name)
            if name.endswith(".md"):
                waiting += links(name)
    return sorted(found)


def links(page: str) -> list[str]:
    """What `page` links to, both from the root of the repository; nothing on other machines."""
    text = (ROOT / page).read_text(encoding="utf-8")
    here = posixpath.dirname(page)
    return [posixpath.normpath(posixpath.join(here, target)) for _, target in LINK.findall(text)]


def _shown_as(link: re.Match[str]) -> str:
    bracket, target = link.groups()
    return bracket + target + ("" if target.endswith((*_COPIED, "/")) else ".html")


def source_page(name: str) -> str:
    """The HTML of a source file, which loads nothing."""
    try:
        lexer = get_lexer_for_filename(name)
    except ClassNotFound:
        lexer = TextLexer()
    formatter = HtmlFormatter(cssclass="source")
    text = (ROOT / name).read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>body{font:15px system-ui;margin:1rem}pre{overflow-x:auto}"
        f"{formatter.get_style_defs('.source')}</style>"
        f'<p><a href="{"../" * name.count("/")}index.html">edgeecho</a> / {escape(name)}</p>'
        f"{highlight(text, lexer, formatter)}</html>\n"
    )


if __name__ == "__main__":
    main()
