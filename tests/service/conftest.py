"""Services answer with the toy, unless a test says otherwise, and share engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kept import KeptEngine


@pytest.fixture(autouse=True, scope="module")
def toy(toy_by_default: None) -> Iterator[None]:
    """For every file; the engines that are left end with it."""
    yield
    KeptEngine.end_all()
