"""The skill of a network to be exported: recorded in training, or measured on held-out clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from edgeecho.bundle import Skill
from edgeecho.bundle.skill import LEAST_VIDEOS, doubt, newest
from edgeecho.common.console import words
from edgeecho.common.errors import VerificationError
from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho.dataset.reference import select_reference_clips
from edgeecho.preprocess import normalise
from edgeecho_export.checkpoint import LoadedCheckpoint

MOST_VIDEOS = 2 * LEAST_VIDEOS
"""Enough to tell for all but very weak networks; at full size, a minute on two cores."""


def skill_of(source: LoadedCheckpoint, data: Path | None) -> Skill | None:
    """What the checkpoint records if that is enough, or else as measured on the data set `data`.

    The network answers the central clip of up to 100 videos that are not of the TRAIN split, spread
    over EF. None if nothing is recorded and there are no such videos. `VerificationError`
    if an answer is no number.
    """
    known = source.skill
    if data is None or (known is not None and known.enough):
        return known
    videos = [video for video in read_dataset(data) if video.split != "TRAIN"]
    held_out = select_reference_clips(videos, source.preprocess, n=MOST_VIDEOS)
    if held_out is None:
        return known
    words.print(f"measuring skill on {len(held_out.clips)} held-out videos")
    with torch.inference_mode():
        efs = np.array(
            [
                float(source.network(torch.from_numpy(normalise(clip, source.preprocess)[None])))
                for clip in held_out.clips
            ]
        )
    if not np.isfinite(efs).all():
        raise VerificationError(
            "the network gives answers that are no numbers: no bundle was written; train it again"
        )
    splits = "/".join(sorted({video.split for video in videos}))
    found = Skill.of(
        efs,
        held_out.efs,
        data=f"{splits} videos of: {describe_dataset(data)}",
        how="the central clip of each, in PyTorch",
    )
    return newest(known, found)


def require(skill: Skill | None) -> None:
    """`VerificationError` unless skill was shown."""
    reason = doubt(skill)
    if reason is None:
        return
    mend = (
        "train it longer or on more videos"
        if skill is not None and skill.enough
        else f"give --clips DATA with {LEAST_VIDEOS} or more VAL or TEST videos"
    )
    raise VerificationError(
        f"{reason}: no bundle was written; {mend}, or leave --require-skill out"
    )
