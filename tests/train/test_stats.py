from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeecho.dataset import LabelledVideo, read_dataset
from edgeecho_train.stats import channel_statistics


def still_video(path: Path, frames: int, seed: int) -> LabelledVideo:
    """A coloured picture held for some frames: which clip is drawn then does not matter."""
    rng = np.random.default_rng(seed)
    red, green, blue = rng.integers(20, 60), rng.integers(90, 130), rng.integers(180, 220)
    picture = np.full((112, 112, 3), (blue, green, red), np.uint8)
    picture[: rng.integers(20, 90)] = 10
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 50, (112, 112)
    )
    for _ in range(frames):
        writer.write(picture)
    writer.release()
    return LabelledVideo(path.stem, path, 50.0, "TRAIN", 50.0)


def first_picture(video: LabelledVideo) -> np.ndarray:
    capture = cv2.VideoCapture(str(video.path), cv2.CAP_FFMPEG)
    ok, bgr = capture.read()
    capture.release()
    assert ok
    return bgr[..., ::-1].astype(np.float64)


def test_mean_and_std_are_over_all_pixels_of_16_frames_a_video(tmp_path: Path) -> None:
    # A video of 24 frames has 12 of every second one, the others give 16.
    frames = [40, 90, 32, 24]
    videos = [still_video(tmp_path / f"{i}.avi", n, seed=i) for i, n in enumerate(frames)]
    taken = [16, 16, 16, 12]
    pictures = [first_picture(video) for video in videos]
    pixels = np.concatenate(
        [
            np.repeat(picture.reshape(1, -1, 3), n, axis=0).reshape(-1, 3)
            for picture, n in zip(pictures, taken, strict=True)
        ]
    )
    found = channel_statistics(videos)
    assert found.videos == 4
    assert found.mean == pytest.approx(pixels.mean(axis=0), rel=1e-6)
    assert found.std == pytest.approx(pixels.std(axis=0), rel=1e-6)
    red, green, blue = found.mean
    assert red < green < blue


def test_frames_are_brought_to_the_size_of_the_clips(tmp_path: Path) -> None:
    # A checkerboard of single pixels loses its contrast when it is made smaller.
    fine = np.indices((112, 112)).sum(axis=0) % 2 * np.uint8(200)
    path = tmp_path / "fine.avi"
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 50, (112, 112)
    )
    for _ in range(40):
        writer.write(cv2.cvtColor(fine.astype(np.uint8), cv2.COLOR_GRAY2BGR))
    writer.release()
    video = LabelledVideo("fine", path, 50.0, "TRAIN", 50.0)
    assert channel_statistics([video], size=112).std[0] > 80
    assert channel_statistics([video], size=56).std[0] < 20


def test_no_more_than_128_videos_are_read(tmp_path: Path) -> None:
    video = still_video(tmp_path / "a.avi", 32, seed=0)
    assert channel_statistics([video] * 130).videos == 128


def test_phantoms_are_nearly_grey_and_the_seed_chooses_the_clips(phantoms: Path) -> None:
    videos = read_dataset(phantoms, split="TRAIN")
    found = channel_statistics(videos, seed=3)
    assert found.videos == len(videos)
    assert found.mean == pytest.approx([found.mean[0]] * 3, abs=4)
    assert all(1 < value < 128 for value in (*found.mean, *found.std))
    assert found == channel_statistics(videos, seed=3)
    assert found != channel_statistics(videos, seed=4)


def test_command_prints_the_training_splits_statistics_as_json(edgeecho, phantoms: Path) -> None:
    done = edgeecho("stats", phantoms, "--seed", 3)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    expected = channel_statistics(read_dataset(phantoms, split="TRAIN"), seed=3)
    assert found == {
        "mean": list(expected.mean),
        "std": list(expected.std),
        "videos": expected.videos,
    }


def test_command_without_a_data_set_is_an_input_error(edgeecho, tmp_path: Path) -> None:
    done = edgeecho("stats", tmp_path)
    assert done.returncode == 3
    assert "FileList.csv" in done.stderr
