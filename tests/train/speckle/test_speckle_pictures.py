"""The pictures of the second world, and the data sets made of them."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho_train.phantom.cli import app
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render as render_phantom
from edgeecho_train.phantom.writer import PHANTOM, encode, write_dataset
from edgeecho_train.speckle.drawing import draw
from edgeecho_train.speckle.rendering import SPECKLE, render, speckle_video
from edgeecho_train.speckle.settings import Settings
from edgeecho_train.speckle.truth import masks

pytestmark = pytest.mark.slow

RECIPE = PhantomRecipe(seed=9, frames=24)


def test_a_video_depends_on_seed_and_index_alone() -> None:
    first, again = speckle_video(RECIPE, 3), speckle_video(RECIPE, 3)
    np.testing.assert_array_equal(first.frames, again.frames)
    assert first.name == "speckle-s9-00003"
    other = speckle_video(replace(RECIPE, seed=10), 3)
    assert not np.array_equal(first.frames, other.frames)


def test_more_tracings_change_no_picture() -> None:
    plain, more = speckle_video(RECIPE, 1), speckle_video(replace(RECIPE, traced=5), 1)
    np.testing.assert_array_equal(plain.frames, more.frames)
    assert [len(video.tracings) for video in (plain, more)] == [2, 5]
    for one, other in zip(plain.tracings, more.tracings, strict=False):
        np.testing.assert_array_equal(one.lines_px, other.lines_px)


HARSH = {
    "gain_db": 6.0,
    "dynamic_range_db": 30.0,
    "curve": 0.6,
    "persistence": 0.8,
    "compensation_db": 8.0,
    "noise_db": 0.0,
    "clutter_db": 12.0,
    "haze_db": 0.0,
    "lateral_loss_db": 30.0,
    "apical_loss_db": 30.0,
    "ribs": ((0.2, 0.1, 40.0), (-0.4, 0.2, 40.0)),
    "echoes": ((4.0, 0.1, 10.0),),
    "twist": 3.0,
}


def test_every_setting_is_tried() -> None:
    assert set(HARSH) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", HARSH)
def test_no_nuisance_breaks_the_pictures(name: str) -> None:
    video, rng = draw(RECIPE, 0)
    plain, other_rng = draw(RECIPE, 0)
    plain = replace(plain, frames=2)
    video = replace(video, frames=2, settings=replace(video.settings, **{name: HARSH[name]}))
    # Two frames are less than a beat, which the truth does not need here.
    frames, usual = render(video, rng), render(plain, other_rng)
    assert frames.dtype == np.uint8
    assert frames.shape == (2, 112, 112)
    assert frames.max() > 40
    assert not np.array_equal(frames, usual)
    # Outside the sector it stays black.
    assert not frames[:, :, :2][:, :10].any()


def test_the_cavity_is_darker_than_its_wall() -> None:
    ratios = []
    for index in range(8):
        video, rng = draw(RECIPE, index)
        # The first two frames: anywhere in the beat.
        video = replace(video, frames=2)
        frames, filled, frame = render(video, rng), masks(video), 1
        inside = filled[frame].astype(np.uint8)
        core = cv2.erode(inside, np.ones((5, 5), np.uint8)).astype(bool)
        ring = cv2.dilate(inside, np.ones((11, 11), np.uint8)).astype(bool) & ~cv2.dilate(
            inside, np.ones((3, 3), np.uint8)
        ).astype(bool)
        ratios.append(frames[frame][ring].mean() / max(frames[frame][core].mean(), 1))
    assert np.median(ratios) > 2
    assert min(ratios) > 1


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_the_command_writes_a_data_set_that_reads(tmp_path: Path) -> None:
    out = tmp_path / "set"
    options = ["--n", "2", "--seed", "9", "--frames", "24", "--workers", "2"]
    options += ["--world", "speckle", "--traced", "3"]
    result = CliRunner().invoke(app, ["--out", str(out), *options])
    assert result.exit_code == 0, result.output
    listed = read_dataset(out)
    assert [video.name for video in listed] == [f"speckle-s9-{i:05d}" for i in range(2)]
    assert [video.ef for video in listed] == [draw(RECIPE, i)[0].ef for i in range(2)]
    assert describe_dataset(out) == (
        "synthetic phantoms, never patients (edgeecho phantom --world speckle, seed 9, uniform "
        "EF, n 2, 3 traced frames)"
    )
    capture = cv2.VideoCapture(str(listed[0].path), cv2.CAP_FFMPEG)
    ok, frame = capture.read()
    assert ok
    assert frame.shape == (112, 112, 3)
    assert frame.dtype == np.uint8
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 24
    rows = (out / "VolumeTracings.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 3 * 21

    write_dataset(tmp_path / "one", replace(RECIPE, traced=3), 2, workers=1, world=SPECKLE)
    assert _files(tmp_path / "one") == _files(out)


def test_both_worlds_in_turn(tmp_path: Path) -> None:
    out = tmp_path / "set"
    options = ["--n", "2", "--seed", "9", "--frames", "24", "--world", "both"]
    result = CliRunner().invoke(app, ["--out", str(out), *options])
    assert result.exit_code == 0, result.output
    assert [video.name for video in read_dataset(out)] == ["phantom-s9-00000", "speckle-s9-00001"]
    assert "edgeecho phantom --world both, seed 9" in describe_dataset(out)
    for world in (PHANTOM, SPECKLE):
        write_dataset(tmp_path / world.command, RECIPE, 2, workers=1, world=world)
    alone = {**_files(tmp_path / PHANTOM.command), **_files(tmp_path / SPECKLE.command)}
    for name, data in _files(out).items():
        if name.startswith("Videos"):
            assert data == alone[name]


def test_an_unknown_world_is_a_usage_error(tmp_path: Path) -> None:
    options = ["--n", "1", "--seed", "1", "--world", "moon"]
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "set"), *options])
    assert result.exit_code == 2


def test_the_default_world_is_what_it_was(tmp_path: Path) -> None:
    """Hashes of the tables as they were written before there was a second world."""
    recipe = PhantomRecipe(seed=3, frames=24, traced=3)
    write_dataset(tmp_path / "set", recipe, 1, workers=1)
    files = _files(tmp_path / "set")
    hashes = {name: hashlib.sha256(data).hexdigest()[:16] for name, data in files.items()}
    assert hashes["DESCRIPTION.txt"] == "9bb219761a0a10e8"
    assert hashes["FileList.csv"] == "0b60b22406aadcab"
    assert hashes["VolumeTracings.csv"] == "45cb63dd9bda8cf4"

    phantom, rng = draw_phantom(recipe, 0)
    encode(tmp_path / "direct.avi", render_phantom(phantom, rng).frames, phantom.fps)
    direct = (tmp_path / "direct.avi").read_bytes()
    assert files[str(Path("Videos") / f"{phantom.name}.avi")] == direct
