"""Object classes and transfer syntaxes that the node accepts: all that `edgeecho.cine` reads.

They are listed one by one, since a library's defaults cover uncompressed images only, and
ultrasound is rarely uncompressed.
"""

from __future__ import annotations

from importlib.util import find_spec

CINES = (
    "1.2.840.10008.5.1.4.1.1.3.1",  # Ultrasound Multi-frame Image Storage
    "1.2.840.10008.5.1.4.1.1.3",  # the same, retired in 1993: old scanners and archives
)
STILLS = (
    "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound Image Storage
    "1.2.840.10008.5.1.4.1.1.6",  # the same, retired
)
"""Negotiated, so that a study of both comes through, and then refused one by one with a reason."""
VERIFICATION = "1.2.840.10008.1.1"

_ROOT = "1.2.840.10008.1.2"
_ALWAYS = (
    f"{_ROOT}.4.50",  # JPEG Baseline
    f"{_ROOT}.4.51",  # JPEG Extended
    f"{_ROOT}.4.90",  # JPEG 2000 Lossless
    f"{_ROOT}.4.91",  # JPEG 2000
    f"{_ROOT}.5",  # RLE Lossless
    f"{_ROOT}.4.100",  # MPEG-2 Main Profile / Main Level
    f"{_ROOT}.4.100.1",  # and in fragments
    f"{_ROOT}.4.101",  # MPEG-2 Main Profile / High Level
    f"{_ROOT}.4.101.1",
    f"{_ROOT}.4.102",  # H.264 High Profile / Level 4.1
    f"{_ROOT}.4.102.1",
    f"{_ROOT}.4.103",  # the same, BD-compatible
    f"{_ROOT}.4.103.1",
    f"{_ROOT}.4.104",  # H.264 High Profile / Level 4.2 for 2D video
    f"{_ROOT}.4.104.1",
    f"{_ROOT}.4.105",  # the same for 3D video
    f"{_ROOT}.4.105.1",
    f"{_ROOT}.4.106",  # H.264 Stereo High Profile
    f"{_ROOT}.4.106.1",
    f"{_ROOT}.4.107",  # HEVC Main Profile
    f"{_ROOT}.4.108",  # HEVC Main 10 Profile
    f"{_ROOT}.1.99",  # Deflated Explicit VR Little Endian
    f"{_ROOT}.1",  # Explicit VR Little Endian
    f"{_ROOT}",  # Implicit VR Little Endian
    f"{_ROOT}.2",  # Explicit VR Big Endian, retired
)
_WITH_GDCM = (
    f"{_ROOT}.4.57",  # JPEG Lossless
    f"{_ROOT}.4.70",  # JPEG Lossless, first-order prediction
    f"{_ROOT}.4.80",  # JPEG-LS Lossless
    f"{_ROOT}.4.81",  # JPEG-LS near-lossless
)


def transfer_syntaxes() -> list[str]:
    """UIDs of those that can be decoded here; of a sender's offers the first in this list is taken.

    Those that need a missing package are left out, so that the sender may convert.
    """
    return [*_ALWAYS, *(_WITH_GDCM if find_spec("gdcm") else ())]
