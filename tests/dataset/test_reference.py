"""Which clips become references, and that they are read as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, reference
from edgeecho.dataset.reference import (
    ReferenceClips,
    load_reference_clips,
    save_reference_clips,
    select_reference_clips,
)
from edgeecho.preprocess import PreprocessSpec, normalise

SPEC = PreprocessSpec((30, 31, 32), (50, 51, 52), frames=3, period=2, size=4)


def video(ef: float, count: int) -> LabelledVideo:
    return LabelledVideo(f"{ef:g}", Path(str(count)), ef, "VAL", None)


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """A video's path is its number of frames, the grey of each its own number and its EF."""

    def prepare(one: LabelledVideo, _: PreprocessSpec) -> Any:
        greys = np.arange(int(one.path.name), dtype=np.uint8) + np.uint8(one.ef)
        found = np.broadcast_to(greys[:, None, None, None], (len(greys), 4, 4, 3))

        class Prepared:
            frames = found

        return Prepared

    monkeypatch.setattr(reference, "prepare_labelled", prepare)


def greys(found: ReferenceClips | None) -> list[list[int]]:
    assert found is not None
    return [clip[:, 0, 0, 0].tolist() for clip in found.clips]


def test_the_central_clip_of_each_in_the_order_of_their_efs() -> None:
    # A clip spans 5 frames: of 5 the first is the only start, of 10 the central one is 2.
    found = select_reference_clips([video(100, 10), video(20, 5), video(60, 6)], SPEC)
    assert found is not None
    assert found.efs.tolist() == [20, 60, 100]
    assert greys(found) == [[20, 22, 24], [60, 62, 64], [102, 104, 106]]


def test_eight_are_taken_evenly_spread_over_ef() -> None:
    many = [video(ef, 5) for ef in range(20, 51)]
    found = select_reference_clips(many[::-1], SPEC)
    assert found is not None
    assert found.efs.tolist() == [20, 24, 29, 33, 37, 41, 46, 50]
    few = select_reference_clips(many, SPEC, n=2)
    assert few is not None
    assert few.efs.tolist() == [20, 50]


def test_one_that_is_too_short_is_replaced() -> None:
    found = select_reference_clips([video(20, 4), video(40, 5), video(60, 5)], SPEC, n=2)
    assert found is not None
    assert found.efs.tolist() == [40, 60]
    assert select_reference_clips([video(20, 4)], SPEC) is None


def test_what_was_written_is_read_and_nothing_else(tmp_path: Path) -> None:
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), dtype=np.uint8)
    given = ReferenceClips(clips, np.array([40, 60], np.float32))
    path = tmp_path / "reference_clips.npz"
    digest = save_reference_clips(path, given)
    found = load_reference_clips(path, digest)
    assert (found.clips == clips).all()
    assert found.efs.tolist() == [40, 60]
    with pytest.raises(InputError, match="is not the file the checkpoint was written with"):
        load_reference_clips(path, "0" * 64)
    with pytest.raises(InputError, match="no reference clips beside the checkpoint"):
        load_reference_clips(tmp_path / "other.npz", digest)
    np.savez(path, clips=clips)
    with pytest.raises(InputError, match="holds no reference clips"):
        load_reference_clips(path, sha256_file(path))


@pytest.mark.parametrize(
    ("clips", "efs"),
    [
        (np.zeros((2, 3, 3, 4, 4), np.float32), np.ones(2)),
        (np.zeros((2, 3, 3, 4, 4), np.uint8), np.ones(3)),
        (np.zeros((2, 3, 3, 4, 4), np.uint8), np.ones((2, 1))),
        (np.zeros((2, 3, 3, 4), np.uint8), np.ones(2)),
    ],
)
def test_arrays_that_are_no_clips_are_refused(clips: np.ndarray, efs: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"."):
        ReferenceClips.from_arrays({"clips": clips, "ef": efs})


def test_normalised_clips_are_an_engines_input() -> None:
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3), dtype=np.uint8)
    found = ReferenceClips(clips, np.ones(2, np.float32)).normalised(SPEC)
    assert found.shape == (2, 3, 3, 4, 4)
    assert (found[1] == normalise(clips[1], SPEC)).all()
