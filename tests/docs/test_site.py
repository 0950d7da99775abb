"""What `make docs` runs beside MkDocs: files in their places, and the check of what was built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pages import DOCS, PAGES, ROOT, name_of, read

pytest.importorskip("pygments")
sys.path.insert(0, str(DOCS / "tools"))
import check_site
import stage


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stage, "STAGE", tmp_path / "pages")
    stage.main()
    return tmp_path / "pages"


def test_every_page_and_all_that_it_links_to_is_there(staged: Path) -> None:
    for page in PAGES:
        assert (staged / name_of(page)).is_file()
        for name in stage.links(name_of(page)):
            plain = name.endswith((".md", ".png", ".svg", ".css"))
            assert (staged / (name if plain else f"{name}.html")).is_file(), name


def test_a_source_file_becomes_a_page_and_links_lead_to_it(staged: Path) -> None:
    assert "](../../edgeecho/trust/gates.py.html)" in read(staged / "docs/adding/gate.md")
    shown = read(staged / "edgeecho/trust/gates.py.html")
    assert "LEAST_WINDOW" in shown
    assert '<a href="../../index.html">' in shown
    assert not (staged / "edgeecho/trust/gates.py").exists()


def site(folder: Path, **pages: str) -> list[str]:
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text)
    return list(check_site.faults(folder))


def test_a_site_that_holds_together_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "a.css").write_text("a{background:url(data:image/png;base64,AA)}")
    assert site(
        tmp_path,
        index='<link rel="stylesheet" href="a.css"><a href="b.html#here">b</a><img src="a.png">'
        '<a href="https://example.org">elsewhere</a><a href="#top">up</a>',
        b='<h2 id="here">b</h2><a href=".">start</a>',
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<a href="none.html">', "none.html leads nowhere"),
        ('<a href="#none">', "#none leads to no anchor"),
        ('<img src="none.png">', "none.png leads nowhere"),
        ('<a href="/index.html">', "/index.html leaves the folder of the site"),
        ('<img src="https://a.org/b.png">', "https://a.org/b.png is loaded from elsewhere"),
        ('<script src="//a.org/b.js"></script>', "//a.org/b.js is loaded from elsewhere"),
        (
            '<link rel="stylesheet" href="https://a.org/b.css">',
            "https://a.org/b.css is loaded from elsewhere",
        ),
        (
            "<style>@import 'https://a.org/b.css'</style>",
            "https://a.org/b.css is loaded from elsewhere",
        ),
        (
            '<p style="background:url(https://a.org/b.png)">',
            "https://a.org/b.png is loaded from elsewhere",
        ),
        ('<pre class="mermaid">', "https://unpkg.com/mermaid is loaded from elsewhere"),
    ],
)
def test_a_fault_is_a_line(tmp_path: Path, text: str, fault: str) -> None:
    assert site(tmp_path, index=text) == [f"index.html: {fault}"]


def test_a_style_sheet_that_loads_a_font_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face{src:url(https://fonts.a.org/b.woff2)}")
    found = site(tmp_path, index="")
    assert found == ["a.css: https://fonts.a.org/b.woff2 is loaded from elsewhere"]


def test_faults_end_the_build(tmp_path: Path) -> None:
    def run(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "index.html").write_text(text)
        command = [sys.executable, DOCS / "tools" / "check_site.py", tmp_path]
        return subprocess.run(command, capture_output=True, text=True)

    assert (run("").returncode, run('<a href="a">').returncode) == (0, 1)
    assert run('<a href="a">').stdout == "index.html: a leads nowhere\n"
    (tmp_path / "index.html").unlink()
    command = [sys.executable, DOCS / "tools" / "check_site.py", tmp_path]
    assert subprocess.run(command, capture_output=True, text=True).returncode == 1


def test_make_docs_is_strict_and_part_of_what_must_pass() -> None:
    (recipe,) = [part for part in read(ROOT / "Makefile").split("\n\n") if part.startswith("docs:")]
    # With --quiet it does not count its warnings.
    assert "mkdocs build --strict\n" in recipe
    assert "check_site.py build/site" in recipe
    assert "\nmake docs\n" in read(ROOT / ".ci" / "run")
    settings = read(ROOT / "mkdocs.yml")
    assert "font: false" in settings
    for kind in ("not_found", "absolute_links", "unrecognized_links", "anchors"):
        assert f"{kind}: warn" in settings.split("\n  links:")[1].splitlines()[0]
