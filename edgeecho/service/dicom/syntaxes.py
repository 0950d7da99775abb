"""Object classes and transfer syntaxes that the node accepts.

Of cines that is all that `edgeecho.cine` reads, listed one by one, since a library's defaults cover
uncompressed images only, and ultrasound is rarely uncompressed. Everything else that a study may
hold is accepted as it is offered: a sender stops in the middle of a study, or does not even begin
it, if one of its objects is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from pynetdicom.pdu_primitives import SOPClassCommonExtendedNegotiation
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

from edgeecho.cine.dicom.kind import CINES

VERIFICATION = "1.2.840.10008.1.1"
_STANDARD = "1.2.840.10008."
_STORAGE = f"{_STANDARD}5.1.4.1.1."
_STORAGE_SERVICE = f"{_STANDARD}4.2"

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


def accepted(offered: Iterable[PresentationContext]) -> list[PresentationContext]:
    """The contexts to support in an association that offers these."""
    answers: dict[str, PresentationContext] = {}
    for one in offered:
        sop_class = str(one.abstract_syntax)
        if sop_class == VERIFICATION:
            answers[sop_class] = build_context(sop_class)
        elif sop_class in CINES:
            answers[sop_class] = build_context(sop_class, transfer_syntaxes())
        elif _is_stored(sop_class):
            # Several contexts may offer one class with a transfer syntax each.
            answers.setdefault(sop_class, build_context(sop_class, []))
            for syntax in one.transfer_syntax:
                answers[sop_class].add_transfer_syntax(syntax)
    return list(answers.values())


def served_as_storage(
    contexts: Iterable[PresentationContext],
) -> dict[str, SOPClassCommonExtendedNegotiation]:
    """What tells pynetdicom that all these classes are stored: it knows few retired ones, and no
    private one."""
    told = {}
    for one in contexts:
        if one.abstract_syntax != VERIFICATION:
            item = SOPClassCommonExtendedNegotiation()
            item.sop_class_uid = one.abstract_syntax
            item.service_class_uid = _STORAGE_SERVICE
            told[str(one.abstract_syntax)] = item
    return told


def _is_stored(sop_class: str) -> bool:
    """Whether objects of that class are stored in studies: all that the standard stores, which
    retired classes are too, and whatever a maker has defined."""
    if sop_class.startswith(_STORAGE) or not sop_class.startswith(_STANDARD):
        return True
    return uid_to_service_class(sop_class) is StorageServiceClass
