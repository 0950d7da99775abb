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


@pytest.mark.parametrize(
    ("inside", "beyond"),
    [
        # A quarter more or less than the 50 frames/s of training.
        ({"fps": 62.5}, {"fps": 62.6}),
        ({"fps": 40.0}, {"fps": 39.9}),
        ({"heart_rate_bpm": 60 / 1.26}, {"heart_rate_bpm": 60 / 1.26 - 0.01}),
        ({"still_pictures": 1, "sectors": 2}, {"still_pictures": 1, "sectors": 1}),
        ({"still_pictures": 0, "sectors": 1}, {"still_pictures": 2, "sectors": 1}),
    ],
)
def test_each_warning_begins_where_it_says(inside: dict, beyond: dict) -> None:
    assert find_warnings(replace(GOOD, **inside), SPEC, 176) == ()
    assert len(find_warnings(replace(GOOD, **beyond), SPEC, 176)) == 1


def test_warnings_say_what_was_measured() -> None:
    said = replace(
        GOOD, fps=25.0, clip_s=2.52, odd_frames=tuple(range(7)), still_pictures=2, sectors=1
    )
    words = find_warnings(said, SPEC, 62)
    assert words[0] == ("short: 62 frames, but a clip spans 63; the rest is filled with mean grey")
    assert words[1].startswith("3 pictures on the screen: ")
    assert words[2].startswith("frames that fit neither neighbour: 7 (from 0: 0, 1, 2, 3, 4): ")
    assert words[3] == (
        "25 fps (container), but the model was trained at about 50: a clip spans 2.5 s instead of "
        "1.3 s; --time resample evens that out"
    )
    assert len(words) == 4
    assert find_warnings(GOOD, SPEC, 63) == ()


def test_without_a_rate_nothing_is_said_of_time() -> None:
    unknown = replace(GOOD, fps=None, clip_s=None, heart_rate_bpm=None)
    assert find_warnings(unknown, replace(SPEC, training_fps=None), 176) == ()
    no_clip = replace(GOOD, fps=25.0, clip_s=None)
    assert find_warnings(no_clip, SPEC, 176) == ()


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
