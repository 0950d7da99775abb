"""Gates for a time and a picture that no scanner records, without calibration.

Thresholds lie between clean phantoms of both worlds and faults that were made of them
(`docs/trust.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeecho.trust.signals import Signals
from edgeecho.trust.time import TimeSignals

MOST_REPEATED = 0.4
MOST_DISORDER = 0.23
LEAST_TURN = 0.4
# Codecs make some frames better than others at regular distances too: AV1 reaches 0.25.
MOST_COMB = 0.38
MOST_JUMP = 1.8
MOST_FLICKER = 0.6
LEAST_BRIGHT_CHANGES = -0.2
MOST_LOPSIDED = 0.24
PLAUSIBLE_ASPECT = (0.78, 1.28)
# No adult's heart is faster at rest. There is no least rate: where beats differ, two may be found
# to be one, and a clip of less than a beat is refused anyway.
MOST_BPM = 180.0

_ORIGINAL = "export it again from the scanner's original"


def _repeated(s: Signals) -> str | None:
    if s.repeated <= MOST_REPEATED:
        return None
    return (
        f"{s.repeated:.0%} of the frames only repeat the one before, at most {MOST_REPEATED:.0%} "
        f"may: a frozen part, or another frame rate than the scanner's; {_ORIGINAL}"
    )


def _out_of_order(time: TimeSignals) -> str | None:
    if time.disorder <= MOST_DISORDER:
        return None
    return (
        f"{time.disorder:.0%} of the frames are more like the third after them than like the next, "
        f"at most {MOST_DISORDER:.0%} may be: they are not in the order of recording; {_ORIGINAL}"
    )


def _to_and_fro(time: TimeSignals) -> str | None:
    if time.turn >= LEAST_TURN:
        return None
    return (
        "the same pictures come again in reverse order: the video is played to and fro, which no "
        f"heart does; {_ORIGINAL}"
    )


def _blended(time: TimeSignals) -> str | None:
    if time.comb <= MOST_COMB:
        return None
    return (
        "frames at regular distances are blends of their neighbours: another frame rate or speed "
        f"was made of the scanner's ({time.comb:.2f}, at most {MOST_COMB:g}); {_ORIGINAL}"
    )


def _cut(time: TimeSignals) -> str | None:
    if time.jump <= MOST_JUMP:
        return None
    return (
        f"from one frame to the next the picture jumps by {time.jump:.1f} times its usual distance "
        f"from the mean, at most {MOST_JUMP:g} are a heart's: pieces were cut out or joined; "
        + _ORIGINAL
    )


def _flickering(s: Signals) -> str | None:
    if s.flicker <= MOST_FLICKER:
        return None
    return (
        f"{s.flicker:.0%} of what changes is the brightness of the whole picture, at most "
        f"{MOST_FLICKER:.0%} may be: a frozen picture that flickers; record the beating heart"
    )


def _implausible_heart_rate(s: Signals) -> str | None:
    if s.heart_rate_bpm is None or s.heart_rate_bpm <= MOST_BPM:
        return None
    return (
        f"it beats {s.heart_rate_bpm:.0f} times a minute, at most {MOST_BPM:.0f} are answered: if "
        "the heart did not, give the true frame rate with --fps"
    )


def _lopsided(s: Signals) -> str | None:
    if s.shape is None or s.shape.lopsided <= MOST_LOPSIDED:
        return None
    return (
        f"of what is lit, one side of the sector's tip has {s.shape.lopsided:.0%} more than the "
        f"other, at most {MOST_LOPSIDED:.0%} are answered: a part of the sector is black, or there "
        "are two; show one whole sector, with --crop if need be"
    )


def _squeezed(s: Signals) -> str | None:
    low, high = PLAUSIBLE_ASPECT
    aspect = s.shape.aspect if s.shape else None
    if aspect is None or low <= aspect <= high:
        return None
    return (
        f"the arc of the sector is that of a picture shown at {aspect:.2f} of its width, {low:g} "
        f"to {high:g} are answered: export it with square pixels"
    )


def _inverted(s: Signals) -> str | None:
    if s.bright_changes >= LEAST_BRIGHT_CHANGES:
        return None
    return (
        "what is bright in it changes least, where blood must be dark and walls bright: are black "
        "and white exchanged? Record with the usual grey map"
    )


def _of_time(look: Callable[[TimeSignals], str | None]) -> Callable[[Signals], str | None]:
    return lambda s: look(s.time) if s.time is not None else None


PLAUSIBLE: Mapping[str, Callable[[Signals], str | None]] = {
    "repeated-frames": _repeated,
    "frames-out-of-order": _of_time(_out_of_order),
    "to-and-fro": _of_time(_to_and_fro),
    "blended-frames": _of_time(_blended),
    "cut": _of_time(_cut),
    "flickering": _flickering,
    "implausible-heart-rate": _implausible_heart_rate,
    "inverted": _inverted,
    "lopsided": _lopsided,
    "squeezed": _squeezed,
}
"""They join the table of fixed gates."""
