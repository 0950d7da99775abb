"""The formats of a result, made once when a job ends, and stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from edgeecho.report.formats import FORMATS
from edgeecho.results import Answer, Outcome

_OFFERED = [form for form in FORMATS.values() if form.media_type]
MEDIA_TYPES: Mapping[str, str] = {form.suffix: form.media_type for form in _OFFERED}
"""By suffix."""
# JSON is made from the job's own document.
_RENDERED = [form for form in _OFFERED if form.name != "json"]
for _form in _RENDERED:
    # Loaded at once, so that an upgrade beside a running service does not mix versions.
    _form.load()


def render(outcome: Outcome) -> dict[str, str]:
    """A result in every format but JSON that it has, by suffix."""
    now, answer = datetime.now(timezone.utc), outcome.answer
    traced = isinstance(answer, Answer) and answer.tracing is not None
    forms = [form for form in _RENDERED if traced or not form.of_beats]
    return {form.suffix: form.write([outcome], now) for form in forms}


def is_of(suffix: str, document: Mapping[str, Any]) -> bool:
    """Whether a result, as JSON, has this form."""
    form = next(form for form in _OFFERED if form.suffix == suffix)
    return not form.of_beats or document["results"][0].get("beats") is not None
