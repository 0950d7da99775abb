"""Calibration sets on disk: which clips of which videos they name, and cutting these again."""

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

SCHEMA = "edgeecho-calibration-set-1"


@dataclass(frozen=True)
class CalibrationClip:
    """A clip, described and hashed so that it can be cut again and verified."""

    video: str
    start: int
    """First frame."""
    ef: float
    """Label in %."""
    fps: float | None
    """Frame rate in frames/s by the data set's list; None if it does not state one."""
    brightness: float
    """Mean of the clip's pixels, 0..255."""
    video_sha256: str
    frames_sha256: str
    """SHA-256 of the clip's frames `(frames, S, S, 3) uint8` before normalisation."""


@dataclass(frozen=True)
class CalibrationSet:
    """The content of `SET.json`: clips of a data set, for a given preprocessing."""

    data: str
    folder: str
    """Folder of the data when the set was made."""
    file_list_sha256: str
    preprocess_sha256: str
    seed: int
    clips: tuple[CalibrationClip, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        return {"schema": SCHEMA, "edgeecho": VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CalibrationSet:
        """Inverse of `to_dict`; `InputError` for anything else."""
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
    """Raise `InputError` if a field has another JSON type than declared."""
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
    """Read a `SET.json`; `InputError` if it is not one."""
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
    """A re-iterable over the verified clips of a set.

    Clips are cut one at a time, so memory holds only one.
    """

    def __init__(
        self, chosen: CalibrationSet, spec: PreprocessSpec, *, data: Path | None = None
    ) -> None:
        """`data` is the folder of the videos; None takes the one in the set.

        `InputError` if the set was made for another preprocessing, names a video outside the TRAIN
        split, or a video was changed.
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
        """`n` of the clips, spread evenly over their EF, by which the set is sorted."""
        places = np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int).tolist()
        fewer = copy.copy(self)
        fewer._clips = tuple(self._clips[place] for place in places)
        return fewer

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield each clip `(1, 3, frames, S, S)`, normalised."""
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
    """Cut `(T, S, S, 3)` to `(frames, S, S, 3)`, or fewer if the video is shorter than a clip."""
    return np.ascontiguousarray(frames[start : start + spec.window : spec.period])


def hash_frames(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of a clip's pixels."""
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def normalise_clip(pixels: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """Normalise `(n, S, S, 3)` to `(1, 3, frames, S, S)`; missing frames are mean grey (0)."""
    clip = np.zeros((1, 3, spec.frames, spec.size, spec.size), np.float32)
    clip[0, :, : len(pixels)] = normalise(pixels, spec)
    return clip
