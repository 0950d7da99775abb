"""Damage inside MJPG that FFmpeg's decoder paints over without a word."""

from __future__ import annotations

from collections.abc import Callable

import cv2

from edgeecho.cine.types import Limits
from edgeecho.errors import InputError

_START, _END = b"\xff\xd8", b"\xff\xd9"


def find_broken_frames(
    open_capture: Callable[[], cv2.VideoCapture],
    name: str,
    limits: Limits,
    size: tuple[int, int],
) -> frozenset[float]:
    """Time stamps (ms) of frames whose JPEG data are cut short or claim another size.

    Reads the packets and decodes nothing, so a frame that claims more pixels than `limits` allow
    is an `InputError` before any memory is spent on it; so is a video most of whose frames are
    not of `size` (height, width).
    """
    capture = open_capture()
    capture.set(cv2.CAP_PROP_FORMAT, -1)  # packets as they lie in the file
    stamps, cut, resized = [], [], []
    try:
        while True:
            ok, packet = capture.read()
            if not ok:
                break
            data = packet.tobytes()
            found = jpeg_size(data)
            if found is not None:
                limits.check_size(name, *found)
            stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC))
            # Packets may be padded to whole words.
            cut.append(not data.startswith(_START) or _END not in data[-16:])
            resized.append(found is not None and not _fits(found, size))
    finally:
        capture.release()
    if _most(resized):
        raise InputError(
            f"{name}: the frame size changes within the video: export it with one frame size"
        )
    if _most(cut):  # some cameras write no end marker at all: then its absence means nothing
        cut = [False] * len(cut)
    bad = [either[0] or either[1] for either in zip(cut, resized, strict=True)]
    return frozenset(stamp for stamp, is_bad in zip(stamps, bad, strict=True) if is_bad)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG's frame header claims; None where there is none.

    ITU-T T.81, B.2.2: markers SOF0..SOF15 but for DHT (C4), JPG (C8) and DAC (CC).
    """
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(
                data[at + 7 : at + 9], "big"
            )
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _fits(found: tuple[int, int], size: tuple[int, int]) -> bool:
    # Two interlaced fields of half the height are one frame.
    return found == size or (found[1] == size[1] and found[0] == (size[0] + 1) // 2)


def _most(flags: list[bool]) -> bool:
    return sum(flags) * 2 > len(flags)
