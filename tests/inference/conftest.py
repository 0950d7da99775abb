from __future__ import annotations

from pathlib import Path

import pytest

from edgeecho.inference import LoadedModel, load_model


@pytest.fixture(scope="module")
def model(narrow_bundle: Path) -> LoadedModel:
    return load_model(narrow_bundle)
