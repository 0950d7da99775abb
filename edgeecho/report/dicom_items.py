"""Parts of a structured report that its groups share: codes, numbers, texts, UIDs."""

from __future__ import annotations

from uuid import UUID, uuid5

from highdicom import sr
from pydicom.sr.codedict import codes

from edgeecho.report import concepts
from edgeecho.report.concepts import Concept

SCHEME = "99EDGEECHO"
"""Coding scheme of edgeecho's own codes."""
CONTAINS = sr.RelationshipTypeValues.CONTAINS
_UIDS = UUID("b5f2c5c5-6cc1-4be0-8e6b-0d3d1a3c7a52")


def make_uid(seed: str) -> str:
    """A UUID as a UID (PS3.5, B.2), determined by `seed`."""
    return f"2.25.{uuid5(_UIDS, seed).int}"


def own(concept: Concept) -> sr.CodedConcept:
    return sr.CodedConcept(concept.code, SCHEME, concept.meaning)


def snomed(concept: Concept) -> sr.CodedConcept:
    return sr.CodedConcept(concept.code, "SCT", concept.meaning)


def left_ventricle() -> list[sr.FindingSite]:
    return [sr.FindingSite(snomed(concepts.LEFT_VENTRICLE))]


def rounded(value: float) -> float:
    return round(value, 2)


def add_words(
    group: sr.MeasurementsAndQualitativeEvaluations, comments: list[str], reasons: list[str]
) -> None:
    """Add comments and reasons for a refusal to a group."""
    # TID 1501 allows evaluations in words, but highdicom's class for it only codes.
    group[0].ContentSequence.extend(
        sr.TextContentItem(name, text, relationship_type=CONTAINS)
        for name, texts in ((codes.DCM.Comment, comments), (own(concepts.REFUSAL), reasons))
        for text in texts
    )
