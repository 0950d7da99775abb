"""Pictures of what the network sees of a video, and of where in the original that lies."""

from edgeecho.preview.movie import write_movie
from edgeecho.preview.sheet import write_sheet
from edgeecho.preview.view import View

__all__ = ["View", "write_movie", "write_sheet"]
