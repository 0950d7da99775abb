"""Every number of a made-up answer, in the forms for people, spreadsheets and programs."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from edgeecho.bundle import ModelFile
from edgeecho.common.about import RESEARCH_USE
from edgeecho.engines import EngineFacts, PassedOver
from edgeecho.preprocess import PreprocessSpec, VideoFacts
from edgeecho.report.html.page import to_html
from edgeecho.report.structured import SCHEMA, to_document, to_json
from edgeecho.report.table import to_csv
from edgeecho.report.text import to_text
from edgeecho.results import Answer, Failure, Numbers, Outcome, labels
from edgeecho.trust import Interval, Probabilities, Refusal

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50))
VIDEO = VideoFacts(
    container="avi",
    codec="MJPG",
    width=112,
    height=112,
    pixel_aspect=1.0,
    frames=90,
    fps=49.96,
    fps_source="container",
    damage=("90 frames of 100", "no index"),
    notes=(),
    deinterlaced_frames=0,
    repeated_frames=(),
    odd_frames=(),
    heart_rate_bpm=72.4,
    area="whole",
    square=None,
    fill=None,
    sectors=0,
    still_pictures=0,
    time="native",
    clip_s=1.26,
)
NUMBERS = Numbers(
    44.44,
    1.25,
    (43.119, 45.761),
    Interval(38.04, 52.26, 0.8, "phantoms"),
    Probabilities(0.25, 0.75),
)
ANSWER = Answer(
    numbers=NUMBERS,
    although_refused=None,
    refusals=(),
    clips="stride:16",
    clip_starts=(0, 16),
    clip_times_s=(0.0, 0.32),
    warnings=("one", "two"),
    model=ModelFile(path=None, sha256="ab" * 32, name="m", version="3", precision="int8",  # type: ignore[arg-type]
                    preprocess=SPEC, trained_on="phantoms"),
    engine=EngineFacts("openvino", "2026.4.1", "a CPU", "f32", 2),
    video=VIDEO,
    timings_ms={"decode": 10.4, "engine": 100.6},
)  # fmt: skip
REFUSED = replace(ANSWER, numbers=None, refusals=(Refusal("too-short", "why"), Refusal("b", "c")))
SHOWN = replace(REFUSED, although_refused=NUMBERS)


def text(*answers: Answer | Failure) -> list[str]:
    return to_text([Outcome("a.avi", answer) for answer in answers]).splitlines()


def row(answer: Answer | Failure) -> dict[str, str]:
    (found,) = csv.DictReader(to_csv([Outcome("a.avi", answer, "c" * 64)]).splitlines())
    return found


def result(answer: Answer | Failure) -> dict[str, Any]:
    (found,) = to_document([Outcome("a.avi", answer, "c" * 64)])["results"]
    assert isinstance(found, dict)
    return found


def test_text_of_one_answer() -> None:
    assert text(ANSWER) == [
        "a.avi  EF  44.4 %  (80 % interval 38.0 to 52.3; 2 clips, sd 1.2)",
        "    the interval was measured on phantoms",
        "    mildly reduced; EF <= 40: 25 %, EF < 50: 75 %",
        "    50.0 fps (container), native, clip 1.3 s, 1.5 beats (72/min), whole frame",
        "    warning: one",
        "    warning: two",
        "",
        "model   m 3, int8, sha256 abababababab",
        "        trained on: phantoms",
        "engine  openvino 2026.4.1, f32, 2 threads on a CPU",
        "time    decode 10 ms, engine 101 ms",
        RESEARCH_USE,
    ]


def test_engines_that_were_passed_over_are_in_every_form() -> None:
    others = (PassedOver("tensorrt", "no plan"), PassedOver("onnxruntime-cuda", "no <cuDNN>"))
    answer = replace(ANSWER, engine=replace(ANSWER.engine, passed_over=others))
    place = text(answer).index("engine  openvino 2026.4.1, f32, 2 threads on a CPU")
    assert text(answer)[place + 1 : place + 3] == [
        "        passed over: tensorrt (no plan)",
        "        passed over: onnxruntime-cuda (no <cuDNN>)",
    ]
    assert row(answer)["PassedOver"] == "tensorrt: no plan; onnxruntime-cuda: no <cuDNN>"
    outcomes = [Outcome("a.avi", answer)]
    assert to_document(outcomes)["engine"]["passed_over"] == (
        {"name": "tensorrt", "why": "no plan"},
        {"name": "onnxruntime-cuda", "why": "no <cuDNN>"},
    )
    page = to_html(outcomes, datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert "Passed over" in page
    assert "no &lt;cuDNN&gt;" in page


def test_text_of_clips_without_an_interval_and_of_a_single_one() -> None:
    bare = replace(NUMBERS, interval=None, probabilities=None)
    assert text(replace(ANSWER, numbers=bare))[0] == (
        "a.avi  EF  44.4 %  (2 clips, sd 1.2, 43.1 to 45.8)"
    )
    one = replace(bare, ef=9.0, sd=None, clip_efs=(9.0,))
    lines = text(replace(ANSWER, numbers=one, warnings=()))
    assert lines[0] == "a.avi  EF   9.0 %  (1 clip)"
    assert lines[1].startswith("    50.0 fps")


def test_text_leaves_out_what_is_unknown() -> None:
    video = replace(VIDEO, fps=None, clip_s=None, heart_rate_bpm=None)
    model = replace(ANSWER.model, trained_on="")
    lines = text(replace(ANSWER, video=video, model=model))
    assert lines[3] == "    frame rate unknown, native, whole frame"
    assert not any("trained on" in line for line in lines)
    no_beat = replace(VIDEO, heart_rate_bpm=None)
    assert text(replace(ANSWER, video=no_beat))[3] == (
        "    50.0 fps (container), native, clip 1.3 s, whole frame"
    )


def test_text_of_several_files_has_the_mean_time_of_an_answer() -> None:
    slow = replace(ANSWER, timings_ms={"decode": 20.4, "engine": 300.6})
    lines = text(ANSWER, slow, Failure("it is empty", 3))
    assert lines[-2] == "time    decode 15 ms, engine 201 ms (mean of a file)"
    assert "a.avi #3  no answer: it is empty" in lines
    assert text(Failure("it is empty", 3)) == ["a.avi  no answer: it is empty", RESEARCH_USE]


def test_text_of_a_refused_answer_has_its_number_only_if_it_was_asked_for() -> None:
    assert text(REFUSED)[:3] == [
        "a.avi  refused: too short: why",
        "    refused: b: c",
        "    50.0 fps (container), native, clip 1.3 s, 1.5 beats (72/min), whole frame",
    ]
    assert text(SHOWN)[:5] == [
        "a.avi  refused: too short: why",
        "    refused: b: c",
        "    shown although refused: EF  44.4 %  (80 % interval 38.0 to 52.3; 2 clips, sd 1.2)",
        "    shown although refused: the interval was measured on phantoms",
        "    shown although refused: mildly reduced; EF <= 40: 25 %, EF < 50: 75 %",
    ]


def test_a_row_of_the_table() -> None:
    assert row(ANSWER) == {
        "FileName": "a.avi", "EF": "44.44", "Clips": "2", "SD": "1.25", "Min": "43.12",
        "Max": "45.76", "Frames": "90", "FPS": "49.96", "Warnings": "one; two", "Error": "",
        "Model": "m", "ModelVersion": "3", "Precision": "int8", "ModelSHA256": "ab" * 32,
        "Engine": "openvino 2026.4.1", "Note": RESEARCH_USE, "Number": "1",
        "FileSHA256": "c" * 64, "HeartRate": "72.40", "BeatsPerClip": "1.52",
        "Sector": "whole", "Time": "native", "Damage": "90 frames of 100; no index",
        "Status": "answered", "IntervalLow": "38.04", "IntervalHigh": "52.26", "Level": "0.8",
        "PAtMost40": "0.250", "PBelow50": "0.750", "Refusals": "", "PassedOver": "",
            "Domain": "phantoms",
    }  # fmt: skip


NUMBER_COLUMNS = (
    "EF", "SD", "Min", "Max", "IntervalLow", "IntervalHigh", "Level", "PAtMost40", "PBelow50",
)  # fmt: skip


def test_a_row_without_numbers() -> None:
    refused, shown, failed = row(REFUSED), row(SHOWN), row(Failure("it is empty", 3))
    assert [refused[name] for name in NUMBER_COLUMNS] == [""] * 9
    assert [shown[name] for name in NUMBER_COLUMNS] == [
        row(ANSWER)[name] for name in NUMBER_COLUMNS
    ]
    assert refused["Refusals"] == shown["Refusals"] == "too-short: why; b: c"
    assert [r["Status"] for r in (refused, shown, failed)] == ["refused", "refused", "error"]
    assert {k: v for k, v in failed.items() if v} == {
        "FileName": "a.avi", "Number": "1", "Status": "error", "Note": RESEARCH_USE,
        "Error": "it is empty",
    }  # fmt: skip
    bare = replace(NUMBERS, sd=None, interval=None, probabilities=None, clip_efs=(44.44,))
    assert [row(replace(ANSWER, numbers=bare))[name] for name in NUMBER_COLUMNS] == [
        "44.44", "", "44.44", "44.44", "", "", "", "", "",
    ]  # fmt: skip


def test_a_document() -> None:
    assert result(ANSWER) == {
        "number": 1,
        "file": "a.avi",
        "status": "answered",
        "sha256": "c" * 64,
        "refusals": [],
        "ef": 44.44,
        "band": "mildly reduced",
        "interval": {"low": 38.04, "high": 52.26, "level": 0.8, "domain": "phantoms"},
        "probabilities": {"at_most_40": 0.25, "below_50": 0.75},
        "sd": 1.25,
        "clip_efs": (43.119, 45.761),
        "beats": None,
        "clips": "stride:16",
        "clip_starts": (0, 16),
        "clip_times_s": (0.0, 0.32),
        "video": {**vars(VIDEO), "beats_per_clip": pytest.approx(1.26 * 72.4 / 60)},
        "warnings": ("one", "two"),
        "timings_ms": {"decode": 10.4, "engine": 100.6},
    }
    bare = result(replace(ANSWER, numbers=replace(NUMBERS, interval=None, probabilities=None)))
    assert (bare["interval"], bare["probabilities"], bare["ef"]) == (None, None, 44.44)


def test_a_document_is_text_that_people_can_read() -> None:
    assert to_json([Outcome("ä.avi", ANSWER)]).splitlines()[:2] == [
        "{",
        '  "schema": "' + SCHEMA + '",',
    ]
    assert '"file": "ä.avi"' in to_json([Outcome("ä.avi", ANSWER)])


def test_a_number_that_is_none_is_in_no_document() -> None:
    nan = replace(ANSWER, timings_ms={"engine": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json([Outcome("a.avi", nan)])


def test_a_document_has_the_number_of_a_refused_answer_only_if_it_was_asked_for() -> None:
    keys = {"ef", "band", "interval", "probabilities", "sd", "clip_efs", "shown"}
    assert keys & set(result(REFUSED)) == set()
    shown = result(SHOWN)
    assert (shown["shown"], shown["ef"], shown["status"]) == ("although refused", 44.44, "refused")
    assert shown["refusals"] == [
        {"gate": "too-short", "reason": "why"},
        {"gate": "b", "reason": "c"},
    ]
    assert "shown" not in result(ANSWER)


def test_a_document_without_any_answer_names_neither_model_nor_engine() -> None:
    document = to_document([Outcome("a.avi", Failure("it is empty", 3))])
    assert (document["model"], document["engine"]) == (None, None)
    assert document["results"] == [
        {"number": 1, "file": "a.avi", "status": "error", "error": "it is empty", "exit_code": 3}
    ]
    document = to_document([Outcome("a.avi", Failure("", 3)), Outcome("b.avi", ANSWER)])
    assert (document["model"]["name"], document["engine"]["threads"]) == ("m", 2)
    assert [r["number"] for r in document["results"]] == [1, 2]


def test_a_number_is_refused_or_not_and_never_both() -> None:
    for numbers, asked_for, refusals in (
        (NUMBERS, None, REFUSED.refusals),
        (None, None, ()),
        (NUMBERS, NUMBERS, ()),
    ):
        with pytest.raises(ValueError, match="expected numbers"):
            replace(ANSWER, numbers=numbers, although_refused=asked_for, refusals=refusals)


def test_only_names_that_occur_twice_get_their_number() -> None:
    outcomes = [Outcome(name, ANSWER) for name in ("a", "b", "a")]
    assert labels(outcomes) == ["a #1", "b", "a #3"]
    assert [(o.sha256, o.pictures) for o in outcomes] == [(None, None)] * 3
