from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.cine import read_cine
from edgeecho.dataset import read_dataset
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.data import (
    ClipDataset,
    ClipKey,
    one_clip,
    random_crop,
    training_batches,
    validation_batches,
)

MEAN, STD = (32.64, 32.9, 33.15), (49.98, 49.97, 50.24)
SMALL = PreprocessSpec(MEAN, STD, size=4)


def published_clips(frames: np.ndarray, length: int = 32, period: int = 2) -> list[np.ndarray]:
    """Every clip of a video, written anew from the published description."""
    video = frames.astype(np.float32).transpose(3, 0, 1, 2)
    for channel in range(3):
        video[channel] -= np.float32(MEAN[channel])
        video[channel] /= np.float32(STD[channel])
    channels, count, height, width = video.shape
    if count < length * period:
        grey = np.zeros((channels, length * period - count, height, width), np.float32)
        video = np.concatenate([video, grey], axis=1)
        count = length * period
    return [
        np.stack([video[:, start + period * i] for i in range(length)], axis=1)
        for start in range(count - (length - 1) * period)
    ]


@pytest.mark.parametrize(
    ("count", "starts"), [(1, 2), (24, 2), (62, 2), (63, 2), (64, 2), (65, 3), (176, 114)]
)
def test_one_clip_draws_every_published_clip_and_no_other(count: int, starts: int) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (count, 4, 4, 3), np.uint8)
    expected = {clip.tobytes(): start for start, clip in enumerate(published_clips(frames))}
    assert len(expected) == starts
    drawn = [one_clip(frames, SMALL, np.random.default_rng(i)) for i in range(20 * starts)]
    assert {clip.shape for clip in drawn} == {(3, 32, 4, 4)}
    assert {clip.dtype for clip in drawn} == {np.dtype(np.float32)}
    assert {expected[clip.tobytes()] for clip in drawn} == set(range(starts))


def test_padding_is_mean_grey_not_black() -> None:
    black = np.zeros((1, 4, 4, 3), np.uint8)
    drawn = [one_clip(black, SMALL, np.random.default_rng(i)) for i in range(20)]
    (first,) = {float(clip[0, 0, 0, 0]) for clip in drawn} - {0.0}
    assert first == pytest.approx(-32.64 / 49.98)
    assert all((clip[:, 1:] == 0).all() for clip in drawn)


@pytest.mark.slow
def test_random_crop_moves_the_whole_clip_by_one_offset_of_0_to_23() -> None:
    place = np.arange(1, 112 * 112 + 1, dtype=np.float32).reshape(112, 112)
    layer = np.array([[0, 20000], [40000, 60000], [80000, 100000]], np.float32)
    clip = layer[:, :, None, None] + place
    seen = set()
    for seed in range(1500):
        crop = random_crop(clip, 12, np.random.default_rng(seed))
        assert crop.shape == clip.shape
        row, column = divmod(int(crop[0, 0, 56, 56]) - 1, 112)
        down, right = row - 56, column - 56
        expected = np.zeros_like(clip)
        for channel in range(3):
            for frame in range(2):
                source = clip[channel, frame, max(down, 0) : 112 + down]
                source = source[:, max(right, 0) : 112 + right]
                top, left = max(-down, 0), max(-right, 0)
                target = expected[channel, frame, top:, left:]
                target[: source.shape[0], : source.shape[1]] = source
        np.testing.assert_array_equal(crop, expected)
        seen.add((down + 12, right + 12))
    assert {top for top, _ in seen} == set(range(24))
    assert {left for _, left in seen} == set(range(24))
    assert len(seen) > 24 * 20, "the two axes are not independent"


@pytest.fixture(scope="module")
def dataset(phantoms: Path) -> ClipDataset:
    return ClipDataset(read_dataset(phantoms)[:6], PreprocessSpec(MEAN, STD), pad=12, seed=5)


@pytest.mark.slow
def test_clip_follows_from_seed_epoch_and_video_alone(dataset: ClipDataset) -> None:
    clip, ef = dataset[ClipKey(0, 1)]
    assert clip.shape == (3, 32, 112, 112)
    assert clip.dtype == ef.dtype == torch.float32
    assert float(ef) == pytest.approx(dataset.videos[1].ef)
    _ = dataset[ClipKey(0, 2)], dataset[ClipKey(3, 1)]
    assert torch.equal(clip, dataset[ClipKey(0, 1)][0])
    others = [dataset[ClipKey(epoch, 1)][0] for epoch in range(1, 4)]
    assert not any(torch.equal(clip, other) for other in others)
    reseeded = ClipDataset(dataset.videos, dataset.spec, pad=12, seed=6)
    assert not torch.equal(clip, reseeded[ClipKey(0, 1)][0])


@pytest.mark.slow
def test_a_look_alters_training_clips_alone(dataset: ClipDataset) -> None:
    looked = ClipDataset(dataset.videos, dataset.spec, pad=12, seed=5, look=True)
    assert torch.equal(looked[ClipKey(0, 1)][0], looked[ClipKey(0, 1)][0])
    assert not torch.equal(looked[ClipKey(0, 1)][0], dataset[ClipKey(0, 1)][0])
    assert torch.equal(looked[ClipKey(-1, 1)][0], dataset[ClipKey(-1, 1)][0])


