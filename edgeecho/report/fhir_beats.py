"""The beats of an answer as components of a FHIR Observation."""

from __future__ import annotations

from edgeecho.beats import Beats
from edgeecho.report import beats, concepts
from edgeecho.report.concepts import Concept
from edgeecho.report.fhir_items import DICOM, LOINC, OWN, Json, coded, quantity


def components(found: Beats) -> list[Json]:
    """Means over the beats that are used. No code of a traced number is that of the EF."""
    used: Json = {"code": coded(OWN, concepts.BEATS_USED), "valueInteger": len(found.used)}
    edv, esv = beats.volumes_ml(found)
    values = [
        (_traced(LOINC, concepts.EF_DISCS), found.mean_ef, "%"),
        (_traced(LOINC, concepts.EDV_DISCS), edv, "mL"),
        (_traced(LOINC, concepts.ESV_DISCS), esv, "mL"),
        (coded(OWN, concepts.EF_AREA_LENGTH), beats.area_length_ef(found), "%"),
        (coded(OWN, concepts.SPREAD), found.spread, "%"),
        (coded(OWN, concepts.EF_BY_BEAT), found.network_ef, "%"),
        (_traced(DICOM, concepts.RR), beats.mean(found.rr_ms), "ms"),
    ]
    known: list[Json] = [
        {"code": code, "valueQuantity": quantity(value, unit)}
        for code, value, unit in values
        if value is not None
    ]
    if found.regular is not None:
        known.append({"code": coded(OWN, concepts.REGULAR), "valueBoolean": found.regular})
    return [used, *known]


def _traced(system: str, concept: Concept) -> Json:
    # Without `display`: the words are DICOM's, and LOINC has others.
    code = coded(system, concept)
    del code["coding"][0]["display"]
    return {**code, "text": f"{concept.meaning}, mean of the beats"}
