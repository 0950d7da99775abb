"""The tables of docs/inputs.md: every format, whole and broken, through the real path.

`python tests/support/inputs_page.py` writes them; a test compares.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dicoms import DICOM_FORMATS
from media import FAULTS, VIDEO_FORMATS, write_format
from odd_files import GROUPS, Case
from toy import write_toy

from edgeecho.bundle import open_model
from edgeecho.cine import find_videos
from edgeecho.common.errors import EdgeEchoError, InputError
from edgeecho.inference import EFEstimate, LoadedModel, estimate_file, load_model
from edgeecho.report.text import gate_words

_ROOT = Path(__file__).parents[2]
PAGE = _ROOT / "docs" / "inputs.md"
MODEL = _ROOT / "models" / "narrow" / "bundle"
"""Whose preprocessing the tables are made with, whatever a machine's default is."""
BEGIN, END = "<!-- {} begins -->", "<!-- {} ends -->"


def render(page: str) -> str:
    """`page` with its two tables made anew."""
    with tempfile.TemporaryDirectory() as folder:
        # No row tells an EF, so the network need not be run for each.
        toy = write_toy(Path(folder) / "toy.onnx", open_model(MODEL).preprocess)
        model = load_model(toy, engine="onnxruntime")
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
    """`100`: so many frames; `90, said so`: what is wrong is named; `50, said so, refused`."""
    try:
        answer = estimate_file(path, model, clips="center")
    except InputError:
        return "no answer"
    named = answer.video.damage or answer.video.odd_frames
    words = [str(answer.video.frames), "said so" if named else "", "refused" * answer.refused]
    return ", ".join(filter(None, words))


def _special(folder: Path, model: LoadedModel) -> list[str]:
    lines = []
    for title, cases in GROUPS.items():
        lines += ["", f"**{title}**", "", "| file | what happens |", "|---|---|"]
        for number, (name, case) in enumerate(cases.items()):
            place = folder / f"{title} {number}" / "frames"
            place.mkdir(parents=True)
            lines.append(f"| {name} | {_outcome(place, case, model)} |")
    return [*lines[1:], ""]


def _outcome(folder: Path, case: Case, model: LoadedModel) -> str:
    path = case.write(folder)
    try:
        if path.is_dir():
            found = find_videos([path])
            return f"{len(found.files)} to be answered; passed over: {found.passed_over_words}"
        answer = estimate_file(path, model, clips="center", handling=case.handling, fps=case.fps)
    except EdgeEchoError as error:
        return f"exit {error.exit_code}: {error}"
    return "; ".join(_words(answer))


def _words(answer: EFEstimate) -> list[str]:
    words = [f"exit 5, refused: {gate_words(r)}: {r.reason}" for r in answer.refusals]
    # Of every answer of this model: nothing was calibrated, no skill measured.
    warnings = [w for w in answer.warnings if not w.startswith("this model")]
    return [*words, *warnings] if words else ["answered", *(warnings or ["no warning"])]


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
