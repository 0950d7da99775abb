"""Pairs of traced frames with their masks, each a function of (seed, epoch, index).

A video with two traced frames is one pair: end diastole and end systole. One with more is several:
the frames of the largest and the smallest area, then the next ones inwards; of an odd number the
middle one is a pair with itself.

They are read once and kept in memory, 0.1 MB a video of 112x112 pixels: decoding a video again in
each epoch would take longer than a light network takes to learn from two of its frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgeecho.common.console import progress_bar, words
from edgeecho.common.errors import InputError
from edgeecho.dataset import LabelledVideo, naming, read_labelled
from edgeecho.dataset.traced import FEWER_THAN_TWO, Masks, NotUsableError, fit_outlines
from edgeecho.dataset.tracings import TRACINGS_FILE, Tracing
from edgeecho.preprocess import Handling, PreprocessSpec, normalise, prepare
from edgeecho_train.data import VALIDATION, ClipKey, Examples, random_crop
from edgeecho_train.look import draw_look

Frames = NDArray[np.uint8]


class TracedFrames(Examples):
    """Frames `(3, 2, S, S) float32` with masks `(2, S, S) float32`, the larger ventricle first."""

    def __init__(
        self,
        videos: Sequence[LabelledVideo],
        tracings: Mapping[str, tuple[Tracing, ...]],
        spec: PreprocessSpec,
        *,
        pad: int,
        seed: int,
        look: bool = False,
    ) -> None:
        """Read the videos; `pad` is the border of the random crop in pixels, 0 for none.

        Videos whose tracings cannot be used are left out, counted and named; `InputError` if no
        other is there.
        """
        self.spec, self.pad, self.seed, self.look = spec, pad, seed, look
        self.frames: list[Frames] = []
        self.masks: list[Masks] = []
        faults: dict[str, list[str]] = {}
        with progress_bar() as progress:
            for video in progress.track(videos, description="traced frames"):
                try:
                    frames, masks = _read(video, tracings.get(video.name, ()), spec)
                except NotUsableError as error:
                    faults.setdefault(str(error), []).append(video.name)
                    continue
                self.frames.extend(frames)
                self.masks.extend(masks)
        self.left_out = {fault: len(names) for fault, names in faults.items()}
        told = f"of {len(videos)} {videos[0].split} videos"
        for fault, names in faults.items():
            words.print(f"left out: {len(names)} {told} with {fault}, the first is {names[0]}")
        if not self.frames:
            raise InputError(f"none {told} has two usable outlines in {TRACINGS_FILE}: mend it")

        self._used = len(videos) - sum(self.left_out.values())

    @property
    def videos_used(self) -> int:
        return self._used

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: ClipKey) -> tuple[Tensor, Tensor]:
        frames, masks = self.frames[key.video], self.masks[key.video].astype(np.uint8)
        augmented = key.epoch != VALIDATION
        rng = np.random.default_rng([self.seed, key.epoch + 1, key.video])
        if self.look and augmented:
            look = draw_look(rng)
            frames, masks = look.frames(frames, rng), look.masks(masks)
        both = np.concatenate([normalise(frames, self.spec), masks[None].astype(np.float32)])
        if self.pad and augmented:
            both = random_crop(both, self.pad, rng)
        return torch.from_numpy(both[:3]), torch.from_numpy(both[3])


def _read(
    video: LabelledVideo, tracings: Sequence[Tracing], spec: PreprocessSpec
) -> tuple[Frames, Masks]:
    """Frames `(n, 2, S, S, 3)` and masks `(n, 2, S, S)` of n pairs."""
    traced = sorted(tracings, key=lambda tracing: tracing.area)
    if len(traced) < 2:
        raise NotUsableError(FEWER_THAN_TWO)
    with naming(video):
        cine = read_labelled(video)
        # Tracings count the frames of the file, so there is nothing to resample.
        prepared = prepare(cine, spec, Handling(time="native"))
    _, height, width = cine.frames.shape[:3]
    masks = fit_outlines(traced, prepared, spec, height=height, width=width)
    small = np.arange((len(traced) + 1) // 2)
    pairs = np.stack([len(traced) - 1 - small, small], axis=1)
    shown = np.array([tracing.frame for tracing in traced])
    return prepared.frames[shown[pairs]], masks[pairs]
