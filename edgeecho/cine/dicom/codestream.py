"""What a compressed frame says of itself, read before any decoder sees it.

A decoder reserves memory by these numbers, and libjpeg paints over damage without a word.
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
    """Of the Adobe marker: 0 none, 1 YCbCr; None without that marker."""
    segments: list[tuple[int, bytes]] = field(default_factory=list)
    """JPEG: markers of the header and what follows their length."""
    scan: int = 0
    """Where the header ends and the entropy-coded data begin."""
    zero_codes: dict[int, int] = field(default_factory=dict)
    """JPEG: what the code of zero bits means in each AC table."""
    zeros_are_blocks: bool = False
    """Whether long runs of zero bits are valid data of the first component."""

    def check(self, layout: Layout) -> None:
        """`BrokenFrameError` where it is not what the DICOM header says."""
        if (self.height, self.width) != (layout.rows, layout.columns):
            raise BrokenFrameError(f"the frames say that they are {self.width}x{self.height}")
        if self.components != layout.samples:
            raise BrokenFrameError(f"the frames have {self.components} samples a pixel")
        if self.precision > layout.bits_allocated:
            raise BrokenFrameError(f"the frames have {self.precision} bits a sample")


def read_jpeg(data: bytes) -> Codestream:
    """Up to the first scan; `BrokenFrameError` where it is damaged (ITU-T T.81, annex B)."""
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
    # SOF0..SOF15 but for DHT, JPG and DAC, and SOF55 of JPEG-LS (ITU-T T.87, annex C).
    if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
        if stream.components:  # readers differ in which one they believe
            raise BrokenFrameError("the frames have two headers")
        stream.precision = payload[0]
        stream.height = int.from_bytes(payload[1:3], "big")
        stream.width = int.from_bytes(payload[3:5], "big")
        stream.components = payload[5]
        stream.component_ids = payload[6 : 6 + 3 * payload[5] : 3]
    elif marker == 0xC4:
        stream.zero_codes |= _zero_codes(payload)
    elif marker == 0xDA:
        # EOB and runs of zeros have no bits for a size: four bits can be a whole block.
        symbol = stream.zero_codes.get(payload[2] & 0x0F, 0)
        stream.zeros_are_blocks = symbol >> 4 != 0 or symbol & 0x0F == 0
    elif marker == 0xE0 and payload.startswith(b"JFIF"):
        stream.jfif = True
    elif marker == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
        stream.adobe_transform = payload[11]


def _zero_codes(tables: bytes) -> dict[int, int]:
    """Of each AC table in a DHT segment, its first symbol (T.81, B.2.4.2)."""
    found = {}
    while len(tables) > 17:
        if tables[0] >> 4 == 1:
            found[tables[0] & 0x0F] = tables[17]
        tables = tables[17 + sum(tables[1:17]) :]
    return found


# Behind FF in entropy-coded data: stuffing, more fill, restart marks, the end (T.81, B.1.1.2).
_STRANGE_IN_JPEG = re.compile(rb"\xff[^\x00\xff\xd0-\xd9]", re.DOTALL)
# Only tile parts, packet marks and the end are above FF8F (T.800, A.1).
_STRANGE_IN_J2K = re.compile(rb"\xff[\x94-\xd8\xda-\xff]", re.DOTALL)
_ANOTHER_SCAN, _FIRST_TILE, _END = b"\xff\xda", b"\xff\x90", b"\xff\xd9"


def check_scan(data: bytes, stream: Codestream) -> None:
    """`BrokenFrameError` where JPEG data cannot be right, though libjpeg would decode on.

    Where markers stand amid them. And where 64 bytes are zero: with the usual tables these are
    blocks of 8x8 with all of their 63 frequencies, all equal, which no picture has.
    """
    end = data.rfind(_END)  # behind it may be padding
    if data.find(_ANOTHER_SCAN, stream.scan) >= 0:
        return
    zeros = not stream.zeros_are_blocks and data.find(bytes(64), stream.scan, end) >= 0
    if zeros or _STRANGE_IN_JPEG.search(data, stream.scan, end):
        raise BrokenFrameError("their data are damaged")


def strip_lossless(data: bytes, stream: Codestream) -> bytes:
    """Lossless JPEG with the least of headers; `BrokenFrameError` where that is not in it.

    gdcm ends the process where its libjpeg has anything to remark on a header, and its guesses
    of colours, which the DICOM header says, are made of what is taken out here.
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
    """A bare codestream and its header; `BrokenFrameError` without one (ITU-T T.800, A.5.1).

    Without the boxes of JP2: the DICOM header says the colours (PS3.5, A.4.4), and two headers
    could contradict each other.
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
    # Arithmetic coding leaves no such runs; packets without content are one zero byte each.
    if data.find(bytes(256), tiles, end) >= 0 or _STRANGE_IN_J2K.search(data, tiles, end):
        raise BrokenFrameError("their data are damaged")
    return data[at:], stream
