"""Previews: what the network sees of a video, and where that is in the original."""

from edgeecho.tools.preview.movie import write_movie
from edgeecho.tools.preview.sheet import write_sheet
from edgeecho.tools.preview.view import Preview

__all__ = ["Preview", "write_movie", "write_sheet"]
