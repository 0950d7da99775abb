"""The content items of a structured report."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset


def items(dataset: Dataset) -> Iterator[Dataset]:
    """All content items, depth first."""
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from items(item)


def named(dataset: Dataset, code: str) -> list[Dataset]:
    return [item for item in items(dataset) if item.ConceptNameCodeSequence[0].CodeValue == code]
