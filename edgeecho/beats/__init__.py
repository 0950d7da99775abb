"""From left-ventricle masks of every frame to beats, volumes and a table."""

from edgeecho.beats.curve import AreaCurve
from edgeecho.beats.measure import beats_of
from edgeecho.beats.table import Beat, Beats, Moment, NoBeats, Rule, Unused
from edgeecho.beats.volumes import Shape

__all__ = [
    "AreaCurve",
    "Beat",
    "Beats",
    "Moment",
    "NoBeats",
    "Rule",
    "Shape",
    "Unused",
    "beats_of",
]
