"""A manifest and its card are written together or not at all."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgeecho.bundle import read_manifest, write_manifest
from edgeecho.bundle.card import render_card
from edgeecho.bundle.manifest import CARD_FILE, MANIFEST_FILE
from edgeecho.common.errors import ModelError

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


def test_the_card_says_what_the_manifest_says(tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    changed = replace(read_manifest(bundle), intended_use="a lecture")
    write_manifest(bundle, changed)
    assert read_manifest(bundle) == changed
    assert (bundle / CARD_FILE).read_text() == render_card(changed)
    assert "Intended use: a lecture" in render_card(changed)


def test_where_no_card_can_be_made_the_manifest_stays(tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(NARROW, tmp_path / "bundle"))
    before = (bundle / MANIFEST_FILE).read_bytes()
    changed = replace(read_manifest(bundle), evaluation=({"data": "of another version"},))
    with pytest.raises(ModelError, match="something that its card cannot say"):
        write_manifest(bundle, changed)
    assert (bundle / MANIFEST_FILE).read_bytes() == before
