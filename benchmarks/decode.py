"""edgeecho's reader of videos against a plain loop of OpenCV's: speed, damage, weight.

`python benchmarks/decode.py` prints the figures of docs/inputs.md. Speed: 176 frames of 112x112
MJPG, as EchoNet-Dynamic's videos have on average, from the file to RGB arrays, in turns; OpenCV's
loop looks for no damage, and the pixels must be equal. Damage: an H.264 file whose middle is zeros;
a picture is wrong where it differs from the whole file's by more than 3 levels on average.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import av
import cv2
import numpy as np

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import read_cine
from edgeecho.tools.bench.statistics import paired_ratio
from edgeecho.tools.bench.turns import take_turns

_FRAMES, _WRONG = 176, 3.0
Video = tuple[np.ndarray, np.ndarray]
"""Frames `(T, H, W, 3)` RGB, and their times in s."""


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # its complaints of the damage
    with tempfile.TemporaryDirectory() as folder:
        _speed(_write_mjpg(Path(folder) / "a.avi"), rounds)
        _damage(_write_h264(Path(folder) / "a.mp4"))
    weight = sum(f.locate().stat().st_size for f in metadata.files("av") or ())
    print(f"PyAV {av.__version__} takes {weight / 1e6:.0f} MB, OpenCV is {cv2.__version__}")


def _speed(path: Path, rounds: int) -> None:
    assert (_edgeecho(path)[0] == _opencv(path)[0]).all()

    def timed(read: Callable[[Path], Video]) -> Callable[[], float]:
        def once() -> float:
            begin = time.perf_counter()
            read(path)
            return (time.perf_counter() - begin) * 1e3

        return once

    tasks = {"edgeecho": timed(_edgeecho), "OpenCV": timed(_opencv)}
    times = take_turns(tasks, rounds=rounds, warmup=5)
    ratio = paired_ratio(times["edgeecho"], times["OpenCV"])
    print(
        f"{_FRAMES} frames of MJPG: edgeecho {np.median(times['edgeecho']):.1f} ms, OpenCV "
        f"{np.median(times['OpenCV']):.1f} ms; ratio {ratio.value:.2f} ({ratio.low:.2f} to "
        f"{ratio.high:.2f}), {rounds} rounds"
    )


def _damage(path: Path) -> None:
    true, _ = _edgeecho(path)
    data = path.read_bytes()
    middle, length = len(data) // 2, len(data) // 10
    path.write_bytes(data[:middle] + bytes(length) + data[middle + length :])
    for name, read in (("edgeecho", _edgeecho), ("OpenCV", _opencv)):
        frames, seconds = read(path)
        same = true[np.rint(seconds * 50).astype(int)].astype(int)
        wrong = np.abs(frames - same).mean(axis=(1, 2, 3)) > _WRONG
        print(
            f"H.264, middle zeroed: {name} gives {len(frames)} of {len(true)}, {wrong.sum()} wrong"
        )


def _write_mjpg(path: Path) -> Path:
    frames = read_cine(EXAMPLE).frames
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 50, (112, 112))
    for i in range(_FRAMES):
        writer.write(cv2.cvtColor(frames[i % len(frames)], cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def _write_h264(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=50)
        stream.height, stream.width, stream.pix_fmt = 112, 112, "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in read_cine(EXAMPLE).frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _edgeecho(path: Path) -> Video:
    cine = read_cine(path)
    return cine.frames, cine.timestamps_s


def _opencv(path: Path) -> Video:
    """As EchoNet-Dynamic's own code reads a video, but in one array that is made once."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    frames, seconds, failures = np.empty((count, 112, 112, 3), np.uint8), [], 0
    while len(seconds) < count and failures < 300:  # behind damage it goes on
        ok, read = capture.read()
        if ok:
            cv2.cvtColor(read, cv2.COLOR_BGR2RGB, frames[len(seconds)])
            seconds.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        failures += not ok
    capture.release()
    return frames[: len(seconds)], np.array(seconds)


if __name__ == "__main__":
    main()
