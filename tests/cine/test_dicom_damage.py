"""Broken files end in an error, or in a cine that says what is missing."""

from __future__ import annotations

import io
import resource
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicoms import read_pictures
from PIL import Image
from pydicom.encaps import encapsulate_extended
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    RLELossless,
)

from edgeecho.cine.dicom import read_dicom
from edgeecho.cine.dicom.damage import frame_numbers
from edgeecho.common.errors import InputError

PIXELS = np.random.default_rng(0).integers(1, 256, (12, 20, 30, 3), dtype=np.uint8)
FRAME = 20 * 30 * 3
MOVING = np.stack(
    [
        cv2.circle(np.full((64, 96, 3), 9, np.uint8), (20 + 4 * i, 32), 15, (200, 120, 40), -1)
        for i in range(12)
    ]
)
JPEGS = [cv2.imencode(".jpg", frame[..., ::-1])[1].tobytes() for frame in MOVING]


def encode_j2k(frame: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG2000", no_jp2=True, mct=1)
    return stream.getvalue()


@pytest.fixture
def write_jpegs(write_dicom: Callable[..., Path]) -> Callable[..., Path]:
    def write(encoded: list[bytes] = JPEGS, **attributes: object) -> Path:
        return write_dicom(
            MOVING,
            encoded=encoded,
            syntax=JPEGBaseline8Bit,
            PhotometricInterpretation="YBR_FULL_422",
            FrameTime=20,
            **attributes,
        )

    return write


@pytest.fixture
def good(write_jpegs: Callable[..., Path]) -> np.ndarray:
    cine = read_dicom(write_jpegs())
    assert np.abs(cine.frames.astype(int) - MOVING).mean() < 3
    assert cine.damage == ()
    return cine.frames


def change(path: Path, edit: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(edit(path.read_bytes()))
    return path


def test_native_pixels_that_are_cut_short(write_dicom: Callable[..., Path]) -> None:
    path = change(write_dicom(PIXELS, FrameTime=20), lambda data: data[: -3 * FRAME - 100])
    cine = read_dicom(path)
    assert (cine.frames == PIXELS[:8]).all()
    assert cine.timestamps_s == pytest.approx(np.arange(8) * 0.02)
    assert cine.damage == ("12 frames claimed, 8 decoded: the file holds nothing behind frame 7",)
    with pytest.raises(InputError, match="the file ends before the first"):
        read_dicom(change(path, lambda data: data[: -7 * FRAME - 1800]))


def test_lost_native_frames_in_the_middle(write_dicom: Callable[..., Path]) -> None:
    holes = PIXELS.copy()
    holes[[3, 4, 9]] = 0
    cine = read_dicom(write_dicom(holes, FrameTime=20))
    kept = [0, 1, 2, 5, 6, 7, 8, 10, 11]
    assert (cine.frames == PIXELS[kept]).all()
    assert cine.timestamps_s == pytest.approx(np.asarray(kept) * 0.02)
    assert cine.fps == 50
    assert cine.damage == ("12 frames claimed, 9 decoded: frames 3-4 and 9 could not be decoded",)
    with pytest.raises(InputError, match="none of its frames can be decoded: they are empty"):
        read_dicom(write_dicom(np.zeros_like(PIXELS)))


def test_a_vector_of_times_keeps_to_the_frames_that_are_left(
    write_dicom: Callable[..., Path],
) -> None:
    holes = PIXELS.copy()
    holes[[0, 3]] = 0
    times = np.cumsum([0, *[20, 40] * 5, 20])
    cine = read_dicom(write_dicom(holes, FrameTimeVector=np.diff(times, prepend=0).tolist()))
    kept = [1, 2, *range(4, 12)]
    assert cine.timestamps_s == pytest.approx((times[kept] - times[1]) / 1000)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (
            2_000_000_000,
            "2000000000 frames claimed, 12 decoded: the file holds nothing behind frame 11",
        ),
        (13, "13 frames claimed, 12 decoded: the file holds nothing behind frame 11"),
        (11, "11 frames claimed, 12 decoded"),
        (None, "the file does not say how many frames it holds: 12 decoded"),
        (0, "the file does not say how many frames it holds: 12 decoded"),
        (-4, "the file does not say how many frames it holds: 12 decoded"),
    ],
)
def test_the_number_of_frames_is_a_claim(
    write_dicom: Callable[..., Path],
    write_jpegs: Callable[..., Path],
    claim: int | None,
    words: str,
) -> None:
    for path in (write_dicom(PIXELS, NumberOfFrames=claim), write_jpegs(NumberOfFrames=claim)):
        cine = read_dicom(path)
        assert len(cine.frames) == 12
        assert cine.damage == (words,)


