"""The service's page in a browser."""

from __future__ import annotations

from typing import Any

NAMES = "[...document.querySelectorAll('.row .name')].map(n => n.textContent)"
ALL_ENDED = (
    "document.querySelectorAll('.row').length == %d && "
    "[...document.querySelectorAll('.row .cancel')].every(c => c.hidden)"
)
"""Of so many rows all have ended."""


def open_page(browser: Any, service: Any, width: int = 1280, **options: Any) -> None:
    browser.visit(service.url, width, **options)
    browser.wait("document.getElementById('about').textContent.includes('sha256')")
