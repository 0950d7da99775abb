"""A file that a user has, decoded: `read_cine`."""

from edgeecho.cine.read import VIDEO_SUFFIXES, find_videos, read_cine
from edgeecho.cine.types import Cine

__all__ = ["VIDEO_SUFFIXES", "Cine", "find_videos", "read_cine"]
