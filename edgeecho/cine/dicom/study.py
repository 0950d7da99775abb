"""To which study a DICOM file belongs, without telling which that is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgeecho.cine.dicom.attributes import text
from edgeecho.cine.dicom.file import read_header
from edgeecho.cine.dicom.quiet import DAMAGE


def read_study(path: Path) -> str | None:
    """Implements `study_of`."""
    try:
        header = read_header(path, ["StudyInstanceUID"])
    except DAMAGE:
        return None
    uid = text(header, "StudyInstanceUID")
    return hashlib.sha256(uid.encode()).hexdigest() if uid else None
