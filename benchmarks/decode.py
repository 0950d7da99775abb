"""Reading MJPG: edgeecho's reader against a plain loop of OpenCV's, in turns.

`python benchmarks/decode.py`: 176 frames of 112x112, as EchoNet-Dynamic's videos have on average,
from the file to RGB arrays. OpenCV's loop looks for no damage; the pixels must be equal.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from edgeecho.bench.statistics import paired_ratio
from edgeecho.bench.turns import take_turns
from edgeecho.bundle import EXAMPLE
from edgeecho.cine import read_cine

_FRAMES = 176


def main() -> None:
    """Measure, and say it in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = _write(Path(folder) / "a.avi")
        assert (read_cine(path).frames == _opencv(path)).all()

        def ours() -> float:
            begin = time.perf_counter()
            read_cine(path)
            return (time.perf_counter() - begin) * 1e3

        def theirs() -> float:
            begin = time.perf_counter()
            _opencv(path)
            return (time.perf_counter() - begin) * 1e3

        times = take_turns({"edgeecho": ours, "OpenCV": theirs}, rounds=rounds, warmup=5)
    ratio = paired_ratio(times["edgeecho"], times["OpenCV"])
    print(
        f"edgeecho {np.median(times['edgeecho']):.1f} ms, OpenCV {np.median(times['OpenCV']):.1f} "
        f"ms; ratio {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f}), {rounds} rounds"
    )


def _write(path: Path) -> Path:
    frames = read_cine(EXAMPLE).frames
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 50, (112, 112))
    for i in range(_FRAMES):
        writer.write(cv2.cvtColor(frames[i % len(frames)], cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def _opencv(path: Path) -> np.ndarray:
    """As EchoNet-Dynamic's own code reads a video, but in one array that is made once."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    frames = np.empty((_FRAMES, 112, 112, 3), np.uint8)
    for frame in frames:
        ok, read = capture.read()
        assert ok
        cv2.cvtColor(read, cv2.COLOR_BGR2RGB, frame)
    capture.release()
    return frames


if __name__ == "__main__":
    main()
