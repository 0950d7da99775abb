"""The file that lets an evaluation go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeecho.bundle import open_model
from edgeecho.common.errors import OutputError, UsageError
from edgeecho.common.seal import sealed
from edgeecho.engines import EngineFacts, PassedOver
from edgeecho.preprocess import ClipMode
from edgeecho.tools.evaluate.modes import parse_modes
from edgeecho.tools.evaluate.predictions import Prediction, resume_predictions
from edgeecho.tools.evaluate.run import _key
from edgeecho.trust import Hints, Interval

KEY = {"model_sha256": "a", "engine": {"name": "openvino", "threads": 2}, "clips": "all"}
NAMES = ["a", "b", "c"]
A = Prediction(
    "a",
    50.1,
    64,
    (50.0, 50.2),
    Interval(40.1, 60, 0.9, "phantoms"),
    ("frozen",),
    1.5,
    2.5,
    1 / 3,
    0,
    Hints(50.1, 0.14, 70.0, None),
)
B = replace(A, name="b", interval=None, refusals=())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Answers to a and b."""
    path = tmp_path / "work" / "fp32-all.jsonl"
    answers = resume_predictions(path, KEY, NAMES)
    answers.add(A)
    answers.add(B)
    return path


def test_answers_come_back_as_they_were(path: Path) -> None:
    answers = resume_predictions(path, KEY, NAMES)
    assert answers.done == [A, B]
    answers.add(replace(A, name="c"))
    assert len(resume_predictions(path, KEY, NAMES).done) == 3


@pytest.mark.slow
def test_wherever_the_process_was_killed_the_answers_before_are_kept(path: Path) -> None:
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content)):
        path.write_bytes(content[:length])
        whole = sum(end <= length for end in ends)
        assert len(resume_predictions(path, KEY, NAMES).done) == max(whole - 1, 0)
        assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("50.1", "51.1"),
        lambda text: text.replace('"name": "b"', '"name": "c"'),
        lambda text: "\n".join(reversed(text.splitlines())) + "\n",
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: "FileName,EF\na,50\n",
        lambda text: "[]\n",
        lambda text: text.replace("frozen", "\udcff"),
    ],
)
def test_what_was_changed_is_refused(path: Path, damage: Callable[[str], str]) -> None:
    text = damage(path.read_text())
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(OutputError, match="remove it to begin again"):
        resume_predictions(path, KEY, NAMES)
    assert path.read_text(errors="surrogateescape") == text


@pytest.mark.parametrize("name", asdict(A))
def test_every_field_must_be_there(path: Path, name: str) -> None:
    head, row, _ = path.read_text().splitlines()
    value = json.loads(row)
    del value[name]
    path.write_text(f"{head}\n{json.dumps(sealed(value))}\n")
    with pytest.raises(OutputError, match="remove it to begin again"):
        resume_predictions(path, KEY, NAMES)


@pytest.mark.parametrize("name", KEY)
def test_answers_of_another_run_are_refused(path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=rf"another run \(not the same {name}\).*--out"):
        resume_predictions(path, {**KEY, name: "b"}, NAMES)


def test_modes_whose_clips_are_not_there_are_refused() -> None:
    assert len(parse_modes("all", ["stride:3", "center", "one"])[1]) == 3
    assert len(parse_modes("stride:4", ["stride:8", "center"])[1]) == 2
    for clips, also in [("stride:8", "all"), ("stride:8", "stride:12"), ("center", "stride:8")]:
        with pytest.raises(UsageError, match="give the finest as --clips"):
            parse_modes(clips, [also])
    with pytest.raises(UsageError, match="twice"):
        parse_modes("all", ["all"])


def test_a_run_goes_on_whatever_auto_passed_over() -> None:
    facts = EngineFacts("openvino", "1", "a CPU", "f32", 2)

    def key(*passed_over: PassedOver) -> Any:
        engine = SimpleNamespace(facts=replace(facts, passed_over=passed_over))
        model: Any = SimpleNamespace(file=open_model(), engine=engine)
        return _key(model, ClipMode.parse("all"))

    before = json.loads(json.dumps(key()))
    assert before == key(PassedOver("card", "no driver"))
    assert before["engine"]["threads"] == 2
