"""The documentation as text: pages, their links, the commands and outputs that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCREENS = DOCS / "screens"
"""What commands printed, each kept in a file by `docs/tools/keep_screens.py`."""
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)")
"""A link or picture of Markdown to a file of the repository, and its anchor."""


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    """A page's words: no code block, no code span."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def anchors(text: str) -> set[str]:
    """The anchors that git hosts give to a page's headings."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def section(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def python_blocks(text: str) -> list[str]:
    """The blocks of Python in a page; a part of a statement is marked as text."""
    return re.findall(r"^```(?:python|text)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Every command line of edgeecho that a page shows."""
    return re.findall(r"^(?:    |\$ |    \$ )(edgeecho [^\n]+)$", text, re.MULTILINE)


def outputs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every `$ edgeecho ...` of a page with the lines that follow it."""
    for block in re.findall(r"^    \$ edgeecho .*\n(?:    .*\n|\n(?=    ))*", text, re.MULTILINE):
        first, *lines = [line[4:] for line in block.splitlines()]
        yield first.removeprefix("$ "), lines


def kept(command: str) -> list[str]:
    """The lines of the kept output of a command."""
    found = [read(file).splitlines() for file in SCREENS.glob("*.txt")]
    (lines,) = [lines for first, *lines in found if first == f"$ {command}"]
    return lines


def is_part_of(lines: list[str], whole: list[str]) -> bool:
    """Whether `lines` are those of `whole` in their order; a line `...` stands for any number."""
    at, gap = 0, False
    for line in lines:
        if line == "...":
            gap = True
        elif gap:
            if line not in whole[at:]:
                return False
            at, gap = whole.index(line, at) + 1, False
        elif at < len(whole) and whole[at] == line:
            at += 1
        else:
            return False
    return gap or at == len(whole)


def form(text: str) -> list[str]:
    """The words of an output: without numbers, hashes, widths, models and machines."""
    text = re.sub(r"\b[0-9a-f]{12}\b", "HASH", text)
    text = re.sub(r" threads? on [^;\n]+", " threads on CPU", text)
    text = re.sub(r"\b(int8\+f32|int8|fp32|f32)\b", "PRECISION", text)
    text = re.sub(r"[+-]?\d+(\.\d+)*", "N", text)
    return [" ".join(line.split()) for line in text.splitlines()]
