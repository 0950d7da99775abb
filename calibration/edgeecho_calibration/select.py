"""Choosing calibration clips: from the training split only, spread evenly over what varies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, describe_dataset, prepare_labelled, read_dataset
from edgeecho.preprocess import ClipMode, PreprocessSpec, clip_starts
from edgeecho_calibration.sets import CalibrationClip, CalibrationSet, cut_clip, hash_frames

_CANDIDATES = 4
"""Videos of each EF group that are decoded, since only decoding tells how bright one is."""


def select(data: Path, spec: PreprocessSpec, *, n: int, seed: int) -> CalibrationSet:
    """Choose `n` clips of `n` different videos of the TRAIN split of `data`.

    The videos are sorted by EF and cut into `n` groups of equal size, of which each gives one.
    Within a group that one is taken which brings the chosen videos nearest to being spread
    evenly over brightness and, where the list knows it, frame rate too (a Latin hypercube);
    its start is random. Validation and test videos are never looked at: a model that was
    calibrated on them could not be judged by them. `InputError` where there are too few.
    """
    videos = read_dataset(data, split="TRAIN")
    if len(videos) < n:
        raise InputError(f"{data} has {len(videos)} training videos, {n} were asked for")
    rng = np.random.default_rng(seed)
    drawn = [[_clip(video, spec, rng) for video in group] for group in _candidates(videos, n, rng)]
    return CalibrationSet(
        data=describe_dataset(data),
        folder=str(data.resolve()),
        file_list_sha256=sha256_file(data / "FileList.csv"),
        preprocess_sha256=spec.sha256(),
        seed=seed,
        clips=tuple(_spread(drawn, rng)),
    )


def _candidates(
    videos: Sequence[LabelledVideo], n: int, rng: np.random.Generator
) -> list[list[LabelledVideo]]:
    by_ef = sorted(videos, key=lambda video: (video.ef, video.name))
    groups = np.array_split(np.arange(len(by_ef)), n)
    return [
        [by_ef[place] for place in rng.permutation(group)[:_CANDIDATES].tolist()]
        for group in groups
    ]


def _clip(video: LabelledVideo, spec: PreprocessSpec, rng: np.random.Generator) -> CalibrationClip:
    frames = prepare_labelled(video, spec).frames
    seed = int(rng.integers(1 << 31))
    start = int(clip_starts(len(frames), spec, ClipMode("one"), seed=seed)[0])
    clip = cut_clip(frames, start, spec)
    return CalibrationClip(
        video=video.name,
        start=start,
        ef=video.ef,
        fps=video.fps,
        brightness=float(clip.mean()),
        video_sha256=sha256_file(video.path),
        frames_sha256=hash_frames(clip),
    )


def _spread(
    groups: Sequence[Sequence[CalibrationClip]], rng: np.random.Generator
) -> list[CalibrationClip]:
    """One of each group, such that the chosen lie evenly in the order of each quantity.

    As many even places are to be filled as there are groups. The groups take their turns in a
    random order: each gives the clip that lies nearest to places that are still free.
    """
    every = [clip for group in groups for clip in group]
    ranks = {"brightness": _ranks([clip.brightness for clip in every])}
    if all(clip.fps is not None for clip in every):
        ranks["fps"] = _ranks([clip.fps or 0.0 for clip in every])
    places = np.stack(list(ranks.values()))
    free = np.tile((np.arange(len(groups)) + 0.5) / len(groups), (len(ranks), 1))
    starts = np.cumsum([0, *(len(group) for group in groups)])
    chosen: dict[int, CalibrationClip] = {}
    for turn in rng.permutation(len(groups)).tolist():
        mine = places[:, starts[turn] : starts[turn + 1]]
        # (quantity, candidate, place); a place that was taken is infinitely far.
        distance = (mine[:, :, None] - free[:, None, :]) ** 2
        best = int(distance.min(axis=2).sum(axis=0).argmin())
        taken = distance[:, best].argmin(axis=1)
        free[np.arange(len(free)), taken] = np.inf
        chosen[turn] = groups[turn][best]
    return [chosen[place] for place in range(len(groups))]


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Each value's place in the order, from 0 to 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    places: NDArray[np.float64] = ((ends - counts / 2) / len(values))[inverse]
    return places
