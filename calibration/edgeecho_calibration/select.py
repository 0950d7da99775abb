"""Choosing calibration clips from the training split, spread evenly over what varies."""

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
"""Number of videos per EF group that are decoded, which is needed to know their brightness."""


def select(data: Path, spec: PreprocessSpec, *, n: int, seed: int) -> CalibrationSet:
    """Choose `n` clips of `n` different videos of the TRAIN split of `data`.

    The videos are sorted by EF and split into `n` groups of equal size, and one is taken from each.
    Within a group, it is the one that brings the chosen videos closest to an even spread over
    brightness and, if the list states it, frame rate (a Latin hypercube). Its start is random.
    Validation and test videos are never used, because a model that was calibrated on them could not
    be judged by them. `InputError` if there are too few videos.
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
    """Choose one clip of each group, so that their ranks in each quantity are evenly spaced.

    There are as many evenly spaced places as groups. In random order, each group contributes the
    clip that is nearest to places that are still free.
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
        # (quantity, candidate, place); a taken place is infinitely far.
        distance = (mine[:, :, None] - free[:, None, :]) ** 2
        best = int(distance.min(axis=2).sum(axis=0).argmin())
        taken = distance[:, best].argmin(axis=1)
        free[np.arange(len(free)), taken] = np.inf
        chosen[turn] = groups[turn][best]
    return [chosen[place] for place in range(len(groups))]


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Rank of each value, from 0 to 1; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    places: NDArray[np.float64] = ((ends - counts / 2) / len(values))[inverse]
    return places
