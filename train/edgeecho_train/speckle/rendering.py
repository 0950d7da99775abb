"""Rendering a video: scatterers are placed in every frame and imaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.phantom.world import SyntheticVideo, World
from edgeecho_train.speckle.drawing import Drawn, draw
from edgeecho_train.speckle.motion import Instant, Places
from edgeecho_train.speckle.scanner import Scanner
from edgeecho_train.speckle.scatterers import Scatterers
from edgeecho_train.speckle.tissue import scatterers
from edgeecho_train.speckle.truth import contours, course, tracings
from edgeecho_train.speckle.ventricle import contour

Floats = NDArray[np.float64]

_WIDE_OPEN = 2.5
"""Filling, in strokes per second, at which the valves are wide open."""
_MARGIN_CM = 1.0


def speckle_video(recipe: PhantomRecipe, index: int) -> SyntheticVideo:
    """Video `index` of this world."""
    video, rng = draw(recipe, index)
    edv = video.heart.ventricle.edv_ml
    return SyntheticVideo(
        name=video.name,
        frames=render(video, rng),
        fps=video.fps,
        split=video.split,
        ef=video.ef,
        esv_ml=edv * (1 - video.ef / 100),
        edv_ml=edv,
        # A stream of its own: the pictures do not depend on what is traced.
        tracings=tracings(video, recipe.traced, np.random.default_rng((recipe.seed, index))),
    )


SPECKLE = World("edgeecho phantom --world speckle", speckle_video)


def render(video: Drawn, rng: np.random.Generator) -> NDArray[np.uint8]:
    """All frames `(T, H, W)` in grey levels; `rng` is for scatterers and noise."""
    shown, rest = course(video), contour(video.heart.ventricle, 0.0)
    tissue = scatterers(video.heart, rest, video.echo, lambda places: _seen(video, places), rng)
    cloud = Cloud(video, tissue, rng)
    scanner = Scanner(video.view, video.beam, video.settings, rng)
    openings = np.clip(shown.filling / _WIDE_OPEN, 0, 1).tolist()
    frames = []
    for outline, time, opening, share in zip(
        contours(video), shown.times_s.tolist(), openings, shown.emptied.tolist(), strict=True
    ):
        places = cloud.at(Instant(outline, opening), time, share)
        frames.append(scanner.frame(scanner.envelope(*places)))
    return np.stack(frames)


def _seen(video: Drawn, places: Places) -> NDArray[np.bool_]:
    """Whether points come into the sector, whose edges may pass them as the heart moves."""
    x, z = video.view.to_probe(*places, 0.0)
    r, angle = np.hypot(x, z), np.arctan2(x, z)
    edge = video.view.half_angle + _MARGIN_CM / np.maximum(r, 2)
    return np.asarray((np.abs(angle) < edge) & (r < video.view.depth_cm + _MARGIN_CM))


class Cloud:
    """All scatterers of a video as one set of points."""

    def __init__(
        self, video: Drawn, tissue: tuple[Scatterers, ...], rng: np.random.Generator
    ) -> None:
        self._view, self._tissue = video.view, tissue
        self._amplitude = np.concatenate([part.amplitude for part in tissue])
        # It must not grow with the EF, which could then be read from how speckle dissolves.
        turn = video.settings.twist * rng.standard_normal(len(self._amplitude))
        phase = rng.uniform(0, 2 * np.pi, len(self._amplitude))
        # Single precision: its sines are several times faster.
        self._phase, self._turn = phase.astype(np.float32), turn.astype(np.float32)
        self._layered = np.flatnonzero(
            np.concatenate([np.full(len(part.amplitude), part.slanted < 1) for part in tissue])
        )
        layers = [part for part in tissue if part.slanted < 1]
        self._across, self._along = (
            np.concatenate([part.normal[axis] for part in layers]) for axis in (0, 1)
        )
        self._slanted = np.concatenate(
            [np.full(len(part.amplitude), part.slanted) for part in layers]
        )

    def at(self, now: Instant, time_s: float, share: float) -> tuple[Floats, Floats, Floats]:
        """Positions (x, z) in cm in the probe frame, and amplitudes, of a frame.

        `share` is the emptied share: scatterers leave the plane as the heart twists.
        """
        places = [part.place(now) for part in self._tissue]
        u, w = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
        x, z = self._view.to_probe(u, w, time_s)
        amplitude = self._amplitude * np.sqrt(2) * np.cos(self._phase + share * self._turn)
        tilt = self._view.pose(time_s)[2]
        across = self._across * np.cos(tilt) + self._along * np.sin(tilt)
        along = self._along * np.cos(tilt) - self._across * np.sin(tilt)
        x_layer, z_layer = x[self._layered], z[self._layered]
        square = x_layer**2 + z_layer**2 + 1e-12
        head_on = (x_layer * across + z_layer * along) ** 2 / square
        amplitude[self._layered] *= self._slanted + (1 - self._slanted) * head_on
        return x, z, amplitude
