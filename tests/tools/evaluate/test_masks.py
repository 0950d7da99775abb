"""`edgeecho evaluate` with a segmentation: phantoms on the real path, masks that are known."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ventricle import FACTS

from edgeecho.beats import beats_of
from edgeecho.beats.published import systoles
from edgeecho.beats.volumes import shape_of
from edgeecho.bundle import read_manifest
from edgeecho.dataset import read_dataset, read_labelled
from edgeecho.dataset.tracings import diastole_and_systole, read_tracings
from edgeecho.inference import LoadedModel, load_model
from edgeecho.preprocess import normalise, prepare
from edgeecho.tools.evaluate import (
    Evaluation,
    assess,
    evaluate,
    record_evaluation,
    to_text,
    write_results,
)
from edgeecho.tools.evaluate.masks import VideoMasks

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[3] / "models" / "narrow" / "bundle"
NOW = datetime(2025, 3, 4, 5, 6, tzinfo=timezone.utc)


class Knowing:
    """A segmentation that knows the mask of each frame, and sees nothing in others."""

    facts = FACTS

    def __init__(self) -> None:
        self.known: dict[bytes, np.ndarray] = {}

    def infer(self, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        none = np.zeros(inputs["frame"].shape[2:], bool)
        masks = [self.known.get(frame.tobytes(), none) for frame in inputs["frame"]]
        return {"logits": np.where(masks, 1, -1).astype(np.float32)}


def true_masks(name: str) -> np.ndarray:
    from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
    from edgeecho_train.phantom.truth import masks

    phantom, _ = draw_phantom(PhantomRecipe(seed=158, frames=70), int(name.rpartition("-")[2]))
    return masks(phantom)


@pytest.fixture(scope="module")
def model(phantoms: Path) -> LoadedModel:
    """The narrow network, and a segmentation that knows the phantoms' true masks."""
    narrow, engine = load_model(NARROW), Knowing()
    spec = narrow.file.preprocess
    for video in read_dataset(phantoms, split="TEST"):
        frames = normalise(prepare(read_labelled(video), spec).frames, spec).swapaxes(0, 1)
        for frame, mask in zip(frames, true_masks(video.name), strict=True):
            engine.known[frame.tobytes()] = mask
    return replace(narrow, masks=engine)


@pytest.fixture(scope="module")
def evaluation(phantoms: Path, model: LoadedModel) -> Evaluation:
    return evaluate(phantoms, [model], split="TEST", clips="all", also=["center"])


def first_of(phantoms: Path, data: Path) -> Path:
    """A data set of the first TEST row alone."""
    (data / "Videos").mkdir(parents=True)
    video = read_dataset(phantoms, split="TEST")[0]
    shutil.copy(video.path, data / "Videos" / video.path.name)
    shutil.copy(phantoms / "VolumeTracings.csv", data / "VolumeTracings.csv")
    head, *rows = (phantoms / "FileList.csv").read_text().splitlines()
    (row,) = [row for row in rows if row.startswith(video.name)]
    (data / "FileList.csv").write_text(f"{head}\n{row}\n")
    return data


def of(evaluation: Evaluation) -> list[VideoMasks]:
    masks = [prediction.masks for prediction in evaluation.runs[0][0].predictions]
    assert all(masks)
    return [video for video in masks if video]


def test_each_video_is_compared_with_its_tracings_and_beats(
    evaluation: Evaluation, phantoms: Path
) -> None:
    tracings = read_tracings(phantoms)
    run, coarser = evaluation.runs[0]
    for video, prediction, found in zip(
        evaluation.videos, run.predictions, of(evaluation), strict=True
    ):
        true = true_masks(video.name)
        pair = diastole_and_systole(tracings[video.name])
        beats = beats_of(true, np.arange(70) / (video.fps or 0))
        assert pair is not None
        assert found.traced is not None
        for tracing, frame, seen in zip(
            pair, found.traced, ([b.ed for b in beats.found], [b.es for b in beats.found]),
            strict=True,
        ):  # fmt: skip
            outlined, mask = tracing.mask(112, 112), true[tracing.frame]
            assert frame.pixels == mask.sum()
            assert frame.traced_pixels == outlined.sum()
            assert frame.dice == pytest.approx(2 * (mask & outlined).sum()
                                               / (mask.sum() + outlined.sum()))  # fmt: skip
            assert frame.area == pytest.approx(100 * (mask.sum() / outlined.sum() - 1))
            volumes = [shape_of(one).simpson for one in (mask, outlined)]
            assert frame.volume == pytest.approx(100 * (volumes[0] / volumes[1] - 1))
            away = [moment.frame - tracing.frame for moment in seen if moment]
            assert frame.late is not None
            assert frame.late in away
            assert abs(frame.late) == min(map(abs, away))
            assert abs(frame.late) <= 3
            assert frame.late_ms == pytest.approx(1000 / (video.fps or 0) * frame.late, rel=0.01)
        assert found.traced_ef == beats.mean_ef
        by_start = dict(enumerate(prediction.clip_efs))
        starts = [max(b.es.frame - 32, 0) for b in beats.used if b.es]
        with_clip = [by_start[start] for start in starts if start in by_start]
        assert (found.default.beats, found.default.clips) == (len(starts), len(with_clip))
        if with_clip:
            assert found.default.ef == pytest.approx(np.mean(with_clip))
        published = systoles(true.sum(axis=(1, 2))).tolist()
        assert found.published.beats == len(published)
    assert any(found.default.ef is not None for found in of(evaluation))
    assert all(prediction.masks is None for prediction in coarser.predictions)


