"""Screens with several pictures, made from phantoms."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render

# Panels of some phantoms are not told apart (13 of 845 screens, docs/inputs.md); of these they are,
# in every layout of the tests.
_RECIPE = PhantomRecipe(seed=3, frames=60)


@cache
def live(index: int, size: int = 130) -> np.ndarray:
    """`(60, size, size, 3)`: a phantom."""
    grey = render(*draw_phantom(_RECIPE, index)).frames
    return enlarged(np.repeat(grey[..., None], 3, axis=-1), size)


def enlarged(frames: np.ndarray, size: int) -> np.ndarray:
    return np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_CUBIC) for f in frames])


def overlaid(frames: np.ndarray) -> np.ndarray:
    """With a ventricle in colour that beats, its border, and a number."""
    frames = frames.copy()
    size = frames.shape[1]
    for t, frame in enumerate(frames):
        beat = 1 + 0.2 * np.sin(t / 3)
        axes = round(0.1 * size * beat), round(0.2 * size * beat)
        mask = np.zeros(frame.shape[:2], np.uint8)
        cv2.ellipse(mask, (size // 2, size * 2 // 5), axes, 8, 0, 360, (1,), -1)
        frame[mask > 0] = frame[mask > 0] * 0.6 + np.array([100, 20, 20])
        cv2.ellipse(frame, (size // 2, size * 2 // 5), axes, 8, 0, 360, (255, 60, 60), 1)
        cv2.putText(frame, f"{50 + t % 3} %", (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255,) * 3)
    return frames


def still(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[:1], len(frames), axis=0)


def rows(*pictures: list[np.ndarray], gap: int = 0, border: int = 0) -> np.ndarray:
    """Rows of pictures, with black between and around them."""
    heights = [max(p.shape[1] for p in row) for row in pictures]
    height = sum(heights) + gap * (len(pictures) - 1)
    width = max(sum(p.shape[2] for p in row) + gap * (len(row) - 1) for row in pictures)
    screen = np.zeros((len(pictures[0][0]), height + 2 * border, width + 2 * border, 3), np.uint8)
    y = border
    for row, high in zip(pictures, heights, strict=True):
        x = border
        for picture in row:
            _, h, w, _ = picture.shape
            screen[:, y : y + h, x : x + w] = picture
            x += w + gap
        y += high + gap
    return screen


def jpeg(frames: np.ndarray, quality: int) -> np.ndarray:
    """What a coarse codec leaves of them."""
    files = [cv2.imencode(".jpg", f, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for f in frames]
    return np.stack([cv2.imdecode(data, cv2.IMREAD_COLOR) for data in files])
