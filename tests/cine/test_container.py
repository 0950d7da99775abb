"""What the first bytes of a file say, each field where its format has it."""

from __future__ import annotations

import struct

import pytest

from edgeecho.cine.container import avi_rate, container_of, no_video


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"RIFX\0\0\0\0AVI LIST", None),
        *((b"\0\0\0\x20" + box, "mp4") for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free")),
        (b"ftyp\0\0\0\x20", None),
        (b"\x1a\x45\xdf\xa3\x01", "mkv"),
        (b"\x1a\x45\xdf", None),
        (b"\x00\x00\x01\xba", "other"),
        (b"\x00\x00\x01\xb3", "other"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "other"),
        ((b"\x47" + bytes(187)) * 4, "other"),
        # A transport stream is known by four packets.
        ((b"\x47" + bytes(187)) * 3, None),
        ((b"\x47" + bytes(187)) * 3 + b"\x46" + bytes(187), None),
        (b"\x00\x00\x00\x01\x67", "h26x"),
        (b"\x00\x00\x01\x67", "h26x"),
        (b"", None),
    ],
)
def test_a_container_is_known_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert container_of(head) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP image"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"\0\0\0\x18ftypheic", "HEIC image"),
        (b"\0\0\0\x18ftypavif", "AVIF image"),
        (b"\0\0\0\x18ftypM4A ", "sound recording"),
        (b"\0\0\0\x18ftypisom", None),
        (b"GIF89a", "GIF image"),
        (b"\x89PNG\r\n", "PNG image"),
        (b"\xff\xd8\xff\xe0", "JPEG image"),
        (b"II*\0", "TIFF image"),
        (b"MM\0*", "TIFF image"),
        (b"BM6", "BMP image"),
        (b"text", None),
    ],
)
def test_what_is_no_video_is_called_what_it_is(head: bytes, kind: str | None) -> None:
    assert no_video(head) == kind


def headers(scale: int, rate: int, microseconds: int) -> bytes:
    """The two headers of an AVI, up to the last byte that is read of either."""
    main = b"avih" + struct.pack("<II", 56, microseconds)
    return main + b"vids" + bytes(16) + struct.pack("<II", scale, rate)


def test_the_rate_of_the_stream_goes_before_that_of_the_file() -> None:
    assert avi_rate(headers(1001, 30000, 20_000)) == 30000 / 1001
    for scale, rate in ((0, 30), (1, 0), (0, 0)):
        assert avi_rate(headers(scale, rate, 20_000)) == 50.0
        assert avi_rate(headers(scale, rate, 0)) is None


def test_half_a_header_says_nothing() -> None:
    stream, main = headers(1, 40, 0)[12:], headers(0, 0, 20_000)[:12]
    assert avi_rate(stream) == 40.0
    assert avi_rate(stream[:-1]) is None
    assert avi_rate(main) == 50.0
    assert avi_rate(main[:-1]) is None
    assert avi_rate(main + stream[:-1]) == 50.0
    assert avi_rate(b"LIST" + stream) == 40.0
    assert avi_rate(b"") is None
