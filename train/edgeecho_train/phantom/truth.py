"""What is true of every frame of a phantom: its time, volume, mask and tracing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.cardiac_cycle import Floats, end_frames, plateau_ends, volume_curve
from edgeecho_train.phantom.geometry import at_volume, outline, profile, tracing
from edgeecho_train.phantom.overlay import picture_times
from edgeecho_train.phantom.population import Phantom
from edgeecho_train.phantom.world import Tracing

_OUTLINE_STEPS = 512


@dataclass(frozen=True, eq=False)
class Course:
    """A phantom over time, in arrays `(T,)`."""

    times_s: Floats
    """When the picture in each frame was taken, in s; a repeated picture keeps its time."""
    volumes: Floats
    """Fractions of the end-diastolic volume."""
    filling: Floats
    """dV/dt in end-diastolic volumes per second."""


def course(phantom: Phantom) -> Course:
    """The course of a phantom's volume, as its frames show it."""
    curve = volume_curve(phantom.rr_s, phantom.ef / 100, phantom.kick)
    times = picture_times(phantom.frames, phantom.fps, phantom.export.repeat_every)
    since = phantom.start_s + times
    return Course(times, curve.volume(since), curve.rate(since))


def end_times(phantom: Phantom) -> Floats:
    """When end diastole and end systole of each beat end, `(n, 2)` in s from the first frame.

    Each is a plateau of the volume; beats may lie before the first frame or after the last.
    """
    ends, onset = [], -phantom.start_s
    for rr in phantom.rr_s:
        diastole, systole = plateau_ends(rr, phantom.kick)
        ends.append((onset + diastole, onset + systole))
        onset += rr
    return np.array(ends)


def tracings(phantom: Phantom, count: int, rng: np.random.Generator) -> tuple[Tracing, ...]:
    """End diastole, end systole, then others up to `count`, drawn from all frames of the video."""
    shown = course(phantom)
    ends = end_frames(shown.volumes, phantom.ef / 100)
    others = [frame for frame in rng.permutation(phantom.frames).tolist() if frame not in ends]

    def traced(frame: int) -> Tracing:
        ventricle = at_volume(phantom.heart, float(shown.volumes[frame]))
        lines, time = tracing(phantom.heart, ventricle), float(shown.times_s[frame])
        return Tracing(frame, phantom.view.to_pixels(lines, ventricle, time))

    return tuple(map(traced, (*ends, *others[: count - len(ends)])))


def masks(phantom: Phantom) -> NDArray[np.bool_]:
    """The left ventricle in every frame, `(T, H, W)`: pixels whose centres lie in the contour."""
    view, heart = phantom.view, phantom.heart
    rows, columns = np.indices((view.size, view.size))
    x = (columns - view.probe_x_px) * view.cm_per_pixel
    z = (rows - view.probe_y_px) * view.cm_per_pixel
    cos, sin = np.cos(view.tilt), np.sin(view.tilt)
    steps = np.linspace(0, 1, _OUTLINE_STEPS)
    shown = course(phantom)
    filled = np.empty((phantom.frames, view.size, view.size), bool)
    for frame, (time, volume) in enumerate(zip(shown.times_s, shown.volumes, strict=True)):
        ventricle = at_volume(heart, float(volume))
        apex_x, apex_z = view.apex(float(time))
        u = (x - apex_x) * cos - (z - apex_z) * sin
        w = (x - apex_x) * sin + (z - apex_z) * cos - ventricle.apical_wall
        half_widths = outline(heart, ventricle.relaxation, steps) * profile(steps)
        septal, lateral = half_widths * ventricle.radius
        inside = (w >= 0) & (w <= ventricle.length)
        u, s = u[inside], w[inside] / ventricle.length
        reach = np.where(u < 0, np.interp(s, steps, septal), np.interp(s, steps, lateral))
        inside[inside] = np.abs(u) <= reach
        filled[frame] = inside
    return filled
