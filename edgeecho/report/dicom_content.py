"""The content of a DICOM structured report: TID 1500, Measurement Report (PS3.16)."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report import concepts
from edgeecho.report.beats import no_beats
from edgeecho.report.dicom_beats import beat_groups
from edgeecho.report.dicom_items import (
    add_words,
    left_ventricle,
    make_uid,
    own,
    rounded,
    snomed,
)
from edgeecho.report.text import gate_words, numbers_in_words
from edgeecho.results import Answer, Failure
from edgeecho.trust import Interval, Probabilities

EF = codes.LN.LeftVentricularEjectionFractionByUS
_HAS_PROPERTIES = sr.RelationshipTypeValues.HAS_PROPERTIES


def make_content(
    answer: Answer | Failure, source: Dataset, seed: str, *, of_study: bool = False
) -> sr.MeasurementReport:
    """`source` is the header of the answered file; `seed` makes the report's UIDs unique.

    `of_study`: the file is one clip of a study, whose EF comes from all of them. So its own has
    another code and no band.
    """
    if isinstance(answer, Failure):
        groups = [_group_without_answer(answer, source, seed)]
        return make_document(groups, "edgeecho", f"device {VERSION}", answered=False)
    return make_document(
        [_group(answer, source, seed, of_study=of_study), *beat_groups(answer, source, seed)],
        f"{answer.model.name} {answer.model.version}",
        f"device {VERSION} {answer.model.sha256}",
        answered=True,
    )


def make_document(
    groups: Sequence[sr.MeasurementsAndQualitativeEvaluations],
    model: str,
    device: str,
    *,
    answered: bool,
) -> sr.MeasurementReport:
    """The document that holds these groups. `device`: what makes the observer's UID unique."""
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=make_uid(device),
            name="edgeecho",
            manufacturer_name="edgeecho",
            model_name=model,
        ),
    )
    procedure = concepts.ECHOCARDIOGRAPHY if answered else concepts.IMAGING
    return sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=snomed(procedure),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )


def _group(
    answer: Answer, source: Dataset, seed: str, *, of_study: bool
) -> sr.MeasurementsAndQualitativeEvaluations:
    numbers = answer.numbers
    image = (source.SOPClassUID, source.SOPInstanceUID)
    measurements, bands = [], []
    if numbers:
        name = own(concepts.EF_OF_CLIP) if of_study else EF
        measurements = [
            measured_ef(name, numbers.ef, numbers.interval, [image], numbers.probabilities)
        ]
        bands = [] if of_study else [in_band(numbers.band)]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(make_uid(f"tracking {seed}"), "LVEF"),
        algorithm_id=_algorithm(answer),
        finding_sites=left_ventricle(),
        measurements=measurements,
        qualitative_evaluations=bands,
        source_images=[sr.SourceImageForMeasurementGroup(*image)],
    )
    comments = [RESEARCH_USE]
    if numbers:
        comments += [" ".join(line.split()) for line in numbers_in_words(numbers)]
    elif why := no_beats(answer.tracing):
        comments.append(why)
    comments += [f"warning: {warning}" for warning in answer.warnings]
    add_words(group, comments, [f"refused: {gate_words(r)}: {r.reason}" for r in answer.refusals])
    return group


def _group_without_answer(
    failure: Failure, source: Dataset, seed: str
) -> sr.MeasurementsAndQualitativeEvaluations:
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(make_uid(f"tracking {seed}"), "LVEF"),
        finding_sites=left_ventricle(),
        source_images=[
            sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)
        ],
    )
    add_words(group, [RESEARCH_USE], [f"not answered: {failure.message}"])
    return group


def _algorithm(answer: Answer) -> sr.AlgorithmIdentification:
    model, engine = answer.model, answer.engine
    return sr.AlgorithmIdentification(
        name="edgeecho",
        version=VERSION,
        parameters=[
            concepts.METHOD,
            f"model {model.name} {model.version}, {model.precision}",
            f"model sha256 {model.sha256}",
            f"preprocessing sha256 {model.preprocess.sha256()}",
            f"trained on: {model.trained_on or 'unknown'}",
            f"engine {engine.name} {engine.version}, {engine.precision}",
            f"clips {answer.clips}, time {answer.video.time}, area {answer.video.area}",
        ],
    )


def measured_ef(
    name: sr.CodedConcept | Code,
    ef: float,
    interval: Interval | None,
    images: Sequence[tuple[str, str]],
    probabilities: Probabilities | None = None,
) -> sr.Measurement:
    """An EF in %, with all that is known of it. `images`: SOP class and instance of its sources."""
    properties: list[sr.ContentItem] = []
    if probabilities:
        properties += [
            _number(own(concepts.AT_MOST_40), 100 * probabilities.at_most_40),
            _number(own(concepts.BELOW_50), 100 * probabilities.below_50),
        ]
    if interval:
        upper, lower = interval.high - ef, ef - interval.low
        properties += [
            _number(codes.SCT.RangeOfUpperMeasurementUncertainty, upper),
            _number(codes.SCT.RangeOfLowerMeasurementUncertainty, lower),
            sr.TextContentItem(
                codes.DCM.PopulationDescription,
                f"{100 * interval.level:g} % prediction interval, from the errors on videos that "
                f"the network was not trained on: {interval.domain}",
                relationship_type=_HAS_PROPERTIES,
            ),
        ]
    measured = sr.Measurement(
        name=name,
        value=rounded(ef),
        unit=codes.UCUM.Percent,
        finding_sites=left_ventricle(),
        referenced_images=[sr.SourceImageForMeasurement(*image) for image in images],
    )
    # TID 310, to which highdicom's class gives no unit.
    measured[0].ContentSequence.extend(properties)
    return measured


def in_band(name: str) -> sr.QualitativeEvaluation:
    """The band of an EF, by its name in `Numbers.band`."""
    return sr.QualitativeEvaluation(own(concepts.BAND), own(concepts.BANDS[name]))


def _number(name: sr.CodedConcept | Code, percent: float) -> sr.NumContentItem:
    return sr.NumContentItem(
        name, rounded(percent), codes.UCUM.Percent, relationship_type=_HAS_PROPERTIES
    )
