"""The forms in which a result can be had, beside JSON. Made once, when a job ends, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from edgeecho.report import to_csv
from edgeecho.report.fhir import to_fhir
from edgeecho.report.html import to_html
from edgeecho.results import Outcome

MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "fhir.json": "application/fhir+json",
}
"""By suffix."""
_WRITERS: Mapping[str, Callable[[Sequence[Outcome], datetime], str]] = {
    "csv": lambda outcomes, _: to_csv(outcomes),
    "html": to_html,
    "fhir.json": to_fhir,
}


def render(outcome: Outcome) -> dict[str, str]:
    """A result in every form but JSON, by suffix."""
    now = datetime.now(timezone.utc)
    return {suffix: write([outcome], now) for suffix, write in _WRITERS.items()}
