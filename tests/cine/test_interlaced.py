"""Pictures of two fields: unwoven and said so, or refused; never memory that nobody wrote."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from dicoms import write_dicom
from interlaced import FORMATS, WOVEN, true_frames, write_interlaced
from media import jpegs, phantom_frames, write_avi, write_video
from pydicom.uid import MPEG2MPHL, MPEG2MPML

from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError

pytestmark = pytest.mark.slow

CASE = Path(__file__).parent / "cases" / "interlaced_h264.mp4"
"""A phantom that was answered from uninitialised memory."""


def woven_as_decoded(path: Path) -> np.ndarray:
    """Luminance `(T, H, W)` of the pictures, their fields still woven."""
    with av.open(str(path)) as container:
        return np.stack([_luminance(frame) for frame in container.decode(video=0)])


def _luminance(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    kind, bits = (np.uint16, 2) if frame.format.components[0].bits > 8 else (np.uint8, 0)
    row = plane.line_size // np.dtype(kind).itemsize
    values = np.frombuffer(memoryview(plane), kind).reshape(-1, row)
    return (values[: frame.height, : frame.width] >> bits).astype(float)


def combing(pictures: np.ndarray) -> float:
    """How much lines differ from the mean of those above and below them; `(T, H, W)`."""
    inner = 2 * pictures[:, 1:-1] - pictures[:, :-2] - pictures[:, 2:]
    return float(np.abs(inner).mean())


@pytest.mark.parametrize("name", FORMATS)
def test_fields_are_unwoven_and_it_is_said(name: str, tmp_path: Path) -> None:
    path = write_interlaced(tmp_path, name)
    cine = read_cine(path)
    assert (len(cine.frames), cine.deinterlaced) == (WOVEN, WOVEN)
    assert cine.timestamps_s == pytest.approx(np.arange(WOVEN) / 25, abs=0.002)
    shown = cine.frames @ np.array([0.299, 0.587, 0.114])
    size = cine.frames.shape[2::-1][:2]
    true, woven = (  # DV's pixels are not square
        np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC) for picture in pictures])
        for pictures in (
            true_frames(FORMATS[name][4])[::2] @ np.array([0.299, 0.587, 0.114]),
            woven_as_decoded(path),
        )
    )
    assert combing(shown) < 0.7 * combing(woven)
    # Nearer to what a camera of progressive frames saw, where it moves.
    moving = np.abs(np.diff(true, axis=0)).mean(axis=0) > 8
    assert moving.any()
    error = np.abs(shown - true)[:, moving].mean()
    scaled = (woven - 16) * 255 / 219
    assert error < 0.8 * np.abs(scaled - true)[:, moving].mean()


def test_frames_that_are_progressive_stay_as_they_are_bit_for_bit(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    mixed = read_cine(write_interlaced(tmp_path, "FFV1", from_picture=10))
    plain = read_cine(write_interlaced(tmp_path / "whole", "FFV1", from_picture=WOVEN))
    assert (plain.deinterlaced, mixed.deinterlaced) == (0, WOVEN - 10)
    assert (mixed.frames[:10] == plain.frames[:10]).all()
    assert len(np.unique(mixed.frames.reshape(WOVEN, -1), axis=0)) == WOVEN, "no frame twice"


@pytest.mark.parametrize("name", ["H.264, bare", "MPEG-2, bare"])
def test_a_stream_that_becomes_interlaced(name: str, tmp_path: Path) -> None:
    suffix, codec, pixels, _, size = FORMATS[name]
    frames = true_frames(size)[:20:2]
    plain = write_video(tmp_path / f"plain{suffix}", codec, pixels, frames=frames, fps=25)
    mixed = tmp_path / f"mixed{suffix}"
    mixed.write_bytes(plain.read_bytes() + write_interlaced(tmp_path, name).read_bytes())
    cine = read_cine(mixed)
    assert (len(cine.frames), cine.deinterlaced) == (10 + WOVEN, WOVEN)
    assert (cine.frames[:10] == read_cine(plain).frames).all()
    assert len(np.unique(cine.frames[10:].reshape(WOVEN, -1), axis=0)) == WOVEN, "no frame twice"


@pytest.mark.parametrize("name", ["H.264, bare", "MPEG-2, bare"])
def test_a_stream_that_changes_to_and_fro_gives_the_same_each_time(
    name: str, tmp_path: Path
) -> None:
    suffix, codec, pixels, _, size = FORMATS[name]
    plain = write_video(
        tmp_path / f"p{suffix}", codec, pixels, frames=true_frames(size)[:20:2], fps=25
    ).read_bytes()
    woven = write_interlaced(tmp_path, name).read_bytes()
    path = tmp_path / f"mixed{suffix}"
    path.write_bytes(woven + plain + woven + plain)
    first = read_cine(path)
    assert (len(first.frames), first.deinterlaced) == (2 * WOVEN + 20, 2 * WOVEN)
    assert (first.frames[WOVEN : WOVEN + 10] == first.frames[-10:]).all()
    for _ in range(8):  # bwdif showed other memory each time where it was not ended in between
        assert (read_cine(path).frames == first.frames).all()


def test_what_cannot_be_deinterlaced_is_one_line(tmp_path: Path) -> None:
    tiny = write_interlaced(tmp_path, "MPEG-4 ASP", frames=true_frames((2, 2)), size=(2, 2))
    with pytest.raises(InputError, match="cannot be deinterlaced"):
        read_cine(tiny)
    (tmp_path / "large").mkdir()
    small = write_interlaced(tmp_path, "H.264, bare")
    large = write_interlaced(
        tmp_path / "large", "H.264, bare", frames=true_frames((288, 288)), size=(288, 288)
    )
    mixed = tmp_path / "mixed.h264"
    mixed.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(InputError, match="frame size changes"):
        read_cine(mixed)


def test_mjpg_of_two_fields_is_refused_by_name(tmp_path: Path) -> None:
    upper, lower = (jpegs(phantom_frames()[:, line::2]) for line in (0, 1))
    packets = [one + other for one, other in zip(upper, lower, strict=True)]
    with pytest.raises(InputError, match="MJPG in interlaced fields"):
        read_cine(write_avi(tmp_path / "a.avi", packets))


@pytest.mark.skipif(
    int(av.__version__.partition(".")[0]) < 18, reason="PyAV 17 does not tell the container's word"
)
def test_a_codec_that_says_nothing_of_fields_is_refused_where_the_container_does(
    tmp_path: Path,
) -> None:
    plain = write_video(tmp_path / "a.mov", "png", "rgb24")
    assert len(read_cine(plain).frames) == 100
    fields = tmp_path / "b.mov"
    # PyAV does not write the atom for fields (QuickTime File Format): two, the upper line first.
    atom = (10).to_bytes(4, "big") + b"fiel" + bytes([2, 1])
    data = bytearray(plain.read_bytes())
    entry = data.rindex(b"stsd") + 12
    end = entry + int.from_bytes(data[entry : entry + 4], "big")
    for at in (entry, *(data.rindex(n, 0, entry) - 4 for n in (b"stsd", b"stbl", b"minf", b"mdia",
                                                               b"trak", b"moov"))):  # fmt: skip
        size = int.from_bytes(data[at : at + 4], "big") + len(atom)
        data[at : at + 4] = size.to_bytes(4, "big")
    data[end:end] = atom
    fields.write_bytes(data)
    with pytest.raises(InputError, match="png in interlaced fields"):
        read_cine(fields)


def test_the_file_that_showed_memory_shows_a_heart_that_moves() -> None:
    cine = read_cine(CASE)
    assert cine.deinterlaced == len(cine.frames) > 0
    assert np.abs(np.diff(cine.frames.astype(int), axis=0)).mean() > 0.2


def test_hevc_in_fields_is_refused_by_name(tmp_path: Path) -> None:
    options = {"x265-params": "interlace=tff:log-level=none"}
    path = write_video(tmp_path / "a.mp4", "libx265", "yuv420p", options)
    with pytest.raises(InputError, match="HEVC in interlaced fields"):
        read_cine(path)


@pytest.mark.parametrize("syntax", [MPEG2MPML, MPEG2MPHL])
def test_interlaced_mpeg_2_inside_dicom(syntax: str, tmp_path: Path) -> None:
    stream = write_interlaced(tmp_path, "MPEG-2, PS").read_bytes()
    pixels = true_frames((224, 224))[:WOVEN]
    options = {"encoded": [stream], "PhotometricInterpretation": "YBR_PARTIAL_420"}
    path = write_dicom(tmp_path / "a.dcm", pixels, syntax=syntax, FrameTime=40, **options)
    cine = read_cine(path)
    assert (len(cine.frames), cine.deinterlaced) == (WOVEN, WOVEN)