def test_a_look_shows_the_same_frames_in_another_light(dataset: ClipDataset) -> None:
    frames = read_cine(dataset.videos[1].path).frames
    for seed in range(6):
        plain = one_clip(frames, dataset.spec, np.random.default_rng(seed))
        looked = one_clip(frames, dataset.spec, np.random.default_rng(seed), look=True)
        assert not np.array_equal(plain, looked)
        # How bright the picture is rises and falls over the clip in both alike.
        means = plain.mean(axis=(0, 2, 3)), looked.mean(axis=(0, 2, 3))
        assert np.corrcoef(*means)[0, 1] > 0.5


def test_validation_clips_are_published_clips_without_augmentation(dataset: ClipDataset) -> None:
    for (key,) in validation_batches(2, 1):
        expected = published_clips(read_cine(dataset.videos[key.video].path).frames)
        clip = dataset[key][0].numpy()
        assert any(np.array_equal(clip, candidate) for candidate in expected)


COMPARE = """
import pickle, sys
import torch
from edgeecho_train.data import loader, training_batches

if __name__ == "__main__":
    dataset = pickle.load(open(sys.argv[1], "rb"))
    batches = training_batches(6, 2, seed=5, epoch=1)[:2]
    alone = list(loader(dataset, batches, workers=0))
    helped = list(loader(dataset, batches, workers=1))
    assert len(alone) == len(helped) == 2
    for (clips, efs), (same_clips, same_efs) in zip(alone, helped, strict=True):
        assert clips.shape == (2, 3, 32, 112, 112)
        assert torch.equal(clips, same_clips)
        assert torch.equal(efs, same_efs)
    print("compared")
"""


@pytest.mark.slow
def test_worker_processes_change_nothing(dataset: ClipDataset, tmp_path: Path) -> None:
    # In a process of its own, as `edgeecho train` is. In the process of the whole suite, where
    # torch, OpenVINO, ONNX Runtime and pytest's faulthandler meet, the end of a worker is the
    # end of pytest: SIGSEGV in waitpid, when torch's SIGCHLD handler is to be called.
    (tmp_path / "compare.py").write_text(COMPARE)
    (tmp_path / "dataset").write_bytes(pickle.dumps(dataset))
    command = [sys.executable, tmp_path / "compare.py", tmp_path / "dataset"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "compared\n", done.stderr


SLOW_START = """
import sys, time
from pathlib import Path
from edgeecho_train.data import loader, training_batches

class Slow:
    def __init__(self, mark):
        self.mark = mark
    def __setstate__(self, state):
        Path(state["mark"]).touch()
        time.sleep(1)

if __name__ == "__main__":
    next(iter(loader(Slow(sys.argv[1]), training_batches(4, 2, seed=0, epoch=0), workers=1)))
"""


@pytest.mark.slow
def test_worker_whose_parent_is_killed_while_it_starts_ends_too(tmp_path: Path) -> None:
    script, mark = tmp_path / "slow.py", tmp_path / "mark"
    script.write_text(SLOW_START)
    process = subprocess.Popen([sys.executable, script, mark], start_new_session=True)
    try:
        while not mark.exists() and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert session_exists(process.pid), "the worker is not there yet: this test shows nothing"
        deadline = time.monotonic() + 30
        while session_exists(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not session_exists(process.pid)
    finally:
        if session_exists(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def session_exists(number: int) -> bool:
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = file.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has just ended
        if int(group) == number and state != "Z":
            return True
    return False


@given(n=st.integers(1, 300), batch=st.integers(1, 40), epoch=st.integers(0, 99))
def test_an_epoch_is_a_permutation_in_whole_batches(n: int, batch: int, epoch: int) -> None:
    batches = training_batches(n, batch, seed=7, epoch=epoch)
    keys = [key for keys in batches for key in keys]
    size = min(n, batch)
    assert {len(keys) for keys in batches} == {size}
    assert len(batches) == n // size
    assert {key.epoch for key in keys} == {epoch}
    assert len({key.video for key in keys}) == len(keys)
    assert {key.video for key in keys} <= set(range(n))
    assert batches == training_batches(n, batch, seed=7, epoch=epoch)


def test_order_depends_on_seed_and_epoch_and_drops_no_video_for_ever() -> None:
    orders = [training_batches(23, 5, seed=0, epoch=epoch) for epoch in range(20)]
    assert len({str([[k.video for k in batch] for batch in order]) for order in orders}) == 20
    assert {key.video for order in orders for batch in order for key in batch} == set(range(23))
    assert training_batches(23, 5, seed=1, epoch=0) != orders[0]


@given(n=st.integers(1, 100), batch=st.integers(1, 40))
def test_validation_takes_all_videos_in_order(n: int, batch: int) -> None:
    keys = [key for keys in validation_batches(n, batch) for key in keys]
    assert [key.video for key in keys] == list(range(n))
    assert {key.epoch for key in keys} == {-1}
