"""What is said of a video, from frames and a sector that are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeecho.cine import Cine, Region
from edgeecho.preprocess import Handling, Prepared, PreprocessSpec, VideoFacts, prepare
from edgeecho.preprocess.sector import Sector

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50), size=8)


def flashes(count: int = 100, period: int = 25, height: int = 8, width: int = 8) -> np.ndarray:
    """Frames that are alike whole beats apart alone; no two successive ones are the same."""
    seen = np.random.default_rng(0).integers(0, 256, (period, height, width, 3), dtype=np.uint8)
    return seen[np.arange(count) % period]


CINE = Cine(
    flashes(), np.arange(100) / 50, 50.0, "FrameTime", "dicom", "RLE",
    damage=("cut",), notes=("odd",), fps_notes=("late",), deinterlaced=3, pixel_aspect=1.5,
)  # fmt: skip


def facts(cine: Cine = CINE, prepared: Prepared | None = None) -> VideoFacts:
    return VideoFacts.of(cine, prepared or prepare(cine, SPEC), SPEC)


def test_every_fact_of_a_whole_frame() -> None:
    prepared = replace(prepare(CINE, SPEC), notes=("a gap",))
    assert facts(CINE, prepared) == VideoFacts(
        container="dicom",
        codec="RLE",
        width=8,
        height=8,
        pixel_aspect=1.5,
        frames=100,
        fps=50.0,
        fps_source="FrameTime",
        damage=("cut",),
        notes=("odd", "late", "a gap"),
        deinterlaced_frames=3,
        repeated_frames=(),
        odd_frames=(),
        heart_rate_bpm=pytest.approx(120.0, rel=1e-3),
        area="whole",
        square=None,
        fill=None,
        sectors=0,
        still_pictures=0,
        time="native",
        clip_s=pytest.approx(63 / 50),
    )


def test_a_sector_is_told_with_its_square_and_what_is_beside_it() -> None:
    wide = replace(CINE, frames=flashes(height=20, width=30))
    corners = np.array([(5, 2), (14, 2), (14, 17), (5, 17)], np.int32)
    choices = (Region(5, 2, 10, 16), Region(16, 2, 10, 16))
    sector = Sector(corners, (2, 1, 18), "found in the frames", 0.4, choices, still=3)
    prepared = replace(
        prepare(wide, SPEC, Handling(find_sector=False)), sector=sector, area=sector.method
    )
    found = facts(wide, prepared)
    assert (found.width, found.height, found.area) == (30, 20, "found in the frames")
    assert (found.square, found.fill) == ((2, 1, 18), 0.4)
    assert (found.sectors, found.still_pictures) == (2, 3)


def test_a_clip_spans_its_frames_at_the_rate_of_the_network() -> None:
    resampled = prepare(CINE.at_rate(25), SPEC, Handling(time="native"))
    assert facts(CINE.at_rate(25), resampled).clip_s == pytest.approx(63 / 25)
    at_50 = replace(SPEC, time="resample(50)")
    slow = CINE.at_rate(25)
    found = VideoFacts.of(slow, prepare(slow, at_50), at_50)
    assert (found.time, found.clip_s) == ("resample(50)", pytest.approx(63 / 50))
    assert found.heart_rate_bpm == pytest.approx(60, rel=1e-3), "the decoded frames have the beat"


def test_beats_of_a_clip() -> None:
    assert facts().beats_per_clip == pytest.approx(1.26 * 120 / 60, rel=1e-3)
    assert replace(facts(), heart_rate_bpm=None).beats_per_clip is None
    assert replace(facts(), clip_s=None).beats_per_clip is None


def test_without_a_rate_a_clip_has_no_length_and_a_heart_no_rate() -> None:
    unknown = replace(CINE, fps=None, timestamps_s=np.full(100, np.nan))
    found = facts(unknown)
    assert (found.fps, found.clip_s, found.heart_rate_bpm) == (None, None, None)
    assert found.beats_per_clip is None
