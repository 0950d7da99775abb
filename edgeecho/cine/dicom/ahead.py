"""Decoding frames in threads, a few ahead of the one that is needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.dicom.decode import DecodeFrame
from edgeecho.cine.dicom.frames import Encoded
from edgeecho.cine.dicom.syntaxes import JPEG
from edgeecho.common.cpu import usable_cores

# More would wait for the thread that stores the frames.
_MOST_THREADS = 4


def decode_ahead(
    encoded: Iterable[Encoded | None], decode: DecodeFrame, syntax: str
) -> Iterator[Future[NDArray[np.uint8]] | None]:
    """Decode each frame; yields futures, which raise what `decode` does, and None for lost frames.

    They are in the order of the frames. Only a few are decoded before they are asked for, so that
    memory does not grow and a file of broken frames can be given up early.
    """
    # Other decoders keep Python's lock, or (gdcm) print where one frame at a time must listen.
    threads = min(usable_cores(), _MOST_THREADS) if syntax in JPEG else 1
    waiting: deque[Future[NDArray[np.uint8]] | None] = deque()
    with ThreadPoolExecutor(threads, "edgeecho-decode") as pool:
        for frame in encoded:
            waiting.append(None if frame is None else pool.submit(decode, frame))
            if len(waiting) > threads:
                yield waiting.popleft()
        yield from waiting
