"""A run of a segmentation, and data that may be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from segmentation_run import TINY, go


@pytest.fixture
def changed(phantoms: Path, tmp_path: Path) -> Path:
    """A copy of the data set whose tables may be changed."""
    return Path(shutil.copytree(phantoms, tmp_path / "changed"))


@pytest.fixture(scope="session")
def whole(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    go(phantoms, out, TINY)
    return out
