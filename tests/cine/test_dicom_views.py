"""The view that a DICOM file declares, from its attributes to the refusal of its EF."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dicoms import write_dicom as write_to
from media import phantom_frames
from pydicom import Dataset

from edgeecho.cine import APICAL, FOUR_CHAMBER, DeclaredView, SiteViews, read_cine
from edgeecho.preprocess import PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import measure, refuse

SPEC = PreprocessSpec((32, 32, 32), (48, 48, 48), training_fps=50.0)
PLAX = "parasternal long axis"


def code(value: str, scheme: str = "SCT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "Secret"
    return item


A4C_CODE, PLAX_CODE = code("399214001"), code("399139001")


@pytest.mark.parametrize(
    ("attributes", "view"),
    [
        ({}, None),
        ({"ViewCodeSequence": [A4C_CODE]}, (FOUR_CHAMBER, "ViewCodeSequence")),
        ({"ViewCodeSequence": [PLAX_CODE]}, (PLAX, "ViewCodeSequence")),
        ({"ViewCodeSequence": []}, None),
        ({"ViewCodeSequence": [code("1", "99X")], "ProtocolName": "A4C"}, (FOUR_CHAMBER, "P")),
        ({"SeriesDescription": "PLAX"}, (PLAX, "S")),
        ({"ProtocolName": "Parasternal long axis"}, (PLAX, "P")),
        ({"SeriesDescription": "Adult Echo", "ProtocolName": "Apical"}, (APICAL, "P")),
        # A code is of this picture, words are of a series.
        (
            {"ViewCodeSequence": [A4C_CODE], "SeriesDescription": "PLAX"},
            (FOUR_CHAMBER, "ViewCodeSequence"),
        ),
        (
            {"ViewCodeSequence": [PLAX_CODE], "SeriesDescription": "A4C"},
            (PLAX, "ViewCodeSequence"),
        ),
        # Of two that contradict each other, the one that would be refused.
        ({"SeriesDescription": "A4C", "ProtocolName": "PLAX"}, (PLAX, "P")),
        ({"SeriesDescription": "PLAX", "ProtocolName": "A4C"}, (PLAX, "S")),
    ],
)
def test_what_a_file_declares(
    write_dicom: Callable[..., Path], attributes: dict[str, Any], view: tuple[str, str] | None
) -> None:
    names = {"S": "SeriesDescription", "P": "ProtocolName"}
    expected = view and DeclaredView(view[0], names.get(view[1], view[1]))
    assert read_cine(write_dicom(**attributes)).view == expected


def test_a_site_has_the_first_word(write_dicom: Callable[..., Path]) -> None:
    site = SiteViews((("plax", "not declared"), ("99x:17", FOUR_CHAMBER)))
    path = write_dicom(SeriesDescription=" PLAX", ProtocolName="Apical")
    assert read_cine(path, views=site).view == DeclaredView(APICAL, "ProtocolName")
    path = write_dicom(ViewCodeSequence=[code("17", "99X")])
    assert read_cine(path, views=site).view == DeclaredView(FOUR_CHAMBER, "ViewCodeSequence")


@pytest.mark.parametrize("value", [b"\xff\xfe PLAX \x00", "PLAX^Secret", "x" * 64])
def test_odd_texts_are_no_trouble(write_dicom: Callable[..., Path], value: Any) -> None:
    path = write_dicom(SeriesDescription="PLACEHOLDER" if isinstance(value, bytes) else value)
    if isinstance(value, bytes):
        data = path.read_bytes()
        path.write_bytes(data.replace(b"PLACEHOLDER ", value.ljust(12)[:12]))
    view = read_cine(path).view
    assert view is None or view.name == PLAX


@pytest.mark.parametrize(
    ("text", "refused"), [("PLAX", True), ("A2C", True), ("A4C", False), ("Adult Echo", False)]
)
def test_only_another_view_is_refused(tmp_path: Path, text: str, refused: bool) -> None:
    frames = phantom_frames()[:60]
    cine = read_cine(write_to(tmp_path / "a.dcm", frames, FrameTime=20, SeriesDescription=text))
    prepared = prepare(cine, SPEC)
    facts = VideoFacts.of(cine, prepared, SPEC)
    gates = [r.gate for r in refuse(measure(cine, prepared, facts, SPEC), None)]
    assert ("other-view" in gates) == refused
    assert facts.view == (cine.view and cine.view.name)


@pytest.mark.slow
def test_infer_refuses_it_and_a_site_can_overrule(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path
) -> None:
    path = write_to(tmp_path / "a.dcm", phantom_frames(), FrameTime=20, SeriesDescription="PLAX")
    views = tmp_path / "views.json"
    views.write_text(json.dumps({"PLAX": "not declared"}))
    asked = ("infer", path, "--model", narrow_bundle, "--json")
    done = edgeecho(*asked)
    (result,) = json.loads(done.stdout)["results"]
    assert (done.returncode, result["status"]) == (5, "refused")
    (refusal,) = result["refusals"]
    assert refusal["gate"] == "other-view"
    assert f"{PLAX} (SeriesDescription)" in refusal["reason"]
    assert (result["video"]["view"], result["video"]["view_source"]) == (PLAX, "SeriesDescription")
    done = edgeecho(*asked, "--views", views)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["video"]["view"] is None
