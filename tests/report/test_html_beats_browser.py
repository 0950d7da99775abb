"""Contours and beats of the page, as a browser shows them and as keys move them.

EDGEECHO_SCREENSHOTS=docs writes `beats.png` there, of a phantom and its true masks.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import CONTRAST, problems
from PIL import Image
from ventricle import Drawn, beating, traced

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import Cine
from edgeecho.inference import answer_file, estimate_ready, load_model, make_ready
from edgeecho.report.html import to_html
from edgeecho.results import Answer, Outcome
from edgeecho.results.pictures import Pictures
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render
from edgeecho_train.phantom.truth import masks as true_masks

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
CONTOUR = "document.querySelector('.view .contour')"
SEEN = f"getComputedStyle({CONTOUR}).visibility"
TOGGLE = "document.querySelector('.toggle')"
PAIRS = (
    "[...document.querySelectorAll('.pair')].filter(p => p.checkVisibility())"
    ".map(p => p.dataset.beat)"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files; in frame 61 of the first one nothing was traced."""
    estimate, prepared = answer_file(EXAMPLE, load_model(NARROW), clips="center")
    masks = beating(100, fps=35.22, bpm=100)
    masks[61] = False
    estimate = replace(estimate, refusals=(), traced=traced(masks, fps=35.22, spacing_mm=1.3))
    one = Outcome("a.avi", Answer.of(estimate), None, Pictures.of(prepared, estimate))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(to_html([one, one], datetime(2025, 3, 4, tzinfo=timezone.utc)))
    return path


def test_the_contour_goes_along_with_the_frame(browser: Any, page: Path) -> None:
    paths = re.findall(r'data-contours="([^"]*)"', page.read_text())[0].split(";")
    browser.open(page)
    slider = "document.querySelector('.player input')"
    for index in (0, 1, 60, 61, 62, 99):
        browser.run(f"{slider}.value = {index}; {slider}.dispatchEvent(new Event('input'))")
        assert browser.run(f"{CONTOUR}.getAttribute('d')") == paths[index].split("|")[0], index
        said = browser.run("document.querySelector('output').textContent")
        assert said.endswith(", nothing traced") == (index == 61)
    # It lies on the picture: as far from the canvas's edges as from the mask's.
    boxes = browser.run(
        "['canvas', '.view .contours'].map(s => document.querySelector(s)"
        ".getBoundingClientRect()).map(r => [r.x, r.y, r.width, r.height])"
    )
    assert boxes[0] == pytest.approx(boxes[1], abs=0.5)
    # The cursor is in both curves of the file.
    places = browser.run(
        "[...document.querySelectorAll('#file-1 .curve .cursor')].map(c => c.getAttribute('x1'))"
    )
    assert len(places) == 2
    assert places[0] == places[1]
    assert problems(browser, "file:", "data:") == []


def test_key_and_button_show_and_hide_every_contour(browser: Any, page: Path) -> None:
    browser.open(page)
    assert browser.run(SEEN) == "visible"
    browser.press("c", 67, "c")
    assert browser.run(SEEN) == "hidden"
    pressed = "[...document.querySelectorAll('.toggle')].map(t => t.getAttribute('aria-pressed'))"
    assert browser.run(pressed) == ["false", "false"]
    seen = (
        "[...document.querySelectorAll('.contour, .axis')].map(c => getComputedStyle(c).visibility)"
    )
    assert set(browser.run(seen)) == {"hidden"}
    browser.run(f"{TOGGLE}.focus()")
    browser.press(" ", 32, " ")
    assert set(browser.run(seen)) == {"visible"}
    assert browser.run(pressed) == ["true", "true"]


def test_a_beat_is_chosen_by_keys(browser: Any, page: Path) -> None:
    browser.open(page)
    before = browser.run(PAIRS)
    assert len(before) == 2  # one of each file
    browser.run("document.querySelector('#file-1 .choice input:checked').focus()")
    browser.press("ArrowRight", 39)
    after = browser.run(PAIRS)
    assert len(after) == 2
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert browser.run("document.querySelector('#file-1 .choice input:checked').value") == after[0]


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser: Any, page: Path, width: int) -> None:
    browser.open(page, width)
    room = browser.run("document.documentElement.clientWidth")
    assert browser.run("document.documentElement.scrollWidth") <= room
    # A table scrolls within its own box.
    wide = browser.run(
        "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() "
        f"&& e.getBoundingClientRect().right > {room} "
        "&& !e.closest('defs, use, .scroll table')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out(browser: Any, page: Path, dark: bool) -> None:
    browser.open(page, dark=dark)
    worst = browser.run(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
    browser.press("c", 67, "c")
    assert browser.run(CONTRAST)["ratio"] >= 4.5


def test_it_prints_the_chosen_beat_without_controls(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.send("Emulation.setEmulatedMedia", media="print", features=[])
    for what in (".toggle", ".choice"):
        assert not browser.run(f"document.querySelector('{what}').checkVisibility()"), what
    assert len(browser.run(PAIRS)) == 2
    assert browser.run(SEEN) == "visible"
    browser.send("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.skipif("EDGEECHO_SCREENSHOTS" not in os.environ, reason="only where it is wanted")
def test_a_picture_for_the_documentation(browser: Any, tmp_path: Path) -> None:
    phantom, rng = draw_phantom(PhantomRecipe(seed=2111), 1)
    frames = np.repeat(render(phantom, rng).frames[..., None], 3, axis=3)
    times = np.arange(len(frames)) / phantom.fps
    model = load_model(NARROW)
    cine = Cine(frames, times, phantom.fps, "container", "avi", "MJPG")
    ready = make_ready(cine, model.file.preprocess, None)
    prepared = replace(ready.prepared, pixel_mm=10 * phantom.view.cm_per_pixel)
    estimate = estimate_ready(
        replace(ready, prepared=prepared), replace(model, masks=Drawn(true_masks(phantom)))
    )
    estimate = replace(estimate, refusals=())
    one = Outcome("a.avi", Answer.of(estimate), None, Pictures.of(prepared, estimate))
    (tmp_path / "page.html").write_text(to_html([one], datetime(2025, 3, 4, tzinfo=timezone.utc)))
    browser.open(tmp_path / "page.html", 1100)
    browser.screenshot(tmp_path / "whole.png")
    box = "(r => [r.x, r.y, r.right, r.bottom])(document.querySelector('.beats')%s)"
    x, y, right, bottom = map(round, browser.run(box % ".getBoundingClientRect()"))
    picture = Image.open(tmp_path / "whole.png").convert("RGB")
    cut = picture.crop((x - 20, y - 12, right + 20, bottom + 12))
    cut.quantize(128).save(Path(os.environ["EDGEECHO_SCREENSHOTS"]) / "beats.png", optimize=True)
