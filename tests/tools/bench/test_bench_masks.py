"""`edgeecho bench` of a model with a segmentation: a stage of its own, with and without it."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from segmented_toy import segmented_toy

from edgeecho.tools.bench.document import from_dict, read_run
from edgeecho.tools.bench.page import to_html

FRAMES = 70


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return segmented_toy(tmp_path_factory.mktemp("segmented") / "bundle", ("fp32",))


def test_masks_are_a_stage_per_video_and_per_frame(
    edgeecho: Any, bundle: Path, video: Path, tmp_path: Path
) -> None:
    subjects = ("--compare", "openvino:fp32", "--compare", "openvino:fp32:nobeats")
    out = tmp_path / "run.json"
    words = ("--model", bundle, "--runs", 3, "--warmup", 0, "--cold-starts", 0, "--out", out)
    done = edgeecho("bench", video, *words, *subjects)
    assert done.returncode == 0, done.stderr
    value = json.loads(out.read_text())
    run = from_dict(value)
    with_masks, without = run.series
    assert (with_masks.label, without.label) == ("openvino:fp32", "openvino:fp32:nobeats")
    assert (with_masks.traced, without.traced) == (FRAMES, 0)
    assert with_masks.stages == ("read", "preprocess", "engine", "masks", "decide")
    assert without.stages == ("read", "preprocess", "engine", "decide")
    # The stages are the whole time, masks among them.
    for series in run.series:
        parts = zip(*(series.samples_ms[stage] for stage in series.stages), strict=True)
        assert [sum(part) for part in parts] == pytest.approx(series.samples_ms["total"], rel=1e-6)
    masks = sorted(with_masks.samples_ms["masks"])
    assert masks[0] > 0
    assert value["computed"]["masks_ms_per_frame"] == {
        "openvino:fp32": pytest.approx(masks[1] / FRAMES)
    }
    said = f"{masks[1]:.1f} ms for {FRAMES} frames, {masks[1] / FRAMES:.2f} ms a frame"
    assert f"masks     {said}" in done.stdout
    assert done.stdout.count("\nmasks ") == 1, "only of the subject that has them"
    assert "openvino:fp32 against openvino:fp32:nobeats" in done.stdout
    assert read_run(out) == run
    page = to_html(run, datetime(2026, 11, 1, tzinfo=timezone.utc))
    assert page.count('<rect class="stage-masks" x=') == 1
    assert page.count('<rect class="stage-engine" x=') == 2
    assert page.count('class="stage-masks" width') == 1, "in the legend"
    assert said in page


def test_a_cold_start_without_beats_loads_no_segmentation(
    edgeecho: Any, bundle: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeecho.tools.bench import measure

    jobs = []
    monkeypatch.setattr(measure, "measure_cold_starts", lambda job, _n: jobs.append(job) or ())
    subjects = ("--compare", "fp32", "--compare", "fp32:nobeats")
    words = ("--model", bundle, "--runs", 1, "--warmup", 0, "--cold-starts", 1)
    done = edgeecho("bench", video, *words, *subjects)
    assert done.returncode == 0, done.stderr
    assert [job.beats for job in jobs] == [True, False]


def test_a_model_without_a_segmentation_has_no_such_stage(
    edgeecho: Any, tiny_model: Path, video: Path
) -> None:
    words = ("--model", tiny_model, "--runs", 1, "--warmup", 0, "--cold-starts", 0)
    done = edgeecho("bench", video, *words, "--json")
    value = json.loads(done.stdout)
    (series,) = value["run"]["series"]
    assert "masks" not in series["samples_ms"]
    assert series["traced"] == 0
    assert value["computed"]["masks_ms_per_frame"] == {}
