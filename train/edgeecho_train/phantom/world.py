"""What every world of synthetic echocardiograms gives to the writer of data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.population import PhantomRecipe


@dataclass(frozen=True, eq=False)
class Tracing:
    """The true contour of one frame."""

    frame: int
    lines_px: NDArray[np.float64]
    """(21, 2, 2) end points (X, Y) in pixels of the long axis, then of 20 short axes from apex to
    annulus."""


@dataclass(frozen=True, eq=False)
class SyntheticVideo:
    """One video with its labels."""

    name: str
    """File name without suffix."""
    frames: NDArray[np.uint8]
    """(T, H, W) grey levels."""
    fps: float
    split: str
    ef: float
    """Ejection fraction in %."""
    esv_ml: float
    edv_ml: float
    tracings: tuple[Tracing, ...]
    """End diastole, end systole, then others."""


@dataclass(frozen=True)
class World:
    """A way of making synthetic videos. Its functions are of a module, so that they can be sent to
    other processes."""

    command: str
    """The command that makes them, for the description of a data set."""
    video: Callable[[PhantomRecipe, int], SyntheticVideo]
    """Video number `index` of a recipe; it depends on (seed, index) only."""
