"""Clips for training and validation, each a function of (seed, epoch, index) alone.

So a killed run can resume at any batch with the same result: no random generator has a state that
would have to be saved, whatever the number of worker processes.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
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
from edgeecho_train.look import draw_look

VALIDATION = -1
"""`ClipKey.epoch` where nothing is augmented."""


class ClipKey(NamedTuple):
    """Identifies a clip; `epoch` is -1 for validation, where nothing is augmented."""

    epoch: int
    video: int


class Examples(Dataset[tuple[Tensor, Tensor]]):
    """Inputs of a network with what is true of them, by `ClipKey`."""

    left_out: Mapping[str, int] = MappingProxyType({})
    """Number of videos that are no examples, by the reason."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of examples, as many as videos if nothing else is said."""

    @property
    def videos_used(self) -> int:
        """Number of videos that the examples are from."""
        return len(self)

    @abstractmethod
    def __getitem__(self, key: ClipKey) -> tuple[Tensor, Tensor]:
        """Input and truth, which depend on `key` and the seed alone."""


class ClipDataset(Examples):
    """Random clips `(3, frames, S, S) float32` with their EF in %, by `ClipKey`."""

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        spec: PreprocessSpec,
        *,
        pad: int,
        seed: int,
        look: bool = False,
    ) -> None:
        self.videos = videos
        self.spec = spec
        self.pad = pad
        self.look = look
        self.seed = seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: ClipKey) -> tuple[Tensor, Tensor]:
        video = self.videos[key.video]
        rng = np.random.default_rng([self.seed, key.epoch + 1, key.video])
        augmented = key.epoch != VALIDATION
        frames = prepare_labelled(video, self.spec).frames
        clip = one_clip(frames, self.spec, rng, look=self.look and augmented)
        if augmented:
            clip = random_crop(clip, self.pad, rng)
        return torch.from_numpy(clip), torch.tensor(video.ef, dtype=torch.float32)


def one_clip(
    frames: NDArray[np.uint8],
    spec: PreprocessSpec,
    rng: np.random.Generator,
    *,
    look: bool = False,
) -> NDArray[np.float32]:
    """A clip of prepared frames with a random start, as published; and with a random look."""
    start = clip_starts(len(frames), spec, ClipMode("one"), seed=int(rng.integers(1 << 31)))
    # Normalise only the frames of the clip; its start is then 0.
    window = frames[start[0] : start[0] + spec.frames * spec.period]
    return clip_of(draw_look(rng).frames(window, rng) if look else window, spec)


def central_clip(frames: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """The clip in the middle of prepared frames."""
    (start,) = clip_starts(len(frames), spec, ClipMode("center"))
    return clip_of(frames[start : start + spec.frames * spec.period], spec)


def clip_of(window: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """The clip `(3, frames, S, S)` of the frames that it spans, or of fewer, padded."""
    video = pad_short(normalise(window, spec), spec)
    clip: NDArray[np.float32] = gather_clips(video, np.zeros(1, np.intp), spec)[0]
    return clip


def random_crop(
    clip: NDArray[np.float32], pad: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The published augmentation: a zero border of `pad` pixels, and one crop for the whole clip.

    Offsets are 0..2*pad-1 (23 for 12 pixels), exactly as published.
    """
    size = clip.shape[-1]
    padded = np.pad(clip, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    top, left = rng.integers(0, 2 * pad, 2)
    return np.ascontiguousarray(padded[:, :, top : top + size, left : left + size])


class _Batches:
    """A batch sampler over a fixed list of batches."""

    def __init__(self, batches: list[list[ClipKey]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[ClipKey]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def training_batches(n: int, batch_size: int, *, seed: int, epoch: int) -> list[list[ClipKey]]:
    """The batches of an epoch, in an order that depends on (seed, epoch) alone.

    An incomplete last batch is dropped, as published.
    """
    size = min(batch_size, n)
    order = np.random.default_rng([seed, epoch]).permutation(n)
    keys = [ClipKey(epoch, int(index)) for index in order]
    return [keys[i : i + size] for i in range(0, n - size + 1, size)]


def validation_batches(n: int, batch_size: int) -> list[list[ClipKey]]:
    """Batches of all videos in order, with the same clip of each in every epoch."""
    keys = [ClipKey(VALIDATION, index) for index in range(n)]
    return [keys[i : i + batch_size] for i in range(0, n, batch_size)]


def loader(
    dataset: Examples, batches: list[list[ClipKey]], *, workers: int
) -> DataLoader[tuple[Tensor, Tensor]]:
    """A data loader for these batches that decodes in `workers` processes."""
    return DataLoader(
        dataset,
        batch_sampler=_Batches(batches),
        num_workers=workers,
        # Worker processes must not inherit OpenCV's or torch's threads by fork.
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=partial(_end_with, os.getpid()),
    )


def _end_with(parent: int, _worker: int) -> None:
    # torch's workers notice the end of their parent only after they have started: without this, a
    # worker whose run is killed before that waits for ever.
    if os.getppid() != parent:
        raise SystemExit
