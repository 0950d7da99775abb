"""Why a video has no beat, and why a beat is not used, in plain words."""

from __future__ import annotations

from edgeecho.beats import NoBeats, Unused

NO_BEATS: dict[NoBeats, str] = {
    "no mask": "no left ventricle was found in more than half of the frames",
    "still": "the left ventricle stands still: its area changes by less than 2.5 %",
    "no beat": "the area of the left ventricle does not fall and rise as a beat does",
    "no whole beat": "no beat is in the video from end diastole to end systole: record longer",
    "mask at the sector's edge": "the left ventricle reaches the sector's edge, so that its volume "
    "cannot be known: move it to the middle",
    "implausible volumes": "the volumes of no beat fall, or they fall by more than 90 %: the long "
    "axis was not found",
}
"""Follows "no beats: "."""
UNUSED: dict[Unused, str] = {
    "begins before the video": "begins before the video",
    "ends after the video": "ends after the video",
    "no mask": "no left ventricle found in more than a fifth of its frames",
    "mask at the sector's edge": "reaches the sector's edge",
    "implausible volumes": "its volume does not fall, or by more than 90 %",
}
"""Follows "not used: "."""
