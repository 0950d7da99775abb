"""A browser for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import Browser, open_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium; skips without one, unless EDGEECHO_REQUIRE_SYSTEM_TOOLS=1 says that it must run."""
    yield from open_browser(tmp_path_factory.mktemp("chromium"))
