"""The tables of docs/inputs.md: every format, whole and broken, through the real path.

`python tests/support/inputs_page.py` writes them anew; a test compares.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dicoms import DICOM_FORMATS, write_dicom
from media import (
    FAULTS,
    VIDEO_FORMATS,
    jpegs,
    phantom_frames,
    write_avi,
    write_format,
    write_video,
)
from pydicom.uid import JPEGBaseline8Bit

from edgeecho.errors import EdgeEchoError, InputError
from edgeecho.estimation import LoadedModel, estimate_file, load_model
from edgeecho.preprocess import Handling

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
BEGIN, END = "<!-- {} begins -->", "<!-- {} ends -->"


def render(page: str) -> str:
    """`page` with its two tables made anew."""
    model = load_model()
    with tempfile.TemporaryDirectory() as folder:
        for name, table in (("formats", _formats), ("special", _special)):
            head, rest = page.split(BEGIN.format(name))
            tail = rest.split(END.format(name))[1]
            text = "\n".join(table(Path(folder), model))
            page = f"{head}{BEGIN.format(name)}\n{text}\n{END.format(name)}{tail}"
    return page


def _formats(folder: Path, model: LoadedModel) -> list[str]:
    lines = ["| format | " + " | ".join(FAULTS) + " |", "|---" * (len(FAULTS) + 1) + "|"]
    for name, path in _files(folder):
        data = path.read_bytes()
        cells = []
        for break_it in FAULTS.values():
            path.write_bytes(break_it(data))
            cells.append(_cell(path, model))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _files(folder: Path) -> list[tuple[str, Path]]:
    videos = [(name, write_format(folder, name)) for name in VIDEO_FORMATS]
    cines = [
        (name, write(folder / f"{i}.dcm")) for i, (name, write) in enumerate(DICOM_FORMATS.items())
    ]
    return videos + cines


def _cell(path: Path, model: LoadedModel) -> str:
    """`100`: answered from so many frames; `90, said so`: what is wrong is named; `refused`."""
    try:
        answer = estimate_file(path, model, clips="center")
    except InputError:
        return "refused"
    count = str(answer.video.frames)
    named = answer.video.damage or answer.video.odd_frames
    return f"{count}, said so" if named else count


def _special(folder: Path, model: LoadedModel) -> list[str]:
    lines = ["| file | what happens |", "|---|---|"]
    for name, (write, handling) in _SPECIAL.items():
        path = write(folder)
        try:
            answer = estimate_file(path, model, clips="center", handling=handling)
        except EdgeEchoError as error:
            lines.append(f"| {name} | exit {error.exit_code}: {error} |")
        else:
            warnings = "; ".join(answer.warnings) or "no warning"
            lines.append(f"| {name} | answered; {warnings} |")
    return lines


def _suffix(folder: Path, name: str) -> Path:
    return write_avi(folder / name, jpegs())


def _repeated(folder: Path) -> Path:
    frames = phantom_frames().copy()
    frames[[11, 28, 44]] = frames[[10, 27, 43]]
    return write_avi(folder / "repeated.avi", jpegs(frames))


def _odd(folder: Path) -> Path:
    frames = phantom_frames().copy()
    frames[40, 56:] = 128
    return write_avi(folder / "odd.avi", jpegs(frames))


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


def _variable(folder: Path) -> Path:
    times = np.cumsum([0, *[20, 35, 15, 10] * 25])[:100].tolist()
    return write_video(folder / "variable.mkv", "libx264", "yuv420p", times_ms=times)


def _late(seconds: float, after: int) -> Callable[[Path], Path]:
    """What follows a frame comes so much later than it should."""
    times = [20 * i + (i > after) * round(1000 * seconds) for i in range(100)]
    return lambda folder: write_video(folder / "late.mkv", "libx264", "yuv420p", times_ms=times)


_NATIVE, _RESAMPLE = Handling(), Handling(time="resample")
_SPECIAL: dict[str, tuple[Callable[[Path], Path], Handling]] = {
    "AVI under the name `clip.mp4`": (lambda f: _suffix(f, "clip.mp4"), _NATIVE),
    "AVI under a name without a suffix": (lambda f: _suffix(f, "clip"), _NATIVE),
    "header claims 2,000,000,000 frames": (
        lambda f: write_avi(f / "lie.avi", jpegs(), claimed=2_000_000_000),
        _NATIVE,
    ),
    "frame rate 0": (
        lambda f: write_avi(f / "rate0.avi", jpegs(), rate=0, scale=0, microseconds=0),
        _NATIVE,
    ),
    "frame rate 0, to be resampled": (
        lambda f: write_avi(f / "rate0.avi", jpegs(), rate=0, scale=0, microseconds=0),
        _RESAMPLE,
    ),
    "frame rate 600": (lambda f: write_avi(f / "rate600.avi", jpegs(), rate=600), _NATIVE),
    "frame rate 600, to be resampled": (
        lambda f: write_avi(f / "rate600.avi", jpegs(), rate=600),
        _RESAMPLE,
    ),
    "variable frame rate": (_variable, _NATIVE),
    "variable frame rate, to be resampled": (_variable, _RESAMPLE),
    "no frames for 0.2 s": (_late(0.2, 50), _NATIVE),
    "no frames for 0.2 s, to be resampled": (_late(0.2, 50), _RESAMPLE),
    "last frame 40,000 s late": (_late(40_000, 98), _NATIVE),
    "last frame 40,000 s late, to be resampled": (_late(40_000, 98), _RESAMPLE),
    "3 repeated frames": (_repeated, _NATIVE),
    "lower half of one frame grey": (_odd, _NATIVE),
    "24 frames": (lambda f: write_avi(f / "short.avi", jpegs()[:24]), _NATIVE),
    "DICOM whose sixth JPEG is cut in half": (_broken_fragment, _NATIVE),
    "DICOM that claims 2,000,000,000 frames": (
        lambda f: write_dicom(
            f / "lie.dcm", phantom_frames(), FrameTime=20, NumberOfFrames="2000000000"
        ),
        _NATIVE,
    ),
    "DICOM that claims 60,000x60,000 pixels": (
        lambda f: write_dicom(
            f / "huge.dcm", phantom_frames(), FrameTime=20, Rows=60_000, Columns=60_000
        ),
        _NATIVE,
    ),
    "DICOM without a frame rate, to be resampled": (
        lambda f: write_dicom(f / "norate.dcm", phantom_frames()),
        _RESAMPLE,
    ),
    "JPEG XL inside DICOM": (
        lambda f: write_dicom(
            f / "xl.dcm",
            phantom_frames(),
            encoded=jpegs(),
            syntax="1.2.840.10008.1.2.4.110",
            FrameTime=20,
        ),
        _NATIVE,
    ),
    "AV1": (
        lambda f: write_video(
            f / "av1.mkv", "libsvtav1", "yuv420p", {"svtav1-params": "preset=12"}
        ),
        _NATIVE,
    ),
}


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
