"""Clips for training and validation, each a function of (seed, epoch, index) alone.

That is what makes a killed run resumable at any batch with the same result: no generator
has a state that would have to be saved, whatever the number of worker processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from edgeecho.dataset import LabelledVideo, prepare_labelled
from edgeecho.preprocess import (
    ClipMode,
    PreprocessSpec,
    clip_starts,
    gather_clips,
    normalise,
    pad_short,
)

_VALIDATION = -1


class ClipKey(NamedTuple):
    """Names one clip: `epoch` is -1 for validation, where nothing is augmented."""

    epoch: int
    video: int


class ClipDataset(Dataset[tuple[Tensor, Tensor]]):
    """One random clip `(3, frames, S, S) float32` and its EF in %, by `ClipKey`."""

    def __init__(
        self, videos: Sequence[LabelledVideo], spec: PreprocessSpec, *, pad: int, seed: int
    ) -> None:
        self.videos = videos
        self.spec = spec
        self.pad = pad
        self.seed = seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: ClipKey) -> tuple[Tensor, Tensor]:
        video = self.videos[key.video]
        rng = np.random.default_rng([self.seed, key.epoch + 1, key.video])
        clip = one_clip(prepare_labelled(video, self.spec).frames, self.spec, rng)
        if key.epoch != _VALIDATION:
            clip = random_crop(clip, self.pad, rng)
        return torch.from_numpy(clip), torch.tensor(video.ef, dtype=torch.float32)


def one_clip(
    frames: NDArray[np.uint8], spec: PreprocessSpec, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A clip with a random start, out of prepared frames: the published protocol."""
    start = clip_starts(len(frames), spec, ClipMode("one"), seed=int(rng.integers(1 << 31)))
    # Only the window's frames are normalised; indices then begin at 0.
    window = frames[start[0] : start[0] + spec.frames * spec.period]
    video = pad_short(normalise(window, spec), spec)
    clip: NDArray[np.float32] = gather_clips(video, np.zeros(1, np.intp), spec)[0]
    return clip


def random_crop(
    clip: NDArray[np.float32], pad: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The published augmentation: zero border of `pad` pixels, one crop for the whole clip.

    Offsets run over 0..2*pad-1 (23 for 12 pixels), exactly as published.
    """
    size = clip.shape[-1]
    padded = np.pad(clip, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    top, left = rng.integers(0, 2 * pad, 2)
    return np.ascontiguousarray(padded[:, :, top : top + size, left : left + size])


class _Batches:
    """Batch sampler: the order of an epoch follows from (seed, epoch)."""

    def __init__(self, batches: list[list[ClipKey]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[ClipKey]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def training_batches(n: int, batch_size: int, *, seed: int, epoch: int) -> list[list[ClipKey]]:
    """The epoch's batches in order. An incomplete last batch is dropped, as published."""
    size = min(batch_size, n)
    order = np.random.default_rng([seed, epoch]).permutation(n)
    keys = [ClipKey(epoch, int(index)) for index in order]
    return [keys[i : i + size] for i in range(0, n - size + 1, size)]


def validation_batches(n: int, batch_size: int) -> list[list[ClipKey]]:
    """All videos in order, the same clip of each at every epoch."""
    keys = [ClipKey(_VALIDATION, index) for index in range(n)]
    return [keys[i : i + batch_size] for i in range(0, n, batch_size)]


def loader(
    dataset: ClipDataset, batches: list[list[ClipKey]], *, workers: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """A loader over exactly these batches, decoding in `workers` processes."""
    return DataLoader(
        dataset,
        batch_sampler=_Batches(batches),
        num_workers=workers,
        # Worker processes must not inherit OpenCV's or torch's threads by fork.
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=partial(_end_with, os.getpid()),
    )


def _end_with(parent: int, _worker: int) -> None:
    # torch's workers watch for the death of their parent, but take whoever it is once they have
    # started: without this, one whose run is killed in those seconds waits for ever.
    if os.getppid() != parent:
        raise SystemExit
