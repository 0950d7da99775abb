"""A simulator of apical four-chamber cines with exact truth, made apart from any other code."""

from apart.case import Case
from apart.cine import Cine, render
from apart.draw import draw

__all__ = ["Case", "Cine", "draw", "render"]
