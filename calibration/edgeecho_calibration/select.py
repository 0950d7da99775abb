"""Choosing calibration clips: from the training split only, spread evenly over EF."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho import __version__
from edgeecho.cine import read_cine
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.errors import InputError
from edgeecho.files import sha256_file
from edgeecho.preprocess import ClipMode, PreprocessSpec, clip_starts, prepare

SCHEMA = "edgeecho-calibration-set-1"


@dataclass(frozen=True)
class CalibrationClip:
    """One clip, named and hashed so that it can be cut again and recognised."""

    video: str
    start: int
    """First frame."""
    ef: float
    """Label in %."""
    video_sha256: str
    frames_sha256: str
    """Of the clip's fitted frames `(frames, S, S, 3) uint8`, before normalisation."""


@dataclass(frozen=True)
class CalibrationSet:
    """What `SET.json` holds: which clips, of which data, for which preprocessing."""

    data: str
    file_list_sha256: str
    preprocess_sha256: str
    seed: int
    clips: tuple[CalibrationClip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"schema": SCHEMA, "edgeecho": __version__, **asdict(self)}


def select(data: Path, spec: PreprocessSpec, *, n: int, seed: int) -> CalibrationSet:
    """Choose `n` clips of `n` different videos of the TRAIN split of `data`.

    The videos are sorted by EF and cut into `n` groups of equal size; one video is drawn from
    each, with a random start. Validation and test videos are never looked at: a model that
    was calibrated on them could not be judged by them. `InputError` where there are too few.
    """
    videos = read_dataset(data, split="TRAIN")
    if len(videos) < n:
        raise InputError(f"{data} has {len(videos)} training videos, {n} were asked for")
    rng = np.random.default_rng(seed)
    return CalibrationSet(
        data=describe_dataset(data),
        file_list_sha256=sha256_file(data / "FileList.csv"),
        preprocess_sha256=spec.sha256(),
        seed=seed,
        clips=tuple(_clip(video, spec, rng) for video in _stratified(videos, n, rng)),
    )


def _stratified(
    videos: Sequence[LabelledVideo], n: int, rng: np.random.Generator
) -> list[LabelledVideo]:
    by_ef = sorted(videos, key=lambda video: (video.ef, video.name))
    groups = np.array_split(np.arange(len(by_ef)), n)
    return [by_ef[rng.choice(group)] for group in groups]


def _clip(video: LabelledVideo, spec: PreprocessSpec, rng: np.random.Generator) -> CalibrationClip:
    frames = prepare(read_cine(video.path), spec).frames
    seed = int(rng.integers(1 << 31))
    start = int(clip_starts(len(frames), spec, ClipMode("one"), seed=seed)[0])
    clip = frames[start : start + spec.window : spec.period]
    return CalibrationClip(
        video=video.name,
        start=start,
        ef=video.ef,
        video_sha256=sha256_file(video.path),
        frames_sha256=hashlib.sha256(np.ascontiguousarray(clip).tobytes()).hexdigest(),
    )
