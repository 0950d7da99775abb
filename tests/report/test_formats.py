"""The table of formats: importing it is cheap, and what its rows name is there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from as_dicom import write_dicom
from pydicom import Dataset, dcmread

from edgeecho.bundle import EXAMPLE, Skill
from edgeecho.inference import answer_file, load_model
from edgeecho.report.formats import FORMATS
from edgeecho.report.stream import to_text_line
from edgeecho.results import Answer, Outcome
from edgeecho.stream import Played
from edgeecho.stream.rolling import Update

NOW = datetime(2025, 1, 2, 3, 4, tzinfo=timezone.utc)
NONE = Skill(n=60, mae=16.5, mae_of_constant=16.0, low=-1.25, data="VAL videos", how="by hand")
SHOWN = replace(NONE, mae=4.0, low=11.0)


def test_importing_the_table_imports_no_writer() -> None:
    code = "import sys, edgeecho.report.formats; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "numpy" not in loaded
    assert {name for name in loaded if name.startswith("edgeecho.report")} == {
        "edgeecho.report", "edgeecho.report.formats",
    }  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_names_a_writer(name: str) -> None:
    if FORMATS[name].extra == "dicom":
        pytest.importorskip("highdicom")
    assert callable(FORMATS[name].load())


def test_no_two_formats_of_the_service_have_one_suffix() -> None:
    offered = [form.suffix for form in FORMATS.values() if form.media_type]
    assert "" not in offered
    assert len(set(offered)) == len(offered)


@pytest.fixture(scope="module")
def cine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dicom(EXAMPLE, tmp_path_factory.mktemp("cine") / "phantom.dcm")


WARNED_OF: dict[str, dict[str, Any]] = {
    "no skill": {"skill": NONE},
    "skill never measured": {"skill": None},
    "mean and std assumed": {"skill": SHOWN, "assumed": "constants of a neighbour"},
}


@pytest.fixture(scope="module", params=WARNED_OF)
def outcome(cine: Path, request: pytest.FixtureRequest) -> Outcome:
    """A video that is answered by a model that warns of something."""
    model = load_model()
    model = replace(model, file=replace(model.file, **WARNED_OF[request.param]))
    return Outcome(cine.name, Answer.of(answer_file(cine, model, clips="center")[0]), "0" * 64)


def texts(dataset: Dataset) -> Iterator[str]:
    """All texts of a structured report."""
    for item in dataset.get("ContentSequence", []):
        yield item.get("TextValue", "")
        yield from texts(item)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_carries_the_warning_of_a_model(
    name: str, outcome: Outcome, cine: Path, tmp_path: Path
) -> None:
    form = FORMATS[name]
    assert isinstance(outcome.answer, Answer)
    assert outcome.answer.numbers is not None, "answered, not refused"
    warning = outcome.answer.warnings[0]
    assert warning.startswith(
        ("this model has shown no skill", "this model's skill was never", "mean and std are ")
    )
    if form.place == "folder":
        pytest.importorskip("highdicom")
        form.write_file(cine, outcome, NOW.replace(tzinfo=None)).save(tmp_path / "report.dcm")
        document = "\n".join(texts(dcmread(tmp_path / "report.dcm")))
    else:
        document = unescape(form.write([outcome], NOW))
    assert warning in document


@pytest.mark.slow
def test_a_line_of_a_stream_says_what_the_model_lacks(outcome: Outcome) -> None:
    assert isinstance(outcome.answer, Answer)
    played = Played(
        Update(80, 1.5, answer_file(EXAMPLE, load_model(), clips="center")[0]), 0.01, 1, 0
    )
    line = to_text_line(outcome.answer, played)
    said = "mean and std assumed" if outcome.answer.model.assumed else "skill not shown"
    assert line.endswith(f"; {said}, 10 ms behind")
    good = replace(outcome.answer.model, skill=SHOWN, assumed=None)
    whole = to_text_line(replace(outcome.answer, model=good), played)
    assert whole == line.replace(f"; {said}", "")
