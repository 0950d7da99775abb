"""Time courses over the beats: LV volume level, valve opening, atrial squeeze, ECG."""

from __future__ import annotations

import numpy as np

from apart.case import Rhythm


def ease(x: np.ndarray | float) -> np.ndarray:
    """Smooth step from 0 to 1."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def phases(r: Rhythm, rr: float) -> dict[str, float]:
    """Event times in seconds after the R peak for one RR interval."""
    open_av = 0.05 + r.ejection * rr**0.45
    open_av = min(open_av, 0.55 * rr)
    fill = min(open_av + 0.075, 0.66 * rr)
    early = min(0.19, 0.55 * (rr - fill))
    kick = min(0.13, 0.4 * (rr - fill))
    return {"eject": 0.045, "es": open_av, "fill": fill, "early": early, "kick": kick}


def locate(r: Rhythm, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beat number of each time and the time since its R peak."""
    peaks = np.asarray(r.r_times)
    k = np.clip(np.searchsorted(peaks, t, side="right") - 1, 0, len(peaks) - 2)
    return k, t - peaks[k]


def courses(r: Rhythm, t: np.ndarray) -> dict[str, np.ndarray]:
    """Volume level, mitral opening, atrial squeeze and ECG at the times t."""
    k, since = locate(r, t)
    out = {name: np.zeros(len(t)) for name in ("level", "mitral", "atrium", "ecg")}
    for i, (beat, u) in enumerate(zip(k, since, strict=False)):
        rr = r.r_times[beat + 1] - r.r_times[beat]
        e = phases(r, rr)
        ed, es, following = r.ed_levels[beat], r.es_levels[beat], r.ed_levels[beat + 1]
        x = np.clip((u - e["eject"]) / (e["es"] - e["eject"]), 0.0, 1.0)
        ejected = 0.55 * ease(x) + 0.45 * np.sin(0.5 * np.pi * x) ** 1.3
        e_wave = ease((u - e["fill"]) / e["early"])
        slow = np.clip((u - e["fill"] - e["early"]) / max(rr - e["fill"] - e["early"], 1e-3), 0, 1)
        a_wave = ease((u - rr + e["kick"]) / e["kick"])
        if r.kick:
            filled = r.early_share * e_wave + 0.06 * slow + (0.94 - r.early_share) * a_wave
        else:
            filled = 0.85 * e_wave + 0.15 * slow
        out["level"][i] = ed + (es - ed) * ejected + (following - es) * filled
        start = ease((u - e["fill"] + 0.02) / 0.05)
        rest = ease((u - e["fill"] - 0.5 * e["early"]) / (0.7 * e["early"]))
        again = np.exp(-(((u - rr + 0.5 * e["kick"]) / (0.4 * e["kick"])) ** 2)) if r.kick else 0.0
        shut = 1.0 - ease((u - rr + 0.035) / 0.05)
        closing = (1.0 - ease((u + 0.015) / 0.05)) * 0.35
        out["mitral"][i] = max(
            start * shut * np.clip(1.0 - 0.62 * rest + 0.5 * again, 0, 1), closing
        )
        out["atrium"][i] = a_wave * (1.0 if r.kick else 0.0) + (1.0 - ease(u / 0.12)) * r.kick
        out["ecg"][i] = trace(u, rr, r.kick)
    return out


def trace(u: float, rr: float, kick: bool) -> float:
    """A schematic ECG at time u after the R peak."""

    def bump(at: float, width: float, high: float) -> float:
        return high * float(np.exp(-(((u - at) / width) ** 2)))

    value = sum(bump(c, 0.012, 1.0) for c in (0.0, rr))
    value -= sum(bump(c, 0.012, 0.22) for c in (0.03, rr - 0.03, rr + 0.03))
    value += bump(0.30 * rr**0.5, 0.045, 0.25)
    return value + (bump(rr - 0.15, 0.025, 0.14) if kick else 0.03 * np.sin(43.0 * u))
