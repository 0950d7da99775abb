"""The words for beats that are missing or not used."""

from __future__ import annotations

from typing import get_args

from edgeecho.beats import NoBeats, Unused
from edgeecho.report.reasons import NO_BEATS, UNUSED


def test_every_reason_has_words_of_its_own() -> None:
    assert set(NO_BEATS) == set(get_args(NoBeats))
    assert set(UNUSED) == set(get_args(Unused))
    words = [*NO_BEATS.values(), *UNUSED.values()]
    assert len(set(words)) == len(words)
