"""Rendering a video: scatterers are placed in every frame and imaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.population import PhantomRecipe
from edgeecho_train.phantom.world import SyntheticVideo, World
from edgeecho_train.speckle.drawing import Drawn, draw
from edgeecho_train.speckle.heart import Instant
from edgeecho_train.speckle.scanner import Scanner
from edgeecho_train.speckle.tissue import Scatterers, scatterers
from edgeecho_train.speckle.truth import contours, course, tracings
from edgeecho_train.speckle.ventricle import contour

Floats = NDArray[np.float64]

_WIDE_OPEN = 2.5
"""Filling, in strokes per second, at which the valves are wide open."""
_HEAD_ON = 3.0
"""Exponent of the specular part over the cosine between beam and normal."""


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
    tissue = scatterers(video.heart, rest, video.echo, rng)
    cloud = Cloud(video, tissue, rng)
    scanner = Scanner(video.view, video.beam, video.settings, rng)
    openings = np.clip(shown.filling / _WIDE_OPEN, 0, 1).tolist()
    frames = []
    for outline, time, opening, share in zip(
        contours(video), shown.times_s.tolist(), openings, shown.emptied.tolist(), strict=True
    ):
        now = Instant(outline, rest, video.heart.top, opening)
        frames.append(scanner.frame(scanner.envelope(*cloud.at(now, time, share))))
    return np.stack(frames)


class Cloud:
    """All scatterers of a video as one set of points."""

    def __init__(
        self, video: Drawn, tissue: tuple[Scatterers, ...], rng: np.random.Generator
    ) -> None:
        self._view, self._tissue = video.view, tissue
        self._amplitude, self._across, self._along = (
            np.concatenate([getattr(part, name) for part in tissue])
            for name in ("amplitude", "across", "along")
        )
        count = len(self._amplitude)
        self._phase = rng.uniform(0, 2 * np.pi, count)
        self._turn = video.settings.twist * video.ef / 100 * rng.standard_normal(count)
        self._mirror = (self._across != 0) | (self._along != 0)

    def at(self, now: Instant, time_s: float, share: float) -> tuple[Floats, Floats, Floats]:
        """Positions (x, z) in cm in the probe frame, and amplitudes, of a frame.

        `share` is the emptied share: scatterers leave the plane as the heart twists.
        """
        places = [part.place(now) for part in self._tissue]
        u, w = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
        x, z = self._view.to_probe(u, w, time_s)
        amplitude = self._amplitude * np.sqrt(2) * np.cos(self._phase + share * self._turn)
        mirror = self._mirror
        tilt = self._view.pose(time_s)[2]
        across = self._across[mirror] * np.cos(tilt) + self._along[mirror] * np.sin(tilt)
        along = self._along[mirror] * np.cos(tilt) - self._across[mirror] * np.sin(tilt)
        r = np.hypot(x[mirror], z[mirror]) + 1e-6
        cosine = np.abs(x[mirror] * across + z[mirror] * along) / r
        amplitude[mirror] *= cosine**_HEAD_ON
        return x, z, amplitude
