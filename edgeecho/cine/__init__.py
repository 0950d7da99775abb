"""Decoding a user's video or DICOM file to a `Cine`: `read_cine`."""

from edgeecho.cine.find import VIDEO_SUFFIXES, FoundVideos, find_videos
from edgeecho.cine.read import read_cine
from edgeecho.cine.types import DEFAULT_LIMITS, FROM_USER, RATES_AGREE, Cine, DecodeLimits, Region

__all__ = [
    "DEFAULT_LIMITS",
    "FROM_USER",
    "RATES_AGREE",
    "VIDEO_SUFFIXES",
    "Cine",
    "DecodeLimits",
    "FoundVideos",
    "Region",
    "find_videos",
    "read_cine",
]
