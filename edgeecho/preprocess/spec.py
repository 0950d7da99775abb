"""The preprocessing spec: how a video becomes network input, fixed at training."""

from __future__ import annotations

import hashlib
import json
import math
import re
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from edgeecho.common.errors import ModelError

# Each has a single supported value so far. They are in the spec so that one with another value is
# refused, and not treated as if it had this one.
_SUPPORTED = {
    "padding": "zeros-after-normalisation",
    "fit": "center-square",
    "interpolation": "cubic",
}
# Limits, because memory is allocated from a spec, and it may be untrusted. A clip of 32x2 frames of
# 112x112 pixels spans 0.8 million pixels.
_MOST = 4096
_MOST_PIXELS = 64 << 20
_MOST_FPS = 1000.0


@dataclass(frozen=True)
class PreprocessSpec:
    """The preprocessing used in training, which every later stage must repeat exactly.

    The defaults are EchoNet-Dynamic's (Ouyang et al., Nature 2020): 32 frames, every second one,
    112x112 pixels. `mean` and `std` have no default, because they belong to the training set.
    """

    mean: tuple[float, float, float]
    """Per-channel mean (R, G, B) on the 0..255 scale."""
    std: tuple[float, float, float]
    """Per-channel standard deviation (R, G, B) on the 0..255 scale."""
    frames: int = 32
    """Frames in a clip."""
    period: int = 2
    """Sampling period: a clip takes every `period`-th video frame."""
    size: int = 112
    """Height and width of a clip in pixels."""
    training_fps: float | None = None
    """Median frame rate of the training set in frames/s, if known."""
    time: str = "native"
    """`native`: clips take video frames by index, whatever the frame rate, as published.
    `resample(FPS)`: videos are first resampled to FPS frames/s by their time stamps."""
    padding: str = "zeros-after-normalisation"
    """A video that is too short is padded with mean grey, not with black."""
    fit: str = "center-square"
    """Frames of another size are cropped to the central square and resized. (`prepare` crops the
    sector before.)"""
    interpolation: str = "cubic"
    """Resize filter of `fit`."""

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            value = getattr(self, name)
            if len(value) != 3 or not all(math.isfinite(v) and abs(v) <= 1e6 for v in value):
                raise ModelError(f"preprocess spec: {name} must be three finite numbers")
        if min(self.std) <= 0:
            raise ModelError("preprocess spec: std must be positive")
        self._check_clip()
        rate = self.training_fps
        if rate is not None and not (type(rate) in (float, int) and 0 < rate <= _MOST_FPS):
            raise ModelError(
                f"preprocess spec: training_fps must be null or a number above 0, at most "
                f"{_MOST_FPS:g}"
            )
        if self.time != "native" and self.resample_fps is None:
            raise ModelError(
                f"preprocess spec: time={reprlib.repr(self.time)} is not known to this version of "
                "edgeecho (it knows 'native' and 'resample(FPS)', up to "
                f"{_MOST_FPS:g}): upgrade edgeecho"
            )
        for name, supported in _SUPPORTED.items():
            if getattr(self, name) != supported:
                raise ModelError(
                    f"preprocess spec: {name}={reprlib.repr(getattr(self, name))} is not known to "
                    f"this version of edgeecho (it knows {supported!r}): upgrade edgeecho"
                )

    def _check_clip(self) -> None:
        for name in ("frames", "period", "size"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= _MOST:
                raise ModelError(
                    f"preprocess spec: {name} must be a whole number, at least 1, at most {_MOST}"
                )
        if self.frames * self.period * self.size**2 > _MOST_PIXELS:
            raise ModelError(
                f"preprocess spec: {self.frames} frames, every {self.period}. one, of "
                f"{self.size}x{self.size} pixels are more than a clip of a heart can be"
            )

    @property
    def resample_fps(self) -> float | None:
        """Frame rate to which videos are resampled, in frames/s; None for `native`."""
        match = re.fullmatch(r"resample\(([0-9]+(?:\.[0-9]+)?)\)", str(self.time))
        rate = float(match.group(1)) if match else 0.0
        return rate if 0 < rate <= _MOST_FPS else None

    @property
    def window(self) -> int:
        """Number of video frames from a clip's first to its last, both included: 63 for 32x2."""
        return (self.frames - 1) * self.period + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON; `from_dict` gives the same spec back."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PreprocessSpec:
        """Read a spec; `ModelError` if a field is missing or unknown."""
        if not isinstance(value, Mapping):
            raise ModelError(f"preprocess spec: expected its fields, got {reprlib.repr(value)}")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(map(str, value.keys() - known)):
            raise ModelError(
                f"preprocess spec: unknown field {', '.join(unknown)}: upgrade edgeecho"
            )
        # No field has a default here: a lost field must not become another number.
        if missing := sorted(known - set(value)):
            raise ModelError(f"preprocess spec: {', '.join(missing)} missing")
        try:
            channels = {
                "mean": tuple(float(v) for v in value["mean"]),
                "std": tuple(float(v) for v in value["std"]),
            }
            return cls(**{**value, **channels})
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"preprocess spec: {error}") from error

    def sha256(self) -> str:
        """SHA-256 of the canonical JSON: equal hashes mean equal preprocessing."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
