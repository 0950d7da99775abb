"""Rendering a phantom's frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.anatomy import Anatomy
from edgeecho_train.phantom.geometry import at_volume, cavity_volume_ml
from edgeecho_train.phantom.image import Scanner
from edgeecho_train.phantom.overlay import Screen
from edgeecho_train.phantom.population import Phantom
from edgeecho_train.phantom.truth import course

_WIDE_OPEN = 2.0
"""Filling rate, in stroke volumes per second, at which the valves are fully open."""


@dataclass(frozen=True, eq=False)
class RenderedVideo:
    """A rendered phantom with its labels."""

    frames: NDArray[np.uint8]
    """(T, H, W) grey levels."""
    edv_ml: float
    esv_ml: float


def render(phantom: Phantom, rng: np.random.Generator) -> RenderedVideo:
    """Render all frames; `rng` is for speckle and noise."""
    ef = phantom.ef / 100
    shown = course(phantom)
    times, volumes = shown.times_s, shown.volumes
    openings = np.clip(shown.filling / (ef * _WIDE_OPEN), 0, 1)
    scanner = Scanner(phantom.view, phantom.appearance, rng)
    anatomy = Anatomy(phantom.heart, phantom.view, scanner.grid)
    screen = Screen(
        phantom.export, phantom.view.size, phantom.rr_s, phantom.start_s, p_wave=phantom.kick > 0
    )

    frames = np.empty((phantom.frames, phantom.view.size, phantom.view.size), np.uint8)
    for i, time in enumerate(times.tolist()):
        if i and time == times[i - 1]:
            frames[i] = frames[i - 1]
            continue
        # The atria are full when the ventricle is empty.
        atrium = 1.08 - 0.16 * (volumes[i] - (1 - ef)) / ef
        ventricle = at_volume(phantom.heart, float(volumes[i]))
        scene = anatomy.scene(ventricle, time, float(openings[i]), float(atrium))
        frames[i] = screen.show(scanner.frame(scene, time), time)

    return RenderedVideo(
        frames=frames,
        edv_ml=cavity_volume_ml(phantom.heart),
        esv_ml=cavity_volume_ml(phantom.heart, 1 - ef),
    )
