"""The view that a DICOM file declares."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import items, text
from edgeecho.cine.views import NOT_DECLARED, DeclaredView, SiteViews

_TEXTS = ("SeriesDescription", "ProtocolName")
ATTRIBUTES = ("ViewCodeSequence", *_TEXTS)
"""The attributes that are read."""


def declared_view(dataset: Dataset, site: SiteViews) -> DeclaredView | None:
    """The declared view; None if none is.

    A code is of this very picture, and goes before words, which are of a series or a protocol. Of
    these, one that names another view is believed rather than one that does not.
    """
    for item in items(dataset, "ViewCodeSequence"):
        name = site.of_code(text(item, "CodingSchemeDesignator"), text(item, "CodeValue"))
        if name and name != NOT_DECLARED:
            return DeclaredView(name, "ViewCodeSequence")
    said = list(_in_words(dataset, site))
    return next((view for view in said if view.other), said[0] if said else None)


def _in_words(dataset: Dataset, site: SiteViews) -> Iterator[DeclaredView]:
    for keyword in _TEXTS:
        name = site.of_text(text(dataset, keyword))
        if name and name != NOT_DECLARED:
            yield DeclaredView(name, keyword)
