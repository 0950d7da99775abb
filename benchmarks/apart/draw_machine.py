"""Drawing the machine's look and the screen."""

from __future__ import annotations

import numpy as np

from apart.case import Machine, Screen


def draw_machine(rng: np.random.Generator, half: float, depth: float) -> Machine:
    """Beam, gain, grey map and artefacts."""
    poor = rng.random()
    shadows = []
    if rng.random() < 0.4:  # a rib or lung at one edge, over the whole depth
        side = rng.choice([-1.0, 1.0])
        shadows.append(
            (side * half * rng.uniform(0.7, 1.0), rng.uniform(0.07, 0.2), 0.0, rng.uniform(8, 26))
        )
    shadows += [  # deeper ones
        (
            rng.uniform(-0.8, 0.8) * half,
            rng.uniform(0.025, 0.08),
            rng.uniform(0.25, 0.75) * depth,
            rng.uniform(5, 18),
        )
        for _ in range(int(rng.integers(0, 3)))
    ]
    if rng.random() < 0.35:  # lateral wall dropout
        shadows.append(
            (
                rng.uniform(0.35, 0.7) * half,
                rng.uniform(0.08, 0.16),
                rng.uniform(15, 50),
                rng.uniform(5, 13),
            )
        )
    return Machine(
        half_angle=half,
        depth=depth,
        near=rng.uniform(1.0, 4.0),
        beams=int(rng.integers(96, 160)),
        wavelength=1.54 / rng.uniform(1.7, 3.6),
        axial=rng.uniform(0.45, 0.85),
        lateral=rng.uniform(0.008, 0.019),
        focus=rng.uniform(50, 110),
        side_lobe=rng.uniform(0.1, 0.6),
        anisotropy=rng.uniform(0.5, 1.0),
        blood_db=rng.uniform(-42, -26) + 4 * poor,
        outside_db=rng.uniform(-26, -10),
        gain_db=rng.uniform(-9, 5),
        range_db=rng.uniform(36, 66),
        gamma=rng.uniform(0.85, 1.7),
        tgc=tuple(float(v) for v in rng.normal(0, 2.6, 8)),
        noise_db=rng.uniform(-62, -40) + 8 * poor,
        clutter_db=rng.uniform(-18, 3),
        haze_db=rng.uniform(-46, -30) + 9 * poor,
        shadows=tuple(tuple(float(v) for v in s) for s in shadows),
        persistence=float(rng.choice([0.0, rng.uniform(0.1, 0.55)])),
        smooth=float(rng.choice([0.0, rng.uniform(0.4, 1.0)])),
    )


def draw_screen(rng: np.random.Generator, m: Machine, reach_x: float) -> Screen:
    """Half are 112 x 112 squares (sides of the sector may be cut off), half 600 x 800 screens."""
    flip_x, flip_y = bool(rng.random() < 0.15), bool(rng.random() < 0.06)
    small = bool(rng.random() < 0.5)
    wide = 2 * m.depth * np.sin(m.half_angle)
    tint = (1.0, 1.0, 1.0)
    if small:
        height = width = 112
        scale = min(
            rng.uniform(100, 112) / m.depth, 112 / wide * rng.uniform(1.0, 1.6), 51 / reach_x
        )
        top = (height - scale * m.depth) * rng.uniform(0.1, 0.9)
        x = width / 2 + rng.uniform(-3, 3)
        border, marks = 0, (False,) * 4
    else:
        height, width = 600, 800
        scale = min(rng.uniform(440, 520) / m.depth, 640 / wide)
        top = rng.uniform(25, 45)
        x = width / 2 + rng.uniform(-40, 40)
        border = int(rng.choice([0, 0, 0, 12, 28, 60]))
        tint = ((1.0, 1.0, 1.0), (1.1, 1.0, 0.86), (0.9, 1.0, 1.14), (1.06, 1.0, 0.95))[
            int(rng.integers(0, 4))
        ]
        marks = tuple(bool(rng.random() < p) for p in (0.7, 0.75, 0.6, 0.6))
    y = height - top if flip_y else top
    if flip_y and not small:
        y = height - 70.0
    return Screen(
        height, width, float(scale), float(x), float(y), flip_x, flip_y, tint, border, *marks
    )
