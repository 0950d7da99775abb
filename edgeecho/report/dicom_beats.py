"""The beats in a DICOM structured report: a group for all of them, and one for each that is used.

Nothing here has the code of the network's EF, so that no reader takes one for the other.
"""

from __future__ import annotations

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from edgeecho.beats import Beat, Beats, Moment
from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report import concepts
from edgeecho.report.beats import Source, area_length_ef, file_frame, in_words, mean
from edgeecho.report.dicom_items import (
    CONTAINS,
    add_words,
    left_ventricle,
    make_uid,
    own,
    rounded,
    snomed,
)
from edgeecho.results import Answer, TracingFacts

_DISCS, _AREA_LENGTH = codes.DCM.MethodOfDisksSinglePlane, codes.DCM.AreaLengthSinglePlane
_EF_DISCS = codes.LN.LeftVentricularEjectionFractionSinglePlane4CMOD
_EDV, _ESV = codes.LN.LeftVentricularEndDiastolicVolume, codes.LN.LeftVentricularEndSystolicVolume
_ML = Code("mL", "UCUM", "milliliter")


def beat_groups(
    answer: Answer, source: Dataset, seed: str
) -> list[sr.MeasurementsAndQualitativeEvaluations]:
    """Empty if nothing was traced, no beat is used, or the answer is refused."""
    tracing, numbers = answer.tracing, answer.numbers
    if tracing is None or numbers is None or numbers.beats is None or not numbers.beats.used:
        return []
    beats, image = numbers.beats, _Image(source, tracing.source)
    found = enumerate(beats.found, 1)
    groups = [_all_beats(answer, tracing, beats, image, seed)]
    groups += [_beat(number, beat, image, seed) for number, beat in found if not beat.unused]
    return groups


class _Image:
    """References to the answered file."""

    def __init__(self, header: Dataset, source: Source) -> None:
        self.uids = (header.SOPClassUID, header.SOPInstanceUID)
        self._source = source

    def frames(self, *moments: Moment | None) -> list[int] | None:
        """Their frames in the file, from 1 as in DICOM; None if they are not known."""
        numbers = [file_frame(moment, self._source) for moment in moments if moment]
        known = sorted({number + 1 for number in numbers if number is not None})
        return known or None


def _all_beats(
    answer: Answer, tracing: TracingFacts, beats: Beats, image: _Image, seed: str
) -> sr.MeasurementsAndQualitativeEvaluations:
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(make_uid(f"beats {seed}"), "beats"),
        algorithm_id=_algorithm(answer, tracing),
        finding_sites=left_ventricle(),
        measurements=[
            *_maybe(_EF_DISCS, beats.mean_ef, codes.UCUM.Percent, image, method=_DISCS, mean=True),
            *_maybe(
                own(concepts.EF_AREA_LENGTH), area_length_ef(beats), codes.UCUM.Percent, image,
                method=_AREA_LENGTH, mean=True,
            ),
            *_maybe(
                own(concepts.EF_BY_BEAT), beats.network_ef, codes.UCUM.Percent, image, mean=True
            ),
            *_maybe(
                codes.DCM.RRInterval, mean(beats.rr_ms), codes.UCUM.Millisecond, image, mean=True
            ),
        ],
        source_images=[sr.SourceImageForMeasurementGroup(*image.uids)],
    )  # fmt: skip
    add_words(group, [RESEARCH_USE, in_words(beats)], [])
    return group


def _beat(
    number: int, beat: Beat, image: _Image, seed: str
) -> sr.MeasurementsAndQualitativeEvaluations:
    ed, es, percent = beat.ed, beat.es, codes.UCUM.Percent
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            make_uid(f"beat {number} {seed}"), f"beat {number}"
        ),
        finding_sites=left_ventricle(),
        measurements=[
            *_volumes(ed, _EDV, image),
            *_volumes(es, _ESV, image),
            *_maybe(_EF_DISCS, beat.traced_ef, percent, image, ed, es, method=_DISCS),
            *_maybe(
                own(concepts.EF_AREA_LENGTH), beat.area_length_ef, percent, image, ed, es,
                method=_AREA_LENGTH,
            ),
            *_maybe(own(concepts.EF_BY_BEAT), beat.network_ef, percent, image),
            *_maybe(codes.DCM.RRInterval, beat.rr_ms, codes.UCUM.Millisecond, image),
        ],
        source_images=[sr.SourceImageForMeasurementGroup(*image.uids)],
    )  # fmt: skip
    # TID 1501 is extensible: which frame is which.
    group[0].ContentSequence.extend(
        sr.ImageContentItem(snomed(name), *image.uids, frames, relationship_type=CONTAINS)
        for name, moment in ((concepts.END_DIASTOLE, ed), (concepts.END_SYSTOLE, es))
        if (frames := image.frames(moment))
    )
    return group


def _volumes(moment: Moment | None, name: Code, image: _Image) -> list[sr.Measurement]:
    if moment is None or moment.shape is None:
        return []
    shape = moment.shape
    return [
        *_maybe(name, shape.simpson_ml, _ML, image, moment, method=_DISCS),
        *_maybe(name, shape.area_length_ml, _ML, image, moment, method=_AREA_LENGTH),
    ]


def _maybe(
    name: sr.CodedConcept | Code,
    value: float | None,
    unit: Code,
    image: _Image,
    *moments: Moment | None,
    method: Code | None = None,
    mean: bool = False,
) -> list[sr.Measurement]:
    """A measurement of these moments' frames; none if the value is not known."""
    if value is None:
        return []
    return [
        sr.Measurement(
            name=name,
            value=rounded(value),
            unit=unit,
            method=method,
            derivation=codes.SCT.Mean if mean else None,
            finding_sites=left_ventricle(),
            referenced_images=[sr.SourceImageForMeasurement(*image.uids, image.frames(*moments))],
        )
    ]


def _algorithm(answer: Answer, tracing: TracingFacts) -> sr.AlgorithmIdentification:
    masks, engine = answer.model.segmentation, tracing.engine
    return sr.AlgorithmIdentification(
        name="edgeecho",
        version=VERSION,
        parameters=[
            concepts.TRACED_METHOD,
            *([f"segmentation {masks.architecture}, sha256 {masks.sha256}"] if masks else []),
            f"engine {engine.name} {engine.version}, {engine.precision}",
            f"beats {tracing.rule}",
        ],
    )
