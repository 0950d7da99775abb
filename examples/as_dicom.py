"""`as_dicom.py VIDEO OUT.dcm`: a video as the DICOM cine that a scanner would send.

For demos and tests: the patient is PHANTOM^NOBODY. Ultrasound multi-frame, each frame a JPEG.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, UltrasoundMultiFrameImageStorage, generate_uid

from edgeecho import read_cine
from edgeecho.common.errors import InputError
from edgeecho.common.files import atomic_path, sha256_file

PATIENT = "PHANTOM^NOBODY"


def write_dicom(video: Path, out: Path, *, number: int = 1) -> Path:
    """Write `video` as a DICOM file; the same video and number give the same instance."""
    cine = read_cine(video)
    if cine.fps is None:
        raise InputError(f"{video.name} has no frame rate, which a cine needs: choose another")
    count, rows, columns, _ = cine.frames.shape
    uids = [generate_uid(entropy_srcs=[sha256_file(video), str(number), kind]) for kind in "abc"]
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = uids
    dataset.PatientName, dataset.PatientID = PATIENT, "PHANTOM"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20250101", "120000", "1"
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.Modality, dataset.Manufacturer = "US", "edgeecho phantom"
    dataset.SeriesNumber, dataset.InstanceNumber = 1, number
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = rows, columns, count
    dataset.FrameTime = f"{1000 / cine.fps:.6g}"
    dataset.FrameIncrementPointer = 0x00181063
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.LossyImageCompression = "01"
    dataset.PixelData = encapsulate([_jpeg(frame) for frame in cine.frames])
    dataset["PixelData"].is_undefined_length = True
    with atomic_path(out) as temporary:
        dcmwrite(temporary, dataset, enforce_file_format=True)
    return out


def _jpeg(frame: cv2.typing.MatLike) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    write_dicom(given.video, given.out)
