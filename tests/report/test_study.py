"""Studies in words and in JSON; a refused number is in neither."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from answers import answered, refused, traced
from jsonschema import Draft202012Validator

from edgeecho.common.about import RESEARCH_USE
from edgeecho.report.formats import FORMATS
from edgeecho.report.structured import schema_text
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.study import Clip, StudyAnswer, answer_study
from edgeecho.trust import Interval

FAILED = Outcome("gone.dcm", Failure("gone.dcm: no such file: check the path", 3))


def named(outcome: Outcome, name: str, ef: float | None = None, **video: Any) -> Outcome:
    """With its own name and hash, facts of its video, and no warning."""
    answer = outcome.answer
    assert isinstance(answer, Answer)
    numbers = answer.numbers
    if numbers and ef:
        numbers = replace(numbers, ef=ef, interval=Interval(ef - 8, ef + 8, 0.9, "phantoms"))
    answer = replace(answer, numbers=numbers, video=replace(answer.video, **video), warnings=())
    return replace(outcome, answer=answer, file=name, sha256=f"{hash(name) % 10**9:064}")


OUTCOMES = [
    named(
        answered(50.0), "a.dcm", 50.0, view="apical four chamber", view_source="ViewCodeSequence"
    ),
    named(answered(50.0), "b.dcm", 54.0, view="apical four chamber", view_source="ProtocolName"),
    named(refused(), "c\x1b.dcm", view="subcostal", view_source="SeriesDescription"),
    FAILED,
    named(answered(30.0), "d.dcm", 30.0),
    named(answered(60.0), "e.dcm"),
    replace(FAILED, file="lost.dcm"),
]
CLIPS = [Clip.of(number, outcome) for number, outcome in enumerate(OUTCOMES, 1)]
STUDIES = [answer_study(CLIPS[start:stop], "mean") for start, stop in [(0, 4), (4, 6), (6, 7)]]


def written(name: str, studies: list[StudyAnswer] = STUDIES) -> str:
    return FORMATS[name].write_studies(studies, OUTCOMES)


def test_words() -> None:
    lines = written("text").splitlines()
    assert lines[:7] == [
        "study 1  EF  52.0 %  (90 % interval 44.0 to 60.0; mean of 2 of 4 clips)",
        "    preserved",
        "    the interval was measured on phantoms",
        "    counts    a.dcm: apical four chamber, EF 50.0 % (42.0 to 58.0)",
        "    counts    b.dcm: apical four chamber, EF 54.0 % (46.0 to 62.0)",
        "    left out  c\\x1b.dcm: subcostal: refused: 30 frames, but two heart beats take 90: "
        "record longer; refused: unlike the videos of training: “no” × number",
        "    left out  gone.dcm: gone.dcm: no such file: check the path",
    ]
    assert lines[7].startswith("study 2  refused: clips disagree: the EFs of its 2 clips")
    assert lines[8] == "    counts    d.dcm: no view declared, EF 30.0 % (22.0 to 38.0)"
    assert lines[10] == "study 3  no answer: not one of its clips could be used"
    assert lines[-1] == RESEARCH_USE
    assert any(line.startswith("model   ") for line in lines)


def test_the_best_and_a_single_clip_in_words() -> None:
    best = answer_study(CLIPS[:2], "best")
    assert "(90 % interval 42.0 to 58.0; best of 2 clips)" in written("text", [best])
    single = answer_study(CLIPS[:1])
    assert "(90 % interval 42.0 to 58.0; 1 clip)" in written("text", [single])


def test_json_is_that_of_the_files_and_the_studies_and_keeps_to_the_schema() -> None:
    document = json.loads(written("json"))
    Draft202012Validator(json.loads(schema_text())).validate(document)
    first, second, third = document["studies"]
    assert (first["number"], first["status"], first["rule"]) == (1, "answered", "mean")
    assert (first["ef"], first["band"], first["made_of"]) == (52.0, "preserved", [1, 2])
    assert [clip["number"] for clip in first["clips"]] == [1, 2, 3, 4]
    assert [clip["left_out"] is None for clip in first["clips"]] == [True, True, False, False]
    assert first["clips"][2]["view"] == "subcostal"
    assert (second["status"], [r["gate"] for r in second["refusals"]]) == (
        "refused",
        ["clips-disagree"],
    )
    assert "ef" not in second
    assert (third["status"], third["refusals"]) == ("error", [])
    del document["studies"]
    assert document == json.loads(FORMATS["json"].write(OUTCOMES, None))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"ef": 50}, {"status": "answered"}, {"refusals": []}])
def test_the_schema_lets_no_refused_study_have_a_number(change: dict[str, Any]) -> None:
    document = json.loads(written("json"))
    document["studies"][1] |= change
    assert not Draft202012Validator(json.loads(schema_text())).is_valid(document)


def test_no_document_holds_a_refused_number() -> None:
    for name in ("text", "json"):
        assert "43.2" not in written(name)


def test_beats_of_clips_are_in_the_files_results() -> None:
    outcome = traced(50.0)
    document = json.loads(
        FORMATS["json"].write_studies([answer_study([Clip.of(1, outcome)])], [outcome])
    )
    Draft202012Validator(json.loads(schema_text())).validate(document)
    assert document["results"][0]["beats"]
