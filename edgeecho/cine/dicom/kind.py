"""Recognising DICOM objects other than a transthoracic cine over time, which alone has an EF.

A network answers for any picture. So everything that the header says about the kind of object is
checked: its SOP class, its modality, what its frames follow, and what the image shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from edgeecho.cine.dicom.attributes import claimed_frames, items, numbers, pointed, text, words
from edgeecho.common.errors import InputError

_STORAGE = "1.2.840.10008.5.1.4.1.1"
CINES = frozenset(
    {
        f"{_STORAGE}.3.1",  # Ultrasound Multi-frame Image Storage
        f"{_STORAGE}.3",  # the same, retired in 1993: old scanners and archives
        *(f"{_STORAGE}.7.{n}" for n in range(1, 5)),  # Multi-frame ... Secondary Capture
    }
)
"""SOP classes of cines. Secondary captures are taken from a scanner's screen."""
_ONE_FRAME = {
    f"{_STORAGE}.6.1",  # Ultrasound Image Storage
    f"{_STORAGE}.6",  # the same, retired
    f"{_STORAGE}.7",  # Secondary Capture Image Storage
}
_VOLUME = f"{_STORAGE}.6.2"  # Enhanced US Volume Storage
PICTURES = CINES | _ONE_FRAME | {_VOLUME}
"""SOP classes of what an echocardiography shows, cines or not."""
_REPORTS = f"{_STORAGE}.88."
# EC: echocardiography, retired. OT: other, which a secondary capture may state.
_MODALITIES = {"", "US", "EC", "OT"}
# Other modalities that may be shown to the user; any other value may be arbitrary text.
_OTHER_MODALITIES = {
    *("CR", "CT", "DX", "ECG", "ES", "GM", "IVOCT", "IVUS", "MG", "MR", "NM", "OCT", "OP", "OPT"),
    *("PT", "RF", "SM", "XA", "XC"),
}
# Values of ImageType's third element (PS3.3, C.8.5.6.1.1) where the probe is not on the chest.
# EPICARDIAL is not among them: a real apical transthoracic cine says that (pydicom's `ybr_color`).
_INSIDE = {
    *("ENDOCAVITARY", "ENDORECTAL", "ENDOVAGINAL", "FETAL HEART", "INTRACARDIAC"),
    *("INTRAVASCULAR", "TEE"),
}
_OTHER_ORGANS = {
    *("ABDOMEN", "ABDOMINAL", "BLADDER", "BRAIN", "BREAST", "CAROTID", "EXTREMITY", "EYE"),
    *("GYNECOLOGY", "HEAD", "KIDNEY", "LIVER", "MUSCULOSKELETAL", "NECK", "NEONATAL HEAD"),
    *("OBSTETRICAL", "OPHTHALMIC", "PELVIC", "PELVIS", "PROSTATE", "RETROPERITONEAL", "SCROTAL"),
    *("SMALL PARTS", "THYROID", "TRANSCRANIAL", "URINARY TRACT", "UTERUS", "VASCULAR"),
}
# Bits of its fourth element.
_B_MODE = 0x0001 | 0x0010 | 0x0100 | 0x0200
_OTHER_IMAGES = {
    0x0400: "slice stack",
    0x0040: "volume rendering",
    0x0002: "M-mode trace",
    0x0020: "M-mode trace",
    0x0004: "Doppler trace",
    0x0008: "Doppler trace",
}
# Attributes that frames may follow instead of time (PS3.3, C.7.6.6, C.8.4.8, C.8.6.3).
_NOT_TIME = {
    *("EnergyWindowVector", "DetectorVector", "RotationVector", "SliceVector"),
    *("AngularViewVector", "PageNumberVector", "FramePrimaryAngleVector"),
    *("FrameSecondaryAngleVector", "SliceLocationVector", "ImagePositionPatient", "SliceLocation"),
}
_PLACES = {
    *("ImagePositionVolume", "ImageOrientationVolume", "ImagePositionPatient", "SliceLocation"),
    *("ImageOrientationPatient", "InStackPositionNumber", "StackID", "PlanePositionSequence"),
    *("PlanePositionVolumeSequence", "TablePosition"),
}
# By RegionSpatialFormat (PS3.3, C.8.5.5.1.1), if RegionDataType is tissue, flow, PW or CW Doppler
# (C.8.5.5.1.2): an ECG is no such trace, whatever its spatial format.
_TRACES = {2: "M-mode trace", 3: "Doppler trace"}
_ECHOES = range(1, 5)


