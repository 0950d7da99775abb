from __future__ import annotations

from dataclasses import replace

import pytest

from edgeecho.inference.warnings import find_warnings
from edgeecho.preprocess import PreprocessSpec, VideoFacts

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50), training_fps=50.0)
GOOD = VideoFacts(
    container="avi",
    codec="MJPG",
    width=112,
    height=112,
    pixel_aspect=1.0,
    frames=176,
    fps=50.0,
    fps_source="container",
    damage=(),
    notes=(),
    deinterlaced_frames=0,
    repeated_frames=(),
    odd_frames=(),
    heart_rate_bpm=66.0,
    area="whole",
    square=None,
    fill=None,
    sectors=0,
    still_pictures=0,
    time="native",
    clip_s=1.26,
)


def test_a_good_video_gives_no_warning() -> None:
    assert find_warnings(GOOD, SPEC, 176) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"damage": ("3 s claimed", "x")}, ["damaged file: 3 s claimed", "damaged file: x"]),
        ({"notes": ("FrameTime cannot be used",)}, ["FrameTime cannot be used"]),
        ({"area": "central square", "width": 96, "height": 64}, ["the central 64x64 of 96x64"]),
        ({"deinterlaced_frames": 30}, ["interlaced: 30 of 176 frames were made of two fields"]),
        (
            {"sectors": 1, "still_pictures": 1},
            ["2 pictures on the screen: the one that moves was taken"],
        ),
        ({"repeated_frames": (11, 28)}, ["2 of 176 frames repeat the one before"]),
        ({"odd_frames": (40,)}, ["frames that fit neither neighbour: 1 (from 0: 40)"]),
        ({"fps": 25.0, "clip_s": 2.5}, ["25 fps (container), but the model was trained at"]),
        ({"heart_rate_bpm": None}, ["no heart beat found"]),
        ({"heart_rate_bpm": 40.0}, ["a clip holds 0.84 of a heart beat (40 beats/min)"]),
    ],
)
def test_what_makes_an_answer_worth_less_is_said(change: dict, words: list[str]) -> None:
    found = find_warnings(replace(GOOD, **change), SPEC, 176)
    assert len(found) == len(words)
    assert all(text.startswith(start) for text, start in zip(found, words, strict=True))


def test_a_resampled_video_is_at_the_rate_of_training() -> None:
    assert find_warnings(replace(GOOD, fps=25.0, time="resample(50)"), SPEC, 176) == ()


def test_a_short_video_is_counted_at_the_models_time_base() -> None:
    assert "short: 40 frames" in find_warnings(GOOD, SPEC, 40)[0]


def test_a_model_that_does_not_know_its_rate_says_so() -> None:
    unknown = replace(SPEC, training_fps=None)
    assert find_warnings(GOOD, unknown, 176) == (
        "the model does not say at what frame rate it was trained",
    )


def test_a_gate_that_refuses_says_it_once() -> None:
    facts = replace(GOOD, heart_rate_bpm=None)
    assert find_warnings(facts, SPEC, 30, refused=["too-short", "no-period"]) == ()
    slow = replace(GOOD, heart_rate_bpm=30.0)
    assert find_warnings(slow, SPEC, 176, refused=["under-one-beat"]) == ()
    # Said by the gates unknown-rate and implausible-rate alone.
    for rate in (None, 600.0):
        assert find_warnings(replace(GOOD, fps=rate, time="resample(50)"), SPEC, 176) == ()