@pytest.mark.parametrize(
    "lie",
    [
        {"BitsAllocated": 16, "BitsStored": 16},
        {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"},
        {"PhotometricInterpretation": "YBR_FULL_422"},
        {"Rows": 40},
    ],
)
def test_a_header_that_describes_other_pixels_is_an_error(
    write_dicom: Callable[..., Path], lie: dict
) -> None:
    with pytest.raises(InputError, match=r"header describes 12 frames of 30x\d+ in \d+ bytes"):
        read_dicom(write_dicom(PIXELS, **lie))


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"Rows": 65535, "Columns": 65535}, "65535x65535, over the limit"),
        ({"Rows": 0}, "30x0, over the limit"),
        ({"Rows": None}, "Rows is missing or no number"),
        ({"Columns": None}, "Columns is missing"),
        ({"BitsAllocated": None}, "BitsAllocated is missing"),
        ({"SamplesPerPixel": None}, "SamplesPerPixel is missing"),
        ({"PhotometricInterpretation": None}, r"interpretation \(missing or unknown\)"),
        ({"BitsAllocated": 32}, "32 bits allocated to a sample are not supported"),
        ({"BitsAllocated": 1}, "1 bits allocated"),
        ({"BitsStored": 0}, "header contradicts itself"),
        ({"BitsStored": 9}, "header contradicts itself"),
        ({"SamplesPerPixel": 4}, "header contradicts itself"),
        ({"SamplesPerPixel": 1}, "header contradicts itself"),
        ({"PlanarConfiguration": 7}, "header contradicts itself"),
    ],
)
def test_a_header_that_makes_no_sense_is_an_error(
    write_dicom: Callable[..., Path], lie: dict, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_dicom(write_dicom(PIXELS, **lie))
    assert "\n" not in str(caught.value)


def test_what_a_header_may_leave_out(write_dicom: Callable[..., Path]) -> None:
    path = write_dicom(PIXELS, BitsStored=None, PixelRepresentation=None, PlanarConfiguration=None)
    assert (read_dicom(path).frames == PIXELS).all()


@pytest.mark.parametrize(
    "broken",
    [
        b"\xff\xd8",
        bytes(1000),
        JPEGS[5][:200],
        JPEGS[5][: len(JPEGS[5]) // 2],
        JPEGS[5][:700] + bytes(150) + JPEGS[5][850:],
        JPEGS[5][:700] + b"\xff\x12" + JPEGS[5][702:],
        JPEGS[5].replace(b"\x08\x00\x40\x00\x60", b"\x08\xea\x60\xea\x60"),
        JPEGS[5][:2] + JPEGS[5][2:].replace(b"\xff\xc0", b"\xff\xc0" + JPEGS[5][160:177], 1),
        cv2.imencode(".jpg", MOVING[5, :32])[1].tobytes(),
        cv2.imencode(".jpg", MOVING[5, ..., 0])[1].tobytes(),
        cv2.imencode(".png", MOVING[5])[1].tobytes(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_offsets", [True, False])
def test_one_broken_frame_among_good_ones(
    write_jpegs: Callable[..., Path], good: np.ndarray, broken: bytes, with_offsets: bool
) -> None:
    cine = read_dicom(write_jpegs([*JPEGS[:5], broken, *JPEGS[6:]], with_offsets=with_offsets))
    assert (cine.frames == np.delete(good, 5, axis=0)).all()
    assert cine.timestamps_s == pytest.approx(np.delete(np.arange(12) * 0.02, 5))
    assert cine.fps == 50
    assert cine.damage == ("12 frames claimed, 11 decoded: frame 5 could not be decoded",)


@pytest.mark.parametrize("with_offsets", [True, False])
def test_compressed_pixels_that_are_cut_short(
    write_jpegs: Callable[..., Path], good: np.ndarray, with_offsets: bool
) -> None:
    path = write_jpegs(with_offsets=with_offsets)
    whole = path.read_bytes()
    cut_note = "the pixel data has no end mark: the file may be cut short"
    path.write_bytes(whole[:-8])  # the end mark
    assert read_dicom(path).damage == (cut_note,)
    path.write_bytes(whole[: whole.index(JPEGS[7]) + 300])
    cine = read_dicom(path)
    assert (cine.frames == good[:7]).all()
    assert cine.damage == (
        "12 frames claimed, 7 decoded: the file holds nothing behind frame 7",
        "frame 7 could not be decoded",
        cut_note,
    )
    path.write_bytes(whole[: whole.index(JPEGS[7]) - 8])
    cine = read_dicom(path)
    assert (cine.frames == good[:7]).all()
    assert cine.damage == (
        "12 frames claimed, 7 decoded: the file holds nothing behind frame 6",
        cut_note,
    )
    path.write_bytes(whole[: whole.index(JPEGS[0])])
    with pytest.raises(InputError, match="none of its frames can be decoded"):
        read_dicom(path)


@pytest.mark.parametrize("with_offsets", [True, False])
def test_zeros_over_several_frames_and_their_borders(
    write_jpegs: Callable[..., Path], good: np.ndarray, with_offsets: bool
) -> None:
    path = write_jpegs(with_offsets=with_offsets)
    whole = path.read_bytes()
    start, end = whole.index(JPEGS[3]) + 700, whole.index(JPEGS[6]) + 100
    path.write_bytes(whole[:start] + bytes(end - start) + whole[end:])
    cine = read_dicom(path)
    kept = [0, 1, 2, *range(7, 12)]
    assert (cine.frames == good[kept]).all()
    assert cine.timestamps_s == pytest.approx(np.asarray(kept) * 0.02)
    assert cine.damage == ("12 frames claimed, 8 decoded: frames 3-6 could not be decoded",)


def test_frames_behind_two_gaps_have_no_known_times(
    write_jpegs: Callable[..., Path], good: np.ndarray
) -> None:
    path = write_jpegs()
    data = bytearray(path.read_bytes())
    for i in (3, 7):  # the border between two frames
        at = data.index(JPEGS[i])
        data[at - 30 : at + 30] = bytes(60)
    path.write_bytes(data)
    cine = read_dicom(path)
    assert (cine.frames == good[:2]).all()
    assert cine.damage[-1].startswith("a stretch in the middle cannot be read, and 7 frames")
    # With a table of offsets they have.
    path = write_jpegs(with_offsets=True)
    data = bytearray(path.read_bytes())
    for i in (3, 7):
        at = data.index(JPEGS[i])
        data[at - 30 : at + 30] = bytes(60)
    path.write_bytes(data)
    cine = read_dicom(path)
    assert cine.timestamps_s == pytest.approx(np.delete(np.arange(12), [2, 3, 6, 7]) * 0.02)


def test_a_wrong_length_of_one_item_costs_no_other_frame(
    write_jpegs: Callable[..., Path], good: np.ndarray
) -> None:
    path = write_jpegs()
    data = path.read_bytes()
    at = data.index(JPEGS[4]) - 4
    for length in (0xFFFFFFFF, 0x7FFFFFFF, 100_000, len(JPEGS[4]) * 2):
        path.write_bytes(data[:at] + struct.pack("<L", length) + data[at + 4 :])
        cine = read_dicom(path)
        assert (cine.frames == good).all()
        assert cine.damage == ()
    path.write_bytes(data[:at] + bytes(4) + data[at + 4 :])
    cine = read_dicom(path)
    assert (cine.frames == np.delete(good, 4, axis=0)).all()
    assert cine.timestamps_s == pytest.approx(np.delete(np.arange(12), 4) * 0.02)


def test_frames_in_several_fragments(write_jpegs: Callable[..., Path], good: np.ndarray) -> None:
    halves = [part for frame in JPEGS for part in (frame[:600], frame[600:])]
    cine = read_dicom(write_jpegs(halves, NumberOfFrames=12))
    assert (cine.frames == good).all()
    assert cine.damage == ()
    cine = read_pictures(write_jpegs([JPEGS[0][:600], JPEGS[0][600:]], NumberOfFrames=1))
    assert (cine.frames == good[:1]).all()


def test_an_extended_offset_table(write_jpegs: Callable[..., Path], good: np.ndarray) -> None:
    _, offsets, lengths = encapsulate_extended(JPEGS)
    tables = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    assert (read_dicom(write_jpegs(**tables)).frames == good).all()
    lost = [b"\xfe" * 999 if i == 5 else frame for i, frame in enumerate(JPEGS)]
    tables["ExtendedOffsetTable"] = encapsulate_extended(lost)[1]
    cine = read_dicom(write_jpegs(lost, **tables))
    assert (cine.frames == np.delete(good, 5, axis=0)).all()


def with_table(write: Callable[..., Path], change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Twelve frames, and a table of their offsets that was changed."""
    path = write(with_offsets=True)
    data = path.read_bytes()
    at = data.index(b"\xfe\xff\x00\xe0" + struct.pack("<L", 48)) + 8
    table = change(np.frombuffer(data[at : at + 48], "<u4")).astype("<u4").tobytes()
    path.write_bytes(data[:at] + table + data[at + 48 :])
    return path


@pytest.mark.parametrize("entry", [0, 1, 4_000_000_000])
def test_a_wrong_table_of_offsets_is_not_used(
    write_jpegs: Callable[..., Path], good: np.ndarray, entry: int
) -> None:
    cine = read_dicom(with_table(write_jpegs, lambda right: np.full_like(right, entry)))
    assert (cine.frames == good).all()
    assert cine.damage == ()


@pytest.mark.parametrize("right", [4, 5])
def test_a_table_of_which_less_than_half_is_right_is_not_used(
    write_jpegs: Callable[..., Path], good: np.ndarray, right: int
) -> None:
    wrong = 2 * (np.arange(12) >= right)
    cine = read_dicom(with_table(write_jpegs, lambda offsets: offsets + wrong))
    assert (cine.frames == good).all()
    assert cine.damage == ()


def test_a_missing_table_of_offsets(write_jpegs: Callable[..., Path], good: np.ndarray) -> None:
    empty_table = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0"
    path = change(write_jpegs(), lambda data: data.replace(empty_table, empty_table[8:]))
    assert (read_dicom(path).frames == good).all()


def test_a_frame_size_that_all_frames_deny(write_jpegs: Callable[..., Path]) -> None:
    sixty = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 60000, 60000)
    bombs = [frame.replace(b"\xff\xc0\x00\x11\x08\x00\x40\x00\x60", sixty) for frame in JPEGS]
    with pytest.raises(InputError, match="the frames say that they are 60000x60000"):
        read_dicom(write_jpegs(bombs))


def test_a_huge_jpeg_2000_is_not_decoded(write_dicom: Callable[..., Path]) -> None:
    frames = [encode_j2k(frame) for frame in MOVING]
    size = struct.pack(">LL", 96, 64)
    bombs = [frame.replace(size, struct.pack(">LL", 60000, 60000), 1) for frame in frames]
    settings = {"syntax": JPEG2000Lossless, "PhotometricInterpretation": "YBR_RCT"}
    assert (read_dicom(write_dicom(MOVING, encoded=frames, **settings)).frames == MOVING).all()
    with pytest.raises(InputError, match="the frames say that they are 60000x60000"):
        read_dicom(write_dicom(MOVING, encoded=bombs, **settings))
    stripes = frames[5][:-200] + b"\xff\xa0" + frames[5][-198:]
    for broken in (frames[5][:-50], stripes, frames[5][:60]):
        path = write_dicom(MOVING, encoded=[*frames[:5], broken, *frames[6:]], **settings)
        assert read_dicom(path).damage == (
            "12 frames claimed, 11 decoded: frame 5 could not be decoded",
        )


def test_rle_cannot_unpack_to_more_than_a_frame(write_dicom: Callable[..., Path]) -> None:
    pixels = np.ones((2, 8, 8), np.uint8)
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    bomb = header + b"\x81\x01" * 5_000_000  # 64 times as much when unpacked
    whole = header + b"\xc1\x01"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = write_dicom(pixels, encoded=[bomb, whole], syntax=RLELossless)
    assert (read_dicom(path).frames == 1).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    for broken in (b"\0\0", header, header + b"\xc2\x01", b"\x02" + whole[1:]):
        path = write_dicom(pixels, encoded=[broken, whole], syntax=RLELossless)
        assert read_dicom(path).damage == (
            "2 frames claimed, 1 decoded: frame 0 could not be decoded",
        )


def test_jpeg_with_twelve_bits_is_refused_by_name(write_dicom: Callable[..., Path]) -> None:
    twelve = [frame.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c") for frame in JPEGS]
    path = write_dicom(
        MOVING.astype(np.uint16), encoded=twelve, syntax=JPEGExtended12Bit, BitsStored=12
    )
    with pytest.raises(InputError, match="lossy JPEG with 12 bits a sample"):
        read_dicom(path)


def test_damage_that_gdcm_only_prints(
    write_dicom: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    gdcm = pytest.importorskip("gdcm")
    path = write_dicom(MOVING)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    converter = gdcm.ImageChangeTransferSyntax()
    converter.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14))
    converter.SetInput(reader.GetImage())
    assert converter.Change()
    pixels = converter.GetOutput().GetDataElement().GetSequenceOfFragments()
    frames = []
    for i in range(pixels.GetNumberOfFragments()):
        value = pixels.GetFragment(i).GetByteValue()
        frames.append(value.GetBuffer().encode("utf-8", "surrogateescape"))
    cine = read_dicom(write_dicom(MOVING, encoded=frames, syntax=JPEGLossless))
    assert (cine.frames == MOVING).all()
    assert cine.damage == ()
    # gdcm would end the process here: its libjpeg remarks on the unknown number.
    assert frames[5][6:11] == b"Adobe"
    odd = frames[5][:17] + b"\xdb" + frames[5][18:]
    path = write_dicom(MOVING, encoded=[*frames[:5], odd, *frames[6:]], syntax=JPEGLossless)
    assert (read_dicom(path).frames == MOVING).all()
    middle = len(frames[5]) // 2
    broken = frames[5][:middle] + bytes(200) + frames[5][middle + 200 :]
    path = write_dicom(MOVING, encoded=[*frames[:5], broken, *frames[6:]], syntax=JPEGLossless)
    assert read_dicom(path).damage == (
        "12 frames claimed, 11 decoded: frame 5 could not be decoded",
    )
    assert capfd.readouterr() == ("", "")


def test_native_and_compressed_contradict_each_other(
    write_dicom: Callable[..., Path], write_jpegs: Callable[..., Path]
) -> None:
    native, compressed = b"1.2.840.10008.1.2.1\0\0\0", b"1.2.840.10008.1.2.4.50"
    path = change(write_jpegs(), lambda data: data.replace(compressed, native))
    with pytest.raises(InputError, match="not compressed, but they are in fragments"):
        read_dicom(path)
    path = write_dicom(PIXELS)
    path = change(
        path, lambda data: data.replace(b"\x14\x00" + native[:20], b"\x16\x00" + compressed)
    )
    with pytest.raises(InputError, match="none of its frames can be decoded"):
        read_dicom(path)


def test_a_crowd_of_empty_fragments_is_refused(write_jpegs: Callable[..., Path]) -> None:
    path = write_jpegs()
    whole = path.read_bytes()
    at = whole.index(JPEGS[0]) - 8
    path.write_bytes(whole[:at] + b"\xfe\xff\x00\xe0\0\0\0\0" * 300_000 + whole[at:])
    with pytest.raises(InputError, match="in more than 256000 pieces"):
        read_dicom(path)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ([0], "frame 0"),
        ([0, 1, 2], "frames 0-2"),
        ([3, 5, 6], "frames 3 and 5-6"),
        ([0, 2, 4, 6], "frames 0, 2, 4 and 1 more stretch"),
        ([0, 2, 4, 6, 8], "frames 0, 2, 4 and 2 more stretches"),
    ],
)
def test_frame_numbers(lost: list[int], words: str) -> None:
    assert frame_numbers(lost) == words


@pytest.mark.slow
def test_a_small_file_of_large_broken_frames_is_given_up_soon(
    write_dicom: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import ImageFile

    jpeg = bytearray(JPEGS[0])
    size = jpeg.index(b"\xff\xc0") + 5
    jpeg[size : size + 4] = (4096).to_bytes(2, "big") * 2
    path = write_dicom(
        MOVING, encoded=[bytes(jpeg)] * 200, syntax=JPEGBaseline8Bit, NumberOfFrames=200,
        PhotometricInterpretation="YBR_FULL_422", Rows=4096, Columns=4096,
    )  # fmt: skip
    assert path.stat().st_size < 1_000_000
    decoded = []
    real = ImageFile.ImageFile.load
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda self: (decoded.append(1), real(self))[1]
    )
    with pytest.raises(InputError, match="frames are damaged"):
        read_dicom(path)
    assert 0 < len(decoded) < 30
