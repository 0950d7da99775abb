"""The answer to a study as a DICOM structured report: one document, with a group for the study and
one for each clip.

A clip's group is taken from its draft, which was written when the clip was answered. Importing this
needs highdicom (extra `dicom`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ComprehensiveSRStorage

from edgeecho.cine.dicom.quiet import quiet
from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report import concepts
from edgeecho.report.dicom_content import EF, in_band, make_document, measured_ef
from edgeecho.report.dicom_items import CONTAINS, add_words, left_ventricle, make_uid, own
from edgeecho.report.dicom_source import PATIENT_AND_STUDY
from edgeecho.report.dicom_sr import make_report, to_sr
from edgeecho.report.study import clip_in_words, in_words
from edgeecho.results import Outcome
from edgeecho.study import StudyAnswer, StudyClip

LEFT_ASIDE = 0
"""Number of the draft on a picture that is no cine."""


@dataclass(frozen=True)
class Version:
    """Which answer to its study a report is."""

    id: str
    """The report's UID comes from it."""
    number: int
    """From 1."""
    before: str | None = None
    """The `id` of the version that it replaces."""


def to_draft(outcome: Outcome, source: Dataset, *, created: datetime) -> Dataset:
    """What a clip adds to the report on its study, as an SR; arguments and errors as in `to_sr`."""
    return to_sr(outcome, source, created=created, of_study=True)


def to_study_sr(
    study: StudyAnswer,
    drafts: Mapping[int, Dataset],
    version: Version,
    *,
    left_aside: Sequence[str] = (),
    model: str = "edgeecho",
    created: datetime,
) -> Dataset:
    """A Comprehensive SR on a study.

    `drafts` are those of its clips, by number; one that is no longer there is left out, and its
    clip is told of in words only. Patient and study are those of the last one. If there are no
    clips, `LEFT_ASIDE` is the number of the one draft. `left_aside`: kinds of pictures that are no
    cines; `model`: name and version.
    """
    with quiet():  # highdicom and pydicom warn of unusual names and quote them
        images = {number: image_of(draft) for number, draft in drafts.items()}
        groups = [_study_group(study, images, version, left_aside)]
        clips = {one.clip.number: one for one in study.clips}
        made_of = study.numbers.clips if study.numbers else ()
        for number, draft in drafts.items():
            groups += _clip_groups(draft, number, clips.get(number), whole=number in made_of)
        evidence = list(reversed(images.values()))
        study_uid = evidence[0].StudyInstanceUID
        series = make_uid(f"study series {study_uid}")
        answered = any(one.clip.failure is None for one in study.clips)
        return make_report(
            make_document(groups, model, f"device {VERSION} {model}", answered=answered),
            evidence,
            series=series,
            uid=_uid(version.id),
            number=version.number,
            created=created,
            replaces=_reference(version.before, study_uid, series) if version.before else None,
        )


def _uid(version: str) -> str:
    return make_uid(f"study report {version}")


def _reference(version: str, study: str, series: str) -> Dataset:
    before = Dataset()
    before.SOPClassUID, before.SOPInstanceUID = ComprehensiveSRStorage, _uid(version)
    before.StudyInstanceUID, before.SeriesInstanceUID = study, series
    return before


def image_of(draft: Dataset) -> Dataset:
    """The image that a draft is about, with its patient and study."""
    of_study = draft.CurrentRequestedProcedureEvidenceSequence[0]
    series = of_study.ReferencedSeriesSequence[0]
    image = Dataset()
    for keyword in PATIENT_AND_STUDY:
        if keyword in draft:
            setattr(image, keyword, draft[keyword].value)
    image.StudyInstanceUID = of_study.StudyInstanceUID
    image.SeriesInstanceUID = series.SeriesInstanceUID
    image.SOPClassUID = series.ReferencedSOPSequence[0].ReferencedSOPClassUID
    image.SOPInstanceUID = series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    return image


def _study_group(
    study: StudyAnswer,
    images: Mapping[int, Dataset],
    version: Version,
    left_aside: Sequence[str],
) -> sr.MeasurementsAndQualitativeEvaluations:
    numbers = study.numbers
    made_of = [images[n] for n in numbers.clips if n in images] if numbers else []
    sources = [(image.SOPClassUID, image.SOPInstanceUID) for image in made_of]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            make_uid(f"tracking {version.id}"), "LVEF of the study"
        ),
        algorithm_id=sr.AlgorithmIdentification(
            name="edgeecho",
            version=VERSION,
            parameters=[concepts.METHOD, f"EF of the study: {study.rule} of the clips that count"],
        ),
        finding_sites=left_ventricle(),
        measurements=[measured_ef(EF, numbers.ef, numbers.interval, sources)] if numbers else [],
        qualitative_evaluations=[in_band(numbers.band)] if numbers else [],
        source_images=[sr.SourceImageForMeasurementGroup(*source) for source in sources],
    )
    told = [" ".join(line.split()) for line in in_words(study)]
    comments = [RESEARCH_USE, f"answer {version.number} to this study"]
    comments += told if numbers else []
    lines = [clip_in_words(one, f"clip {one.clip.number}") for one in study.clips]
    comments += [" ".join(line.split()) for line in lines]
    if numbers:
        comments.append(f"made of clip {', '.join(map(str, numbers.clips))}")
    if left_aside and study.clips:
        comments.append(f"left aside, since they are no cines: {', '.join(left_aside)}")
    comments += [f"warning: {warning}" for warning in study.warnings]
    add_words(group, comments, [] if numbers else told)
    return group


def _clip_groups(
    draft: Dataset, number: int, one: StudyClip | None, *, whole: bool
) -> list[sr.MeasurementsAndQualitativeEvaluations]:
    """The groups of a clip; without those of its beats, unless `whole`."""
    (measurements,) = (
        item
        for item in draft.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == codes.DCM.ImagingMeasurements.value
    )
    found = list(measurements.ContentSequence)
    groups = [
        sr.MeasurementsAndQualitativeEvaluations.from_sequence([deepcopy(group)])
        for group in (found if whole else found[:1])
    ]
    for group in groups:
        for item in group[0].ContentSequence:
            if item.ConceptNameCodeSequence[0].CodeValue == codes.DCM.TrackingIdentifier.value:
                item.TextValue = f"clip {number}: {item.TextValue}" if one else "left aside"
    if one:
        told = [(own(concepts.USE), one.left_out or "counts")]
        if one.clip.view:
            told.append((codes.DCM.ImageView, one.clip.view))
        groups[0][0].ContentSequence.extend(
            sr.TextContentItem(name, text, relationship_type=CONTAINS) for name, text in told
        )
    return groups
