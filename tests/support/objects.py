"""Objects of a study, cines and others, with one patient's and study's identifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from dicoms import write_dicom
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

STILL = "1.2.840.10008.5.1.4.1.1.6.1"


def write_object(path: Path, sop_class: str, number: int, syntax: str = "", **more: Any) -> Path:
    """An object without pixels, of any class."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.8.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.5"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.9"
    dataset.PatientName, dataset.PatientID = "Secret^Patient", "SECRET-4711"
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    dataset.preamble = bytes(128)
    dcmwrite(path, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return path


def write_native(path: Path, pixels: np.ndarray, number: int, **more: Any) -> Path:
    """Uncompressed, with a scanner's identifiers."""
    identifiers = {
        "SOPInstanceUID": f"1.2.826.0.1.3680043.8.498.7.{number}",
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.5",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.6",
        "PatientID": "SECRET-4711",
    }
    return write_dicom(path, pixels, **{**identifiers, **more})
