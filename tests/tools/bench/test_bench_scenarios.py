"""Study, offline, stream and `--compare` on the narrow network. No test asserts a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.errors import UsageError
from edgeecho.tools.bench import scenarios
from edgeecho.tools.bench.subject import Subject
from edgeecho.tools.bench.turns import take_turns

QUICK = ("--runs", 2, "--warmup", 0, "--cold-starts", 0, "--json")


@pytest.fixture
def measured(edgeecho: Any) -> Callable[..., dict[str, Any]]:
    def run(*words: object) -> dict[str, Any]:
        done = edgeecho("bench", *words, *QUICK)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run


def by_label(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {series["label"]: series for series in document["run"]["series"]}


@pytest.mark.slow
def test_a_study_runs_with_and_without_sharing(measured: Any, video: Path) -> None:
    document = measured(video, "--scenario", "study")
    series = by_label(document)
    assert list(series) == ["openvino:fp32:plain", "openvino:fp32"]
    assert [s["clips"] for s in series.values()] == [8, 8]
    assert series["openvino:fp32:plain"]["clips_shared"] == 0
    assert series["openvino:fp32"]["clips_shared"] > 0
    ratios = document["computed"]["ratios"]
    assert [(r["label"], r["base"], r["stage"]) for r in ratios] == [
        ("openvino:fp32", "openvino:fp32:plain", "total"),
        ("openvino:fp32", "openvino:fp32:plain", "engine"),
    ]
    low, value, high = (ratios[0]["times"][key] for key in ("low", "value", "high"))
    assert low < value < high


@pytest.mark.slow
def test_offline_answers_every_video_of_a_folder(
    measured: Any, video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    for name in ("a.avi", "b.avi", "c.avi"):
        (tmp_path / name).write_bytes(video.read_bytes())
    document = measured(tmp_path, "--scenario", "offline", "--model", tiny_model,
                        "--clips", "stride:4")  # fmt: skip
    run = document["run"]
    assert (run["videos"], run["video"], run["series"][0]["clips"]) == (3, "3 files", 6)
    rate, total = document["computed"]["rates"]["openvino:fp32"], run["series"][0]["samples_ms"]
    assert rate["videos_per_s"] == pytest.approx(6e3 / sum(total["total"]))


@pytest.mark.slow
def test_compare_batches_and_engines_in_one_run(
    measured: Any, video: Path, tiny_model: Path
) -> None:
    document = measured(video, "--model", tiny_model, "--clips", "all", "--compare", "fp32",
                        "--compare", "fp32:batch8", "--compare", "onnxruntime:fp32")  # fmt: skip
    series = by_label(document)
    assert list(series) == ["openvino:fp32", "openvino:fp32:batch8", "onnxruntime:fp32"]
    assert [s["batch"] for s in series.values()] == [4, 8, 4]
    assert {r["base"] for r in document["computed"]["ratios"]} == {"openvino:fp32"}


def test_a_stream_counts_what_it_missed(measured: Any, video: Path, tiny_model: Path) -> None:
    document = measured(video, "--model", tiny_model, "--scenario", "stream", "--every", 1)
    (series,) = document["run"]["series"]
    (found,) = document["computed"]["deadlines"].values()
    answered = len(series["samples_ms"]["total"])
    # Decoded frames take longer than a millisecond to prepare: most clips come too soon.
    assert found["dropped"] == series["dropped"] > 0
    assert found["late"] == sum(ms > 1 for ms in series["samples_ms"]["total"])
    assert found["in_time"] + found["late"] == answered
    assert answered + found["dropped"] == 20
    assert document["computed"]["ratios"] == []


def test_a_stream_with_time_enough_drops_nothing(
    measured: Any, video: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "BURST", 2)
    document = measured(video, "--model", tiny_model, "--scenario", "stream", "--every", 1500)
    (found,) = document["computed"]["deadlines"].values()
    assert found == {"in_time": 4, "late": 0, "dropped": 0}


def test_everyone_has_a_turn_in_every_round_and_none_always_the_first() -> None:
    order: list[str] = []

    def task(name: str) -> Callable[[], int]:
        return lambda: order.append(name) or len(order)  # type: ignore[func-returns-value]

    given = take_turns({name: task(name) for name in "abc"}, rounds=2, warmup=1)
    assert "".join(order) == "abcbcacab"
    assert given == {"a": (6, 8), "b": (4, 9), "c": (5, 7)}


def test_subjects_are_written_as_they_are_read() -> None:
    assert Subject.parse("int8") == Subject("auto", "int8")
    assert Subject.parse("fp32", engine="onnxruntime") == Subject("onnxruntime", "fp32")
    assert Subject.parse("openvino:fp16:batch12:plain") == Subject("openvino", "fp16", 12, True)
    for wrong in ("", "int4", "openvino", "int8:batch0", "int8:plain:batch2", "INT8"):
        with pytest.raises(UsageError, match="--compare"):
            Subject.parse(wrong)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scenario", "race"), "single, study, offline, stream"),
        (("--scenario", "stream", "--clips", "all"), "leave --clips out"),
        (("--compare", "fp32", "--precision", "fp32"), "leave one out"),
        (("--compare", "fp32", "--compare", "openvino:fp32"), "twice"),
        (("second.avi",), "takes one video"),
    ],
)
def test_words_that_make_no_sense(
    edgeecho: Any, video: Path, tiny_model: Path, words: tuple[str, ...], said: str
) -> None:
    done = edgeecho("bench", video, *words, "--model", tiny_model, *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
