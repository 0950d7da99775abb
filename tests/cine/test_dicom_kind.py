"""Only a transthoracic cine in time has an EF: what says that it is something else."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicoms import write_dicom as write_to
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    EncapsulatedPDFStorage,
    EnhancedUSVolumeStorage,
    IntravascularOpticalCoherenceTomographyImageStorageForPresentation,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    NuclearMedicineImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from edgeecho.cine import find_videos
from edgeecho.cine.dicom import kind_of_file, read_dicom
from edgeecho.common.errors import InputError

STILL = np.full((1, 20, 30, 3), 7, np.uint8)


def _region(spatial: int, data: int = 1) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType = spatial, data
    item.RegionLocationMinX0 = item.RegionLocationMinY0 = 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 20, 10
    return item


def _index(keyword: str) -> Dataset:
    item = Dataset()
    item.DimensionIndexPointer = Tag(keyword)
    return item


OTHERS = {
    "angiography": (
        {"SOPClassUID": XRayAngiographicImageStorage, "Modality": "XA"},
        "X-Ray Angiographic Image Storage object",
    ),
    "fluoroscopy": (
        {"SOPClassUID": XRayRadiofluoroscopicImageStorage},
        "X-Ray Radiofluoroscopic Image Storage object",
    ),
    "blood pool": ({"SOPClassUID": NuclearMedicineImageStorage}, "Nuclear Medicine Image Storage"),
    "CT": ({"SOPClassUID": CTImageStorage}, "CT Image Storage object"),
    "intravascular OCT": (
        {"SOPClassUID": IntravascularOpticalCoherenceTomographyImageStorageForPresentation},
        "Intravascular Optical Coherence Tomography Image Storage - For Presentation object",
    ),
    "a private class": ({"SOPClassUID": "1.2.3.4"}, "object of an unknown class"),
    "X-ray as a secondary capture": (
        {"SOPClassUID": MultiFrameTrueColorSecondaryCaptureImageStorage, "Modality": "XA"},
        "object of another modality, XA",
    ),
    "intravascular by modality": ({"Modality": "IVUS"}, "intravascular cine"),
    "intravascular by probe": ({"TransducerType": "IV_ROT XTAL"}, "intravascular cine"),
    "transoesophageal by probe": ({"TransducerType": "ENDOCAV_PA"}, "endocavitary cine"),
    "transoesophageal by exam": ({"ImageType": [*"DP", "TEE", "0001"]}, "TEE cine"),
    "fetal": ({"ImageType": [*"OP", "FETAL HEART", "0001"]}, "FETAL HEART cine"),
    "no modality of ultrasound": ({"Modality": "MR"}, "object of another modality, MR"),
    "a volume by class": ({"SOPClassUID": EnhancedUSVolumeStorage}, "volume"),
    "a volume by organisation": ({"DimensionOrganizationType": "3D_TEMPORAL"}, "volume"),
    "slices by pointer": (
        {"FrameIncrementPointer": Tag("SliceLocationVector"), "FrameTime": 20},
        "slice or view stack",
    ),
    "slices by one of two pointers": (
        {"FrameIncrementPointer": [Tag("SliceVector"), Tag("TimeSliceVector")]},
        "slice or view stack",
    ),
    "views by pointer": (
        {"FrameIncrementPointer": Tag("AngularViewVector")},
        "slice or view stack",
    ),
    "slices by dimension": (
        {"DimensionIndexSequence": [_index("StackID"), _index("InStackPositionNumber")]},
        "slice stack",
    ),
    "slices by dimension, of a volume": (
        {
            "DimensionIndexSequence": [
                _index("TemporalPositionIndex"),
                _index("ImagePositionVolume"),
            ]
        },
        "slice stack",
    ),
    "slices by image type": ({"ImageType": [*"DP", "", "0401"]}, "slice stack"),
    "a rendered volume": ({"ImageType": [*"DP", "", "0040"]}, "volume rendering"),
    "M-mode by image type": ({"ImageType": [*"OP", "", "0002"]}, "M-mode trace"),
    "Doppler by image type": ({"ImageType": [*"OP", "", "0008"]}, "Doppler trace"),
    "M-mode by region": ({"SequenceOfUltrasoundRegions": [_region(2)]}, "M-mode trace"),
    "M-mode below B-mode": (
        {"SequenceOfUltrasoundRegions": [_region(1), _region(2)]},
        "M-mode trace",
    ),
    "Doppler below B-mode": (
        {"SequenceOfUltrasoundRegions": [_region(1), _region(3, 3)]},
        "Doppler trace",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_objects_are_refused_by_what_they_are(
    write_dicom: Callable[..., Path], what: str
) -> None:
    attributes, noun = OTHERS[what]
    path = write_dicom(**({"FrameTime": 20} | attributes))
    with pytest.raises(InputError, match="is no transthoracic cine") as caught:
        read_dicom(path)
    assert f"({noun}" in str(caught.value)
    kind = kind_of_file(path)
    assert kind is not None
    assert kind.noun in str(caught.value)


@pytest.mark.parametrize(
    "attributes",
    [
        {"Modality": "US"},
        {"Modality": "us"},
        {"Modality": "US", "ImageType": ["ORIGINAL", "PRIMARY", "", "0001"]},
        {"ImageType": ["DERIVED", "PRIMARY", "TTE", "0011"]},  # with colour
        {"ImageType": ["ORIGINAL", "PRIMARY", "", "0005"]},  # B-mode and a Doppler cursor
        {"ImageType": ["ORIGINAL", "PRIMARY", "VENDOR", "WORD"]},
        {"TransducerType": "SECTOR_PHASED"},
        {"SOPClassUID": MultiFrameTrueColorSecondaryCaptureImageStorage, "Modality": "OT"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3"},
        {"DimensionIndexSequence": [_index("TemporalPositionIndex")]},
        {"SequenceOfUltrasoundRegions": [_region(1), _region(4, 0x0A), _region(1, 2)]},
        {"SequenceOfUltrasoundRegions": [_region(1), _region(3, 0x0A)]},  # an ECG, mislabelled
    ],
)
def test_cines_of_ultrasound_are_read(write_dicom: Callable[..., Path], attributes: dict) -> None:
    path = write_dicom(**({"FrameTime": 20} | attributes))
    assert len(read_dicom(path).frames) == 12
    assert kind_of_file(path) is None


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({"ImageType": [*"OP", "OBSTETRICAL", "0001"]}, "ImageType says OBSTETRICAL"),
        ({"BodyPartExamined": "BREAST"}, "BodyPartExamined says BREAST"),
    ],
)
def test_another_organ_is_a_doubt(
    write_dicom: Callable[..., Path], attributes: dict, note: str
) -> None:
    assert read_dicom(write_dicom(FrameTime=20, **attributes)).notes == (f"{note}: is it a heart?",)


def test_a_class_that_only_the_files_header_names_counts(
    write_dicom: Callable[..., Path],
) -> None:
    path = write_dicom(FrameTime=20, SOPClassUID=XRayAngiographicImageStorage)
    dataset = dcmread(path)
    del dataset.SOPClassUID
    dataset.save_as(path)
    with pytest.raises(InputError, match="X-Ray Angiographic Image Storage object"):
        read_dicom(path)


@pytest.mark.parametrize(
    "attributes",
    [
        {"SOPClassUID": UltrasoundImageStorage, "NumberOfFrames": None},
        {"SOPClassUID": SecondaryCaptureImageStorage},
        {"NumberOfFrames": 1, "FrameTime": 20},
        {"NumberOfFrames": None},
    ],
)
def test_a_still_is_called_one(write_dicom: Callable[..., Path], attributes: dict) -> None:
    path = write_dicom(STILL, **attributes)
    with pytest.raises(InputError, match=r"is no transthoracic cine \(still\): no EF can be given"):
        read_dicom(path)


def test_a_report_is_called_one_and_a_pdf_by_its_class(tmp_path: Path) -> None:
    real = Path(str(get_testdata_file("test-SR.dcm", download=False)))
    with pytest.raises(InputError, match=r"is no transthoracic cine \(structured report\)"):
        read_dicom(real)
    pdf = write_to(tmp_path / "pdf.dcm", STILL, SOPClassUID=EncapsulatedPDFStorage, PixelData=None)
    with pytest.raises(InputError, match=r"\(Encapsulated PDF Storage object\)"):
        read_dicom(pdf)


def test_words_of_a_file_that_are_not_the_standards_are_not_repeated(
    write_dicom: Callable[..., Path],
) -> None:
    path = write_dicom(FrameTime=20, Modality="DOE JANE")
    with pytest.raises(InputError) as caught:
        read_dicom(path)
    assert "JANE" not in str(caught.value)


def test_a_folder_of_a_study_gives_its_cines_and_counts_the_rest(tmp_path: Path) -> None:
    cine = write_to(tmp_path / "IM1", np.tile(STILL, (12, 1, 1, 1)), FrameTime=20)
    write_to(tmp_path / "S0", STILL, SOPClassUID=UltrasoundImageStorage)
    write_to(tmp_path / "S1", STILL)  # one frame of a multi-frame class
    write_to(tmp_path / "XA1.dcm", STILL, **OTHERS["angiography"][0])
    real = Path(str(get_testdata_file("test-SR.dcm", download=False)))
    (tmp_path / "SR1.dcm").write_bytes(real.read_bytes())
    (tmp_path / "broken.dcm").write_bytes(cine.read_bytes()[:400])  # to be read, and to fail
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    found = find_videos([tmp_path])
    assert found.files == (cine, tmp_path / "broken.dcm")
    assert found.passed_over_words == (
        "1 GIF image, 1 X-Ray Angiographic Image Storage object, 2 stills, 1 structured report"
    )


@pytest.mark.slow
def test_a_deflated_file_in_a_folder_is_no_trap(tmp_path: Path) -> None:
    """Whole, cut, and a bomb: its header is inflated as far as a header goes."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 128, 128, 3), dtype=np.uint8)
    plain = write_to(tmp_path / "a.dcm", noise, FrameTime=20).read_bytes()
    old, new = b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x16\x001.2.840.10008.1.2.1.99"
    assert plain.count(old) == 1
    data = plain.replace(old, new)
    offset = data.index(b"\x08\0\x16\0UI")
    whole = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = whole.compress(data[offset:]) + whole.flush()
    (tmp_path / "a.dcm").write_bytes(data[:offset] + body)
    (tmp_path / "b.dcm").write_bytes((data[:offset] + body)[: len(body) // 2])
    bomb = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = data[offset : offset + 200]
    zeros = b"".join([bomb.compress(head), *(bomb.compress(bytes(1 << 24)) for _ in range(12))])
    (tmp_path / "c.dcm").write_bytes(data[:offset] + zeros + bomb.flush())
    tracemalloc.start()
    found = find_videos([tmp_path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.files) == 3
    assert peak < 80e6
    assert len(read_dicom(tmp_path / "a.dcm").frames) == 30


def test_a_header_of_millions_of_elements_is_not_read_to_its_end(tmp_path: Path) -> None:
    """Zeros are elements without a value; 16 MB of them took a quarter of a minute."""
    cine = np.concatenate([STILL, STILL + 1])
    path = write_to(tmp_path / "a.dcm", cine, FrameTime=20)
    data = path.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(data[:at] + bytes(8 * 19_000) + data[at:])
    assert len(read_dicom(path).frames) == 2
    path.write_bytes(data[:at] + bytes(8 * 20_000) + data[at:])
    with pytest.raises(InputError, match="is a damaged DICOM file"):
        read_dicom(path)


def test_a_folder_without_a_cine_says_what_it_holds(tmp_path: Path) -> None:
    write_to(tmp_path / "S", STILL, SOPClassUID=UltrasoundImageStorage)
    with pytest.raises(InputError, match=r"holds no videos and no DICOM cines \(1 still\): choose"):
        find_videos([tmp_path])
    pictures = tmp_path / "frames"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number:03}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"\(3 PNG images\): choose another folder"):
        find_videos([pictures])
