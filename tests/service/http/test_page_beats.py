"""Contours and beats on the service's page: the report's own, with the same key."""

from __future__ import annotations

from typing import Any

import pytest
from chromium import problems
from served import PHANTOMS
from served_page import open_page
from tasks import DrawnTask

pytestmark = pytest.mark.slow

SEEN = "getComputedStyle(document.querySelector('#result .view .contour')).visibility"


def test_the_contour_plays_and_a_key_hides_it(browser: Any, start: Any) -> None:
    service = start(task=DrawnTask)
    open_page(browser, service)
    browser.drop(PHANTOMS[0])
    browser.wait("!!document.querySelector('#result .view .contour')")
    browser.wait("document.querySelector('.player button').textContent == 'Pause'")
    path = "document.querySelector('#result .view .contour').getAttribute('d')"
    first = browser.run(path)
    browser.wait(f"{path} != {first!r}")
    for part in (".curve .dot.ed", ".pair .axis", ".beats table", ".means"):
        assert browser.run(f"!!document.querySelector('#result {part}')"), part
    assert browser.run(SEEN) == "visible"
    # Who writes a note writes a c.
    browser.run("document.querySelector('.review textarea').focus()")
    browser.press("c", 67, "c")
    assert browser.run("document.querySelector('.review textarea').value") == "c"
    assert browser.run(SEEN) == "visible"
    browser.run("document.querySelector('.player input').focus()")
    browser.press("c", 67, "c")
    assert browser.run(SEEN) == "hidden"
    browser.run("document.querySelector('.toggle').click()")
    assert browser.run(SEEN) == "visible"
    # Another beat.
    shown = "[...document.querySelectorAll('.pair')].findIndex(p => p.checkVisibility())"
    before = browser.run(shown)
    browser.run("document.querySelector('#result .choice input:not(:checked)').click()")
    assert browser.run(shown) != before
    assert problems(browser, service.url, "data:", "blob:") == []
    for width in (360, 768, 1280):
        browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900,
                     deviceScaleFactor=1, mobile=width < 800)  # fmt: skip
        room = browser.run("document.documentElement.clientWidth")
        assert browser.run("document.documentElement.scrollWidth") <= room, width
