"""What is answered here is answered by the toy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="module")
def toy(toy_bundle: Path) -> Iterator[None]:
    """The toy is the machine's default model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEECHO_MODEL", str(toy_bundle))
        yield
