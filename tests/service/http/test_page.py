"""The page in a real browser, with a real service.

EDGEECHO_SCREENSHOTS=docs writes `serve-*.png` there, of the demo model.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from chromium import CONTRAST, problems
from media import phantom_frames, write_video
from pydicom.examples import get_path
from served import PHANTOMS, Process, Thread
from served_page import ALL_ENDED, NAMES, open_page

from edgeecho import RESEARCH_USE

pytestmark = pytest.mark.slow

NUMBER = "document.querySelectorAll('#result .ef, #result data, #result .scale').length"


@pytest.fixture
def service(start: Any) -> Thread:
    """Of each test its own: what it was sent is all that the page shows."""
    service: Thread = start()
    return service


@pytest.fixture
def doe(tmp_path: Path) -> Path:
    """A real cine, which is refused, under the name of a patient."""
    return Path(shutil.copy(get_path("ybr_color"), tmp_path / "DOE^JANE.dcm"))


def test_a_dropped_clip_is_answered(browser: Any, service: Thread, tmp_path: Path) -> None:
    named = shutil.copy(PHANTOMS[0], tmp_path / "Jane Doe & <b>.avi")
    open_page(browser, service)
    browser.drop(named)
    browser.wait("!!document.querySelector('#result .ef data')")
    with service.client() as client:
        (job,) = client.get("/api/v1/jobs").json()["jobs"]
    shown = browser.run("Number(document.querySelector('#result .ef data').value)")
    assert shown == job["summary"]["ef"]
    assert browser.run("document.querySelector('#result h2').textContent") == "Jane Doe & <b>.avi"
    assert browser.run(NAMES) == ["Jane Doe & <b>.avi"]
    text = browser.run("document.body.innerText")
    assert RESEARCH_USE in text
    assert job["sha256"] in text
    # It plays by itself, and the curve's cursor goes along.
    browser.wait("document.querySelector('.player button').textContent == 'Pause'")
    at = browser.run("document.querySelector('.player output').textContent")
    browser.wait(f"document.querySelector('.player output').textContent != '{at}'")
    assert browser.run("!!document.querySelector('#result .curve .cursor.on')")
    # What is heard, and what was sent.
    assert "EF" in browser.run("document.getElementById('say').textContent")
    sent = [e["params"]["request"] for e in browser.events
            if e["method"] == "Network.requestWillBeSent"
            and not e["params"]["request"]["url"].startswith("data:")]  # fmt: skip
    assert any(request["method"] == "POST" for request in sent)
    assert "Doe" not in json.dumps(sent)
    assert problems(browser, f"{service.url}/", "data:", "blob:") == []


def test_a_refused_clip_has_reasons_and_no_number(browser: Any, service: Thread, doe: Path) -> None:
    open_page(browser, service)
    browser.drop(doe)
    browser.wait("!!document.querySelector('#result .refused .player canvas:not([hidden])')")
    assert browser.run(NUMBER) == 0
    assert browser.run("document.querySelectorAll('#result .reasons li').length") > 0
    assert browser.run("document.querySelector('.row .badge').textContent") == "refused"
    assert "%" not in browser.run("document.querySelector('.row').textContent")
    # The frames stand at their place in the image.
    box = browser.run("document.querySelector('.crop .outline').getBBox().width")
    assert box > 0
    assert "320×240" in browser.run("document.querySelector('.crop figcaption').textContent")
    assert problems(browser, f"{service.url}/", "data:", "blob:") == []


def test_what_is_no_video_says_why(browser: Any, service: Thread, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "empty.avi").touch()
    open_page(browser, service)
    browser.drop(tmp_path / "notes.txt")
    browser.wait("document.querySelector('#result .verdict')?.textContent == 'No answer'")
    words = browser.run("document.querySelector('#result .words').textContent")
    assert words.startswith("notes.txt is not a video")
    browser.drop(tmp_path / "empty.avi")
    browser.wait("document.querySelector('.row .state').textContent.startsWith('not sent')")
    browser.run("document.querySelector('.row .cancel').click()")
    assert browser.run(NAMES) == ["notes.txt"]


def test_a_review_by_keyboard_goes_into_the_trail(browser: Any, service: Thread) -> None:
    open_page(browser, service)
    browser.drop(PHANTOMS[0])
    browser.wait("!!document.querySelector('.review textarea')")
    browser.wait("document.querySelector('.player button').textContent == 'Pause'")
    browser.run("document.querySelector('.pick').focus()")
    browser.press("Enter", 13, "\r")
    browser.wait("document.activeElement.matches('#result h2')")
    for _ in range(12):
        browser.press("Tab", 9)
        if browser.run("document.activeElement.id") == "note":
            break
    for letter in "good":
        browser.press(letter, ord(letter.upper()), letter)
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.value") == "accepted"
    assert browser.run("document.activeElement.matches(':focus-visible')")
    browser.press("Enter", 13, "\r")
    browser.wait("document.querySelector('.said').textContent.startsWith('Accepted')")
    assert "good" in browser.run("document.querySelector('.said').textContent")
    browser.run("document.querySelector('.trail summary').click()")
    browser.wait("document.querySelectorAll('.trail li').length == 3")
    with service.client() as client:
        (job,) = client.get("/api/v1/jobs").json()["jobs"]
    assert (job["review"]["decision"], job["review"]["note"]) == ("accepted", "good")


def test_each_export_is_a_file(browser: Any, service: Thread, tmp_path: Path) -> None:
    open_page(browser, service)
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "d"))
    browser.drop(PHANTOMS[0])
    browser.wait("document.querySelectorAll('.links a').length >= 3")
    browser.run("[...document.querySelectorAll('.links a')].forEach(a => a.click())")
    with service.client() as client:
        (job,) = client.get("/api/v1/jobs").json()["jobs"]
        for form in job["forms"]:
            file = tmp_path / "d" / f"edgeecho-{job['id'][:8]}.{form}"
            wait_for = client.get(f"/api/v1/jobs/{job['id']}/result.{form}").content
            for _ in range(200):
                if file.exists() and file.read_bytes() == wait_for:
                    break
                browser.run("new Promise(done => setTimeout(done, 50))")
            assert file.read_bytes() == wait_for


def test_nothing_is_wider_than_the_screen(browser: Any, service: Thread, doe: Path) -> None:
    open_page(browser, service)
    browser.drop(doe, PHANTOMS[0])
    browser.wait(ALL_ENDED % 2)
    for width, kind in itertools.product((320, 390, 768, 1280), (".ef data", ".refused")):
        open_page(browser, service, width)
        browser.wait(ALL_ENDED % 2)
        row = 0 if kind == ".ef data" else 1
        browser.run(f"document.querySelectorAll('.pick')[{row}].click()")
        browser.wait(f"!!document.querySelector('#result {kind}')")
        room = browser.run("document.documentElement.clientWidth")
        assert browser.run("document.documentElement.scrollWidth") <= room
        wide = browser.run(
            "[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && "
            f"e.getBoundingClientRect().right > {room} && !e.closest('defs, svg'))"
            ".map(e => e.outerHTML.slice(0, 80))"
        )
        assert wide == []
        # A finger is wider than a pointer.
        small = browser.run(
            "[...document.querySelectorAll('button, .drop label')].filter(b => "
            "b.checkVisibility() && b.getBoundingClientRect().height < 24).map(b => b.outerHTML)"
        )
        assert small == []


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out(browser: Any, service: Thread, doe: Path, dark: bool) -> None:
    open_page(browser, service, dark=dark)
    browser.drop(doe, PHANTOMS[0])
    browser.wait(ALL_ENDED % 2)
    for row, kind in ((0, ".ef data"), (1, ".refused .crop:not([hidden])")):
        browser.run(f"document.querySelectorAll('.pick')[{row}].click()")
        browser.wait(f"!!document.querySelector('#result {kind}')")
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        worst = browser.run(CONTRAST)
        assert worst["ratio"] >= 4.5, worst


def test_everything_that_is_operated_has_a_name(browser: Any, service: Thread) -> None:
    open_page(browser, service)
    browser.drop(PHANTOMS[0])
    browser.wait("!!document.querySelector('#result .ef data')")
    tree = browser.send("Accessibility.getFullAXTree")["nodes"]
    operated = ("button", "link", "textbox", "slider", "progressbar", "progressindicator")
    roles = {"main", "heading", "list"}
    for node in tree:
        role = node.get("role", {}).get("value", "")
        roles.discard(role)
        if role in operated and not node.get("ignored"):
            assert node.get("name", {}).get("value", "").strip(), node
    assert not roles


@pytest.mark.skipif("EDGEECHO_SCREENSHOTS" not in os.environ, reason="only where they are wanted")
def test_screenshots(browser: Any, tmp_path: Path) -> None:
    out = Path(os.environ["EDGEECHO_SCREENSHOTS"])
    demo = Path(__file__).parents[3] / "edgeecho" / "models" / "demo"
    service = Process(tmp_path / "state", "--model", demo)
    # A phantom upside down, with a margin to cut away: no patient's frames in the docs.
    image = np.zeros((100, 240, 320, 3), np.uint8)
    for shown, frame in zip(image, phantom_frames(), strict=True):
        shown[20:220, 60:260] = cv2.resize(frame[::-1], (200, 200))
    turned = write_video(tmp_path / "upside-down.avi", frames=image)
    open_page(browser, service, height=860)
    browser.drop(turned, PHANTOMS[1], PHANTOMS[0])
    browser.wait(ALL_ENDED % 3)
    for row, name, options in (
        (0, "answer", {}),
        (2, "refusal", {}),
        (0, "phone", {"width": 390, "height": 1400}),
    ):
        open_page(browser, service, **{"height": 860, **options})
        browser.wait(ALL_ENDED % 3)
        browser.run(f"document.querySelectorAll('.pick')[{row}].click()")
        browser.wait("document.querySelector('#result .player button')?.textContent == 'Pause'")
        browser.run("document.querySelector('#result .player button').click();"
                    "document.activeElement.blur(); scrollTo(0, 0)")  # fmt: skip
        browser.screenshot(out / f"serve-{name}.png", whole=False)
    service.stop()
