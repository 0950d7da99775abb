from __future__ import annotations

from pathlib import Path

import pytest
from made import made
from traced import traced_once


@pytest.fixture(scope="session")
def in_every_precision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the narrow segmentation in FP32, FP16 and INT8; its EF network is a dummy."""

    def make(out: Path) -> None:
        from segmented import segmented_in_every_precision

        with traced_once():
            segmented_in_every_precision(out)

    return made("in-every-precision", tmp_path_factory.mktemp("masks") / "bundle", make)
