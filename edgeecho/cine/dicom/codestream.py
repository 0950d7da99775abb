"""Checking the header and the data of a compressed frame before any decoder sees it.

A decoder allocates memory by these numbers, and libjpeg conceals damage without an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgeecho.cine.dicom.attributes import Layout


class BrokenFrameError(ValueError):
    """One frame cannot be decoded; the message says why and quotes nothing."""


@dataclass
class Codestream:
    """The header of a JPEG, JPEG-LS or JPEG 2000 frame."""

    height: int = 0
    width: int = 0
    components: int = 0
    precision: int = 0
    """Bits per sample."""
    component_ids: bytes = b""
    jfif: bool = False
    adobe_transform: int | None = None
    """Colour transform in the Adobe marker: 0 none, 1 YCbCr; None without that marker."""
    segments: list[tuple[int, bytes]] = field(default_factory=list)
    """JPEG: the header's segments as marker and payload."""
    scan: int = 0
    """Offset at which the header ends and the entropy-coded data begin."""
    zero_codes: dict[int, int] = field(default_factory=dict)
    """JPEG: the symbol of the all-zero code in each AC table."""
    zeros_are_blocks: bool = False
    """Whether long runs of zero bits are valid data of the first component."""

    def check(self, layout: Layout) -> None:
        """Raise `BrokenFrameError` if the frame is not what the DICOM header says."""
        if (self.height, self.width) != (layout.rows, layout.columns):
            raise BrokenFrameError(f"the frames say that they are {self.width}x{self.height}")
        if self.components != layout.samples:
            raise BrokenFrameError(f"the frames have {self.components} samples a pixel")
        if self.precision > layout.bits_allocated:
            raise BrokenFrameError(f"the frames have {self.precision} bits a sample")


def read_jpeg(data: bytes) -> Codestream:
    """Read a header up to the first scan (ITU-T T.81, annex B); `BrokenFrameError` if damaged."""
    stream = Codestream()
    at = 2
    try:
        while data[at] == 0xFF:
            marker = data[at + 1]
            if marker == 0xFF:  # fill bytes may precede a marker
                at += 1
                continue
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            stream.segments.append((marker, data[at + 4 : at + 2 + length]))
            _segment(stream, *stream.segments[-1])
            at += 2 + length
            if marker == 0xDA:
                stream.scan = at
                break
    except IndexError:
        pass
    if not data.startswith(b"\xff\xd8") or not stream.scan or not stream.components:
        raise BrokenFrameError("the frames have no header")
    return stream


def _segment(stream: Codestream, marker: int, payload: bytes) -> None:
    # SOF0..SOF15 except DHT, JPG and DAC, and SOF55 of JPEG-LS (ITU-T T.87, annex C).
    if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
        if stream.components:  # decoders differ in which one they use
            raise BrokenFrameError("the frames have two headers")
        stream.precision = payload[0]
        stream.height = int.from_bytes(payload[1:3], "big")
        stream.width = int.from_bytes(payload[3:5], "big")
        stream.components = payload[5]
        stream.component_ids = payload[6 : 6 + 3 * payload[5] : 3]
    elif marker == 0xC4:
        stream.zero_codes |= _zero_codes(payload)
    elif marker == 0xDA:
        # EOB and runs of zeros have no size bits: a whole block may take four bits.
        symbol = stream.zero_codes.get(payload[2] & 0x0F, 0)
        stream.zeros_are_blocks = symbol >> 4 != 0 or symbol & 0x0F == 0
    elif marker == 0xE0 and payload.startswith(b"JFIF"):
        stream.jfif = True
    elif marker == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
        stream.adobe_transform = payload[11]


def _zero_codes(tables: bytes) -> dict[int, int]:
    """The first symbol of each AC table in a DHT segment (T.81, B.2.4.2)."""
    found = {}
    while len(tables) > 17:
        if tables[0] >> 4 == 1:
            found[tables[0] & 0x0F] = tables[17]
        tables = tables[17 + sum(tables[1:17]) :]
    return found


# After FF in entropy-coded data: stuffing, fill bytes, restart markers or the end (T.81, B.1.1.2).
_STRANGE_IN_JPEG = re.compile(rb"\xff[^\x00\xff\xd0-\xd9]", re.DOTALL)
# Only tile parts, packet markers and the end are above FF8F (T.800, A.1).
_STRANGE_IN_J2K = re.compile(rb"\xff[\x94-\xd8\xda-\xff]", re.DOTALL)
_ANOTHER_SCAN, _FIRST_TILE, _END = b"\xff\xda", b"\xff\x90", b"\xff\xd9"


def check_scan(data: bytes, stream: Codestream) -> None:
    """Raise `BrokenFrameError` for invalid JPEG data that libjpeg would decode without an error.

    Invalid are markers inside the data, and 64 zero bytes: with the usual tables these are blocks
    of 8x8 with all 63 frequencies present and equal, which no picture has.
    """
    end = data.rfind(_END)  # padding may follow
    if data.find(_ANOTHER_SCAN, stream.scan) >= 0:
        return
    zeros = not stream.zeros_are_blocks and data.find(bytes(64), stream.scan, end) >= 0
    if zeros or _STRANGE_IN_JPEG.search(data, stream.scan, end):
        raise BrokenFrameError("their data are damaged")


def strip_lossless(data: bytes, stream: Codestream) -> bytes:
    """Reduce a lossless JPEG to the segments that decoding needs; `BrokenFrameError` for others.

    gdcm ends the process if its libjpeg warns about a header, and it guesses the colour space,
    which the DICOM header states, from the segments that are removed here.
    """
    kept = b"\xff\xd8"
    for marker, payload in stream.segments:
        if marker in (0xC3, 0xC4, 0xDD, 0xDA):  # frame, Huffman tables, restarts, scan
            kept += b"\xff%c%b%b" % (marker, (len(payload) + 2).to_bytes(2, "big"), payload)
        elif marker not in (0xDB, 0xFE, *range(0xE0, 0xF0)):  # quantization, comments, APPn
            raise BrokenFrameError("their data are damaged")
        if marker == 0xC3 and payload[7::3].strip(b"\x11"):  # never subsampled
            raise BrokenFrameError("their data are damaged")
    return kept + data[stream.scan :]


def read_j2k(data: bytes) -> tuple[bytes, Codestream]:
    """Find a bare codestream and read its header (ITU-T T.800, A.5.1); `BrokenFrameError`.

    The boxes of JP2 are dropped: the DICOM header states the colour space (PS3.5, A.4.4), and two
    headers could contradict each other.
    """
    at = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    siz = data[at + 4 : at + 43]
    if at < 0 or len(siz) < 39:
        raise BrokenFrameError("the frames have no header")
    right, bottom, left, top = (int.from_bytes(siz[i : i + 4], "big") for i in (4, 8, 12, 16))
    stream = Codestream(
        height=bottom - top,
        width=right - left,
        components=int.from_bytes(siz[36:38], "big"),
        precision=(siz[38] & 0x7F) + 1,
    )
    tiles, end = data.find(_FIRST_TILE, at), data.rfind(_END)
    # Arithmetic coding leaves no such runs; an empty packet is a single zero byte.
    if data.find(bytes(256), tiles, end) >= 0 or _STRANGE_IN_J2K.search(data, tiles, end):
        raise BrokenFrameError("their data are damaged")
    return data[at:], stream