def test_it_is_told_in_every_form(
    evaluation: Evaluation, model: LoadedModel, tmp_path: Path
) -> None:
    report = assess(evaluation)
    (first, coarser), = report.models  # fmt: skip
    assert coarser.masks is None
    masks = first.masks
    assert masks is not None
    assert masks.phases[2].dice.value == pytest.approx(0.97, abs=0.02)
    assert json.loads(json.dumps(first.to_dict()))["masks"] == json.loads(
        json.dumps(masks.to_dict())
    )
    assert "masks" not in coarser.to_dict()

    out = tmp_path / "out"
    write_results(out, report, NOW)
    with (out / "fp32" / "videos.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for row, found in zip(rows, of(evaluation), strict=True):
        assert float(row["TracedEF"]) == pytest.approx(found.traced_ef, abs=0.006)
        assert int(row["BeatsUsed"]) == found.default.beats
        assert row["BeatEF"] == ("" if found.default.ef is None else f"{found.default.ef:.2f}")
        assert row["NoBeats"] == (found.default.why or "")
        assert found.traced is not None
        assert float(row["DiceED"]) == pytest.approx(found.traced[0].dice, abs=1e-4)
        assert int(row["FramesOffES"]) == found.traced[1].late
    page = (out / "index.html").read_text()
    shown = to_text(report)
    for words in ("Masks against tracings", "EF beat by beat", "beat by beat, published rule",
                  "traced EF", f"{masks.phases[0].dice.value:.3f} ("):  # fmt: skip
        assert words in page, words
        assert words in shown, words
    assert "--clips all" not in shown
    for name in ("traced-ef", "dice"):
        assert (out / "fp32" / f"{name}.png").is_file()

    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    record_evaluation(bundle, report)
    entries = read_manifest(bundle).evaluation[-2:]  # it came with others
    assert entries[0]["masks"]["phases"][0]["name"] == "ED"
    assert "masks" not in entries[1]
    card = (bundle / "model-card.md").read_text()
    assert f"| ED | 3 | {masks.phases[0].dice.value:.3f} (" in card
    assert "| beat by beat, published rule | 3 |" in card


def test_other_clips_say_what_beat_by_beat_needs(
    phantoms: Path, model: LoadedModel, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    data = first_of(phantoms, tmp_path / "data")
    done = evaluate(data, [model], split="TEST", clips="one", work=work)
    shown = to_text(assess(done))
    assert "it needs the EF of every clip, --clips all" in shown
    assert "traced EF" in shown
    again = evaluate(data, [model], split="TEST", clips="one", work=work)
    assert [asdict(video) for video in of(again)] == [asdict(video) for video in of(done)]
    assert of(again) == of(done)


def test_a_data_set_without_tracings_still_has_beats(
    phantoms: Path, model: LoadedModel, tmp_path: Path
) -> None:
    data = first_of(phantoms, tmp_path / "data")
    (data / "VolumeTracings.csv").unlink()
    report = assess(evaluate(data, [model], split="TEST", clips="one"))
    masks = report.models[0][0].masks
    assert masks is not None
    assert (masks.phases, masks.left_out) == ((), {})
    assert masks.rows[-1].metrics is not None
    assert "the data set has no VolumeTracings.csv" in to_text(report)


def test_masks_that_see_nothing_are_counted_not_dropped(
    phantoms: Path, model: LoadedModel, tmp_path: Path
) -> None:
    data = first_of(phantoms, tmp_path / "data")
    blind = replace(model, masks=Knowing())
    report = assess(evaluate(data, [blind], split="TEST", clips="all"))
    masks = report.models[0][0].masks
    assert masks is not None
    ed, _, both = masks.phases
    assert (ed.dice.value, ed.area.bias, ed.volume.bias, both.undetected) == (0, -100, -100, 2)
    _, every, beats, published, traced = masks.rows
    assert beats.metrics == published.metrics == every.metrics
    assert beats.without == traced.without == {"no mask": 1}
    assert traced.metrics is None
    write_results(tmp_path / "out", report, NOW)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 (no mask: 1)" in page
    assert not (tmp_path / "out" / "fp32" / "traced-ef.png").exists()
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    record_evaluation(bundle, report)
    assert "| traced EF | 0 |  |  |  |  | 1 |" in (bundle / "model-card.md").read_text()


def test_the_command_measures_what_a_bundle_with_a_segmentation_traces(
    edgeecho: Any, segmented_bundle: Path, phantoms: Path, tmp_path: Path
) -> None:
    data = first_of(phantoms, tmp_path / "data")
    bundle = Path(shutil.copytree(segmented_bundle, tmp_path / "bundle"))
    command = ["evaluate", data, "--model", bundle, "--clips", "all", "--out", tmp_path / "out"]
    done = edgeecho(*command, "--json", "--record")
    assert done.returncode == 0, done.stderr
    masks = json.loads(done.stdout)["results"][0]["masks"]
    assert [phase["name"] for phase in masks["phases"]] == ["ED", "ES", "both"]
    assert len(masks["rows"]) == 5
    assert read_manifest(bundle).evaluation[-1]["masks"] == masks
    with (data / "VolumeTracings.csv").open("a") as stream:
        stream.write("\n")  # other tracings, to a byte
    other = edgeecho(*command)
    assert other.returncode == 2
    assert "another run (not the same tracings_sha256)" in other.stderr
