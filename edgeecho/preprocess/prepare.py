"""Preparing a decoded video for the network: sector crop, mask, resize and temporal resampling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import (
    DEFAULT_LIMITS,
    FROM_USER,
    NO_SITE,
    Cine,
    DecodeLimits,
    Region,
    SiteViews,
)
from edgeecho.common.errors import InputError, UsageError
from edgeecho.preprocess.frames import fit_frames
from edgeecho.preprocess.motion import Floats, squared_distances
from edgeecho.preprocess.rectangles import distinct, same
from edgeecho.preprocess.resampling import count_resampled, find_gaps, resample_places
from edgeecho.preprocess.sector import Sector, crop_sector, find_sector, sector_to_size
from edgeecho.preprocess.spec import PreprocessSpec

PLAUSIBLE_FPS = (15.0, 150.0)
"""Plausible frame rates of an echocardiogram; a file's rate outside them is taken for an error."""
# EchoNet-Dynamic's frame size: such frames were cropped and masked when the data set was made.
_CUT_OUT = (112, 112)
# Maximum share of a clip's frames in gaps: if the heart stands still for longer, its EF is made up.
_MOST_EMPTY = 0.25


@dataclass(frozen=True)
class Handling:
    """The user's preprocessing options for a video."""

    time: str | None = None
    """`native` or `resample`; overrides the model's spec."""
    crop: Region | None = None
    """Rectangle to crop instead of searching for the sector."""
    find_sector: bool = True
    """If False, the central square is taken and nothing is masked."""
    views: SiteViews = NO_SITE
    """What the site's own texts and codes of views mean; for reading the file."""

    def __post_init__(self) -> None:
        if self.time not in (None, "native", "resample"):
            raise UsageError(f"--time {self.time!r} is not known: choose native or resample")
        if self.crop is not None and not self.find_sector:
            raise UsageError("--crop and --no-crop exclude each other: give one of them")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A video as the network will see it, before normalisation, and how it was made."""

    frames: NDArray[np.uint8]
    """`(T', S, S, 3)` RGB."""
    fitted: NDArray[np.uint8]
    """`(T, S, S, 3)` RGB: the decoded frames, cropped and resized, before temporal resampling."""
    times_s: NDArray[np.float64]
    """`(T',)` time of each frame in s from the first; NaN if the frame rate is unknown."""
    source: NDArray[np.intp]
    """`(T',)` number of the decoded frame that each frame shows."""
    fps: float | None
    """Rate of `frames`: the spec's after resampling, otherwise the file's."""
    time: str
    """`native` or `resample(FPS)`."""
    area: str
    """The part of the image that is used: `whole` (cropped before), `central square`, or how the
    sector was found."""
    sector: Sector | None
    pixel_mm: float | None = None
    """Side of a pixel of `frames` in mm; None if the file does not say it."""
    pixel_doubt: str | None = None
    """Why what the file says of that size is not used."""
    lost: bool = False
    """Whether frames of the file are lost, so that `source` does not count those of the file."""
    notes: tuple[str, ...] = ()
    """Where resampling repeats frames because the file has none, as text for the result."""

    @cached_property
    def distances(self) -> Floats:
        """Squared distances of all pairs of `fitted`; see `squared_distances`."""
        return squared_distances(self.fitted)


def prepare(
    cine: Cine,
    spec: PreprocessSpec,
    handling: Handling | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> Prepared:
    """Crop and mask the sector, resize it, and resample it to the spec's frame rate.

    `InputError` if the crop reaches outside the image. If the video must be resampled, also if its
    frame rate is unknown or implausible, a gap in its time stamps is too long, or the result would
    exceed the limits.
    """
    handling = handling or Handling()
    fitted, area, sector = _cut(cine, spec, handling)
    frames, times, fps = fitted, cine.timestamps_s, cine.fps
    source, notes = np.arange(len(frames)), tuple[str, ...]()
    rate = _target_rate(spec, handling)
    if rate is not None:
        _check_rate(cine)
        notes = _check_gaps(times, rate, spec)
        if (count := count_resampled(times, rate)) > len(fitted):
            limits.check_resampled(count, fitted[0].nbytes)
        source = resample_places(times, rate)
        frames = fitted[source]
        times, fps = np.arange(len(frames)) / rate, rate
    pixel_mm, pixel_doubt = _pixel_mm(cine, spec, sector)
    return Prepared(
        frames=frames,
        fitted=fitted,
        times_s=times,
        source=source,
        fps=fps,
        time="native" if rate is None else f"resample({rate:g})",
        area=area,
        sector=sector,
        pixel_mm=pixel_mm,
        pixel_doubt=pixel_doubt,
        lost=cine.missing > 0,
        notes=notes,
    )


def _pixel_mm(
    cine: Cine, spec: PreprocessSpec, sector: Sector | None
) -> tuple[float | None, str | None]:
    """Side of a prepared pixel in mm, and why it is not known although the file says it."""
    if cine.pixel_mm is None:
        return None, cine.pixel_doubt
    height, width = cine.frames.shape[1:3]
    least = min(height, width)
    central = ((width - least) // 2, (height - least) // 2, least)
    x, y, side = sector.square if sector else central
    middle = Region(max(x + side // 2, 0), max(y + side // 2, 0), 1, 1)
    # A sector that is found in the frames although there are regions is not in them.
    elsewhere = sector is not None and sector.method == "found in the frames"
    if elsewhere or not any(same(middle, region) for region in cine.regions):
        return None, "the size of a pixel is not used: its region is not where the sector is"
    return cine.pixel_mm * side / spec.size, None


def _cut(
    cine: Cine, spec: PreprocessSpec, handling: Handling
) -> tuple[NDArray[np.uint8], str, Sector | None]:
    height, width = cine.frames.shape[1:3]
    sector = None
    if handling.crop is not None:
        inside = handling.crop.inside(height, width)
        if inside != handling.crop:
            raise InputError(
                f"the crop reaches outside the image of {width}x{height}: give another --crop"
            )
        sector = crop_sector(handling.crop)
    elif (height, width) in (_CUT_OUT, (spec.size, spec.size)) and not (
        handling.find_sector and len(distinct(cine.regions)) > 1
    ):
        return fit_frames(cine.frames, spec), "whole", None
    elif handling.find_sector:
        sector = find_sector(cine.frames, cine.regions)
    if sector is None:
        return fit_frames(cine.frames, spec), "central square", None
    return sector_to_size(cine.frames, sector, spec.size), sector.method, sector


def _target_rate(spec: PreprocessSpec, handling: Handling) -> float | None:
    if handling.time == "native":
        return None
    if handling.time == "resample" and spec.resample_fps is None:
        if spec.training_fps is None:
            raise UsageError(
                "--time resample: the model does not say at what frame rate it was trained: "
                "leave it out"
            )
        return spec.training_fps
    return spec.resample_fps


def _check_rate(cine: Cine) -> None:
    low, high = PLAUSIBLE_FPS
    if cine.fps is None:
        raise InputError(
            f"{cine.why_no_rate}, and the video must be resampled: give the frame rate with --fps"
        )
    if cine.fps_source != FROM_USER and not low <= cine.fps <= high:
        raise InputError(
            f"the file says {cine.fps:g} frames/s ({cine.fps_source}), which no echocardiogram "
            f"has, and the video must be resampled: give the true rate with --fps"
        )


def _check_gaps(times: NDArray[np.float64], rate: float, spec: PreprocessSpec) -> tuple[str, ...]:
    gaps = find_gaps(times, rate, spec.window)
    if gaps is None:
        return ()
    where = f"no frame for {gaps.longest_s:.2f} s after {gaps.after_s:.2f} s"
    if gaps.frames_in_clip > _MOST_EMPTY * spec.window:
        raise InputError(
            f"{where}: resampling would make {gaps.frames_in_clip} of a clip's {spec.window} "
            "frames of a still: give --fps if the time stamps are wrong, or --time native"
        )
    count = count_resampled(times, rate)
    return (f"{where}: there, resampling repeats its neighbours ({gaps.frames} of {count} frames)",)
