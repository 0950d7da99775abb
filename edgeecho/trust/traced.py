"""What the masks of a video say, for the gates: a second answer, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeecho.beats import Beats, NoBeats


@dataclass(frozen=True)
class TracedSignals:
    """The second answer to the same question: the EF of the volumes that were traced."""

    ef: float | None
    """Mean over the beats that are used, in %; None if there is none."""
    reason: NoBeats | None
    """Why no beat is used; None if one is."""

    @classmethod
    def of(cls, beats: Beats) -> TracedSignals | None:
        """None with the published rule: it finds no end diastole, so it traces no EF."""
        if beats.rule != "default":
            return None
        return cls(beats.mean_ef, beats.reason)


REFUSED: Mapping[NoBeats, str] = {
    "no mask": "no left ventricle is seen in most frames, or through any whole beat: is this an "
    "upright apical four-chamber view? Look at the masks with `edgeecho preview --overlay`",
    "still": "the left ventricle that is seen does not change its size: is this a moving heart? "
    "Look at the masks with `edgeecho preview --overlay`",
    "no beat": "the left ventricle that is seen changes its size from frame to frame and not from "
    "beat to beat: are the frames in order, and is it a heart? Look at the masks with "
    "`edgeecho preview --overlay`",
    "mask at the sector's edge": "the left ventricle reaches the edge of the sector, so part of it "
    "is missing: record all of it",
}
"""Reasons that no clean calibration phantom had."""
WARNED: Mapping[NoBeats, str] = {
    "no whole beat": "no beat was traced, so nothing checks the network's EF: the video shows no "
    "whole beat; record two or more",
    "implausible volumes": "no beat was traced with volumes that can be, so nothing checks the "
    "network's EF: look at the masks with `edgeecho preview --overlay`",
}
"""Reasons that say nothing against the network's EF: a short video shows a heart too."""
