from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgeecho.preprocess import PreprocessSpec, fit_frames, normalise

SPEC = PreprocessSpec((32.64, 32.90, 33.15), (49.98, 49.97, 50.24))


def test_frames_of_the_right_size_pass_untouched() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    assert fit_frames(frames, SPEC) is frames


@pytest.mark.parametrize(("height", "width"), [(240, 320), (320, 240), (113, 112), (480, 480)])
def test_others_keep_their_aspect_ratio(height: int, width: int) -> None:
    # A disc stays a disc: squashing would make it an ellipse.
    frame = np.zeros((height, width, 3), np.uint8)
    cv2.circle(frame, (width // 2, height // 2), min(height, width) // 3, (255,) * 3, -1)
    fitted = fit_frames(frame[None], SPEC)
    assert fitted.shape == (1, 112, 112, 3)
    mask = fitted[0, ..., 0] > 127
    across, down = mask.any(axis=0).sum(), mask.any(axis=1).sum()
    assert abs(int(across) - int(down)) <= 1
    assert abs(int(across) - 112 * 2 / 3) <= 2


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [
        (200, 300, slice(0, 200), slice(50, 250)),
        (300, 200, slice(50, 250), slice(0, 200)),
        # Of an odd number of rows or columns to cut off, the last one goes too.
        (203, 200, slice(1, 201), slice(0, 200)),
        (200, 203, slice(0, 200), slice(1, 201)),
    ],
)
def test_fitting_is_a_cubic_resize_of_the_central_square(
    height: int, width: int, rows: slice, columns: slice
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    expected = [
        cv2.resize(f[rows, columns].copy(), (112, 112), interpolation=cv2.INTER_CUBIC)
        for f in frames
    ]
    assert (fit_frames(frames, SPEC) == np.stack(expected)).all()


def test_every_pixel_value_is_normalised_as_float32_arithmetic_does_it() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    expected = (values.astype(np.float32) - np.float32(SPEC.mean)) / np.float32(SPEC.std)
    result = normalise(values, SPEC)
    assert result.shape == (3, 1, 16, 16)
    assert result.tobytes() == np.ascontiguousarray(expected.transpose(3, 0, 1, 2)).tobytes()
