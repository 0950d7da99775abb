"""Decoding RLE Lossless (PS3.5, annex G).

pydicom's decoder unpacks a whole segment before it checks its length, which in a damaged file can
be 64 times the size of the file.
"""

from __future__ import annotations

import struct

import numpy as np

from edgeecho.cine.dicom.attributes import Layout
from edgeecho.cine.dicom.codestream import BrokenFrameError


def decode_rle(data: bytes, layout: Layout) -> bytes:
    """Decode a frame to little-endian samples, component by component (planar)."""
    width = layout.bits_allocated // 8
    count = layout.samples * width
    if len(data) < 64:
        raise BrokenFrameError("their data are damaged")
    segments, *offsets = struct.unpack("<16L", data[:64])
    if segments != count:
        raise BrokenFrameError(f"the frames have {segments} planes of bytes")
    bounds = [*offsets[:count], len(data)]
    pixels = layout.rows * layout.columns
    out = np.empty((layout.samples, pixels, width), np.uint8)
    for i in range(count):
        sample, significance = divmod(i, width)
        plane = _unpack(data[bounds[i] : bounds[i + 1]], pixels)
        out[sample, :, width - 1 - significance] = np.frombuffer(plane, np.uint8)
    return out.tobytes()


def _unpack(segment: bytes, size: int) -> bytearray:
    """Unpack `size` bytes of PackBits data (PS3.5, G.3.2)."""
    out = bytearray()
    at, end = 0, len(segment)
    while at < end and len(out) < size:
        code = segment[at]
        if code < 128:
            out += segment[at + 1 : at + 2 + code]
            at += 2 + code
        elif code > 128:
            out += segment[at + 1 : at + 2] * (257 - code)
            at += 2
        else:
            at += 1
    if len(out) < size:
        raise BrokenFrameError("their data are damaged")
    return out[:size]
