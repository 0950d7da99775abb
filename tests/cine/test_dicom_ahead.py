"""Frames of a DICOM file are decoded in threads: several at once, in order, a few ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from edgeecho.cine.dicom import ahead
from edgeecho.cine.dicom.codestream import BrokenFrameError


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "usable_cores", lambda: 64)


def picture(data: bytes | memoryview) -> np.ndarray:
    return np.full((2, 2, 3), bytes(data)[0], np.uint8)


def test_a_frame_that_takes_longer_keeps_its_place() -> None:
    second = threading.Event()

    def decode(data: bytes | memoryview) -> np.ndarray:
        if data == b"\0":
            assert second.wait(10)
        elif data == b"\1":
            second.set()
        return picture(data)

    frames = ahead.decode_ahead([bytes([i]) for i in range(30)], decode, JPEGBaseline8Bit)
    assert [int(frame.result()[0, 0, 0]) for frame in frames if frame] == list(range(30))


def test_lost_and_broken_frames_stay_between_the_others() -> None:
    def decode(data: bytes | memoryview) -> np.ndarray:
        if data == b"broken":
            raise BrokenFrameError("their data are damaged")
        return picture(data)

    one, lost, broken, last = ahead.decode_ahead(
        [b"\1", None, b"broken", b"\2"], decode, JPEGBaseline8Bit
    )
    assert one is not None
    assert broken is not None
    assert last is not None
    assert (lost, one.result()[0, 0, 0], last.result()[0, 0, 0]) == (None, 1, 2)
    with pytest.raises(BrokenFrameError, match="damaged"):
        broken.result()


@pytest.mark.parametrize(("syntax", "most"), [(JPEGBaseline8Bit, 5), (RLELossless, 2)])
def test_only_a_few_frames_are_taken_before_they_are_asked_for(syntax: str, most: int) -> None:
    taken = []

    def encoded() -> Iterator[bytes]:
        for i in range(100):
            taken.append(i)
            yield bytes([i])

    frames = ahead.decode_ahead(encoded(), picture, syntax)
    for asked in range(3):
        next(frames)
        assert len(taken) == asked + most
    frames.close()  # type: ignore[attr-defined]
    assert len(taken) == 2 + most
