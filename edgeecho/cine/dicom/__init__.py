"""Multi-frame DICOM, through pydicom. No text of a file goes anywhere: only pixels and timing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeecho.cine.dicom.detect import is_dicom
from edgeecho.cine.types import DEFAULT_LIMITS, Cine, Limits

if TYPE_CHECKING:
    from edgeecho.cine.dicom.kind import Other

__all__ = ["is_dicom", "kind_of_file", "read_dicom"]


def read_dicom(path: Path, limits: Limits = DEFAULT_LIMITS) -> Cine:
    """Decode every frame of a DICOM file; `InputError` where that cannot be done.

    Frames that cannot be decoded are left out and named in `damage`; the others keep their own
    time. JPEG Lossless and JPEG-LS need the extra `dicom-lossless`, else they are a
    `MissingDependencyError`. Nothing that the file says in words gets into the `Cine` or an error.
    """
    # pydicom takes longer to import than a video to read: only this module is imported for those.
    from edgeecho.cine.dicom.reader import read

    return read(path, limits)


def kind_of_file(path: Path) -> Other | None:
    """What a DICOM file is instead of a transthoracic cine, by its header; None: nothing known."""
    from edgeecho.cine.dicom.file import read_kind

    return read_kind(path)
