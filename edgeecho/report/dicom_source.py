"""Attributes that a report copies from its source DICOM file: the patient's and the study's.

Values are not trusted: those that the standard does not allow are left empty.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import BinaryIO

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pydicom.valuerep import DA, TM

from edgeecho.cine.dicom.detect import is_dicom
from edgeecho.cine.dicom.file import read_header_of
from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import InputError

_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_TEXTS = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientSex", "AccessionNumber", "StudyID",
    "StudyDescription", "ReferringPhysicianName",
)  # fmt: skip
_DATES = ("PatientBirthDate", "StudyDate")
_TIMES = ("StudyTime",)
PATIENT_AND_STUDY = (*_TEXTS, *_DATES, *_TIMES)
"""What reports take over besides UIDs."""
# Type 2 (PS3.3, C.7.1.1 and C.7.2.1): present, but possibly empty.
_OPTIONAL = {"IssuerOfPatientID", "StudyDescription"}
# A person's name has three groups of 64 characters (PS3.5, 6.2). No other value here is longer.
_LONGEST = 194
_SEXES = {"M", "F", "O"}


def read_header(path: Path) -> Dataset:
    """Read what `take_over` needs of a DICOM file; `InputError` if it is none.

    Only for files that were answered, whose size was limited then.
    """
    try:
        with path.open("rb") as stream:
            if not is_dicom(stream.read(132)):
                raise InputError(
                    f"{path.name} is no DICOM file: a DICOM report refers to the patient and the "
                    "study of one; choose another format"
                )
            stream.seek(0)
            return header_of(stream)
    except DAMAGE:
        # `from None`: pydicom's messages may quote the file.
        raise InputError(
            f"{path.name} cannot be read again: its header is damaged, or it is no longer there"
        ) from None


def header_of(stream: BinaryIO) -> Dataset:
    """The same of an open DICOM file; one of `DAMAGE` if it cannot be read."""
    # Other values are skipped, since their lengths are not trusted.
    return read_header_of(stream, [*_UIDS, *PATIENT_AND_STUDY])


def take_over(source: Dataset) -> Dataset:
    """The patient's and the study's attributes, in UTF-8; `InputError` if a UID is missing."""
    taken = Dataset()
    for keyword in _UIDS:
        uid = UID(_text(source, keyword))
        if not uid.is_valid:
            raise InputError(
                f"the DICOM file has no valid {keyword}, which a report on it has to name: "
                "export it again from the archive"
            )
        setattr(taken, keyword, uid)
    values = {keyword: _text(source, keyword) for keyword in _TEXTS}
    if values["PatientSex"] not in _SEXES:
        values["PatientSex"] = ""
    for kind, keywords in ((DA, _DATES), (TM, _TIMES)):
        values |= {keyword: _moment(_text(source, keyword), kind) for keyword in keywords}
    for keyword, value in values.items():
        if value or keyword not in _OPTIONAL:
            setattr(taken, keyword, value)
    return taken


def _text(source: Dataset, keyword: str) -> str:
    try:
        raw = source.get_item(keyword)
        text = str(source.get(keyword) or "").strip(" \0")
        # pydicom drops the bytes after reading them.
        written = raw.value if raw is not None and isinstance(raw.value, bytes) else text.encode()
        # All of these have a single value, so one with backslashes is invalid.
        several = isinstance(source.get(keyword), MultiValue) or "\\" in text
        fits = written.isascii() or _fits(text, source.get("SpecificCharacterSet"))
    except DAMAGE:
        return ""
    # Replacement and control characters mean that the bytes do not fit the declared character set:
    # the name was misread.
    misread = any(char == "\ufffd" or unicodedata.category(char) == "Cc" for char in text)
    return "" if several or misread or not fits or len(text) > _LONGEST else text


def _fits(text: str, declared: object) -> bool:
    """Whether a text beyond ASCII can result from bytes in the declared character set."""
    return _is_known(declared) and not _was_utf8(text, declared)


def _was_utf8(text: str, declared: object) -> bool:
    """Whether UTF-8 was declared as a single-byte set: `MÃ¼ller` is nobody's name."""
    codec = python_encoding.get(str(declared), "")
    if not codec.startswith(("iso8859", "latin", "iso_ir_1")):
        return False
    try:
        return not text.encode(codec).decode("utf-8").isascii()
    except UnicodeError:
        return False


def _is_known(declared: object) -> bool:
    """Whether a file declares a character set of the standard (PS3.3, C.12.1.1.2)."""
    terms = [str(term) for term in (declared if isinstance(declared, MultiValue) else [declared])]
    beyond_ascii = [term for term in terms if term not in ("", "None", "ISO_IR 6", "ISO 2022 IR 6")]
    return bool(beyond_ascii) and all(term in python_encoding for term in beyond_ascii)


def _moment(value: str, kind: type[DA] | type[TM]) -> str:
    """The value if it is a valid date or time, otherwise empty."""
    try:
        kind(value)
    except DAMAGE:
        return ""
    return value
