"""`read_cine`: chooses the reader by the file's content."""

from __future__ import annotations

import stat
from pathlib import Path

from edgeecho.cine.container import HEAD_BYTES
from edgeecho.cine.dicom import is_dicom
from edgeecho.cine.types import DEFAULT_LIMITS, Cine, DecodeLimits
from edgeecho.cine.views import NO_SITE, SiteViews
from edgeecho.common.errors import InputError
from edgeecho.common.text import shown_name


def read_cine(
    path: Path, limits: DecodeLimits = DEFAULT_LIMITS, views: SiteViews = NO_SITE
) -> Cine:
    """Decode a video or a multi-frame DICOM file; `InputError` if that is impossible.

    The content decides the file's kind; the suffix is ignored. What is missing in a damaged file is
    named in `Cine.damage`. `views`: what a site's own texts and codes of views mean in DICOM files.
    """
    _check_readable(path, limits)
    # Imported late, because videos need OpenCV and DICOM files need pydicom.
    if is_dicom_file(path):
        from edgeecho.cine.dicom import read_dicom

        return read_dicom(path, limits, views)
    from edgeecho.cine.video import read_video

    return read_video(path, limits)


def is_dicom_file(path: Path) -> bool:
    """Whether a file is a DICOM file by its first bytes; False if it cannot be opened."""
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(HEAD_BYTES))
    except OSError:  # reading it gives the reason
        return False


def _check_readable(path: Path, limits: DecodeLimits) -> None:
    try:
        # FFmpeg takes UTF-8, and OpenCV ends the process if the name is not.
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{shown_name(path)} is not a UTF-8 file name: rename the file") from error
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise InputError(f"{path.name} is a folder: a file was expected")
        if facts.st_size == 0:
            raise InputError(f"{path.name} is empty (0 bytes): copy or export it again")
        if facts.st_size > limits.megabytes * 1_000_000:
            raise InputError(
                f"{path.name} is larger than {limits.megabytes} MB: "
                "cut the clip out of it, or raise --max-mb"
            )
        path.open("rb").close()
    except FileNotFoundError as error:
        raise InputError(f"{path.name}: no such file: check the path") from error
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
