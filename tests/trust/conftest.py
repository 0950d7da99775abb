"""What the tests of trust share."""

from __future__ import annotations

from pathlib import Path

import pytest
from calibrated import calibrate
from made import made


@pytest.fixture(scope="session")
def calibrated(
    narrow_bundle: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A calibrated copy of the narrow bundle, with `kept.jsonl` beside it; not to be changed."""

    def make(out: Path) -> None:
        calibrate(narrow_bundle, phantoms, out)

    return made("trust", tmp_path_factory.mktemp("trust") / "made", make) / "bundle"
