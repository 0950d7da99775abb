"""Odd files by their oddity, each a row of docs/inputs.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from dicoms import DICOM_FORMATS, write_dicom
from media import cut, jpegs, phantom_frames, write_avi, write_video
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.tag import Tag
from pydicom.uid import (
    EnhancedUSVolumeStorage,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
)
from screens import live, overlaid, rows, still
from wholes import EDITS, PLANS, Plan, with_edits

from edgeecho.cine import Region, SiteViews
from edgeecho.preprocess import Handling

Write = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """A file, and what the user decided about it."""

    write: Write
    """Into an empty folder; gives the file, or the folder where that is what is read."""
    handling: Handling = Handling()  # noqa: RUF009  # frozen
    fps: float | None = None


_RESAMPLE = Handling(time="resample")


def _avi(name: str = "clip.avi", **header: Any) -> Case:
    return Case(lambda folder: write_avi(folder / name, jpegs(), **header))


def _dicom(frames: Callable[[], np.ndarray] = phantom_frames, **attributes: Any) -> Case:
    """Times are given by the attributes, or 50 frames/s."""
    timing = {"FrameTime", "FrameTimeVector", "CineRate", "FrameIncrementPointer"}
    given = attributes if timing & attributes.keys() else {"FrameTime": 20, **attributes}
    return Case(lambda folder: write_dicom(folder / "cine.dcm", frames(), **given))


def _resampled(case: Case) -> Case:
    return Case(case.write, _RESAMPLE)


def _handled(case: Case, **options: Any) -> Case:
    return Case(case.write, Handling(**options))


def _told(case: Case, fps: float) -> Case:
    return Case(case.write, case.handling, fps)


def _region(spatial: int = 1, x: int = 0, y: int = 0, side: int = 130, **more: Any) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = spatial, 1 if spatial < 3 else 3
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x, y
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x + side - 1, y + side - 1
    for name, value in more.items():
        setattr(item, name, value)
    return item


def _squeezed() -> np.ndarray:
    """With pixels that are twice as wide as high, on a black screen."""
    screen = np.pad(live(0), ((0, 0), (8, 8), (8, 8), (0, 0)))
    half = screen.shape[2] // 2, screen.shape[1]
    return np.stack([cv2.resize(f, half, interpolation=cv2.INTER_AREA) for f in screen])


def _with_ratio(folder: Path) -> Path:
    frames, path = _squeezed(), folder / "anamorphic.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=50, options={"crf": "18"})
        stream.height, stream.width = frames.shape[1] // 2 * 2, frames.shape[2] // 2 * 2
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for frame in frames[:, : stream.height, : stream.width]:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


PIXELS = {
    "MP4, pixels twice as wide as high": Case(_with_ratio),
    "DICOM, PixelAspectRatio 1\\2": _dicom(_squeezed, PixelAspectRatio=[1, 2]),
    "DICOM, PixelSpacing 0.5\\1": _dicom(_squeezed, PixelSpacing=[0.5, 1]),
    "DICOM, PixelAspectRatio 1\\1, PixelSpacing 0.5\\1": _dicom(
        _squeezed, PixelAspectRatio=[1, 1], PixelSpacing=[0.5, 1]
    ),
    "DICOM, PixelSpacing 0.03\\0.0302": _dicom(PixelSpacing=[0.03, 0.0302]),
    "DICOM, PixelAspectRatio 1\\500": _dicom(PixelAspectRatio=[1, 500]),
    "DICOM, PhysicalDeltaX twice PhysicalDeltaY": _dicom(
        SequenceOfUltrasoundRegions=[
            _region(side=112, PhysicalUnitsXDirection=3, PhysicalUnitsYDirection=3,
                    PhysicalDeltaX=0.1, PhysicalDeltaY=0.05)
        ]
    ),
}  # fmt: skip


def _written(value: bytes, **attributes: Any) -> Case:
    """A DICOM file whose FrameTime is written so."""

    def write(folder: Path) -> Path:
        path = _dicom(FrameTime="20.00000", **attributes).write(folder)
        path.write_bytes(path.read_bytes().replace(b"20.00000", value.ljust(8)))
        return path

    return Case(write)


def _stream(**attributes: Any) -> Case:
    def write(folder: Path) -> Path:
        path = DICOM_FORMATS["DICOM, H.264"](folder / "stream.dcm")
        dataset = dcmread(path)
        del dataset.FrameTime
        for name, value in attributes.items():
            setattr(dataset, name, value)
        dataset.save_as(path)
        return path

    return Case(write)


def _late(seconds: float, after: int) -> Case:
    """What follows a frame comes so much later than it should."""
    times = [20 * i + (i > after) * round(1000 * seconds) for i in range(100)]
    return Case(
        lambda folder: write_video(folder / "late.mkv", "libx264", "yuv420p", times_ms=times)
    )


_VARIABLE = np.cumsum([0, *[20, 35, 15, 10] * 25])[:100].tolist()
_VFR = Case(
    lambda folder: write_video(folder / "vfr.mkv", "libx264", "yuv420p", times_ms=_VARIABLE)
)
_RATE_0 = _avi(rate=0, scale=0, microseconds=0)
_POINTER = "FrameIncrementPointer"
TIME = {
    "frame rate 0": _RATE_0,
    "frame rate 0, to be resampled": _resampled(_RATE_0),
    "frame rate 600": _avi(rate=600),
    "frame rate 600, to be resampled": _resampled(_avi(rate=600)),
    "variable frame rate": _VFR,
    "variable frame rate, to be resampled": _resampled(_VFR),
    "no frames for 0.2 s": _late(0.2, 50),
    "no frames for 0.2 s, to be resampled": _resampled(_late(0.2, 50)),
    "last frame 40,000 s late": _late(40_000, 98),
    "last frame 40,000 s late, to be resampled": _resampled(_late(40_000, 98)),
    "DICOM without a frame rate, to be resampled": Case(
        lambda folder: write_dicom(folder / "norate.dcm", phantom_frames()), _RESAMPLE
    ),
    "DICOM, FrameTime `20,0`": _written(b"20,0"),
    "DICOM, FrameTime `20 ms`": _written(b"20 ms"),
    "DICOM, FrameTime `20 ms`, CineRate 50": _written(b"20 ms", CineRate=50),
    "DICOM, FrameTimeVector of 99 values of 20, CineRate 50": _dicom(
        FrameTimeVector=[20] * 99, CineRate=50
    ),
    "DICOM, FrameTimeVector of 99 values of 20, CineRate 30": _dicom(
        FrameTimeVector=[20] * 99, CineRate=30
    ),
    "DICOM, EffectiveDuration 3 for 2 s, nothing else": Case(
        lambda folder: write_dicom(folder / "cine.dcm", phantom_frames(), EffectiveDuration=3)
    ),
    "DICOM, FrameTimeVector with a step of 0, RecommendedDisplayFrameRate 30": _dicom(
        FrameTimeVector=[0, 0, *[20] * 98], RecommendedDisplayFrameRate=30
    ),
    "DICOM, FrameIncrementPointer names a FrameTimeVector that is not there; FrameTime 20": _dicom(
        **{_POINTER: Tag("FrameTimeVector"), "FrameTime": 20}
    ),
    "DICOM, FrameTime 20, CineRate 30": _dicom(FrameTime=20, CineRate=30),
    "the same, `--fps 50`": _told(_dicom(FrameTime=20, CineRate=30), 50),
    "DICOM, H.264 of 50 frames/s, no rate in the header": _stream(),
    "DICOM, H.264 of 50 frames/s, CineRate 25": _stream(CineRate=25),
}


def _screen(*pictures: list[np.ndarray], gap: int = 0, **attributes: Any) -> Case:
    return _dicom(lambda: rows(*pictures, gap=gap, border=8), **attributes)


PICTURES = {
    "biplane, two DICOM regions": _screen(
        [live(0), live(1)], gap=14,
        SequenceOfUltrasoundRegions=[_region(x=8, y=8), _region(x=152, y=8)],
    ),
    "biplane, no regions": _screen([live(0), live(1)], gap=14),
    "original and overlay, touching": _screen([live(0), overlaid(live(0))]),
    "a quad screen": _screen([live(0), live(1)], [live(2), live(3)], gap=14),
    "a live picture beside a frozen one": _screen([live(0), still(live(1))], gap=14),
    "biplane, `--crop 8,8,130,130`": Case(
        _screen([live(0), live(1)], gap=14).write, Handling(crop=Region(8, 8, 130, 130))
    ),
}  # fmt: skip


def _odd(folder: Path) -> Path:
    frames = phantom_frames().copy()
    frames[40, 56:] = 128
    return write_avi(folder / "odd.avi", jpegs(frames))


def _repeated(folder: Path) -> Path:
    frames = phantom_frames().copy()
    frames[[11, 28, 44]] = frames[[10, 27, 43]]
    return write_avi(folder / "repeated.avi", jpegs(frames))


PICTURES |= {
    "3 repeated frames": Case(_repeated),
    "lower half of one frame grey": Case(_odd),
    "24 frames": Case(lambda folder: write_avi(folder / "short.avi", jpegs()[:24])),
}


def _sr(folder: Path) -> Path:
    real = Path(str(get_testdata_file("test-SR.dcm", download=False)))
    (folder / "sr.dcm").write_bytes(real.read_bytes())
    return folder / "sr.dcm"


def _index(keyword: str) -> Dataset:
    item = Dataset()
    item.DimensionIndexPointer = Tag(keyword)
    return item


def _code(value: str, scheme: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "a view"
    return item


def _one() -> np.ndarray:
    return phantom_frames()[:1]


def _study(folder: Path) -> Path:
    _dicom().write(folder)
    for name in ("S1", "S2"):
        write_dicom(folder / name, _one(), SOPClassUID=UltrasoundImageStorage)
    _sr(folder)
    write_dicom(folder / "XA", phantom_frames()[:9], SOPClassUID=XRayAngiographicImageStorage)
    (folder / "notes.txt").write_text("text")
    return folder


def _pictures(folder: Path) -> Path:
    for number, frame in enumerate(phantom_frames()[:3]):
        cv2.imwrite(str(folder / f"{number}.png"), frame)
    return folder


def _gif(folder: Path) -> Path:
    (folder / "loop.gif").write_bytes(b"GIF89a" + bytes(100))
    return folder / "loop.gif"


KINDS = {
    "DICOM, an X-ray": _dicom(SOPClassUID=XRayAngiographicImageStorage, Modality="XA"),
    "DICOM, intravascular": _dicom(Modality="IVUS"),
    "DICOM, transoesophageal by its probe": _dicom(TransducerType="ENDOCAV_PA"),
    "DICOM, a volume": _dicom(SOPClassUID=EnhancedUSVolumeStorage),
    "DICOM, frames that follow SliceLocationVector": _dicom(
        **{_POINTER: Tag("SliceLocationVector"), "FrameTime": 20}
    ),
    "DICOM, frames that are ordered by their place": _dicom(
        DimensionIndexSequence=[_index("ImagePositionVolume")]
    ),
    "DICOM, M-mode below B-mode": _dicom(
        SequenceOfUltrasoundRegions=[_region(side=50), _region(2, y=60, side=50)]
    ),
    "DICOM, Doppler below B-mode": _dicom(
        SequenceOfUltrasoundRegions=[_region(side=50), _region(3, y=60, side=50)]
    ),
    "DICOM, an exam of another organ": _dicom(ImageType=["ORIGINAL", "PRIMARY", "BREAST", "0001"]),
    "DICOM, ViewCodeSequence says parasternal long axis": _dicom(
        ViewCodeSequence=[_code("399139001", "SCT")]
    ),
    "DICOM, SeriesDescription `PLAX`": _dicom(SeriesDescription="PLAX"),
    "the same, `--views` with `PLAX` as `not declared`": _handled(
        _dicom(SeriesDescription="PLAX"), views=SiteViews((("plax", "not declared"),))
    ),
    "DICOM, SeriesDescription `A4C`": _dicom(SeriesDescription="A4C"),
    "DICOM, a still": _dicom(_one, SOPClassUID=UltrasoundImageStorage),
    "DICOM, a structured report": Case(_sr),
    "the folder of a study: a cine, two stills, a report, an X-ray, a text": Case(_study),
    "a folder of PNG frames": Case(_pictures),
    "a GIF": Case(_gif),
}


def _broken_fragment(folder: Path) -> Path:
    pictures = jpegs()
    pictures[5] = pictures[5][: len(pictures[5]) // 2]
    return write_dicom(
        folder / "fragment.dcm",
        phantom_frames(),
        encoded=pictures,
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_FULL_422",
        FrameTime=20,
    )


def _edited(name: str) -> Case:
    suffix, edits, _ = EDITS[name]
    return Case(lambda folder: with_edits(Plan(suffix).write(folder), edits))


def _plan(name: str) -> Case:
    return Case(PLANS[name].write)


def _short(name: str, percent: int) -> Case:
    def write(folder: Path) -> Path:
        path = PLANS[name].write(folder)
        path.write_bytes(cut(percent)(path.read_bytes()))
        return path

    return Case(write)


FILES = {
    "AVI under the name `clip.mp4`": _avi("clip.mp4"),
    "AVI under a name without a suffix": _avi("clip"),
    "header claims 2,000,000,000 frames": _avi(claimed=2_000_000_000),
    "MP4, trimmed by an edit list to 40 of its 60 frames": _edited("begin"),
    "MP4, a part in the middle cut out by an edit list": _edited("middle"),
    "MKV, sound longer than the picture": _plan("MKV, longer sound"),
    "MKV, picture begins after the sound": _plan("MKV, late picture"),
    "WebM without a length, as browsers record it": _plan("WebM, live"),
    "MP4 in fragments": _plan("fragments"),
    "MP4 with a cover": _plan("MP4, a cover"),
    "MP4 whose index is first, cut to 80 %": _short("MP4, index first", 80),
    "MP4 in fragments, cut to 80 %": _short("fragments, empty index", 80),
    "WebM without a length, cut to 80 %": _short("WebM, live", 80),
    "DICOM whose sixth JPEG is cut in half": Case(_broken_fragment),
    "DICOM that claims 2,000,000,000 frames": _dicom(NumberOfFrames="2000000000"),
    "DICOM that claims 60,000x60,000 pixels": _dicom(Rows=60_000, Columns=60_000),
    "JPEG XL inside DICOM": Case(
        lambda folder: write_dicom(
            folder / "xl.dcm",
            phantom_frames(),
            encoded=jpegs(),
            syntax="1.2.840.10008.1.2.4.110",
            FrameTime=20,
        )
    ),
    "AV1": Case(
        lambda folder: write_video(
            folder / "av1.mkv", "libsvtav1", "yuv420p", {"svtav1-params": "preset=12"}
        )
    ),
}
GROUPS: Mapping[str, Mapping[str, Case]] = {
    "Containers, whole and cut": FILES,
    "Pixels": PIXELS,
    "Time": TIME,
    "Pictures": PICTURES,
    "Kinds": KINDS,
}
