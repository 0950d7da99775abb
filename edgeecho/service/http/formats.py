"""The formats of a result, made once when a job ends, and stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from edgeecho.report.formats import FORMATS
from edgeecho.results import Outcome

_OFFERED = [form for form in FORMATS.values() if form.media_type]
MEDIA_TYPES: Mapping[str, str] = {form.suffix: form.media_type for form in _OFFERED}
"""By suffix."""
# JSON is made from the job's own document.
_RENDERED = [form for form in _OFFERED if form.name != "json"]
for _form in _RENDERED:
    # Loaded at once, so that an upgrade beside a running service does not mix versions.
    _form.load()


def render(outcome: Outcome) -> dict[str, str]:
    """A result in every format but JSON, by suffix."""
    now = datetime.now(timezone.utc)
    return {form.suffix: form.write([outcome], now) for form in _RENDERED}
