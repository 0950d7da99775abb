"""The page while the service is busy, asks for a token, or is gone."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from chromium import problems
from served import NARROW, PHANTOMS, Process
from served_page import ALL_ENDED, NAMES, open_page

from edgeecho.service.http.settings import HttpSettings

pytestmark = pytest.mark.slow


def test_twenty_studies_wait_and_are_answered_each_once(
    browser: Any, start: Any, tmp_path: Path
) -> None:
    service = start(most_waiting=5)
    engine = service.hold()
    files = [
        Path(shutil.copy(PHANTOMS[number % 5], tmp_path / f"{number:02}.avi"))
        for number in range(20)
    ]
    open_page(browser, service)
    browser.drop(*files)
    browser.wait("document.querySelectorAll('.row').length >= 20")
    waits = "[...document.querySelectorAll('.state')].filter(s => s.textContent.includes('before'))"
    browser.wait(f"{waits}.length > 0")
    os.kill(engine, signal.SIGCONT)
    browser.wait(ALL_ENDED % 20)
    assert sorted(browser.run(NAMES)) == [file.name for file in files]
    with service.client() as client:
        jobs = client.get("/api/v1/jobs?limit=200").json()["jobs"]
    assert len(jobs) == 20
    assert {job["status"] for job in jobs} <= {"answered", "refused"}
    # The browser itself notes each time that there was no place.
    assert all(
        "429" in problem for problem in problems(browser, f"{service.url}/", "data:", "blob:")
    )


def test_a_study_is_cancelled(browser: Any, start: Any) -> None:
    service = start(model=NARROW, clips="all")
    open_page(browser, service)
    browser.drop(*PHANTOMS[:3])
    browser.wait("document.querySelectorAll('.row[data-id]').length == 3")
    for _ in range(3):
        browser.run("document.querySelector('.row .cancel:not([hidden])')?.click()")
        browser.run("new Promise(done => setTimeout(done, 300))")
    browser.wait(ALL_ENDED % 3)
    states = browser.run("[...document.querySelectorAll('.state')].map(s => s.textContent)")
    assert sum("cancelled" in state for state in states) >= 2


def test_the_server_goes_and_comes_back(browser: Any, tmp_path: Path) -> None:
    service = Process(tmp_path / "state", "--clips", "center")
    port = service.port
    open_page(browser, service)
    browser.drop(PHANTOMS[0])
    browser.wait("!!document.querySelector('#result .ef data')")
    assert browser.run("document.getElementById('gone').hidden")
    service.stop(9)
    browser.wait("!document.getElementById('gone').hidden")
    browser.drop(PHANTOMS[1])  # waits in the page
    browser.wait("document.querySelector('.state').textContent == 'waits for the server'")
    again = Process(tmp_path / "state", "--clips", "center", port=port)
    browser.wait("document.getElementById('gone').hidden")
    browser.wait(ALL_ENDED % 2)
    assert browser.run(NAMES) == [PHANTOMS[1].name, PHANTOMS[0].name]
    with again.client() as client:
        assert len(client.get("/api/v1/jobs").json()["jobs"]) == 2
    assert again.stop() == 0


def test_a_token_is_asked_for_once(browser: Any, start: Any) -> None:
    service = start(HttpSettings(token="0123456789abcdef"))
    browser.visit(service.url)
    browser.wait("document.getElementById('ask').open")
    assert browser.run("document.activeElement.id") == "token"
    browser.run(
        "document.activeElement.value = 'wrong'; document.querySelector('#ask button').click()"
    )
    browser.wait("document.getElementById('ask').open && document.activeElement.value == ''")
    browser.run("document.activeElement.value = '0123456789abcdef';"
                "document.querySelector('#ask button').click()")  # fmt: skip
    browser.wait("document.getElementById('about').textContent.includes('sha256')")
    browser.drop(PHANTOMS[0])
    browser.wait("!!document.querySelector('#result .ef data')")
    open_page(browser, service)
    assert not browser.run("document.getElementById('ask').open")
    browser.wait(ALL_ENDED % 1)
