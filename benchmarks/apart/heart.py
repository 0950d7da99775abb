"""The beating four-chamber heart as ribbons (a line with thickness) and chamber outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apart.case import Anatomy
from apart.ventricle import contour


@dataclass(frozen=True)
class Ribbon:
    """A strip of tissue: line (M, 2), outward unit normals (M, 2) and thickness (M,)."""

    line: np.ndarray
    normal: np.ndarray
    thick: np.ndarray


@dataclass(frozen=True)
class Heart:
    """One moment: the LV outline, all blood chambers, all tissue ribbons."""

    cavity: np.ndarray
    chambers: tuple[np.ndarray, ...]
    ribbons: dict[str, Ribbon]


def ribbon(line: np.ndarray, thick: np.ndarray | float) -> Ribbon:
    """Ribbon whose thickness grows to the outside when a chamber is walked left, top, right."""
    step = np.empty_like(line)
    step[1:-1] = line[2:] - line[:-2]
    step[0], step[-1] = line[1] - line[0], line[-1] - line[-2]
    step /= np.sqrt(step[:, :1] ** 2 + step[:, 1:] ** 2) + 1e-9
    return Ribbon(line, step[:, ::-1] * np.array([1.0, -1.0]), np.broadcast_to(thick, len(line)))


def curve(a: np.ndarray, b: np.ndarray, c: np.ndarray, n: int = 24) -> np.ndarray:
    """Quadratic Bezier from a to c pulled to b."""
    t = np.linspace(0.0, 1.0, n)[:, None]
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c


def atrium(
    inner: np.ndarray, outer: np.ndarray, roof: float, bulge: float, lean: float
) -> np.ndarray:
    """Outline from the septal ring point round the roof to the outer ring point."""
    z = np.sin(np.linspace(0.0, 0.5 * np.pi, 30)) ** 1.2
    mid = 0.5 * (inner + outer)
    sign = np.sign(outer[0] - inner[0])
    half = 0.5 * abs(outer[0] - inner[0])
    straight = half * np.sqrt(1 - z**5) + lean * np.minimum(1.0, z / 0.3) * np.sqrt(1 - z**5)
    round_ = (half + bulge * np.sin(np.pi * np.minimum(z, 0.95))) * np.sqrt(1 - z**2.6)
    depth_in = inner[1] + (roof - inner[1]) * z
    depth_out = outer[1] + (roof - outer[1]) * z
    first = np.stack([mid[0] - sign * straight, depth_in], axis=1)
    second = np.stack([mid[0] + sign * round_, depth_out], axis=1)
    return np.vstack([first, second[-2::-1]])


def leaflet(
    hinge: np.ndarray, other: np.ndarray, reach: float, opening: float, tent: float
) -> np.ndarray:
    """A valve leaflet from its hinge; closed it meets the other one, open it points to the apex."""
    inward = (other - hinge) / (np.hypot(*(other - hinge)) + 1e-9)
    up = np.array([0.0, -1.0])
    closed = hinge + reach * (other - hinge) + tent * up
    size = np.hypot(*(closed - hinge)) * (1.08 + 0.2 * opening)
    angle = opening * 0.98
    base = closed - hinge
    start = np.arctan2(base @ up, base @ inward)
    tip = hinge + size * (np.cos(start + angle) * inward + np.sin(start + angle) * up)
    pull = hinge + 0.5 * size * (
        np.cos(start + 0.45 * angle) * inward + np.sin(start + 0.45 * angle) * up
    )
    return curve(hinge, pull + (1 - opening) * np.array([0.0, 1.2]), tip)


def build(a: Anatomy, squeeze: float, mitral: float, atrial: float) -> Heart:
    """The heart at one contraction, valve opening and atrial squeeze."""
    endo, thick = contour(a, squeeze)
    wall = ribbon(endo, thick)
    epi = endo + wall.normal * thick[:, None]
    parts = {"lv": wall}
    share = np.linspace(a.rv_start, 1.0, 50)
    left = epi[: len(epi) // 2 + 1][::-1]
    where = np.sqrt(share) * (len(left) - 1)
    septal = np.stack([np.interp(where, np.arange(len(left)), left[:, i]) for i in (0, 1)], axis=1)
    z = (share - a.rv_start) / (1.0 - a.rv_start)
    gap = a.rv_width * np.sin(0.5 * np.pi * z) ** 0.8 * (1 - 0.15 * z**4) * (1 - a.rv_ew * squeeze)
    free = septal + np.stack([-gap, -a.tapse * squeeze * z**2 + 0.06 * gap], axis=1)
    parts["rv"] = ribbon(free[::-1], a.rv_wall * (1 + 0.4 * squeeze))
    lateral, medial = endo[-1], endo[0]
    t_in, t_out = septal[-1] + np.array([0.0, -4.0]), free[-1]
    floor = a.length
    fill = 1.0 + 0.16 * squeeze - 0.14 * atrial
    la = atrium(
        medial,
        lateral,
        floor + a.la_height,
        a.la_bulge * fill + 2 * squeeze - 2 * atrial,
        0.28 * a.wall,
    )
    ra = atrium(t_in, t_out, floor + a.ra_height, a.ra_bulge * fill, 0.28 * a.wall)
    parts["la"] = ribbon(la[::-1], 2.6)
    parts["ra"] = ribbon(ra, 2.4)
    opening = 0.08 + 0.92 * mitral
    shut = 5.5 - 2.0 * squeeze
    parts["anterior"] = ribbon(leaflet(medial, lateral, 0.62, mitral, shut), 1.3)
    parts["posterior"] = ribbon(leaflet(lateral, medial, 0.42, mitral, shut), 1.5)
    parts["septal_tv"] = ribbon(leaflet(t_in, t_out, 0.42, opening * 0.8, 5.0), 1.0)
    parts["outer_tv"] = ribbon(leaflet(t_out, t_in, 0.60, opening * 0.9, 4.0), 1.0)
    n = len(endo)
    for name, place, size in (
        ("papillary", 0.845, a.papillary),
        ("papillary_2", 0.74, 0.7 * a.papillary),
    ):
        foot = endo[int(place * n)] + 1.5 * wall.normal[int(place * n)]
        aim = 0.75 * lateral + 0.25 * medial - foot
        tip = foot - wall.normal[int(place * n)] * 0.9 * size + aim / np.hypot(*aim) * 2.1 * size
        body = curve(foot, 0.5 * (foot + tip) - 0.2 * size * wall.normal[int(place * n)], tip, 16)
        parts[name] = ribbon(body, size * np.linspace(1.25, 0.5, 16))
        valve = parts["posterior" if place > 0.8 else "anterior"].line[-1]
        parts["chord_" + name] = ribbon(curve(tip, 0.5 * (tip + valve), valve, 12), 0.7)
    outer = epi + wall.normal * (0.6 + a.effusion)
    parts["pericardium"] = ribbon(outer[n // 2 - 14 :], 1.6)
    parts["rv_pericardium"] = ribbon(
        free[::-1] + parts["rv"].normal * (a.rv_wall + 0.8 + 0.7 * a.effusion), 1.3
    )
    parts["moderator"] = ribbon(curve(septal[24], 0.5 * (septal[24] + free[30]), free[30]), 2.2)
    parts["lead"] = ribbon(
        np.vstack(
            [
                curve(ra[22], 0.5 * (t_in + t_out), septal[30] + [-9.0, 0.0]),
                curve(septal[30] + [-9.0, 0.0], septal[18] + [-6.0, 0], septal[8] - [3, 0]),
            ]
        ),
        1.2,
    )
    rv = np.vstack([septal, free[::-1]])
    return Heart(endo, (endo, rv, la, ra), parts)
