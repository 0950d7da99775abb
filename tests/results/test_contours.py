"""Contours are the masks that were computed, and of each frame its own."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import media
import numpy as np
import pytest
from ventricle import Drawn, beating

from edgeecho.cine import Cine
from edgeecho.inference import LoadedModel, estimate_ready, load_model, make_ready
from edgeecho.results.contours import MOST, Contour, Polygon
from edgeecho.results.pictures import Pictures

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(NARROW)


def filled(polygons: tuple[Polygon, ...], size: int) -> np.ndarray:
    """The pixels of the polygons: holes are polygons inside others."""
    mask = np.zeros((size, size), np.uint8)
    points = [np.array(polygon, np.int32).reshape(-1, 1, 2) for polygon in polygons]
    cv2.drawContours(mask, points, -1, 1, cv2.FILLED)
    return mask > 0


def pictures_of(
    model: LoadedModel, masks: np.ndarray, most: int = 256, *, clips: str = "center"
) -> tuple[Pictures, tuple[int, ...]]:
    """Pictures of a video with these masks, and the ED and ES of its beats."""
    count = len(masks)
    source = np.resize(media.phantom_frames(), (count, 112, 112, 3))
    cine = Cine(source, np.arange(count) / 50, 50.0, "container", "avi", "MJPG")
    ready = make_ready(cine, model.file.preprocess, None)
    answer = estimate_ready(ready, replace(model, masks=Drawn(masks)), clips=clips)
    assert answer.traced is not None
    found = answer.traced.beats.used
    moments = [m.frame for beat in found for m in (beat.ed, beat.es) if m is not None]
    return Pictures.of(ready.prepared, answer, most), tuple(moments)


def test_a_contour_is_exactly_its_mask() -> None:
    mask = beating(1)[0]
    mask[50:54, 50:56] = False  # a hole
    island = np.zeros_like(mask)
    island[3:9, 90:99] = True
    island[100, 100] = True
    contour = Contour.of(mask | island)
    assert (filled(contour.largest, 112) == mask).all()
    assert (filled(contour.others, 112) == island).all()
    assert len(contour.largest) == len(contour.others) == 2
    assert Contour.of(np.zeros((112, 112), bool)) == Contour((), ())


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_specks_are_bounded(share: float) -> None:
    noise = np.random.default_rng(0).random((112, 112)) < share
    contour = Contour.of(noise)
    parts = (contour.largest, contour.others)
    assert max(map(len, parts)) == MOST
    assert all(noise[y, x] for p in parts for o in p for x, y in np.reshape(o, (-1, 2)).tolist())


def test_each_shown_frame_has_its_own_and_no_other(model: LoadedModel) -> None:
    masks = beating(300)
    masks[7] = False
    pictures, _ = pictures_of(model, masks, 80)
    assert pictures.contours is not None
    assert 40 < len(pictures.indices) <= 80
    assert len(pictures.contours) == len(pictures.indices)
    for index, contour in zip(pictures.indices, pictures.contours, strict=True):
        assert contour == Contour.of(masks[index])
    assert pickle.loads(pickle.dumps(pictures)) == pictures


@pytest.mark.parametrize(("count", "most", "shown"), [(300, 80, 14), (300, 256, 14), (1000, 32, 2)])
def test_end_diastole_and_systole_are_among_the_frames(
    model: LoadedModel, count: int, most: int, shown: int
) -> None:
    # Of one beat at least, of more where there is room.
    pictures, moments = pictures_of(model, beating(count), most)
    assert len(set(moments) & set(pictures.indices)) >= shown
    assert len(pictures.indices) <= most + 2


def test_none_where_nothing_was_traced(model: LoadedModel) -> None:
    cine = Cine(media.phantom_frames(), np.arange(100) / 50, 50.0, "container", "avi", "MJPG")
    ready = make_ready(cine, model.file.preprocess, None)
    pictures = Pictures.of(ready.prepared, estimate_ready(ready, model, clips="center"))
    assert pictures.contours is None
