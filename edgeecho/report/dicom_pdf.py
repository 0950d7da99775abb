"""The answer to a study as an encapsulated PDF, since many viewers show no structured report.

It says what the report of `dicom_study` says, and belongs to the same patient and study.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from edgeecho.cine.dicom.quiet import quiet
from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report.dicom_items import make_uid
from edgeecho.report.dicom_sr import SERIES_DESCRIPTION, SERIES_NUMBER
from edgeecho.report.dicom_study import Version, image_of
from edgeecho.report.pdf import Line, to_pdf
from edgeecho.report.study import clip_in_words, in_words
from edgeecho.study import StudyAnswer

_TITLE = "Left ventricular ejection fraction (EF)"


def to_study_pdf(
    study: StudyAnswer,
    drafts: Mapping[int, Dataset],
    version: Version,
    *,
    left_aside: Sequence[str] = (),
    model: str = "edgeecho",
    created: datetime,
) -> Dataset:
    """Arguments as in `to_study_sr`. No name is on its pages: its header says whose it is."""
    lines = list(_lines(study, version, left_aside, model, created))
    with quiet():
        images = [image_of(draft) for draft in drafts.values()]
        made = image_of(list(drafts.values())[-1])
        content = to_pdf(lines, foot=f"{RESEARCH_USE} edgeecho {VERSION}")
        _identify(made, version, created)
        made.DocumentTitle = _TITLE
        made.ConceptNameCodeSequence = [_title_code()]
        made.SourceInstanceSequence = [_reference(image) for image in images]
        made.MIMETypeOfEncapsulatedDocument = "application/pdf"
        made.EncapsulatedDocument = content + bytes(len(content) % 2)
        made.EncapsulatedDocumentLength = len(content)
    return made


def _lines(
    study: StudyAnswer,
    version: Version,
    left_aside: Sequence[str],
    model: str,
    created: datetime,
) -> Iterator[Line]:
    yield Line(_TITLE, size=18, bold=True)
    yield Line(RESEARCH_USE, size=12, bold=True, above=6)
    yield Line(
        f"answer {version.number} to this study, {created:%Y-%m-%d %H:%M}, by {model}; "
        "preliminary: nobody has looked at it",
        above=6,
    )
    first, *others = (" ".join(line.split()) for line in in_words(study))
    yield Line(first, size=14, bold=True, above=18)
    yield from map(Line, others)
    if study.numbers:
        made_of = ", ".join(map(str, study.numbers.clips))
        yield Line(f"made of clip {made_of}", above=4)
    for warning in study.warnings:
        yield Line(f"warning: {warning}", above=4)
    if study.clips:
        yield Line("Clips", size=12, bold=True, above=18)
    for one in study.clips:
        yield Line(clip_in_words(one, f"clip {one.clip.number}"), above=4)
    if left_aside and study.clips:
        yield Line(f"left aside, since they are no cines: {', '.join(left_aside)}", above=4)


def _identify(made: Dataset, version: Version, created: datetime) -> None:
    """Replace what the image was by what the document is."""
    made.SOPClassUID = EncapsulatedPDFStorage
    made.SOPInstanceUID = make_uid(f"study pdf {version.id}")
    made.SeriesInstanceUID = make_uid(f"study pdf series {made.StudyInstanceUID}")
    made.SeriesNumber, made.InstanceNumber = SERIES_NUMBER + 1, version.number
    made.SeriesDescription, made.Modality = SERIES_DESCRIPTION, "DOC"
    made.Manufacturer = made.ManufacturerModelName = "edgeecho"
    made.SoftwareVersions, made.ConversionType = VERSION, "WSD"
    made.SpecificCharacterSet, made.BurnedInAnnotation = "ISO_IR 192", "NO"
    made.ContentDate, made.ContentTime = created.date(), created.time()
    made.InstanceCreationDate, made.InstanceCreationTime = created.date(), created.time()
    made.AcquisitionDateTime = None
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _title_code() -> Dataset:
    title = codes.DCM.ImagingMeasurementReport
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = title.value, title.scheme_designator
    code.CodeMeaning = title.meaning
    return code


def _reference(image: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return reference
