"""Pages of text, read back by poppler."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from dcmtk import find_tool

from edgeecho.report.pdf import Line, to_pdf

pytestmark = pytest.mark.slow
WORDS = " ".join(f"word{n}" for n in range(400))


def read(document: bytes, folder: Path) -> list[str]:
    """The text of each page; anything that poppler objects to fails."""
    (folder / "a.pdf").write_bytes(document)
    words = [find_tool("pdftotext", "poppler-utils"), "-layout", str(folder / "a.pdf"), "-"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.removesuffix("\f").split("\f")


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    lines = [Line("EF 47.6 % (90 % interval)", bold=True), Line(r"a \ and ( and ) and é µ ≤ 日")]
    (page,) = read(to_pdf(lines, foot="research use only"), tmp_path)
    assert [" ".join(line.split()) for line in page.splitlines() if line.strip()] == [
        "EF 47.6 % (90 % interval)",
        r"a \ and ( and ) and é µ ? ?",
        "research use only 1/1",
    ]


@pytest.mark.parametrize("bold", [False, True])
def test_long_text_is_wrapped_within_the_page_and_goes_on_on_the_next(
    tmp_path: Path, bold: bool
) -> None:
    document = to_pdf([Line(WORDS, size=14, bold=bold)] * 5, foot="foot")
    pages = read(document, tmp_path)
    assert len(pages) > 2
    foots = [f"foot {n}/{len(pages)}" for n in range(1, len(pages) + 1)]
    assert [" ".join(page.split())[-len(foots[0]) :] for page in pages] == foots
    words = [word for page in pages for word in page.split() if word.startswith("word")]
    assert words == WORDS.split() * 5
    boxes = subprocess.run(
        [find_tool("pdftotext", "poppler-utils"), "-bbox", str(tmp_path / "a.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rights = [float(found) for found in re.findall(r'xMax="([0-9.]+)"', boxes)]
    assert 480 < max(rights) <= 595 - 56


def test_a_document_without_lines_has_a_page(tmp_path: Path) -> None:
    (page,) = read(to_pdf([], foot="foot"), tmp_path)
    assert page.split() == ["foot", "1/1"]
