"""The forms in which a result can be had. Made once, when a job ends, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from edgeecho.report.formats import FORMATS
from edgeecho.results import Outcome

_OFFERED = [form for form in FORMATS.values() if form.media_type]
MEDIA_TYPES: Mapping[str, str] = {form.suffix: form.media_type for form in _OFFERED}
"""By suffix."""
# The job itself has the document that JSON is made of.
_RENDERED = [form for form in _OFFERED if form.name != "json"]
for _form in _RENDERED:
    # Now, and not with the first answer: an upgrade beside a running service must not mix with it.
    _form.load()


def render(outcome: Outcome) -> dict[str, str]:
    """A result in every form but JSON, by suffix."""
    now = datetime.now(timezone.utc)
    return {form.suffix: form.write([outcome], now) for form in _RENDERED}
