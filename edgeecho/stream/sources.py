"""Sources of frames that arrive one by one: a file in real time, or another program's output."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from threading import Event

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import FROM_USER, Cine
from edgeecho.common.console import words
from edgeecho.common.errors import InputError, UsageError
from edgeecho.preprocess import Handling, Prepared, PreprocessSpec, fit_frames, prepare
from edgeecho.preprocess.sector import sector_to_size

Timed = tuple[NDArray[np.uint8], float]
"""A frame `(S, S, 3)` and its time in s from the first."""


@dataclass(frozen=True)
class FrameStream:
    """Frames to come, and how they are made from decoded ones."""

    origin: Cine
    prepared: Prepared
    coming: Iterator[Timed]


def in_real_time(cine: Cine, prepared: Prepared, stop: Event) -> FrameStream:
    """The frames of a decoded file, each at its time, until `stop` is set.

    `InputError` if the file does not state its frame rate.
    """
    if cine.fps is None:
        raise InputError(f"{cine.why_no_rate}: give the frame rate with --fps")

    def play() -> Iterator[Timed]:
        begin = time.monotonic()
        for frame, stamp in zip(prepared.fitted, cine.timestamps_s.tolist(), strict=True):
            if stop.wait(max(begin + stamp - time.monotonic(), 0)):
                return
            yield frame, stamp

    return FrameStream(cine, prepared, play())


def read_raw(
    stream: RawIOBase, width: int, height: int, fps: float, handling: Handling, spec: PreprocessSpec
) -> FrameStream:
    """Read raw RGB frames of `height x width x 3` bytes, row by row, at a constant rate.

    Waits for the first frame or, if a sector must be found, for the first 1.5 seconds.
    """
    raw = _raw(stream, width, height)
    given = handling.crop is not None or not handling.find_sector
    wanted = 1 if given or height == width == spec.size else round(1.5 * fps)
    first = [frame for _, frame in zip(range(wanted), raw, strict=False)]
    if not first:
        raise InputError("no frame came: check what sends them")
    origin = Cine(
        np.stack(first), np.arange(len(first)) / fps, fps, FROM_USER, "other", "raw RGB frames"
    )
    prepared = prepare(origin, spec, handling)

    def fit() -> Iterator[Timed]:
        yield from zip(prepared.fitted, origin.timestamps_s.tolist(), strict=True)
        for number, frame in enumerate(raw, len(first)):
            yield _fit(frame, prepared, spec), number / fps

    return FrameStream(origin, prepared, fit())


def parse_size(text: str) -> tuple[int, int]:
    """Parse `WxH` to width and height; `UsageError` for anything else."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageError(f"--frame-size {text!r} is no size: give WIDTHxHEIGHT, such as 112x112")
    return int(width), int(height)


def _raw(stream: RawIOBase, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    # Unbuffered: a thread that waits in a buffered stream holds its lock, and Python cannot exit.
    size = width * height * 3
    while True:
        data, have = np.empty(size, np.uint8), 0
        while have < size and (more := stream.readinto(data[have:].data)):
            have += more
        if have < size:
            if have:
                words.print(f"the last frame is cut off ({have} of {size} bytes) and left out")
            return
        yield data.reshape(height, width, 3)


def _fit(frame: NDArray[np.uint8], prepared: Prepared, spec: PreprocessSpec) -> NDArray[np.uint8]:
    if prepared.sector is None:
        fitted = fit_frames(frame[None], spec)
    else:
        fitted = sector_to_size(frame[None], prepared.sector, spec.size)
    only: NDArray[np.uint8]
    (only,) = fitted
    return only
