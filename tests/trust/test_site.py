"""`edgeecho calibrate check`: whether a site's videos are of the kind that a model knows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeecho_calibration.site import GateCount, SiteCheck

Run = Callable[..., Any]


def counted(videos: int, refused: int, near: int = 0) -> SiteCheck:
    gates = (GateCount("frozen", refused, None), GateCount("low-contrast", 0, near))
    return SiteCheck("m 1, int8", "phantoms", "center", {}, videos, refused, gates)


def test_more_refusals_than_of_its_own_videos_are_called_unlike() -> None:
    # Of 100 clean ones 2 are refused; 7 or more in less than one of a hundred such samples.
    assert not counted(100, 6).unlike
    assert counted(100, 7).unlike
    verdict = counted(100, 7).verdict
    assert verdict.startswith("these videos are unlike those that the model knows (phantoms): 7 of")
    assert "do not use it here" in verdict


def test_many_near_a_threshold_are_a_shift_even_if_none_is_refused() -> None:
    assert counted(100, 0, near=11).shifted == ()
    assert counted(100, 0, near=12).shifted == ("low-contrast",)
    assert "differ from those that the model knows (phantoms) in low-contrast" in (
        counted(100, 0, near=12).verdict
    )


def test_no_difference_is_no_proof_and_few_videos_no_verdict() -> None:
    assert counted(100, 2, near=5).verdict.startswith("no difference was seen")
    assert "does not show that its EFs are right" in counted(100, 2).verdict
    assert counted(19, 19).verdict == "19 videos are too few for a verdict: give 20 or more"
    assert counted(0, 0).most_refused == 1
    # The rule of three.
    assert counted(300, 0).most_refused == pytest.approx(0.01, abs=1e-4)


@pytest.mark.slow
def test_its_own_videos_and_noise_are_told_apart(
    calibrated: Path, phantoms: Path, tmp_path: Path, edgeecho: Run
) -> None:
    site = tmp_path / "PATIENT-17"
    shutil.copytree(phantoms / "Videos", site / "own")
    out = tmp_path / "own.json"
    done = edgeecho("calibrate", "check", site, "--model", calibrated, "--out", out)
    assert done.returncode == 0, done.stderr
    own = json.loads(out.read_text())
    total = len(list(site.rglob("*.avi")))
    assert own["videos"] == total < 20
    assert own["refused"] < total / 3
    assert own["verdict"].startswith(f"{total} videos are too few")
    assert out.with_suffix(".png").stat().st_size > 5000
    assert "Research use only" in done.stdout

    rng = np.random.default_rng(0)
    for index in range(22):
        writer = cv2.VideoWriter(
            str(site / f"{index}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 50, (112, 112)
        )
        for _ in range(70):
            writer.write(rng.integers(0, 256, (112, 112, 3), dtype=np.uint8))
        writer.release()
    (site / "broken.avi").write_bytes((site / "0.avi").read_bytes()[:2000])
    done = edgeecho("calibrate", "check", site, "--model", calibrated, "--out", out)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["unreadable"] == {"InputError": 1}
    assert found["refused"] == own["refused"] + 22
    assert found["verdict"].startswith("these videos are unlike those that the model knows")
    assert "files without an answer: 1 InputError" in done.stdout
    # No file is named, nor the folder.
    assert "PATIENT" not in out.read_text() + done.stdout
    assert ".avi" not in out.read_text() + done.stdout


@pytest.mark.slow
def test_what_cannot_be_checked_is_said(
    calibrated: Path, narrow_bundle: Path, phantoms: Path, tmp_path: Path, edgeecho: Run
) -> None:
    videos = phantoms / "Videos"
    done = edgeecho("calibrate", "check", videos, "--model", narrow_bundle)
    assert done.returncode == 4
    assert "no measured uncertainty to compare with" in done.stderr
    done = edgeecho(
        "calibrate", "check", videos, "--model", calibrated, "--out", tmp_path / "a.txt"
    )
    assert done.returncode == 2
    assert "must end in .json" in done.stderr
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.avi").write_bytes(b"RIFF")
    done = edgeecho("calibrate", "check", broken, "--model", calibrated)
    assert done.returncode == 3
    assert "no file gave an answer (1 InputError)" in done.stderr
