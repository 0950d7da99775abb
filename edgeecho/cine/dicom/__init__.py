"""Reading multi-frame DICOM with pydicom. Only pixels and timing leave this package, never text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeecho.cine.dicom.detect import is_dicom
from edgeecho.cine.types import DEFAULT_LIMITS, Cine, DecodeLimits
from edgeecho.cine.views import NO_SITE, SiteViews

if TYPE_CHECKING:
    from edgeecho.cine.dicom.kind import Other

__all__ = ["is_dicom", "kind_of_file", "read_dicom", "study_of"]


def read_dicom(
    path: Path, limits: DecodeLimits = DEFAULT_LIMITS, views: SiteViews = NO_SITE
) -> Cine:
    """Decode every frame of a DICOM file; `InputError` if that is impossible.

    Frames that cannot be decoded are left out and named in `damage`; the others keep their own
    times. JPEG Lossless and JPEG-LS need the extra `dicom-lossless`; without it they raise
    `MissingDependencyError`. `views`: what a site's own texts and codes of views mean. No text of
    the file gets into the `Cine` or an error.
    """
    # Importing pydicom takes longer than reading a video, so it is imported for DICOM files only.
    from edgeecho.cine.dicom.reader import read

    return read(path, limits, views)


def kind_of_file(path: Path) -> Other | None:
    """What a DICOM file is if its header shows that it is no transthoracic cine; otherwise None."""
    from edgeecho.cine.dicom.file import read_kind

    return read_kind(path)


def study_of(path: Path) -> str | None:
    """A hash of a DICOM file's StudyInstanceUID; None if it has none, is damaged or no DICOM."""
    from edgeecho.cine.dicom.study import read_study

    return read_study(path)
