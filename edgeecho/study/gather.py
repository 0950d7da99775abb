"""Gathering the files of studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeecho.cine import is_dicom_file, study_of


def gather(files: Sequence[Path]) -> list[list[int]]:
    """The places in `files` of each study's, in the order of their first files.

    DICOM files are of one study by StudyInstanceUID, wherever they lie; one without it is a study
    of its own. Other videos say nothing of a patient: those of one folder are one study.
    """
    studies: dict[object, list[int]] = {}
    for place, file in enumerate(files):
        if is_dicom_file(file):
            key: object = study_of(file) or place
        else:
            key = file.resolve().parent
        studies.setdefault(key, []).append(place)
    return list(studies.values())
