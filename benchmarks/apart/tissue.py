"""Point scatterers fixed to the tissue (material coordinates) and carried by the moving ribbons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apart.case import Anatomy, Case
from apart.heart import Heart


@dataclass(frozen=True)
class Strip:
    """Scatterers of one ribbon: place along and across (0..1), amplitude, mirror-likeness."""

    along: np.ndarray
    across: np.ndarray
    amp: np.ndarray
    mirror: float
    slice_: np.ndarray  # place through the plane, 0..1


def strip(
    rng: np.random.Generator,
    count: int,
    db: float,
    mirror: float,
    low: float = 0.0,
    high: float = 1.0,
) -> Strip:
    """A uniform strip with Rayleigh-like random strengths."""
    amp = rng.gamma(1.5, 1.0 / 1.5, count) * 10 ** (db / 20.0)
    sign = rng.choice([-1.0, 1.0], count)
    return Strip(
        rng.random(count), rng.uniform(low, high, count), amp * sign, mirror, rng.random(count)
    )


def seed_tissue(case: Case) -> dict[str, list[Strip]]:
    """All scatterers of a case, by ribbon name."""
    rng = np.random.default_rng([case.seed, case.index, 11])
    a: Anatomy = case.anatomy
    lv = strip(rng, 7000, 0.0, 0.45)
    layer = 1.0 + 0.25 * np.sin(2 * np.pi * (lv.across * 2.2 + rng.random()))
    lv = patchy(rng, Strip(lv.along, lv.across, lv.amp * layer, lv.mirror, lv.slice_), 3.2, 14)
    inner = patchy(rng, strip(rng, 1500, rng.uniform(-1, 5), 0.9, 0.0, 0.1), 4.0, 12)
    rough = strip(rng, 900, -2.0, 0.3, -a.trabeculae, 0.05)
    apical = np.exp(-(((rough.along - 0.5) / 0.22) ** 2))
    rough = Strip(rough.along, rough.across, rough.amp * apical, 0.3, rough.slice_)
    out: dict[str, list[Strip]] = {"lv": [lv, inner, rough]}
    veins = rng.uniform(0.3, 0.7, 2)
    for name, count, db in (("rv", 2600, -1.0), ("la", 2200, -1.0), ("ra", 2000, -2.0)):
        s = patchy(rng, strip(rng, count, db + rng.uniform(-5, 1), 0.8), 5.0, 11)
        if name == "la":
            hole = np.min(np.abs(s.along[:, None] - veins[None]), axis=1) < 0.03
            s = Strip(s.along, s.across, s.amp * np.where(hole, 0.1, 1.0), s.mirror, s.slice_)
        out[name] = [s]
    for name in ("anterior", "posterior"):
        out[name] = [
            strip(rng, 320, rng.uniform(3, 9), 0.25),
            hinge(rng, 14.0 if a.ring_calcium else rng.uniform(0, 5)),
        ]
    for name in ("septal_tv", "outer_tv"):
        out[name] = [strip(rng, 220, 4.0, 0.25), hinge(rng, 2.0)]
    if a.papillary > 0:
        for name in ("papillary", "papillary_2"):
            out[name] = [strip(rng, 350, 2.0, 0.2, -0.5, 0.5)]
            out["chord_" + name] = [strip(rng, 60, rng.uniform(-22, -8), 0.2)]
    out["pericardium"] = [patchy(rng, strip(rng, 1500, rng.uniform(4, 13), 0.7), 4.0, 9)]
    out["rv_pericardium"] = [patchy(rng, strip(rng, 900, rng.uniform(0, 8), 0.7), 5.0, 8)]
    if a.moderator:
        out["moderator"] = [strip(rng, 260, 1.0, 0.2)]
    if a.lead:
        out["lead"] = [strip(rng, 500, 13.0, 0.2)]
    return out


def patchy(rng: np.random.Generator, s: Strip, db: float, knots: int) -> Strip:
    """The strip with its strength varying smoothly along it by about `db`."""
    wave = np.interp(s.along, np.linspace(0, 1, knots), rng.normal(0, db, knots))
    return Strip(
        s.along, s.across, s.amp * 10 ** (np.clip(wave, -3 * db, 1.3 * db) / 20), s.mirror, s.slice_
    )


def hinge(rng: np.random.Generator, db: float) -> Strip:
    """A clump of strong scatterers at the ring end of a leaflet."""
    s = strip(rng, 70, db, 0.1, -1.6, 1.6)
    return Strip(s.along * 0.16, s.across, s.amp, s.mirror, s.slice_)


@dataclass(frozen=True)
class Load:
    """All scatterers of a case in flat arrays; `first` and `last` index the joined ribbons."""

    names: tuple[str, ...]
    first: np.ndarray
    last: np.ndarray
    along: np.ndarray
    across: np.ndarray
    amp: np.ndarray
    mirror: np.ndarray
    slice_: np.ndarray
    slip: np.ndarray  # how far along the wall a unit of contraction moves the point


def pack(case: Case, tissue: dict[str, list[Strip]], heart: Heart) -> Load:
    """Flat arrays from the strips, given one heart for the ribbon sizes."""
    first, last, slip, start = [], [], [], 0
    for name, strips in tissue.items():
        size = len(heart.ribbons[name].line)
        for s in strips:
            first.append(np.full(len(s.along), start))
            last.append(np.full(len(s.along), size - 1))
            turn = case.rhythm.twist if name == "lv" else 0.0
            slip.append(turn * (0.5 - s.across) * s.along * (1 - s.along))
        start += size
    flat = [s for strips in tissue.values() for s in strips]

    def join(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts)

    return Load(
        tuple(tissue),
        join(first),
        join(last),
        join([s.along for s in flat]),
        join([s.across for s in flat]),
        join([s.amp for s in flat]),
        join([np.full(len(s.along), s.mirror) for s in flat]),
        join([s.slice_ for s in flat]),
        join(slip),
    )


def carry(
    case: Case, load: Load, heart: Heart, squeeze: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (N, 2), amplitudes (N,) and normals (N, 2) at one moment, in heart coordinates."""
    ribs = [heart.ribbons[name] for name in load.names]
    table = np.concatenate([np.hstack([r.line, r.normal, r.thick[:, None]]) for r in ribs]).astype(
        np.float32
    )
    at = np.clip(load.along + squeeze * load.slip, 0.0, 1.0) * load.last
    i = np.minimum(at.astype(np.int64), load.last - 1)
    f = (at - i)[:, None].astype(np.float32)
    i += load.first
    row = table[i]
    row += f * (table[i + 1] - row)
    normal = row[:, 2:4]
    seen = np.cos(np.pi * (load.slice_ + case.rhythm.through_plane * squeeze)) ** 2
    return (
        row[:, :2] + normal * (row[:, 4] * load.across)[:, None],
        load.amp * (0.25 + 1.5 * seen),
        normal,
    )
