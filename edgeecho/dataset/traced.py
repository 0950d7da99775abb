"""The traced frames of a video, as masks of the picture that the network sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.dataset.tracings import Tracing, diastole_and_systole
from edgeecho.preprocess import Prepared, PreprocessSpec, fit_frames
from edgeecho.preprocess.sector import sector_to_size

FEWER_THAN_TWO = "fewer than two traced frames"
Masks = NDArray[np.bool_]


class NotUsableError(Exception):
    """A video whose tracings cannot be used; the message says why."""


@dataclass(frozen=True, eq=False)
class TracedPair:
    """End diastole and end systole, in this order."""

    frames: tuple[int, int]
    """Numbers of the decoded frames."""
    masks: Masks
    """`(2, S, S)`."""


def fit_tracings(
    tracings: Iterable[Tracing],
    prepared: Prepared,
    spec: PreprocessSpec,
    *,
    height: int,
    width: int,
) -> TracedPair:
    """The masks of a video's tracings, cropped and resized as its picture was.

    `height` and `width` are those of the decoded frames. `NotUsableError` if fewer than two frames
    are traced, or if an outline of theirs makes no sense or lies outside the crop.
    """
    traced = diastole_and_systole(tracings)
    if traced is None:
        raise NotUsableError(FEWER_THAN_TWO)
    ed, es = traced
    masks = fit_outlines(traced, prepared, spec, height=height, width=width)
    return TracedPair((ed.frame, es.frame), masks)


def fit_outlines(
    traced: Sequence[Tracing],
    prepared: Prepared,
    spec: PreprocessSpec,
    *,
    height: int,
    width: int,
) -> Masks:
    """The masks `(n, S, S)` of these tracings; see `fit_tracings`."""
    for tracing in traced:
        if fault := tracing.fault(len(prepared.fitted), height, width):
            raise NotUsableError(fault)
    stored = np.stack([tracing.mask(height, width) for tracing in traced])
    masks = fit_masks(stored, prepared, spec)
    if not masks.any(axis=(1, 2)).all():
        raise NotUsableError("an outline outside the part of the picture that is used")
    return masks


def fit_masks(masks: Masks, prepared: Prepared, spec: PreprocessSpec) -> Masks:
    """Masks of the stored picture `(n, H, W)`, cropped and resized as the picture itself was."""
    pictures = np.repeat(np.uint8(255) * masks[..., None], 3, axis=-1)
    if prepared.sector is None:
        fitted = fit_frames(pictures, spec)
    else:
        fitted = sector_to_size(pictures, prepared.sector, spec.size)
    return np.asarray(fitted[..., 0] > 127)
