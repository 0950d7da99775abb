"""`infer` on a picture of two sectors: refused, and each choice that is offered is the one."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicoms import write_dicom
from pydicom import Dataset
from screens import live, rows

from edgeecho.bundle import DEMO

ONE = ("--model", DEMO, "--clips", "center", "--threads", "1")


def region(x: int, y: int, side: int) -> Dataset:
    """Of 2D tissue."""
    item = Dataset()
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.RegionLocationMinX0, item.RegionLocationMinY0 = x, y
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x + side - 1, y + side - 1
    return item


@pytest.mark.slow
def test_each_crop_that_a_refusal_offers_gives_the_ef_of_the_plain_panel(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a file of cornerstoneTools' issue 210, of which one sector was taken in silence."""
    monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path / "cache"))  # the demo is compiled once
    panels = [live(0), live(1)]
    two = rows(panels, gap=14, border=8)
    tagged = write_dicom(
        tmp_path / "tagged.dcm", two, FrameTime=20,
        SequenceOfUltrasoundRegions=[region(8, 8, 130), region(152, 8, 130)],
    )  # fmt: skip
    bare = write_dicom(tmp_path / "bare.dcm", two, FrameTime=20)
    plain = [
        write_dicom(tmp_path / f"{n}.dcm", np.pad(p, ((0, 0), (8, 8), (8, 8), (0, 0))),
                    FrameTime=20, SequenceOfUltrasoundRegions=[region(8, 8, 130)])
        for n, p in enumerate(panels)
    ]  # fmt: skip

    def answers(*words: object) -> list[dict[str, Any]]:
        done = edgeecho("infer", *words, *ONE, "--json")
        results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
        assert done.returncode == (5 if any(r["refusals"] for r in results) else 0)
        return results

    @cache
    def cropped(crop: str) -> dict[str, Any]:
        (chosen,) = answers(bare, "--crop", crop, "--show-refused")
        return chosen

    wanted = [r["ef"] for r in answers(*plain, "--show-refused")]
    assert abs(wanted[0] - wanted[1]) > 5, "choose other panels"
    for refused in answers(tagged, bare):
        assert (refused["video"]["sectors"], refused["video"]["still_pictures"]) == (2, 0)
        reasons = {r["gate"]: r["reason"] for r in refused["refusals"]}
        crops = re.findall(r"--crop ([0-9,]+)", reasons["several-sectors"])
        assert len(crops) == 2
        for crop, ef in zip(crops, wanted, strict=True):
            chosen = cropped(crop)
            assert "several-sectors" not in {r["gate"] for r in chosen["refusals"]}
            # A pixel of 121 more or less moves this network by up to 0.5.
            assert chosen["ef"] == pytest.approx(ef, abs=1)
