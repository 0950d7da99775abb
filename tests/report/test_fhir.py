"""FHIR R5, held to the definitions in fhir.resources."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from answers import NAME, REASONS, answered, failed, refused, traced

from edgeecho import RESEARCH_USE, __version__
from edgeecho.report.fhir import to_fhir
from edgeecho.results import Answer, Outcome

bundles = pytest.importorskip("fhir.resources.bundle")
NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EVERY = {
    "answered": answered(),
    "answered without interval": answered(bare=True),
    "refused": refused(),
    "refused, number asked for": refused(show=True),
    "error": failed(),
}


def resource(outcome: Outcome) -> dict[str, Any]:
    (entry,) = json.loads(to_fhir([outcome], NOW))["entry"]
    found: dict[str, Any] = entry["resource"]
    return found


def answer_of(outcome: Outcome) -> Answer:
    assert isinstance(outcome.answer, Answer)
    return outcome.answer


@pytest.mark.parametrize("name", EVERY)
def test_it_is_valid_says_research_use_and_holds_no_name(name: str) -> None:
    text = to_fhir([EVERY[name]], NOW)
    bundle = bundles.Bundle.model_validate_json(text)
    assert (bundle.type, len(bundle.entry)) == ("collection", 1)
    assert RESEARCH_USE in text
    assert text.splitlines()[1].startswith('  "resourceType"'), "people read it too"
    for part in (NAME, "DOE", "JANE", "1950"):
        assert part not in text


def test_an_observation_says_what_was_measured_and_how() -> None:
    found = resource(answered(47.6))
    assert found["resourceType"] == "Observation"
    assert found["status"] == "preliminary"
    assert found["issued"] == "2025-01-02T03:04:05+00:00"
    assert found["category"][0]["coding"][0]["code"] == "imaging"
    assert found["code"]["coding"] == [
        {
            "system": "http://loinc.org",
            "code": "18043-0",
            "display": "Left ventricular Ejection fraction by US",
        }
    ]
    assert found["bodySite"]["coding"][0]["code"] == "87878005"
    assert "regression" in found["method"]["text"]
    assert "no contour is traced" in found["method"]["text"]
    assert found["valueQuantity"] == {
        "value": 47.6, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%",
    }  # fmt: skip
    (band,) = found["interpretation"]
    assert band["text"] == "mildly reduced (EF > 40 % and < 50 %)"
    assert [
        (c["code"]["coding"][0]["code"], c["valueQuantity"]["value"], c["valueQuantity"]["code"])
        for c in found["component"]
    ] == [
        ("interval-low", 40.6, "%"),
        ("interval-high", 55.6, "%"),
        ("p-at-most-40", 4.76, "%"),
        ("p-below-50", 47.6, "%"),
    ]
    assert found["component"][0]["code"]["text"].endswith(
        "prediction interval, 90 %, measured on phantoms"
    )
    assert "dataAbsentReason" not in found
    (source,) = found["derivedFrom"]
    assert source["identifier"]["value"] == "1" * 64
    assert "subject" not in found


def test_numbers_are_rounded_to_a_hundredth() -> None:
    found = resource(answered(47.6789))
    assert found["valueQuantity"]["value"] == 47.68
    values = [c["valueQuantity"]["value"] for c in found["component"]]
    assert values == [40.68, 55.68, 4.77, 47.68]
    nan = replace(answered(), sha256=float("nan"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_fhir([nan], NOW)


def test_only_one_loinc_code_is_ever_used() -> None:
    text = to_fhir(list(EVERY.values()), NOW)
    assert set(re.findall(r'"(\d{3,6}-\d)"', text)) == {"18043-0"}


def test_the_device_is_the_model_and_what_ran_it() -> None:
    outcome = answered()
    found = resource(outcome)
    (device,) = found["contained"]
    assert found["device"] == {"reference": f"#{device['id']}"}
    model = answer_of(outcome).model
    assert {v["type"]["text"]: v["value"] for v in device["version"]} == {
        "model": model.version,
        "edgeecho": __version__,
    }
    properties = {p["type"]["text"]: p["valueString"] for p in device["property"]}
    assert properties["SHA-256 of the model"] == model.sha256
    assert properties["SHA-256 of the preprocessing"] == model.preprocess.sha256()
    assert properties["trained on"] == model.trained_on
    unknown = replace(answer_of(outcome), model=replace(model, trained_on=""))
    (device,) = resource(replace(outcome, answer=unknown))["contained"]
    assert {"type": {"text": "trained on"}, "valueString": "unknown"} in device["property"]


def test_without_a_measured_interval_there_are_no_components() -> None:
    assert "component" not in resource(answered(bare=True))


def test_warnings_are_notes_after_the_banner() -> None:
    notes = [note["text"] for note in resource(refused())["note"]]
    assert notes == [RESEARCH_USE, "an odd frame"]


def test_a_refused_one_has_reasons_and_no_number() -> None:
    found = resource(refused())
    assert found["status"] == "preliminary"
    reason = found["dataAbsentReason"]
    assert reason["coding"][0]["code"] == "unknown"
    assert reason["text"] == (
        f"refused: too short: {REASONS[0].reason}; far from training: {REASONS[1].reason}"
    )
    text = json.dumps(found)
    for word in ("valueQuantity", "component", "interpretation", "probability", "interval"):
        assert word not in text


def test_a_refused_one_is_the_same_whatever_its_number() -> None:
    every = {
        to_fhir([refused(ef, show=show)], NOW) for ef in (18.7, 73.2) for show in (False, True)
    }
    assert len(every) == 1


def test_a_file_without_an_answer_is_an_operation_outcome() -> None:
    value = json.loads(to_fhir([answered(), failed()], NOW))
    found = value["entry"][1]["resource"]
    assert found["resourceType"] == "OperationOutcome"
    first, second = found["issue"]
    assert (first["severity"], first["details"]["text"]) == (
        "error",
        "file 2 is empty (0 bytes): copy or export it again",
    )
    assert (second["severity"], second["details"]["text"]) == ("information", RESEARCH_USE)


def test_entries_keep_the_order_and_have_urls_of_their_own() -> None:
    outcomes = [failed(), answered(), answered(), refused()]
    entries = json.loads(to_fhir(outcomes, NOW))["entry"]
    assert [e["resource"]["resourceType"] for e in entries] == [
        "OperationOutcome", "Observation", "Observation", "Observation",
    ]  # fmt: skip
    assert len({e["fullUrl"] for e in entries}) == 4
    assert to_fhir(outcomes, NOW) == to_fhir(outcomes, NOW)


def test_a_subject_is_there_if_it_is_given() -> None:
    subject = {"reference": "Patient/42", "display": "Zoë"}
    text = to_fhir([answered(), failed()], NOW, subject=subject)
    assert "Zoë" in text, "people read it too"
    bundle = bundles.Bundle.model_validate_json(text)
    assert bundle.entry[0].resource.subject.reference == "Patient/42"
    assert text.count("Patient/42") == 1


def test_a_file_that_is_gone_has_no_source() -> None:
    assert "derivedFrom" not in resource(replace(answered(), sha256=None))


def test_a_time_without_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_fhir([answered()], datetime(2025, 1, 2))


def components(outcome: Outcome) -> dict[str, Any]:
    return {
        c["code"]["coding"][0]["code"]: c.get("valueQuantity", {}).get("value")
        or c.get("valueInteger")
        or c.get("valueBoolean")
        for c in resource(outcome).get("component", [])
    }


def test_beats_are_components_of_codes_of_their_own() -> None:
    outcome = traced(47.6)
    bundles.Bundle.model_validate_json(to_fhir([outcome], NOW))
    found = components(outcome)
    assert list(found)[:4] == list(components(answered(47.6)))
    assert dict(list(found.items())[4:]) == {
        "beats-used": 4,
        "79993-2": 63.46,
        "79999-9": 223.12,
        "80004-5": 81.53,
        "ef-area-length": 63.54,
        "ef-spread": 0.06,
        "ef-by-beat": 45.0,
        "122182": 795.0,
        "regular": True,
    }
    units = {
        c["code"]["coding"][0]["code"]: c["valueQuantity"]["code"]
        for c in resource(outcome)["component"]
        if "valueQuantity" in c
    }
    assert (units["79993-2"], units["79999-9"], units["122182"]) == ("%", "mL", "ms")
    assert "18043-0" not in found
    assert resource(outcome)["valueQuantity"]["value"] == 47.6
    assert not {"79999-9", "80004-5"} & set(components(traced(spacing_mm=None)))
    (device,) = resource(outcome)["contained"]
    properties = {p["type"]["text"]: p["valueString"] for p in device["property"]}
    assert properties["SHA-256 of the segmentation"] == "5" * 64
    assert properties["beats"] == "default"


def test_why_there_are_no_beats_is_a_note_refused_or_not() -> None:
    for outcome in (traced(still=True), traced(still=True, refused=True)):
        assert resource(outcome)["note"][-1]["text"].startswith("no beats: the left ventricle")
        bundles.Bundle.model_validate_json(to_fhir([outcome], NOW))
    assert components(traced(still=True))["beats-used"] is None, "0"
    assert "component" not in resource(traced(still=True, refused=True))


def test_beats_of_a_refused_one_are_not_in_it() -> None:
    every = {
        to_fhir([traced(refused=True, show=show, depth=depth)], NOW)
        for depth in (4.0, 8.0)
        for show in (False, True)
    }
    assert len(every) == 1
    assert "79993-2" not in every.pop()
