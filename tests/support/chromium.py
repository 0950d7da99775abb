"""A real browser, driven by the DevTools protocol over two pipes, without any package."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The headless shell first: the whole browser also runs its own pages, which cost a core.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
# Chromium reads commands from descriptor 3 and writes answers and events to 4.
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3), os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
_LONGEST_S = 60.0
CONTRAST = """
(() => {
  const numbers = text => text.match(/[0-9.]+/g).map(Number);
  const light = color => {
    const [r, g, b] = numbers(color).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (numbers(color)[3] !== 0) return color;
    }
  };
  const worst = {ratio: 99};
  for (const e of document.querySelectorAll("body *")) {
    const texts = [...e.childNodes].filter(n => n.nodeType === 3 && n.data.trim());
    if (!texts.length || !e.checkVisibility() || e.tagName === "SCRIPT") continue;
    const inside = e instanceof SVGElement;
    const own = getComputedStyle(e)[inside ? "fill" : "color"];
    const [a, b] = [light(own), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst.ratio) Object.assign(worst, {ratio, tag: e.outerHTML.slice(0, 80)});
  }
  return worst;
})()
"""
"""An expression: of all text that can be seen, that which stands out least, and its ratio."""


class Browser:
    """One page of a headless Chromium without a network."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        (read, self._commands), (self._events, write) = _pipe(), _pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                   f"--user-data-dir={profile}", "about:blank"]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, str(read), str(write), CHROMIUM, *options],
            pass_fds=(read, write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read), os.close(write)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        """What the page reported since it was opened."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command's result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result

    def open(
        self, page: Path, width: int = 1280, *, dark: bool = False, still: bool = False
    ) -> None:
        """Load a file, and wait until its players are ready."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=width < 800)  # fmt: skip
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ])  # fmt: skip
        self._go(page.as_uri(), "file:")
        self.wait("[...document.querySelectorAll('canvas')].every(c => !c.hidden)")

    def visit(self, url: str, width: int = 1280, *, height: int = 900, dark: bool = False) -> None:
        """Load a page from a server."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 800)  # fmt: skip
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "no-preference"},
        ])  # fmt: skip
        self._go(url, "http:")

    def _go(self, url: str, protocol: str) -> None:
        # A document of its own, even where only the #fragment is another.
        self.send("Page.navigate", url="about:blank")
        self.wait("location.protocol == 'about:'")
        self.events.clear()
        self.send("Page.navigate", url=url)
        self.wait(f"document.readyState == 'complete' && location.protocol == '{protocol}'")

    def drop(self, *files: Path) -> None:
        """Files upon the page, as a person drops them."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.send("Input.dispatchDragEvent", type=kind, x=100, y=200, data=data)

    def run(self, script: str) -> Any:
        """Value of a JavaScript expression; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, f"{script}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until a JavaScript expression is true."""
        end = time.monotonic() + _LONGEST_S
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.02)

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, as a person presses it; `code` is its Windows virtual key code."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"text": text} if text else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about, **down)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """PNG of the whole page, or of what can be seen of it."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """What the printer would get."""
        printed = self.send("Page.printToPDF", preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(printed["data"]))

    def close(self) -> None:
        """End it."""
        self._session = None
        try:
            self.send("Browser.close")
            self._process.wait(timeout=_LONGEST_S)
        finally:
            self._process.kill()
        os.close(self._commands), os.close(self._events)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._events], [], [], _LONGEST_S)
            data = os.read(self._events, 1 << 20) if ready else b""
            assert data, f"the browser is silent (exit code {self._process.poll()})"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message


def _pipe() -> tuple[int, int]:
    # Away from 3 and 4, over which they will be copied.
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    os.close(ends[0]), os.close(ends[1])
    return high[0], high[1]


def open_browser(profile: Path) -> Iterator[Browser]:
    """For a fixture: skips or, where EDGEECHO_REQUIRE_SYSTEM_TOOLS=1, fails without Chromium."""
    if CHROMIUM is None:
        reason = "no `chromium` on this machine: apt-get install chromium-headless-shell"
        if os.environ.get("EDGEECHO_REQUIRE_SYSTEM_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    browser = Browser(profile)
    yield browser
    browser.close()


def problems(browser: Browser, *allowed: str) -> list[str]:
    """Errors and warnings of the console, scripts that failed, and requests of anything whose
    address does not begin with one of `allowed`.
    """
    found = []
    for event in browser.events:
        method, about = event["method"], event["params"]
        if method in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            found.append(json.dumps(about))
        elif method == "Network.requestWillBeSent":
            url = about["request"]["url"]
            if not url.startswith(allowed):
                found.append(url)
    return found
