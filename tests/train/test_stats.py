from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import decode_with_opencv

from edgeecho.dataset import LabelledVideo, read_dataset
from edgeecho_train.stats import channel_statistics


def still_video(path: Path, frames: int, seed: int, fps: int = 50) -> LabelledVideo:
    """A coloured picture held for some frames: which clip is drawn then does not matter."""
    rng = np.random.default_rng(seed)
    red, green, blue = rng.integers(20, 60), rng.integers(90, 130), rng.integers(180, 220)
    picture = np.full((112, 112, 3), (blue, green, red), np.uint8)
    picture[: rng.integers(20, 90)] = 10
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, (112, 112)
    )
    for _ in range(frames):
        writer.write(picture)
    writer.release()
    return LabelledVideo(path.stem, path, 50.0, "TRAIN", 50.0)


def published(videos: list[LabelledVideo]) -> tuple[np.ndarray, np.ndarray]:
    """What EchoNet-Dynamic's `get_mean_and_std` does, of videos where the start does not matter.

    Its clips come normalised by mean 0 and std 1; what a video lacks of 16 x 2 frames is zeros.
    """
    n, s1, s2 = 0, np.zeros(3), np.zeros(3)
    for video in videos:
        frames = decode_with_opencv(video.path).astype(np.float64)
        lacking = np.zeros((max(0, 16 * 2 - len(frames)), *frames.shape[1:]))
        x = np.concatenate([frames, lacking])[2 * np.arange(16)].reshape(-1, 3)
        n, s1, s2 = n + len(x), s1 + x.sum(axis=0), s2 + (x**2).sum(axis=0)
    return s1 / n, np.sqrt(s2 / n - (s1 / n) ** 2)


@pytest.mark.slow
def test_mean_and_std_are_as_published_the_padding_of_short_videos_included(
    tmp_path: Path,
) -> None:
    frames = [40, 90, 32, 24, 10]
    videos = [still_video(tmp_path / f"{i}.avi", n, seed=i) for i, n in enumerate(frames)]
    found = channel_statistics(videos)
    mean, std = published(videos)
    assert found.videos == 5
    assert found.mean == pytest.approx(mean, rel=1e-6)
    assert found.std == pytest.approx(std, rel=1e-6)
    red, green, blue = found.mean
    assert red < green < blue
    # 12 of 16 frames there are, and 4 are black.
    short, whole = (channel_statistics([video]).mean for video in (videos[3], videos[0]))
    picture = decode_with_opencv(videos[3].path)[0].mean(axis=(0, 1))
    assert short == pytest.approx(picture * 12 / 16, rel=1e-6)
    assert whole == pytest.approx(decode_with_opencv(videos[0].path)[0].mean(axis=(0, 1)), rel=1e-6)


def test_the_files_frame_rates_are_told_where_they_are_plausible(tmp_path: Path) -> None:
    videos = [
        replace(still_video(tmp_path / f"{fps}.avi", 32, seed=0, fps=fps), fps=None)
        for fps in (1, 30, 60, 70)
    ]
    assert channel_statistics(videos).fps == 60
    assert channel_statistics(videos[:1]).fps is None


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


@pytest.mark.slow
def test_no_more_than_128_videos_are_read(tmp_path: Path) -> None:
    video = still_video(tmp_path / "a.avi", 32, seed=0)
    assert channel_statistics([video] * 130).videos == 128


@pytest.mark.slow
def test_phantoms_are_nearly_grey_and_the_seed_chooses_the_clips(phantoms: Path) -> None:
    videos = read_dataset(phantoms, split="TRAIN")
    found = channel_statistics(videos, seed=3)
    assert found.videos == len(videos)
    assert found.mean == pytest.approx([found.mean[0]] * 3, abs=4)
    assert all(1 < value < 128 for value in (*found.mean, *found.std))
    assert found == channel_statistics(videos, seed=3)
    assert found != channel_statistics(videos, seed=4)


@pytest.mark.slow
def test_command_prints_the_training_splits_statistics_as_json(edgeecho, phantoms: Path) -> None:
    done = edgeecho("stats", phantoms, "--seed", 3)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    expected = channel_statistics(read_dataset(phantoms, split="TRAIN"), seed=3)
    assert found == {**asdict(expected), "mean": list(expected.mean), "std": list(expected.std)}


def test_command_without_a_data_set_is_an_input_error(edgeecho, tmp_path: Path) -> None:
    done = edgeecho("stats", tmp_path)
    assert done.returncode == 3
    assert "FileList.csv" in done.stderr
