"""The beats in words, in JSON and in the table of beats."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import Any

import pytest
import ventricle
from answers import REASONS, answered, failed, traced

from edgeecho import RESEARCH_USE
from edgeecho.beats import Beats
from edgeecho.report.beats import in_words
from edgeecho.report.beats_table import COLUMNS, to_beats_csv
from edgeecho.report.structured import to_json
from edgeecho.report.text import to_text
from edgeecho.results import Answer, Outcome

WORDS = (
    "beats: 4 used of 5, traced EF 63.5 % (spread 0.1), EDV 223 ml, ESV 82 ml, RR 795 ms, regular; "
    "network EF by beat 45.0 % (2 of them)"
)


def lines(outcome: Outcome) -> list[str]:
    return [line.strip() for line in to_text([outcome]).splitlines()]


def rows(*outcomes: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(to_beats_csv(outcomes).splitlines()))


def result(outcome: Outcome) -> dict[str, Any]:
    (found,) = json.loads(to_json([outcome]))["results"]
    assert isinstance(found, dict)
    return found


def test_text_has_one_line_on_beats_and_names_the_segmentation() -> None:
    said = lines(traced())
    assert said[3] == WORDS
    assert "masks   lraspp_mobilenet_v3_large, sha256 555555555555, drawn 1, f32" in said
    relative = lines(traced(spacing_mm=None))[3]
    assert relative == WORDS.replace("EDV 223 ml, ESV 82 ml, ", "")
    assert not [
        line for line in lines(answered()) if line.startswith(("beats", "no beats", "masks"))
    ]


def test_text_of_the_published_rule() -> None:
    assert lines(traced(rule="published", spacing_mm=None))[3] == (
        "beats: 4 used of 4 by the published rule; network EF by beat 45.0 % (2 of them)"
    )


def irregular() -> Beats:
    found = ventricle.traced(ventricle.beating(180)).beats
    *most, last = found.found
    return replace(found, found=(*most[:-1], replace(most[-1], rr_ms=1400.0), last))


def test_of_an_irregular_rhythm_the_index_beats_are_said() -> None:
    words = in_words(irregular())
    assert ", RR 945 ms, irregular, index beats 63.5 %" in words
    assert "network EF" not in words
    alone = replace(irregular(), found=irregular().found[:1])
    assert in_words(alone) == "beats: 1 used of 1, traced EF 63.4 %, RR 780 ms"


def test_text_says_why_there_are_none_refused_or_not() -> None:
    still = "no beats: the left ventricle stands still: its area changes by less than 2.5 %"
    assert lines(traced(still=True))[3] == still
    hidden = lines(traced(still=True, refused=True))
    assert hidden[2] == still
    shown = lines(traced(still=True, refused=True, show=True))
    assert f"shown although refused: {still}" in shown
    assert still not in shown, "once"


def test_text_of_a_refused_answer_shows_beats_with_the_word_only() -> None:
    assert "traced" not in to_text([traced(refused=True)])
    assert f"shown although refused: {WORDS}" in lines(traced(refused=True, show=True))


def test_json_has_a_row_for_every_beat() -> None:
    document = json.loads(to_json([traced()]))
    (found,) = document["results"]
    beats = found["beats"]
    assert {k: v for k, v in beats.items() if k != "table"} == {
        "rule": "default", "reason": None, "found": 5, "used": 4,
        "mean_ef": pytest.approx(63.458, abs=1e-3), "median_ef": pytest.approx(63.487, abs=1e-3),
        "index_ef": pytest.approx(63.487, abs=1e-3),
        "area_length_ef": pytest.approx(63.543, abs=1e-3),
        "spread": pytest.approx(0.0586, abs=1e-4),
        "network_ef": 45.0, "rr_ms": pytest.approx(795), "regular": True,
    }  # fmt: skip
    assert [row["number"] for row in beats["table"]] == [1, 2, 3, 4, 5]
    third, last = beats["table"][2], beats["table"][4]
    assert third["difference"] == pytest.approx(third["traced_ef"] - 50)
    assert (third["used"], third["unused"], third["index"]) == (True, None, True)
    assert (third["ed"]["frame"], third["ed"]["file_frame"], third["ed"]["ms"]) == (80, 160, 1600)
    # 1.5 mm a pixel.
    assert third["ed"]["area_cm2"] == pytest.approx(third["ed"]["area_px2"] * 0.0225)
    assert third["es"]["discs_ml"] == pytest.approx(third["es"]["discs_px3"] * 0.15**3)
    assert (last["used"], last["unused"], last["es"]) == (False, "ends after the video", None)
    assert document["segmentation"] == {
        "architecture": "lraspp_mobilenet_v3_large",
        "sha256": "5" * 64,
        "engine": {
            "name": "drawn", "version": "1", "device": "here", "precision": "f32", "threads": 1,
            "passed_over": [],
        },
    }  # fmt: skip


def test_json_without_the_size_of_a_pixel_has_neither_cm_nor_ml() -> None:
    row = result(traced(spacing_mm=None))["beats"]["table"][0]
    for name in ("area_cm2", "long_axis_cm", "discs_ml", "area_length_ml"):
        assert row["ed"][name] is row["es"][name] is None
    assert row["ed"]["discs_px3"] > row["es"]["discs_px3"] > 0


def test_json_without_a_segmentation() -> None:
    document = json.loads(to_json([answered(), failed()]))
    assert document["segmentation"] is None
    assert document["results"][0]["beats"] is None
    assert "beats" not in document["results"][1]


def test_json_of_a_refused_answer_has_the_reason_alone() -> None:
    assert result(traced(refused=True))["beats"] == {"rule": "default", "reason": None}
    still = result(traced(refused=True, still=True))["beats"]
    assert still == {"rule": "default", "reason": "still"}
    assert result(traced(refused=True, show=True))["beats"]["used"] == 4


def test_the_table_has_a_row_for_every_beat_of_every_file() -> None:
    found = rows(traced(), answered(), failed(), traced(still=True))
    assert list(found[0]) == list(COLUMNS)
    assert [(row["Number"], row["Beat"]) for row in found] == [
        *(("1", str(beat)) for beat in range(1, 6)), ("2", ""), ("3", ""), ("4", ""),
    ]  # fmt: skip
    assert {row["Note"] for row in found} == {RESEARCH_USE}
    assert [row["Status"] for row in found[4:]] == ["answered", "answered", "error", "answered"]
    assert found[5]["Why"] == "nothing was traced"
    assert found[6]["Error"].endswith("is empty (0 bytes): copy or export it again")
    assert found[7]["Why"].startswith("no beats: the left ventricle stands still")
    third, last = found[2], found[4]
    expected = {
        "EF": "47.60", "Rule": "default", "Used": "yes", "Why": "", "Index": "yes", "RR": "800",
        "PreviousRR": "800", "TracedEF": "63.49", "AreaLengthEF": "63.57", "NetworkEF": "50.00",
        "Difference": "13.49", "EDFrame": "80", "ESFrame": "101", "EDFileFrame": "160",
        "ESFileFrame": "202", "EDTime": "1600.0", "ESTime": "2020.0", "EDArea": "2497.0",
        "EDAreaCm2": "56.18", "EDLongAxisCm": "11.85", "EDVolumeDiscsMl": "223.3",
        "ESVolumeDiscsMl": "81.5", "EDVolumeAreaLengthMl": "226.1", "ESParts": "1",
        "ESBorder": "0.000", "EDOverlap": "0.999", "SegmentationSHA256": "5" * 64,
    }  # fmt: skip
    assert {name: third[name] for name in expected} == expected
    assert (last["Used"], last["Why"]) == ("no", "ends after the video")
    assert last["ESFrame"] == last["TracedEF"] == ""


def test_the_table_of_a_refused_file_has_reasons_and_no_number() -> None:
    low, high = (to_beats_csv([traced(refused=True, depth=depth)]) for depth in (4.0, 8.0))
    assert low == high
    (row,) = rows(traced(refused=True))
    assert all(reason.reason in row["Refusals"] for reason in REASONS)
    assert row["EF"] == row["Beat"] == ""
    shown = rows(traced(refused=True, show=True))
    assert [row["TracedEF"] for row in shown[:1]] == ["63.37"]
    assert {row["Status"] for row in shown} == {"refused"}
    assert all(REASONS[0].reason in row["Refusals"] for row in shown)


def test_a_name_is_no_formula_in_the_table() -> None:
    outcome = traced()
    assert isinstance(outcome.answer, Answer)
    named = replace(outcome.answer, model=replace(outcome.answer.model, name="=1+1"))
    found = rows(replace(outcome, file="=cmd|x\u202e.avi", answer=named))
    assert found[0]["FileName"] == "'=cmd|x\\u202e.avi"
    assert found[0]["Model"] == "'=1+1"
