"""Results as one HTML page that needs nothing but a browser: no network, no other file."""

from edgeecho.report.html.page import to_html

__all__ = ["to_html"]
