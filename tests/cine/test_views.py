"""Which view a text or a code declares. The texts are spellings of label lists, protocols and
headers that others have published; what is not understood must declare nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from edgeecho.cine.views import (
    APICAL,
    CODES,
    DICOM_CODES,
    FOUR_CHAMBER,
    NOT_DECLARED,
    DeclaredView,
    SiteViews,
    view_in,
)
from edgeecho.common.errors import UsageError


@pytest.mark.parametrize(
    "text",
    [
        *("A4C", "a4c", "AP4", "AP4CH", "AP4C", "4CH", "4-CH", "Apical 4 Chamber", "A4Ch"),
        *("apical four-chamber view", "Apical 4-Chamber View", "4 Chamber", "APICAL_4_CHAMBER"),
        *("A4C LV Focused", "A4C zoom", "Apical 4", "A4C REST", "Apical - A4C", "4-chamber apical"),
        *("apical 4 chamber echocardiography view", "LV A4C 2D", "Apical 4C"),
    ],
)
def test_an_apical_four_chamber(text: str) -> None:
    assert view_in(text) == FOUR_CHAMBER


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A2C", "apical two chamber"),
        ("Apical 2 Chamber (AP2CH)", "apical two chamber"),
        ("2CH", "apical two chamber"),
        ("2-ch", "apical two chamber"),
        ("apical two-chamber", "apical two chamber"),
        ("AP2", "apical two chamber"),
        ("A2C LV Focused", "apical two chamber"),
        ("Apical, A2C", "apical two chamber"),
        ("A3C", "apical long axis"),
        ("AP3CH", "apical long axis"),
        ("3CH", "apical long axis"),
        ("Apical Long Axis", "apical long axis"),
        ("APLAX", "apical long axis"),
        ("A5C", "apical five chamber"),
        ("apical 5 chamber", "apical five chamber"),
        ("PLAX", "parasternal long axis"),
        ("PLAX-BEST", "parasternal long axis"),
        ("Parasternal long axis", "parasternal long axis"),
        ("Parasternal Long-Axis View", "parasternal long axis"),
        ("PLAX Zoom AV", "parasternal long axis"),
        ("PSAX-AV", "parasternal short axis"),
        ("PSAX-PM", "parasternal short axis"),
        ("PSAX-AP", "parasternal short axis"),
        ("PSAX apical", "parasternal short axis"),
        ("Parasternal Short Axis — Papillary Muscle Level (PSAX-PM)", "parasternal short axis"),
        ("Short axis", "parasternal short axis"),
        ("PLAX/PSAX", "parasternal long axis"),
        ("Subcostal", "subcostal"),
        ("Subcostal 4 chamber", "subcostal"),
        ("Sub-costal four-chamber view", "subcostal"),
        ("Suprasternal notch", "suprasternal"),
        ("Transesophageal Echocardiogram", "transesophageal"),
        ("transoesophageal 4-chamber", "transesophageal"),
        ("A4C RV focused", "apical four chamber RV focused"),
        ("RV-focused view", "apical four chamber RV focused"),
    ],
)
def test_another_view(text: str, name: str) -> None:
    assert view_in(text) == name
    assert DeclaredView(name, "ProtocolName").other


@pytest.mark.parametrize("text", ["Apical", "APICAL window", "Apical Imaging", "apical 2 beats"])
def test_an_apical_view_of_which_no_more_is_said(text: str) -> None:
    assert view_in(text) == APICAL
    assert not DeclaredView(APICAL, "ProtocolName").other


@pytest.mark.parametrize(
    "text",
    [
        "",
        # What scanners write where nobody chose anything.
        *("Free Form", "Adult Echo", "TTE", "Cardiac", "Echo", "2D", "Quad Capture", "TTE Adult"),
        *("US", "Adult Cardiac", "Cardiology", "Exercise 2x4", "4 stage stress", "2 stage stress"),
        # Protocols that list views.
        *("A4C/A2C", "PLAX, PSAX, A4C, A2C", "Apical 2 & 4 chamber A4C A2C", "PLAX PSAX apical"),
        *("Biplane A4C + A2C", "Stress PLAX PSAX 4CH 2CH"),
        # Neither is said of which heart view: a horizontal long axis is a four chamber.
        *("long axis", "horizontal long axis", "LAX", "Sax, Adolphe", "SSN 078-05-1120"),
        # Words that only look alike.
        *("plaxman", "room 2C", "A4 paper", "AP", "ca4ch"),
        *("apikaler Vierkammerblick", "Doe^Jane", "4", "2ch4", "subcostals"),
    ],
)
def test_what_is_not_understood_declares_nothing(text: str) -> None:
    assert view_in(text) is None


def test_the_codes_are_those_of_dicom() -> None:
    """CID 12226 as pydicom has it, in both SNOMED schemes."""
    theirs = {getattr(codes.cid12226, name) for name in codes.cid12226.dir()}
    ours = {Code(code, "SCT", name) for code, (_, name) in CODES.items()}
    ours |= {Code(code, "DCM", name) for code, name in DICOM_CODES.items()}
    assert {(c.scheme_designator, c.value) for c in ours} == {
        (c.scheme_designator, c.value) for c in theirs
    }
    names = {c.value: c.meaning.lower() for c in theirs}
    assert {c.value: c.meaning.lower() for c in ours} == names
    for code, (older, name) in CODES.items():
        assert Code(older, "SRT", name) == Code(code, "SCT", name)


@pytest.mark.parametrize(
    ("scheme", "code", "name"),
    [
        ("SCT", "399214001", FOUR_CHAMBER),
        ("SRT", "G-A19C", FOUR_CHAMBER),
        ("SNM3", "G-A19C", FOUR_CHAMBER),
        ("SCT", "399139001", "parasternal long axis"),
        ("DCM", "130681", "apical four chamber RV focused"),
        ("DCM", "399214001", None),
        ("99GEMS", "399139001", None),
        ("SCT", "103340004", None),
        ("", "", None),
    ],
)
def test_a_code(scheme: str, code: str, name: str | None) -> None:
    assert SiteViews().of_code(scheme, code) == name


def write(folder: Path, rows: object) -> Path:
    path = folder / "views.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_a_site_says_what_its_own_texts_mean(tmp_path: Path) -> None:
    site = SiteViews.read(
        write(
            tmp_path,
            {
                "Vierkammerblick": FOUR_CHAMBER,
                "PLAX protocol": NOT_DECLARED,
                "99SITE:17": "parasternal long axis",
                "SCT:399139001": APICAL,
            },
        )
    )
    assert site.of_text("  VIERKAMMERBLICK ") == FOUR_CHAMBER
    assert site.of_text("Vierkammerblick apikal") is None, "the whole text"
    assert site.of_text("PLAX  Protocol") == NOT_DECLARED
    assert site.of_text("PLAX") == "parasternal long axis", "all else as before"
    assert site.of_code("99SITE", "17") == "parasternal long axis"
    assert site.of_code("SCT", "399139001") == APICAL


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["A4C"], "expected an object"),
        ({"A4C": "four chamber"}, "'four chamber' is no view"),
        ({"A4C": 4}, "4 is no view"),
        ({"A4C": ["apical"]}, "is no view"),
        ({" ": "apical"}, "a text is empty"),
    ],
)
def test_a_file_that_is_none_is_a_usage_error(tmp_path: Path, rows: object, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        SiteViews.read(write(tmp_path, rows))
    assert str(caught.value).startswith("--views views.json")


@pytest.mark.parametrize(("content", "why"), [(b"{", "no JSON"), (b"\xff", "no JSON")])
def test_an_unreadable_file_is_a_usage_error(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "views.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        SiteViews.read(path)
    with pytest.raises(UsageError, match="No such file"):
        SiteViews.read(tmp_path / "none.json")
