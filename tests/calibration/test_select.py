from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import open_model
from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError
from edgeecho.preprocess import PreprocessSpec
from edgeecho_calibration.select import _spread, select
from edgeecho_calibration.sets import CalibrationClip

SPEC = PreprocessSpec((30, 30, 30), (40, 40, 40), size=112)


def splits(phantoms: Path) -> dict[str, str]:
    with (phantoms / "FileList.csv").open() as stream:
        return {row["FileName"]: row["Split"] for row in csv.DictReader(stream)}


def test_only_training_videos_and_each_once(phantoms: Path) -> None:
    split = splits(phantoms)
    n = sum(s == "TRAIN" for s in split.values())
    chosen = select(phantoms, SPEC, n=n, seed=0)
    assert {clip.video for clip in chosen.clips} == {v for v, s in split.items() if s == "TRAIN"}


@pytest.mark.slow
def test_ef_is_covered_evenly(phantoms: Path) -> None:
    every = sorted(c.ef for c in select(phantoms, SPEC, n=9, seed=0).clips)
    for seed in range(5):
        efs = [clip.ef for clip in select(phantoms, SPEC, n=3, seed=seed).clips]
        assert efs == sorted(efs)
        groups = np.array_split(every, 3)
        assert all(g.min() - 30 <= ef <= g.max() + 30 for g, ef in zip(groups, efs, strict=True))
        assert efs[0] < efs[1] < efs[2]


def test_the_hashes_are_those_of_the_named_frames(phantoms: Path) -> None:
    for clip in select(phantoms, SPEC, n=4, seed=1).clips:
        path = phantoms / "Videos" / f"{clip.video}.avi"
        assert clip.video_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        frames = read_cine(path).frames[clip.start : clip.start + 63 : 2]
        assert len(frames) == 32
        assert clip.frames_sha256 == hashlib.sha256(frames.tobytes()).hexdigest()


@pytest.mark.slow
def test_the_seed_decides(phantoms: Path) -> None:
    assert select(phantoms, SPEC, n=4, seed=1) == select(phantoms, SPEC, n=4, seed=1)
    others = [select(phantoms, SPEC, n=4, seed=s).clips for s in range(2, 6)]
    assert any(other != select(phantoms, SPEC, n=4, seed=1).clips for other in others)


def test_too_few_training_videos_is_an_error(phantoms: Path) -> None:
    with pytest.raises(InputError, match="training videos, 500 were asked for"):
        select(phantoms, SPEC, n=500, seed=0)


def test_the_command_writes_a_set_for_a_models_preprocessing(
    edgeecho: Any, phantoms: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set.json"
    done = edgeecho(
        "calibrate", "select", phantoms, "--out", out, "--n", 4, "--model", narrow_bundle
    )
    assert done.returncode == 0, done.stderr
    value = json.loads(out.read_text())
    assert len(value["clips"]) == 4
    assert value["preprocess_sha256"] == open_model(narrow_bundle).preprocess.sha256()
    assert "synthetic phantoms" in value["data"]


def clips_of(brightness: list[float], fps: list[float | None]) -> list[list[CalibrationClip]]:
    """Ten EF groups of four candidates, whose brightness and rate have nothing to do with EF."""
    pairs = list(zip(brightness, fps, strict=True))
    return [
        [
            CalibrationClip(
                f"v{g}-{i}", 0, g * 5.0, pairs[g * 4 + i][1], pairs[g * 4 + i][0], "", ""
            )
            for i in range(4)
        ]
        for g in range(10)
    ]


@pytest.mark.parametrize("known", [True, False])
def test_brightness_and_known_frame_rates_are_spread_too(known: bool) -> None:
    rng = np.random.default_rng(3)
    # Nearly all are alike: drawn at random, the few others would seldom be met.
    brightness = np.sort(rng.uniform(0, 1, 40) ** 4 * 255)
    rng.shuffle(brightness)
    fps = rng.permutation(40) + 30.0
    groups = clips_of(brightness.tolist(), fps.tolist() if known else [None] * 40)

    def gaps(chosen: list[CalibrationClip], name: str) -> float:
        """Mean distance in rank from ten even places."""
        every = np.sort([getattr(c, name) for g in groups for c in g])
        ranks = np.sort(np.searchsorted(every, [getattr(c, name) for c in chosen])) / 40
        return float(np.abs(ranks - (np.arange(10) + 0.5) / 10).mean())

    names = ["brightness", "fps"] if known else ["brightness"]
    for name in names:
        spread = [gaps(_spread(groups, np.random.default_rng(s)), name) for s in range(50)]
        drawn = [[g[np.random.default_rng(s + 99).integers(4)] for g in groups] for s in range(50)]
        assert np.mean(spread) < 0.75 * np.mean([gaps(chosen, name) for chosen in drawn])
    chosen = _spread(groups, np.random.default_rng(0))
    assert [clip.ef for clip in chosen] == [g * 5.0 for g in range(10)], "one of each EF group"
