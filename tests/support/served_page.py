"""The service's page in a browser."""

from __future__ import annotations

import json
from typing import Any

NAMES = "[...document.querySelectorAll('.row .name')].map(n => n.textContent)"
ALL_ENDED = (
    "document.querySelectorAll('.row').length == %d && "
    "[...document.querySelectorAll('.row .cancel')].every(c => c.hidden)"
)
"""Of so many rows all have ended."""


def problems(browser: Any, url: str) -> list[str]:
    """Errors and warnings of the console, scripts that failed, and requests of anything else."""
    found = []
    for event in browser.events:
        method, about = event["method"], event["params"]
        if method in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            found.append(json.dumps(about))
        elif method == "Network.requestWillBeSent":
            asked = about["request"]["url"]
            if not asked.startswith((f"{url}/", "data:", "blob:")):
                found.append(asked)
    return found


def open_page(browser: Any, service: Any, width: int = 1280, **options: Any) -> None:
    browser.visit(service.url, width, **options)
    browser.wait("document.getElementById('about').textContent.includes('sha256')")
