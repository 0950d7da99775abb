"""Decoding a user's video or DICOM file to a `Cine`: `read_cine`."""

from edgeecho.cine.dicom import study_of
from edgeecho.cine.find import VIDEO_SUFFIXES, FoundVideos, find_videos
from edgeecho.cine.read import is_dicom_file, read_cine
from edgeecho.cine.types import DEFAULT_LIMITS, FROM_USER, RATES_AGREE, Cine, DecodeLimits, Region
from edgeecho.cine.views import APICAL, FOUR_CHAMBER, NO_SITE, DeclaredView, SiteViews

__all__ = [
    "APICAL",
    "DEFAULT_LIMITS",
    "FOUR_CHAMBER",
    "FROM_USER",
    "NO_SITE",
    "RATES_AGREE",
    "VIDEO_SUFFIXES",
    "Cine",
    "DeclaredView",
    "DecodeLimits",
    "FoundVideos",
    "Region",
    "SiteViews",
    "find_videos",
    "is_dicom_file",
    "read_cine",
    "study_of",
]