ATTRIBUTES = (
    "BodyPartExamined",
    "DimensionIndexSequence",
    "DimensionOrganizationType",
    "FrameIncrementPointer",
    "ImageType",
    "Modality",
    "NumberOfFrames",
    "SOPClassUID",
    "SequenceOfUltrasoundRegions",
    "TransducerType",
)
"""The attributes that are checked."""


@dataclass(frozen=True)
class Other:
    """An object that is not a transthoracic cine."""

    noun: str
    """Its kind, such as `still`; the plural ends in s."""
    why: str = ""
    """What shows it."""

    def error(self, name: str) -> InputError:
        """The error for a file of that name."""
        why = f", {self.why}" if self.why else ""
        return InputError(
            f"{name} is no transthoracic cine ({self.noun}{why}): no EF can be given of it"
        )


def other_kind(dataset: Dataset) -> Other | None:
    """What the object is if it is not a transthoracic cine; None if nothing speaks against one."""
    return next(_otherwise(dataset), None)


def _otherwise(dataset: Dataset) -> Iterator[Other]:
    yield from _by_class(dataset)
    yield from _by_modality(dataset)
    yield from _by_order(dataset)
    yield from _by_image_type(dataset)
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        shape, shown = (numbers(item, f"Region{key}") for key in ("SpatialFormat", "DataType"))
        if len(shape) == len(shown) == 1 and shape[0] in _TRACES and shown[0] in _ECHOES:
            yield Other(_TRACES[int(shape[0])], "RegionSpatialFormat")


def class_of(uid: str) -> Other | None:
    """What objects of a SOP class are; None if they are cines."""
    if uid in CINES:
        return None
    if uid in _ONE_FRAME:
        return Other("still")
    if uid == _VOLUME:
        return Other("volume", "Enhanced US Volume Storage: its frames are slices, not moments")
    if uid.startswith(_REPORTS):
        return Other("structured report")
    known = UID(uid)
    # A UID that is not in the standard may be any text.
    public = not known.is_private and known.name != uid
    return Other(f"{known.name} object" if public else "object of an unknown class")


def _by_class(dataset: Dataset) -> Iterator[Other]:
    uid = text(dataset, "SOPClassUID")
    several = uid in _ONE_FRAME and (claimed_frames(dataset) or 1) > 1
    if uid and not several and (other := class_of(uid)):
        yield other


def doubts_of_kind(dataset: Dataset) -> tuple[str, ...]:
    """Notes for the result if the header names another organ.

    This is only a doubt: a scanner writes its preset, not where the probe was.
    """
    said = {
        "ImageType": [*words(dataset, "ImageType"), "", "", ""][2].upper(),
        "BodyPartExamined": text(dataset, "BodyPartExamined").upper(),
    }
    return tuple(
        f"{keyword} says {word}: is it a heart?"
        for keyword, word in said.items()
        if word in _OTHER_ORGANS
    )


def _by_modality(dataset: Dataset) -> Iterator[Other]:
    modality, probe = text(dataset, "Modality").upper(), text(dataset, "TransducerType").upper()
    if modality == "IVUS" or probe.startswith("IV_"):
        yield Other("intravascular cine", "Modality" if modality == "IVUS" else "its probe")
    elif modality not in _MODALITIES:
        known = modality if modality in _OTHER_MODALITIES else "unknown"
        yield Other("object of another modality", known)
    if probe.startswith("ENDOCAV_"):
        yield Other("endocavitary cine", "TransducerType")


def _by_order(dataset: Dataset) -> Iterator[Other]:
    for keyword in pointed(dataset, "FrameIncrementPointer"):
        if keyword in _NOT_TIME:
            yield Other("slice or view stack", f"its frames follow {keyword}, not time")
    organisation = text(dataset, "DimensionOrganizationType")
    if organisation.startswith(("3D", "TILED")):
        yield Other("volume", "DimensionOrganizationType")
    for item in items(dataset, "DimensionIndexSequence"):
        for keyword in pointed(item, "DimensionIndexPointer"):
            if keyword in _PLACES:
                yield Other("slice stack", f"its frames are ordered by {keyword}, not by time")


def _by_image_type(dataset: Dataset) -> Iterator[Other]:
    values = [*words(dataset, "ImageType"), "", "", "", ""]
    if values[2] in _INSIDE:
        yield Other(f"{values[2]} cine", "ImageType")
    try:
        shown = int(values[3], 16) if len(values[3]) == 4 else 0
    except ValueError:
        return
    if not shown & _B_MODE or shown & 0x0400:
        for bit, noun in _OTHER_IMAGES.items():
            if shown & bit:
                yield Other(noun, "ImageType")
