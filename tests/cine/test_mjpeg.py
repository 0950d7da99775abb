"""JPEGs of a video before they are decoded: their size, and whether they are whole."""

from __future__ import annotations

import pytest

from edgeecho.cine import DecodeLimits
from edgeecho.cine.mjpeg import JPEGs, jpeg_size
from edgeecho.common.errors import InputError

HEIGHT, WIDTH = 300, 515  # either needs both of its bytes


def jpeg(
    height: int = HEIGHT, width: int = WIDTH, *, marker: int = 0xC0, before: bytes = b"",
    end: bytes = b"\xff\xd9",
) -> bytes:  # fmt: skip
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8" + before + bytes([0xFF, marker, 0, 17, 8]) + size + b"data" * 9 + end


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xCF])
def test_the_size_is_in_the_frame_header(marker: int) -> None:
    assert jpeg_size(jpeg(marker=marker)) == (HEIGHT, WIDTH)
    segment = b"\xff\xe0" + (258).to_bytes(2, "big") + bytes(256)
    assert jpeg_size(jpeg(marker=marker, before=segment * 2)) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("marker", [0xBF, 0xC4, 0xC8, 0xCC, 0xD0])
def test_other_markers_are_no_frame_header(marker: int) -> None:
    assert jpeg_size(jpeg(marker=marker)) is None
    table = bytes([0xFF, marker, 0, 4, 1, 2])
    assert jpeg_size(jpeg(before=table)) == (HEIGHT, WIDTH)


def test_a_header_that_is_cut_short_has_no_size() -> None:
    header = jpeg()[: 2 + 9]
    assert jpeg_size(header) == (HEIGHT, WIDTH)
    assert jpeg_size(header[:-1]) is None
    assert jpeg_size(b"") is None
    assert jpeg_size(b"\xff\xd8" + b"\x00" + jpeg()[2:]) is None


def checked(*packets: bytes) -> JPEGs:
    jpegs = JPEGs("a.avi", DecodeLimits(), (HEIGHT, WIDTH))
    for packet in packets:
        jpegs.fits(packet)
    return jpegs


def test_packets_that_begin_and_end_as_jpegs_are_whole() -> None:
    padded = jpeg() + bytes(100)
    trailing = jpeg(end=b"\xff\xd9" + b"x" * 14)
    assert checked(jpeg(), padded, trailing).broken() == set()
    cut, too_far = jpeg()[:-2], jpeg(end=b"\xff\xd9" + b"x" * 15)
    headless = b"\0\0" + jpeg()[2:]
    found = checked(*[jpeg()] * 4, cut, too_far, headless)
    assert found.broken() == {4, 5, 6}
    assert found.last == 6


def test_where_most_have_no_end_its_absence_means_nothing() -> None:
    cut = jpeg()[:-2]
    assert checked(jpeg(), cut).broken() == {1}
    assert checked(jpeg(), cut, cut).broken() == set()


def test_a_packet_of_another_size_is_not_decoded() -> None:
    jpegs = checked(jpeg())
    assert jpegs.fits(jpeg())
    assert jpegs.fits(jpeg(marker=0xC4)), "it says no size"
    assert not jpegs.fits(jpeg(height=HEIGHT + 1))
    assert not jpegs.fits(jpeg(width=WIDTH - 1))
    assert jpegs.resized == 2
    assert jpegs.broken() == set(), "2 of 5 is not most"
    assert not jpegs.fits(jpeg(width=WIDTH - 1))
    assert jpegs.broken() == set(), "3 of 6 neither"
    assert not jpegs.fits(jpeg(width=WIDTH - 1))
    with pytest.raises(InputError, match="frame size changes"):
        jpegs.broken()


@pytest.mark.parametrize(("height", "field"), [(300, 150), (301, 151)])
def test_two_fields_are_refused(height: int, field: int) -> None:
    jpegs = JPEGs("a.avi", DecodeLimits(), (height, WIDTH))
    with pytest.raises(InputError, match="MJPG"):
        jpegs.fits(jpeg(height=field))
    assert not jpegs.fits(jpeg(height=field, width=WIDTH // 2))


def test_a_claim_of_too_many_pixels_is_refused_at_once() -> None:
    jpegs = JPEGs("a.avi", DecodeLimits(pixels=HEIGHT * WIDTH), (HEIGHT, WIDTH))
    assert jpegs.fits(jpeg())
    with pytest.raises(InputError, match="515x301, over the limit of 154500 pixels"):
        jpegs.fits(jpeg(height=HEIGHT + 1))
