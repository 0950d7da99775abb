"""Calibration sets on disk: which clips of which videos, and cutting them again."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.about import VERSION
from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, prepare_labelled, read_dataset
from edgeecho.preprocess import PreprocessSpec, normalise

SCHEMA = "edgeecho-calibration-set-2"


@dataclass(frozen=True)
class CalibrationClip:
    """One clip, named and hashed so that it can be cut again and recognised."""

    video: str
    start: int
    """First frame."""
    ef: float
    """Label in %."""
    fps: float | None
    """Frames/s by the data set's list; None where it does not say."""
    brightness: float
    """Mean of the clip's pixels, 0..255."""
    video_sha256: str
    frames_sha256: str
    """Of the clip's fitted frames `(frames, S, S, 3) uint8`, before normalisation."""


@dataclass(frozen=True)
class CalibrationSet:
    """What `SET.json` holds: which clips, of which data, for which preprocessing."""

    data: str
    folder: str
    """Where the data were."""
    file_list_sha256: str
    preprocess_sha256: str
    seed: int
    clips: tuple[CalibrationClip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"schema": SCHEMA, "edgeecho": VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CalibrationSet:
        """What `to_dict` gave; `InputError` where it is something else."""
        if value.get("schema") != SCHEMA:
            raise InputError(
                f"calibration set has schema {value.get('schema')!r}, this edgeecho reads "
                f"{SCHEMA!r}: make it again with `edgeecho calibrate select`"
            )
        given = {k: v for k, v in value.items() if k not in ("schema", "edgeecho")}
        try:
            clips = tuple(CalibrationClip(**clip) for clip in given.pop("clips"))
            chosen = cls(clips=clips, **given)
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"calibration set is malformed: {error}") from error
        _check_types(chosen, *clips)
        if not clips:
            raise InputError("calibration set has no clips: make it again")
        return chosen


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
}


def _check_types(*values: Any) -> None:
    """`InputError` where a field that JSON can spell in several ways is not what it should be."""
    for value in values:
        for field in fields(value):
            kind = _TYPES.get(str(field.type))
            found = getattr(value, field.name)
            if kind is not None and (not isinstance(found, kind) or isinstance(found, bool)):
                raise InputError(
                    f"calibration set is malformed: {field.name} is {found!r}, not {field.type}: "
                    "make it again with `edgeecho calibrate select`"
                )


def read_set(path: Path) -> CalibrationSet:
    """Read `SET.json`; `InputError` where it is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the path") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is not JSON: give a set of `edgeecho calibrate select`"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is no calibration set: make one with `edgeecho calibrate select`")
    return CalibrationSet.from_dict(value)


class CalibrationClips:
    """The clips of a set, checked, to be gone through as often as is wanted.

    Each is cut when its turn comes, so memory holds one.
    """

    def __init__(
        self, chosen: CalibrationSet, spec: PreprocessSpec, *, data: Path | None = None
    ) -> None:
        """`data`: where the videos are now; None: where they were.

        `InputError` where the set was chosen for other preprocessing, where it names a video
        that is not of the TRAIN split, or where a file is not the one it was chosen from.
        """
        if chosen.preprocess_sha256 != spec.sha256():
            raise InputError(
                f"the calibration set was made for other preprocessing (sha256 "
                f"{chosen.preprocess_sha256[:12]}…, the checkpoint's is {spec.sha256()[:12]}…): "
                "make it again with `edgeecho calibrate select --model` a bundle of this checkpoint"
            )
        folder = Path(chosen.folder) if data is None else data
        self._spec = spec
        self._clips = chosen.clips
        videos = {video.name: video for video in read_dataset(folder)}
        self._videos: dict[str, LabelledVideo] = {}
        for clip in chosen.clips:
            video = videos.get(clip.video)
            if video is None or video.split != "TRAIN":
                raise InputError(
                    f"{clip.video} of the calibration set is not in the TRAIN split of {folder}: "
                    "a model that was calibrated on other videos could not be judged by them; "
                    "make the set again"
                )
            if sha256_file(video.path) != clip.video_sha256:
                raise InputError(
                    f"{video.path} was changed since the calibration set was made: "
                    "make the set again"
                )
            self._videos[clip.video] = video

    def __len__(self) -> int:
        return len(self._clips)

    def spread(self, n: int) -> CalibrationClips:
        """`n` of the clips, evenly over the set's order, which is that of their EF."""
        places = np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int).tolist()
        fewer = copy.copy(self)
        fewer._clips = tuple(self._clips[place] for place in places)
        return fewer

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Each clip `(1, 3, frames, S, S)`, normalised."""
        for clip in self._clips:
            frames = prepare_labelled(self._videos[clip.video], self._spec).frames
            pixels = cut_clip(frames, clip.start, self._spec)
            if hash_frames(pixels) != clip.frames_sha256:
                raise InputError(
                    f"{clip.video} gives other frames than when the calibration set was made: "
                    "make the set again with this version of edgeecho"
                )
            yield normalise_clip(pixels, self._spec)


def cut_clip(frames: NDArray[np.uint8], start: int, spec: PreprocessSpec) -> NDArray[np.uint8]:
    """`(T, S, S, 3)` -> `(frames, S, S, 3)`; fewer where the video is shorter than a clip."""
    return np.ascontiguousarray(frames[start : start + spec.window : spec.period])


def hash_frames(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of a clip's pixels."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def normalise_clip(pixels: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """`(n, S, S, 3)` -> `(1, 3, frames, S, S)`; what a short video lacks is mean grey (0)."""
    clip = np.zeros((1, 3, spec.frames, spec.size, spec.size), np.float32)
    clip[0, :, : len(pixels)] = normalise(pixels, spec)
    return clip
