"""Codes of results, and the page that explains them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeecho.report import concepts
from edgeecho.report.concepts import Concept
from edgeecho.results import BANDS

PAGE = (Path(__file__).parents[2] / "docs" / "other-systems.md").read_text(encoding="utf-8")
EVERY = [
    *(value for value in vars(concepts).values() if isinstance(value, Concept)),
    *concepts.BANDS.values(),
]


@pytest.mark.parametrize("concept", EVERY, ids=lambda concept: concept.code)
def test_a_code_fits_into_dicom_and_is_explained(concept: Concept) -> None:
    assert len(concept.code) <= 16
    assert len(concept.meaning) <= 64
    assert f"| {concept.code} |" in PAGE or f"`{concept.code}`" in PAGE


def test_every_band_has_a_code() -> None:
    assert list(concepts.BANDS) == [words for *_, words in BANDS]
    assert len({concept.code for concept in EVERY}) == len(EVERY)
