"""The published clip semantics, against an independent re-implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.common.errors import UsageError
from edgeecho.preprocess import (
    ClipMode,
    PreprocessSpec,
    clip_starts,
    gather_clips,
    normalise,
    pad_short,
)

MEAN = (32.64, 32.90, 33.15)
STD = (49.98, 49.97, 50.24)
SPEC = PreprocessSpec(MEAN, STD)
SMALL = PreprocessSpec(MEAN, STD, size=8)


def published_clips(frames: np.ndarray) -> np.ndarray:
    """EchoNet-Dynamic's semantics, written down frame by frame: length 32, period 2."""
    video = frames.transpose(3, 0, 1, 2).astype(np.float32)
    for channel in range(3):
        video[channel] -= np.float32(MEAN[channel])
        video[channel] /= np.float32(STD[channel])
    count = video.shape[1]
    if count < 32 * 2:
        grey = np.zeros((3, 64 - count, *video.shape[2:]), np.float32)
        video = np.concatenate([video, grey], axis=1)
        count = 64
    starts = range(count - (32 - 1) * 2)
    return np.stack([np.stack([video[:, s + 2 * i] for i in range(32)], axis=1) for s in starts])


@pytest.mark.parametrize(
    ("n_frames", "n_clips"), [(1, 2), (24, 2), (62, 2), (63, 2), (64, 2), (65, 3), (176, 114)]
)
def test_all_clips_equal_the_published_ones_bit_for_bit(n_frames: int, n_clips: int) -> None:
    rng = np.random.default_rng(n_frames)
    frames = rng.integers(0, 256, (n_frames, 8, 8, 3), dtype=np.uint8)
    expected = published_clips(frames)

    video = pad_short(normalise(frames, SMALL), SMALL)
    starts = clip_starts(n_frames, SMALL, ClipMode("all"))
    clips = gather_clips(video, starts, SMALL)

    assert clips.shape == (n_clips, 3, 32, 8, 8)
    assert clips.dtype == np.float32
    assert clips.flags.c_contiguous
    assert clips.tobytes() == np.ascontiguousarray(expected).tobytes()
    assert starts[-1] == max(n_frames, 64) - 63


@pytest.mark.parametrize(("n_frames", "padded"), [(1, 32), (24, 20), (62, 1), (63, 1)])
def test_padding_of_the_second_clip_is_mean_grey_at_its_end(n_frames: int, padded: int) -> None:
    frames = np.full((n_frames, 8, 8, 3), 255, np.uint8)
    video = pad_short(normalise(frames, SMALL), SMALL)
    second = gather_clips(video, clip_starts(n_frames, SMALL, ClipMode("all")), SMALL)[1]
    grey = [bool((second[:, i] == 0).all()) for i in range(32)]
    assert sum(grey) == padded
    assert grey == sorted(grey)


@given(st.integers(1, 2000))
def test_all_gives_the_published_number_of_clips(n_frames: int) -> None:
    starts = clip_starts(n_frames, SPEC, ClipMode("all"))
    assert len(starts) == max(n_frames, 64) - 62
    assert starts[0] == 0
    # The last clip ends on the last frame (of the padded video).
    assert starts[-1] + SPEC.window == max(n_frames, 64)


@given(
    st.integers(1, 2000),
    st.integers(1, 40),
    st.integers(1, 5),
    st.sampled_from(["one", "center", "all", "stride:1", "stride:7", "stride:5000"]),
    st.integers(0, 2**31),
)
def test_every_mode_stays_within_the_padded_video(
    n_frames: int, length: int, period: int, mode: str, seed: int
) -> None:
    spec = PreprocessSpec(MEAN, STD, frames=length, period=period)
    starts = clip_starts(n_frames, spec, ClipMode.parse(mode), seed=seed)
    assert len(starts) >= 1
    assert starts.min() >= 0
    assert starts.max() + spec.window <= max(n_frames, length * period)


def test_stride_takes_every_nth_of_all() -> None:
    all_starts = clip_starts(176, SPEC, ClipMode("all"))
    assert clip_starts(176, SPEC, ClipMode.parse("stride:16")).tolist() == all_starts[::16].tolist()


def test_center_is_the_middle_start() -> None:
    assert clip_starts(176, SPEC, ClipMode("center")).tolist() == [56]
    assert clip_starts(64, SPEC, ClipMode("center")).tolist() == [0]


def test_one_is_random_by_seed_and_uniform_over_all_starts() -> None:
    draws = [int(clip_starts(70, SPEC, ClipMode("one"), seed=s)[0]) for s in range(400)]
    assert set(draws) == set(range(8))
    assert draws[:10] == [int(clip_starts(70, SPEC, ClipMode("one"), seed=s)[0]) for s in range(10)]
    # Without a seed it is one and the same clip, that of seed 0.
    whole = [int(clip_starts(1000, SPEC, ClipMode("one"), seed=s)[0]) for s in range(3)]
    assert clip_starts(1000, SPEC, ClipMode("one")).tolist() == whole[:1]
    assert len(set(whole)) == 3


@pytest.mark.parametrize("text", ["", "two", "stride", "stride:", "stride:0", "stride:-1", "all:2"])
def test_an_unknown_mode_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="stride:N"):
        ClipMode.parse(text)


@pytest.mark.parametrize("text", ["one", "center", "all", "stride:16"])
def test_a_mode_prints_as_it_is_written(text: str) -> None:
    assert str(ClipMode.parse(text)) == text
