"""The transfer syntaxes of the pixel data, and their names."""

from __future__ import annotations

from pydicom.uid import UID

# Transfer syntaxes (PS3.5, annex A; PS3.6, annex A).
_ROOT = "1.2.840.10008.1.2"
LITTLE_ENDIAN, BIG_ENDIAN = f"{_ROOT}.1", f"{_ROOT}.2"
NATIVE = frozenset({_ROOT, LITTLE_ENDIAN, f"{_ROOT}.1.99", BIG_ENDIAN, ""})
RLE = f"{_ROOT}.5"
JPEG = frozenset({f"{_ROOT}.4.50", f"{_ROOT}.4.51"})
J2K = frozenset({f"{_ROOT}.4.90", f"{_ROOT}.4.91"})
# Pillow and OpenCV decode neither.
JPEG_LOSSLESS = frozenset({f"{_ROOT}.4.57", f"{_ROOT}.4.70"})
JPEG_LS = frozenset({f"{_ROOT}.4.80", f"{_ROOT}.4.81"})
_JPEG_XL = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
"""Missing in pydicom's dictionary, though other packages add them to it (PS3.6, table A-1)."""


def syntax_name(syntax: str) -> str:
    """The transfer syntax's name in the standard; a UID that it lacks may be any text."""
    if not syntax:
        return "no transfer syntax given"
    if syntax in _JPEG_XL:
        return _JPEG_XL[syntax]
    uid = UID(syntax)
    return uid.name if not uid.is_private and uid.name != uid else "unknown transfer syntax"
