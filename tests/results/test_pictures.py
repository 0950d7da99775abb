from __future__ import annotations

from dataclasses import replace

import cv2
import media
import numpy as np
import pytest

from edgeecho.cine import Cine
from edgeecho.inference import LoadedModel, estimate_ready, load_model, make_ready, measure_prepared
from edgeecho.preprocess import prepare
from edgeecho.results.pictures import MOST_FRAMES, Pictures, frames_each


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model()


def pictures_of(
    model: LoadedModel, count: int, most: int = MOST_FRAMES, *, fps: float | None = 50.0,
    clips: str = "center",
) -> Pictures:  # fmt: skip
    source = np.resize(media.phantom_frames(), (count, 112, 112, 3))
    stamps = np.arange(count) / fps if fps else np.full(count, np.nan)
    cine = Cine(source, stamps, fps, "container", "avi", "MJPG")
    prepared = prepare(cine, model.file.preprocess)
    answer = estimate_ready(
        measure_prepared(cine, prepared, model.file.preprocess), model, clips=clips
    )
    return Pictures.of(prepared, answer, most)


def cut_out(pictures: Pictures, index: int) -> np.ndarray:
    sheet = cv2.imdecode(np.frombuffer(pictures.sprite, np.uint8), cv2.IMREAD_COLOR)
    assert sheet.shape[1::-1] == pictures.sprite_size
    x, y = pictures.corner(index)
    frame = sheet[y : y + pictures.size, x : x + pictures.size]
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


@pytest.mark.slow
def test_each_frame_lies_where_its_number_says(model: LoadedModel) -> None:
    pictures = pictures_of(model, 100)
    assert pictures.indices == tuple(range(100))
    assert pictures.times_s == pytest.approx(np.arange(100) / 50)
    shown = np.stack([cut_out(pictures, i) for i in range(100)]).astype(int)
    frames = media.phantom_frames().astype(int)
    # JPEG's loss is a few grey levels; one frame's distance from the next is the yardstick.
    loss = np.abs(shown - frames).mean(axis=(1, 2, 3))
    step = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert loss.max() < 5
    assert loss.max() < np.median(step)


@pytest.mark.slow
def test_the_clip_is_the_middle_one_of_those_that_were_run(model: LoadedModel) -> None:
    pictures = pictures_of(model, 100, clips="stride:16")
    assert pictures.place == 1
    assert pictures.clip == tuple(range(16, 16 + 64, 2))


@pytest.mark.slow
@pytest.mark.parametrize(("count", "most"), [(100, 80), (300, 256), (301, 80), (1000, 256)])
def test_a_long_video_is_thinned_evenly_and_keeps_its_clip(
    model: LoadedModel, count: int, most: int
) -> None:
    pictures = pictures_of(model, count, most)
    assert len(pictures.indices) <= most
    assert pictures.total == count
    assert set(pictures.clip) <= set(pictures.indices)
    assert list(pictures.indices) == sorted(set(pictures.indices))
    outside = [i for i in pictures.indices if i < pictures.clip[0]]
    assert len(set(np.diff(outside))) == 1


@pytest.mark.slow
def test_padding_is_no_frame(model: LoadedModel) -> None:
    for count in (1, 2, 40):
        pictures = pictures_of(model, count, clips="all")
        assert pictures.indices == tuple(range(count))
        assert pictures.clip[-1] >= count


def test_no_times_where_the_frame_rate_is_unknown(model: LoadedModel) -> None:
    assert pictures_of(model, 70, fps=None).times_s is None


def test_frames_of_any_size_lie_apart(model: LoadedModel) -> None:
    spec = replace(model.file.preprocess, size=50)
    bright = np.full((64, 50, 50, 3), 0, np.uint8)
    bright[1::2] = 255
    cine = Cine(bright, np.arange(64) / 50, 50.0, "container", "avi", "MJPG")
    answer = estimate_ready(make_ready(cine, model.file.preprocess, None), model, clips="center")
    answer = replace(answer, model=replace(answer.model, preprocess=spec))
    pictures = Pictures.of(prepare(cine, spec), answer)
    assert pictures.cell == 64
    for index in (0, 1, 17, 63):
        assert np.ptp(cut_out(pictures, index)) < 3


def test_a_page_shares_its_frames_among_its_files() -> None:
    assert frames_each(1) == frames_each(15) == MOST_FRAMES
    assert frames_each(50) == 80
    assert frames_each(125) == 32
    assert frames_each(126) == 0


@pytest.mark.slow
def test_memory_is_bounded(model: LoadedModel) -> None:
    # 1500 frames are 56 MB; noise is the worst that can be encoded.
    noise = np.random.default_rng(0).integers(0, 256, (1500, 112, 112, 3), dtype=np.uint8)
    cine = Cine(noise, np.arange(1500) / 50, 50.0, "container", "avi", "MJPG")
    prepared = prepare(cine, model.file.preprocess)
    answer = estimate_ready(
        measure_prepared(cine, prepared, model.file.preprocess), model, clips="center"
    )
    assert len(Pictures.of(prepared, answer).sprite) < 4_000_000
