from __future__ import annotations

from collections.abc import Iterator

import pytest
from traced import traced_once


@pytest.fixture(scope="module", autouse=True)
def traced() -> Iterator[None]:
    pytest.importorskip("onnxscript")
    with traced_once():
        yield
