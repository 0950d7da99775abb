"""Results as FHIR R5: a Bundle with an Observation or OperationOutcome for each file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report import concepts, fhir_beats
from edgeecho.report.beats import no_beats
from edgeecho.report.concepts import Concept
from edgeecho.report.fhir_items import LOINC, OWN, SNOMED, TERMINOLOGY, Json, coded, percent
from edgeecho.report.text import gate_words, without_name
from edgeecho.results import Answer, Failure, Numbers, Outcome

_ENTRIES = UUID("0c1a4be7-2a0f-4a0a-9d2c-6f4e0a3b1c55")


def to_fhir(outcomes: Sequence[Outcome], issued: datetime, *, subject: Json | None = None) -> str:
    """JSON of a Bundle of type `collection`, with entries in the order of `outcomes`.

    An answered or refused file is an Observation, a failed one an OperationOutcome. File names are
    left out. `issued` has a time zone. `subject`: a FHIR Reference to the patient; None: none.
    """
    if issued.tzinfo is None:
        raise ValueError("expected a time with its zone")
    moment = issued.isoformat(timespec="seconds")
    entries = []
    for number, outcome in enumerate(outcomes, 1):
        resource = _resource(number, outcome, moment)
        if subject and resource["resourceType"] == "Observation":
            resource["subject"] = subject
        name = f"{number} {moment} {json.dumps(resource)}"
        entries.append({"fullUrl": f"urn:uuid:{uuid5(_ENTRIES, name)}", "resource": resource})
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": moment,
        "entry": entries,
    }
    return json.dumps(bundle, indent=2, ensure_ascii=False, allow_nan=False)


def _resource(number: int, outcome: Outcome, issued: str) -> Json:
    if isinstance(outcome.answer, Failure):
        return _operation_outcome(number, outcome.file, outcome.answer)
    return _observation(outcome.answer, outcome.sha256, issued)


def _operation_outcome(number: int, file: str, failure: Failure) -> Json:
    words = without_name(failure.message, file, f"file {number}")
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "processing", "details": {"text": words}},
            {"severity": "information", "code": "informational", "details": {"text": RESEARCH_USE}},
        ],
    }


def _observation(answer: Answer, sha256: str | None, issued: str) -> Json:
    notes = [RESEARCH_USE, *answer.warnings, *filter(None, [no_beats(answer.tracing)])]
    file = {"type": {"text": "SHA-256 of the file's bytes"}, "value": sha256}
    return {
        "resourceType": "Observation",
        "contained": [_device(answer)],
        "status": "preliminary",
        "category": [coded(f"{TERMINOLOGY}/observation-category", Concept("imaging", "Imaging"))],
        "code": coded(LOINC, concepts.EF),
        "issued": issued,
        **(_value(answer.numbers) if answer.numbers else _no_value(answer)),
        "note": [{"text": text} for text in notes],
        "bodySite": coded(SNOMED, concepts.LEFT_VENTRICLE),
        "method": {"text": concepts.METHOD},
        "device": {"reference": "#device"},
        **({"derivedFrom": [{"type": "DocumentReference", "identifier": file}]} if sha256 else {}),
    }


def _value(numbers: Numbers) -> Json:
    components = []
    if interval := numbers.interval:
        level = f"{100 * interval.level:g} %, measured on {interval.domain}"
        components += [
            _component(concepts.INTERVAL_LOW, interval.low, level),
            _component(concepts.INTERVAL_HIGH, interval.high, level),
        ]
    if p := numbers.probabilities:
        components += [
            _component(concepts.AT_MOST_40, 100 * p.at_most_40),
            _component(concepts.BELOW_50, 100 * p.below_50),
        ]
    if numbers.beats:
        components += fhir_beats.components(numbers.beats)
    return {
        "valueQuantity": percent(numbers.ef),
        "interpretation": [coded(OWN, concepts.BANDS[numbers.band])],
        # FHIR does not allow empty lists.
        **({"component": components} if components else {}),
    }


def _component(concept: Concept, value: float, level: str = "") -> Json:
    code = coded(OWN, concept)
    if level:
        code["text"] += f", {level}"
    return {"code": code, "valueQuantity": percent(value)}


def _no_value(answer: Answer) -> Json:
    reasons = "; ".join(f"{gate_words(r)}: {r.reason}" for r in answer.refusals)
    absent = coded(f"{TERMINOLOGY}/data-absent-reason", Concept("unknown", "Unknown"))
    return {"dataAbsentReason": {**absent, "text": f"refused: {reasons}"}}


def _device(answer: Answer) -> Json:
    model, engine = answer.model, answer.engine
    properties = {
        "SHA-256 of the model": model.sha256,
        "SHA-256 of the preprocessing": model.preprocess.sha256(),
        "precision": model.precision,
        "trained on": model.trained_on or "unknown",
        "engine": f"{engine.name} {engine.version}, {engine.precision}",
        "clips": answer.clips,
    }
    if (masks := model.segmentation) and (tracing := answer.tracing):
        properties |= {
            "segmentation": masks.architecture,
            "SHA-256 of the segmentation": masks.sha256,
            "engine of the segmentation": f"{tracing.engine.name} {tracing.engine.version}, "
            f"{tracing.engine.precision}",
            "beats": tracing.rule,
        }
    return {
        "resourceType": "Device",
        "id": "device",
        "name": [{"value": f"edgeecho, model {model.name}", "type": "user-friendly-name"}],
        "version": [
            {"type": {"text": "model"}, "value": model.version},
            {"type": {"text": "edgeecho"}, "value": VERSION},
        ],
        "property": [
            {"type": {"text": name}, "valueString": value} for name, value in properties.items()
        ],
    }
