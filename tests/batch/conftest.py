"""What is answered here is answered by the toy."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def toy(toy_by_default: None) -> None:
    """For every file."""
