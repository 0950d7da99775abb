"""Codes and quantities in FHIR."""

from __future__ import annotations

from typing import Any

from edgeecho.report.concepts import Concept

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
OWN = "urn:edgeecho:concepts"

Json = dict[str, Any]


def percent(value: float) -> Json:
    return quantity(value, "%")


def quantity(value: float, unit: str) -> Json:
    return {"value": round(value, 2), "unit": unit, "system": UCUM, "code": unit}


def coded(system: str, concept: Concept) -> Json:
    return {
        "coding": [{"system": system, "code": concept.code, "display": concept.meaning}],
        "text": concept.meaning,
    }
