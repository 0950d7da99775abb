"""What preprocessing makes of videos: digests and values for `tests/inference/golden.json`.

    PYTHONPATH=.:tests/support python tests/support/golden.py > tests/inference/golden.json

writes them anew, for a change that is meant to change numbers. Drawn videos are made with integers
alone, so that they are the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydicom.examples import get_path

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import Cine, read_cine
from edgeecho.inference import make_ready
from edgeecho.preprocess import (
    ClipMode,
    PreprocessSpec,
    clip_starts,
    gather_clips,
    normalise,
    pad_short,
)
from edgeecho.trust import refuse

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = PreprocessSpec((30.4, 31.6, 29.9), (53.2, 53.7, 52.1), training_fps=50, time="resample(50)")
FILES = {
    "example": EXAMPLE,
    "phantom": EXAMPLES / "phantoms" / "Videos" / "phantom-s21-00001.avi",
    "frozen": EXAMPLES / "faults" / "frozen.avi",
    "dicom": Path(get_path("ybr_color")),
}


def noise(*shape: int) -> np.ndarray:
    """0 to 255, the same on every machine."""
    mixed = np.arange(np.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (mixed * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(56)).astype(np.uint8).reshape(shape)


def fan(count: int, height: int = 112, width: int = 112, period: int = 40) -> np.ndarray:
    """`(count, height, width, 3)`: speckle in a fan, and a dark chamber that beats."""
    y, x = np.mgrid[:height, :width]
    across = np.abs(x - width // 2)
    inside = (across * 4 <= (y - 4) * 3) & (across**2 + y**2 < (height - 6) ** 2)
    frames = np.zeros((count, height, width, 3), np.uint8)
    for index, (frame, grain) in enumerate(zip(frames, noise(count, height, width), strict=True)):
        beat = abs(index % period - period // 2) * height // (6 * period)
        wide = (across * 2) ** 2 + (y - height // 2) ** 2 < (height // 5 + beat) ** 2
        grey = np.where(wide, grain // 16, 60 + grain // 4) * inside
        frame[...] = np.minimum(grey[..., None] + np.array([0, 3, 9]) * (grey[..., None] > 40), 255)
    return frames


def faulty() -> np.ndarray:
    """A fan with repeated frames, and one whose lower half a decoder has made grey."""
    frames = fan(90)
    frames[3::7] = frames[2:-1:7]
    frames[44, 60:] = 128
    return frames


def screen(*panels: int) -> np.ndarray:
    """Fans side by side on a scanner's screen with a bar that never moves."""
    frames = np.zeros((24, 240, 160 * len(panels) + 60, 3), np.uint8)
    frames[:, 4:12, 8:40] = noise(8, 32, 1)
    for place, height in enumerate(panels):
        left = 30 + 160 * place
        frames[:, 16 : 16 + height, left : left + 150] = fan(24, height, 150, 20 + place)
    return frames


DRAWN: dict[str, tuple[Callable[[], np.ndarray], float | None]] = {
    "fan": (lambda: fan(90), 50.0),
    "slow": (lambda: fan(60, period=20), 25.0),
    "faulty": (faulty, 50.0),
    "short": (lambda: fan(20), 60.0),
    "one frame": (lambda: fan(1), 50.0),
    "black": (lambda: np.zeros((70, 112, 112, 3), np.uint8), 50.0),
    "noise": (lambda: noise(70, 112, 112, 3), 50.0),
    "long": (lambda: np.tile(fan(80), (13, 1, 1, 1)), 50.0),
    "small": (lambda: fan(40, 64, 80), 40.0),
    "screen": (lambda: screen(210), 30.0),
    "two sectors": (lambda: screen(200, 200), 30.0),
}
"""Name -> its frames, frames/s."""
RESIZED = {"dicom", "small", "screen", "two sectors"}


def cine_of(name: str) -> Cine:
    """A file, or a drawn video."""
    if name in FILES:
        return read_cine(FILES[name])
    make, fps = DRAWN[name]
    frames = make()
    return Cine(frames, np.arange(len(frames)) / (fps or np.nan), fps, "container", "avi", "MJPG")


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(str(array.shape).encode() + array.tobytes()).hexdigest()[:16]


def resizing() -> str:
    """OpenCV's cubic filter is not the same to the bit on every processor."""
    return digest(cv2.resize(noise(130, 130, 3), (112, 112), interpolation=cv2.INTER_CUBIC))


def seen(cine: Cine) -> dict[str, Any]:
    """All that preprocessing makes of a video: `exact` to the bit, `close` to 1e-6."""
    ready = make_ready(cine, SPEC, None)
    frames, signals = ready.prepared.frames, ready.signals
    starts = clip_starts(len(frames), SPEC, ClipMode("stride", 16))[:4]
    clips = gather_clips(pad_short(normalise(frames, SPEC), SPEC), starts, SPEC)
    exact = asdict(ready.facts) | {
        "frames_sha": digest(frames),
        "clips_sha": digest(clips),
        "refusals": [(refusal.gate, refusal.reason) for refusal in refuse(signals, None)],
        "lit": signals.lit,
    }
    close = {
        "heart_rate_bpm": exact.pop("heart_rate_bpm") or 0.0,
        "sound": signals.sound,
        "moves": signals.moves,
        "changing": signals.changing,
        "contrast": signals.contrast,
        "statistics": signals.statistics.tolist(),
        # Every row and column of both pictures occurs.
        "picture": signals.picture[::13].tolist(),
    }
    return {"exact": json.loads(json.dumps(exact)), "close": close}


def main() -> None:
    cases = {name: cine_of(name) for name in (*FILES, *DRAWN)}
    found = {name: {"input": digest(cine.frames), **seen(cine)} for name, cine in cases.items()}
    lines = (f" {json.dumps(name)}: {json.dumps(case)}" for name, case in found.items())
    print(f'{{"resizing": "{resizing()}", "cases": {{\n' + ",\n".join(lines) + "\n}}")


if __name__ == "__main__":
    main()
