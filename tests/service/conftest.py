"""Every service answers with the toy, unless a test says otherwise, and shares engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kept import KeptEngine


@pytest.fixture(autouse=True, scope="module")
def toy(toy_bundle: Path) -> Iterator[None]:
    """The toy is the machine's default model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEECHO_MODEL", str(toy_bundle))
        yield
    KeptEngine.end_all()
