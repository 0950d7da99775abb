"""Results as one self-contained HTML page, which needs no network and no other file."""

from edgeecho.report.html.page import to_html

__all__ = ["to_html"]
