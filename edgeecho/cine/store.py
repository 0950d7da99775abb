"""Storage of decoded frames, within the limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import DecodeLimits
from edgeecho.common.errors import InputError


def size_changes(name: str) -> InputError:
    """The error for a video whose frames differ in size."""
    return InputError(
        f"{name}: the frame size changes within the video: export it with one frame size"
    )


class FrameStore:
    """Decoded frames of one size in one array that grows with them.

    A list and `np.stack` would hold every frame twice at the end.
    """

    def __init__(self, name: str, limits: DecodeLimits) -> None:
        self._name = name
        self._limits = limits
        self._buffer = np.empty((0, 0, 0, 3), np.uint8)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame `(H, W, 3)` RGB. Errors are those of `place`."""
        self.place(*frame.shape[:2])[...] = frame

    def place(self, height: int, width: int) -> NDArray[np.uint8]:
        """Add a frame and return its uninitialised memory `(H, W, 3)`, for the caller to fill.

        `InputError` at a limit or if the frame size changes.
        """
        shape = (height, width, 3)
        if not self._count:
            self._limits.check_size(self._name, height, width)
            self._buffer = np.empty((16, *shape), np.uint8)
        if shape != self._buffer.shape[1:]:
            raise size_changes(self._name)
        self._check_room()
        if self._count == len(self._buffer):
            # In place: for buffers of this size, realloc moves pages and copies nothing.
            self._buffer.resize((self._count * 3 // 2, *shape), refcheck=False)
        self._count += 1
        frame: NDArray[np.uint8] = self._buffer[self._count - 1]
        return frame

    def frames(self) -> NDArray[np.uint8]:
        """All frames `(T, H, W, 3)`; the store must not be used afterwards."""
        self._buffer.resize((self._count, *self._buffer.shape[1:]), refcheck=False)
        return self._buffer

    def _check_room(self) -> None:
        if self._count >= self._limits.frames:
            raise InputError(
                f"{self._name} has more than {self._limits.frames} frames: "
                "cut it shorter, or raise --max-frames"
            )
        size = (self._count + 1) * self._buffer[0].nbytes
        if size > self._limits.megabytes * 1_000_000:
            raise InputError(
                f"{self._name}: its decoded frames need more than {self._limits.megabytes} MB "
                f"({self._count} frames so far): cut it shorter, or raise --max-mb"
            )
