"""Headers of single frames and RLE, byte by byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from edgeecho.cine.dicom.attributes import Layout
from edgeecho.cine.dicom.codestream import (
    BrokenFrameError,
    Codestream,
    check_scan,
    read_j2k,
    read_jpeg,
    strip_lossless,
)
from edgeecho.cine.dicom.rle import decode_rle


def layout(rows: int = 2, columns: int = 3, samples: int = 1, bits: int = 8) -> Layout:
    return Layout(rows, columns, samples, bits, bits, False, 0, "MONOCHROME2")


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def frame_header(components: int = 3, marker: int = 0xC0, sampling: int = 0x11) -> bytes:
    each = b"".join(bytes([65 + i, sampling, 0]) for i in range(components))
    return segment(marker, struct.pack(">BHHB", 12, 300, 515, components) + each)


def table(first: int, kind: int = 1, number: int = 0) -> bytes:
    """One code of each of two lengths."""
    return bytes([kind << 4 | number, 1, 1]) + bytes(14) + bytes([first, 9])


SCAN = segment(0xDA, bytes([1, 65, 0x00, 0, 63, 0]))
DATA = b"\x12\xff\x00\x34\xff\xd0\x56"
END = b"\xff\xd9"


def jpeg(*segments: bytes, data: bytes = DATA) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + SCAN + data + END


def test_a_jpegs_header() -> None:
    made = jpeg(segment(0xE0, b"JFIF\0..."), segment(0xEE, b"Adobe" + bytes(6) + b"\x02"),
                segment(0xC4, table(0x21)), frame_header())  # fmt: skip
    found = read_jpeg(made)
    assert (found.height, found.width, found.components, found.precision) == (300, 515, 3, 12)
    assert (found.component_ids, found.jfif, found.adobe_transform) == (b"ABC", True, 2)
    assert [marker for marker, _ in found.segments] == [0xE0, 0xEE, 0xC4, 0xC0, 0xDA]
    assert made[found.scan :] == DATA + END
    assert (found.zero_codes, found.zeros_are_blocks) == ({0: 0x21}, True)
    plain = read_jpeg(jpeg(segment(0xE0, b"other"), segment(0xEE, b"Adobe"), frame_header(1)))
    assert (plain.jfif, plain.adobe_transform, plain.component_ids) == (False, None, b"A")


def test_fill_bytes_may_precede_a_marker() -> None:
    assert read_jpeg(jpeg(b"\xff\xff", frame_header())).height == 300


@pytest.mark.parametrize("marker", [0xC0, 0xC3, 0xCF, 0xF7])
def test_frame_headers_of_every_kind(marker: int) -> None:
    assert read_jpeg(jpeg(frame_header(marker=marker))).width == 515


@pytest.mark.parametrize("marker", [0xBF, 0xC4, 0xC8, 0xCC, 0xD0, 0xF6, 0xF8])
def test_what_is_no_frame_header_is_none(marker: int) -> None:
    with pytest.raises(BrokenFrameError, match="the frames have no header"):
        read_jpeg(jpeg(frame_header(marker=marker)))


@pytest.mark.parametrize(
    "made",
    [
        b"",
        b"\x00" + jpeg(frame_header())[1:],
        b"\xff\xd8" + frame_header(),
        jpeg(frame_header(components=0)),
        b"\xff\xd8\x00" + jpeg(frame_header())[2:],
    ],
)
def test_half_a_header_is_none(made: bytes) -> None:
    with pytest.raises(BrokenFrameError, match="the frames have no header"):
        read_jpeg(made)


def test_two_frame_headers_are_refused() -> None:
    with pytest.raises(BrokenFrameError, match="the frames have two headers"):
        read_jpeg(jpeg(frame_header(), frame_header()))


@pytest.mark.parametrize(
    ("first", "blocks"), [(0x00, True), (0xF0, True), (0x10, True), (0x01, False), (0x0A, False)]
)
def test_zero_bits_are_blocks_where_their_code_has_no_size(first: int, blocks: bool) -> None:
    tables = table(0x05, kind=0) + table(first) + table(0x01, number=1)
    found = read_jpeg(jpeg(segment(0xC4, tables), frame_header()))
    assert found.zero_codes == {0: first, 1: 0x01}
    assert found.zeros_are_blocks == blocks


def test_a_header_must_be_what_the_dicom_header_says() -> None:
    stream = Codestream(height=2, width=3, components=1, precision=8)
    stream.check(layout())
    stream.check(layout(bits=16))
    for other, words in (
        (layout(rows=3), "they are 3x2"),
        (layout(columns=2), "they are 3x2"),
        (layout(samples=3), "have 1 samples"),
    ):
        with pytest.raises(BrokenFrameError, match=words):
            stream.check(other)
    with pytest.raises(BrokenFrameError, match="have 9 bits a sample"):
        Codestream(2, 3, 1, precision=9).check(layout())


def scanned(data: bytes, *, blocks: bool = False) -> None:
    made = jpeg(frame_header(), data=data)
    stream = read_jpeg(made)
    stream.zeros_are_blocks = blocks
    check_scan(made, stream)


@pytest.mark.parametrize("data", [b"", DATA, b"\xff\x00", b"\xff\xff\xff\x00", b"\xff\xd7",
                                  bytes(63), b"\xff\xda\x00\x02\xff\x01" + bytes(64)])  # fmt: skip
def test_valid_data_pass(data: bytes) -> None:
    scanned(b"\x12" + data + b"\x34")


@pytest.mark.parametrize("data", [b"\xff\x01", b"\xff\xcf", b"\xff\xda\xff"[:0] + b"\xff\xe0",
                                  bytes(64)])  # fmt: skip
def test_invalid_data_are_damage(data: bytes) -> None:
    with pytest.raises(BrokenFrameError, match="their data are damaged"):
        scanned(b"\x12" + data + b"\x34")


def test_long_zeros_are_valid_where_they_are_blocks_and_behind_the_end() -> None:
    scanned(bytes(200), blocks=True)
    made = jpeg(frame_header()) + bytes(200)
    check_scan(made, read_jpeg(made))


def test_of_a_lossless_jpeg_what_decoding_needs_is_kept() -> None:
    kept = [segment(0xC4, b"table"), frame_header(marker=0xC3), segment(0xDD, b"\x00\x08")]
    dropped = [
        segment(0xE0, b"JFIF"),
        segment(0xEF, b"x"),
        segment(0xFE, b"x"),
        segment(0xDB, b"x"),
    ]
    made = jpeg(*dropped, *kept)
    assert strip_lossless(made, read_jpeg(made)) == jpeg(*kept)
    for bad in (segment(0xF0, b"x"), segment(0xC8, b"x"), segment(0xDF, b"x")):
        made = jpeg(bad, frame_header(marker=0xC3))
        with pytest.raises(BrokenFrameError, match="their data are damaged"):
            strip_lossless(made, read_jpeg(made))
    made = jpeg(frame_header(marker=0xC3, sampling=0x21))
    with pytest.raises(BrokenFrameError, match="their data are damaged"):
        strip_lossless(made, read_jpeg(made))


def j2k(bits: int = 11, data: bytes = b"\x01\xff\x8f\x02") -> bytes:
    """515 x 300 pixels, on a grid that begins at 10, 20."""
    size = struct.pack(">HHIIIIIIIIHB", 41, 0, 525, 320, 10, 20, 99, 99, 0, 0, 3, bits)
    return b"\xff\x4f\xff\x51" + size + b"\xff\x90" + data + END


def test_a_jpeg_2000s_header() -> None:
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n"
    content, found = read_j2k(boxes + j2k())
    assert content == j2k()
    assert (found.height, found.width, found.components, found.precision) == (300, 515, 3, 12)
    assert read_j2k(j2k(bits=0x87))[1].precision == 8, "signed"


def test_a_jpeg_2000_begins_within_4096_bytes_and_has_a_whole_header() -> None:
    assert read_j2k(bytes([7]) * 4092 + j2k())[1].width == 515
    for bad in (bytes([7]) * 4093 + j2k(), j2k()[: 4 + 38], b""):
        with pytest.raises(BrokenFrameError, match="the frames have no header"):
            read_j2k(bad)
    header = j2k()[: 4 + 39]
    assert read_j2k(header + b"\xff\x90\x01" + END)[1].height == 300


@pytest.mark.parametrize("data", [b"\xff\x93", b"\xff\x00", bytes(255)])
def test_valid_j2k_data_pass(data: bytes) -> None:
    read_j2k(j2k(data=b"\x12" + data + b"\x34"))


@pytest.mark.parametrize("data", [b"\xff\x94", b"\xff\xd8", b"\xff\xda", b"\xff\xff", bytes(256)])
def test_invalid_j2k_data_are_damage(data: bytes) -> None:
    with pytest.raises(BrokenFrameError, match="their data are damaged"):
        read_j2k(j2k(data=b"\x12" + data + b"\x34"))


def rle(*planes: bytes, count: int | None = None) -> bytes:
    offsets, at = [], 64
    for plane in planes:
        offsets.append(at)
        at += len(plane)
    number = len(planes) if count is None else count
    return struct.pack("<16L", number, *offsets, *[0] * (15 - len(planes))) + b"".join(planes)


def test_rle_unpacks_literals_and_runs() -> None:
    # Three as they are, a byte that means nothing, then a run of three.
    plane = b"\x02\x01\x02\x03\x80\xfe\x09"
    assert decode_rle(rle(plane), layout()) == bytes([1, 2, 3, 9, 9, 9])
    assert decode_rle(rle(plane + b"\x00\x07"), layout()) == bytes([1, 2, 3, 9, 9, 9])
    assert decode_rle(rle(b"\xf0\x05"), layout()) == bytes([5] * 6), "what is too much is cut off"
    literal = bytes([127]) + bytes(range(128))
    assert decode_rle(rle(literal), layout(8, 16)) == bytes(range(128))
    assert decode_rle(rle(b"\x81\x05"), layout(8, 16)) == bytes([5] * 128)


def test_rle_of_colour_and_of_16_bits() -> None:
    planes = [bytes([0xFB, value]) for value in (1, 2, 3)]
    assert decode_rle(rle(*planes), layout(samples=3)) == bytes([1] * 6 + [2] * 6 + [3] * 6)
    # The high bytes come first, the samples are little-endian.
    found = decode_rle(rle(bytes([0xFB, 1]), bytes([0xFB, 2])), layout(bits=16))
    assert np.frombuffer(found, "<u2").tolist() == [0x0102] * 6


@pytest.mark.parametrize(
    "data", [b"", rle(b"")[:63], rle(b""), rle(b"\x02\x01\x02"), rle(b"\xfc\x01")]
)
def test_rle_that_is_too_short_is_damage(data: bytes) -> None:
    with pytest.raises(BrokenFrameError, match="their data are damaged"):
        decode_rle(data, layout())


def test_rle_has_a_plane_for_each_byte_of_a_pixel() -> None:
    with pytest.raises(BrokenFrameError, match="the frames have 2 planes of bytes"):
        decode_rle(rle(b"\xfb\x01", count=2), layout())
