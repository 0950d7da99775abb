"""The gates: checks that a video must pass before its EF may be used.

Thresholds that do not depend on the data are constants here, with their measurements beside them
(4,000 drawn and 300 rendered phantoms, `docs/trust.md`). The others are in `learned_gates.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeecho.beats import NoBeats
from edgeecho.preprocess import PLAUSIBLE_FPS
from edgeecho.trust.plausible_gates import PLAUSIBLE
from edgeecho.trust.signals import LEAST_MOTION, Signals
from edgeecho.trust.traced import REFUSED

# Share of a clip's window. At 50 frames/s, 3.3 % of whole phantoms are shorter than a window and
# 0.5 % than this share; half a beat at 45 beats/min is 0.55 of a window.
LEAST_WINDOW = 0.6
# Beats per clip. A clip of 63 frames at 50 frames/s holds one beat from 48 beats/min on, and 0.75
# from 36.
LEAST_BEATS = 0.75
# Share of the picture; the demo's 637 calibration phantoms have 0.24 to 0.71.
LEAST_LIT = 0.1
# In s: no phantom of this length was without a detected period.
PERIOD_SHOWS_S = 3.0
# Share of the file's frames; `prepare` allows the same share of frames that resampling repeats.
LEAST_SOUND = 0.75

Seen = Callable[[Signals], str | None]
"""A gate: returns the reason to refuse, or None."""


def _other_view(s: Signals) -> str | None:
    # Every EF network here is trained on apical four-chamber views.
    return s.other_view and (
        f"it is declared to be another view than the apical four chamber: {s.other_view}; if that "
        "is not what its text or code means here, say so with --views FILE"
    )


def _too_short(s: Signals) -> str | None:
    least = round(LEAST_WINDOW * s.window)
    if s.frames >= least:
        return None
    return (
        f"{s.frames} frames at the model's time base, but a clip spans {s.window}: "
        f"record at least {least}, and one whole heart beat"
    )


def _under_one_beat(s: Signals) -> str | None:
    if s.beats_per_clip is None or s.beats_per_clip >= LEAST_BEATS:
        return None
    return (
        f"a clip holds {s.beats_per_clip:.2f} of a heart beat ({s.heart_rate_bpm:.0f} beats/min): "
        "it misses end-diastole or end-systole; try --time resample"
    )


def _unknown_rate(s: Signals) -> str | None:
    if s.fps is not None:
        return None
    return f"{s.why_no_rate}: give the frame rate with --fps"


def _contradictory_rate(s: Signals) -> str | None:
    return s.fps_doubt and f"{s.fps_doubt}: give the true rate with --fps"


def _implausible_rate(s: Signals) -> str | None:
    low, high = PLAUSIBLE_FPS
    if s.fps is None or low <= s.fps <= high:
        return None
    return (
        f"{s.fps:g} frames/s ({s.fps_source}) is no rate of an echocardiogram "
        f"({low:g} to {high:g}): give the true one with --fps"
    )


def _sector(s: Signals) -> str | None:
    if s.lit >= LEAST_LIT:
        return None
    return (
        f"{s.lit:.0%} of the picture is not black, of a sector at least {LEAST_LIT:.0%}: "
        "look at it with `edgeecho preview`, or give --crop"
    )


def _frozen(s: Signals) -> str | None:
    if not s.still:
        return None
    return (
        "nothing in this video moves as a heart does: a frozen picture, or one frame repeated; "
        f"record the beating heart (motion {s.moves:.1f} grey levels, a heart's at least "
        f"{LEAST_MOTION:g})"
    )


def _no_period(s: Signals) -> str | None:
    beats_traced = s.traced is not None and s.traced.ef is not None
    if s.fps is None or s.heart_rate_bpm is not None or beats_traced:
        return None
    if s.video_s is None or s.video_s < PERIOD_SHOWS_S:
        return None
    return (
        f"nothing beats in {s.video_s:.1f} s of video, where a heart shows from "
        f"{PERIOD_SHOWS_S:g} s on: hold the probe still on the heart"
    )


def _few_frames(s: Signals) -> str | None:
    if s.sound >= LEAST_SOUND:
        return None
    return (
        f"{s.sound:.0%} of the file's frames are there and fit, at least {LEAST_SOUND:.0%} must: "
        "copy or export it again"
    )


def _where_it_moves(look: Seen) -> Seen:
    """What stands still is refused for that, and shows neither time nor change."""
    return lambda s: None if s.still else look(s)


def _without(why: NoBeats) -> Seen:
    return lambda s: REFUSED[why] if s.traced is not None and s.traced.reason == why else None


FIXED: Mapping[str, Seen] = {
    "other-view": _other_view,
    "too-short": _too_short,
    "under-one-beat": _under_one_beat,
    "unknown-rate": _unknown_rate,
    "contradictory-rate": _contradictory_rate,
    "implausible-rate": _implausible_rate,
    "sector": _sector,
    "several-sectors": lambda s: s.several_sectors,
    "frozen": _frozen,
    "no-period": _no_period,
    **{name: _where_it_moves(look) for name, look in PLAUSIBLE.items()},
    "few-frames-decoded": _few_frames,
    "no-ventricle": _without("no mask"),
    "still-ventricle": _where_it_moves(_without("still")),
    "no-traced-beat": _where_it_moves(_without("no beat")),
    "ventricle-cut": _without("mask at the sector's edge"),
}
"""Gates without calibration, in the order in which their reasons are given."""
