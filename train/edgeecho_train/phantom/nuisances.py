"""Drawing everything that must not reveal the EF: anatomy, view, scanner settings, export.

None of these functions gets the ejection fraction.
"""

from __future__ import annotations

import math
import string

import numpy as np

from edgeecho_train.phantom.geometry import Defect, Heart, Wave, at_volume, tracing
from edgeecho_train.phantom.image import Appearance
from edgeecho_train.phantom.overlay import EcgStrip, Label, Overlay, ScannerExport, Ticks
from edgeecho_train.phantom.view import View

SIZE = 112
_DEFECT_SHARE = 0.3
_REPEAT_SHARE = 0.15
# EchoNet-Dynamic blackens what lies outside the sector; other sources do not.
_OVERLAY_SHARE = 0.25


def draw_heart(rng: np.random.Generator) -> Heart:
    """Draw a heart; `length_cm` includes foreshortening."""
    # A plane beside the apex shows a shorter ventricle, by the same factor at ED and ES.
    foreshortening = 1 - 0.15 * float(rng.uniform()) ** 2
    return Heart(
        length_cm=foreshortening * float(rng.uniform(7.8, 9.8)),
        diameter_cm=float(rng.uniform(4.2, 6.8)),
        wall_cm=float(rng.uniform(0.8, 1.1)),
        shortening=float(rng.uniform(0.14, 0.20)),
        wobble=tuple(
            Wave(float(rng.normal(0, 0.03)), half_waves, *map(float, rng.uniform(0, 6.28, 2)))
            for half_waves in (2, 3, 5)
        ),
        atrium=float(rng.uniform(0.85, 1.15)),
        right_heart=float(rng.uniform(0.8, 1.1)),
        defect=_draw_defect(rng) if rng.uniform() < _DEFECT_SHARE else None,
    )


def _draw_defect(rng: np.random.Generator) -> Defect:
    """Draw hypokinesia or akinesia of about one to three septal or lateral segments."""
    centre = float(rng.uniform(0.3, 0.7))
    return Defect(
        side=int(rng.integers(2)),
        centre=centre,
        half_length=float(rng.uniform(0.2, min(centre, 1 - centre))),
        loss=float(rng.uniform(0.3, 1.0)),
    )


def draw_view(rng: np.random.Generator, heart: Heart) -> View:
    """Draw a view that shows the whole end-diastolic ventricle, or the best of 40 draws."""
    views = []
    for _ in range(40):
        view = _draw_any_view(rng)
        reach = _reach(view, heart)
        views.append((reach, view))
        if reach < 0.93:
            return view
    return min(views, key=lambda pair: pair[0])[1]


def _reach(view: View, heart: Heart) -> float:
    """How far the ventricle extends towards the border of sector or picture; 1 touches it."""
    relaxed = at_volume(heart, 1.0)
    points = tracing(heart, relaxed)
    x, z = np.moveaxis(view.to_probe(points, relaxed, 0.0), -1, 0)
    middle = (view.size - 1) / 2
    pixels = view.to_pixels(points, relaxed, 0.0)
    return float(
        max(
            np.abs(np.arctan2(x, z)).max() / view.half_angle,
            np.hypot(x, z).max() / view.depth_cm,
            np.abs(pixels - middle).max() / middle,
        )
    )


def _draw_any_view(rng: np.random.Generator) -> View:
    depth = float(rng.uniform(13.5, 18))
    return View(
        apex_x_cm=float(rng.uniform(-0.3, 0.9)),
        apex_z_cm=float(rng.uniform(1.2, 2.4)),
        tilt=math.radians(float(rng.uniform(-6, 14))),
        sway_cm=float(rng.uniform(0, 0.25)),
        sway_hz=float(rng.uniform(0.15, 0.4)),
        sway_phase=float(rng.uniform(0, 2 * math.pi)),
        creep_cm_s=float(rng.normal(0, 0.04)),
        depth_cm=depth,
        half_angle=math.radians(float(rng.uniform(38, 46))),
        size=SIZE,
        # From a picture that cuts the sides of the sector to one with room to spare.
        cm_per_pixel=depth * float(rng.uniform(0.95, 1.3)) / SIZE,
        probe_x_px=(SIZE - 1) / 2 + float(rng.uniform(-4, 4)),
        probe_y_px=float(rng.uniform(-2, 6)),
    )


def draw_appearance(rng: np.random.Generator) -> Appearance:
    """Draw the scanner settings and the quality of the acoustic window."""
    return Appearance(
        gain_db=float(rng.uniform(18, 24)),
        dynamic_range_db=float(rng.uniform(40, 48)),
        gamma=float(rng.uniform(2.2, 2.6)),
        clutter=float(rng.uniform(0.3, 1.0)),
        noise=float(rng.uniform(0.1, 0.5)),
        shadow_db=float(rng.uniform(3, 12)),
        persistence=float(rng.uniform(0.35, 0.6)),
        decorrelation=float(rng.uniform(0.04, 0.16)),
        haze=float(rng.uniform(0, 1)),
        breath_db=float(rng.uniform(0, 1.2)),
    )


def draw_export(rng: np.random.Generator, view: View) -> ScannerExport:
    """Draw what happened to the pictures between the scanner and the file."""
    return ScannerExport(
        jpeg_quality=int(rng.integers(70, 99)),
        # At least three: at 25 frames/s, ED and ES then never fall between two pictures.
        repeat_every=int(rng.integers(3, 11)) if rng.uniform() < _REPEAT_SHARE else None,
        overlay=_draw_overlay(rng, view) if rng.uniform() < _OVERLAY_SHARE else None,
    )


def _draw_overlay(rng: np.random.Generator, view: View) -> Overlay:
    with_text, with_ticks, with_ecg = rng.uniform(size=3) < 0.65
    return Overlay(
        grey=int(rng.integers(110, 240)),
        labels=tuple(_draw_label(rng) for _ in range(rng.integers(1, 5))) if with_text else (),
        ticks=_ticks(view, float(rng.choice([2.0, SIZE - 6.0]))) if with_ticks else None,
        ecg=_draw_ecg(rng) if with_ecg else None,
    )


def _draw_label(rng: np.random.Generator) -> Label:
    """Draw random characters beside the sector's tip or along the bottom."""
    characters = rng.choice(list(string.ascii_uppercase + string.digits + " ."), 6)
    left = bool(rng.integers(2))
    return Label(
        text="".join(characters[: rng.integers(2, 7)]),
        x_px=float(rng.uniform(2, 12) if left else rng.uniform(SIZE - 34, SIZE - 22)),
        y_px=float(rng.choice([6, 11, 16, 21, SIZE - 8, SIZE - 3])),
    )


def _ticks(view: View, x_px: float) -> Ticks:
    spacing = 1 / view.cm_per_pixel
    room = SIZE - 2 - view.probe_y_px
    count = int(min(view.depth_cm, room / spacing)) + 1
    return Ticks(x_px=x_px, top_px=view.probe_y_px, spacing_px=spacing, count=count)


def _draw_ecg(rng: np.random.Generator) -> EcgStrip:
    left = float(rng.uniform(0, 12))
    return EcgStrip(
        left_px=left,
        width_px=float(rng.uniform(0.6, 1.0)) * (SIZE - left),
        baseline_px=float(rng.uniform(SIZE - 14, SIZE - 4)),
        height_px=float(rng.uniform(5, 10)),
        sweep_s=float(rng.uniform(2, 4)),
    )
