"""Preprocessing gives what it gave when `golden.json` was written, before it was made faster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden import DRAWN, FILES, RESIZED, cine_of, digest, resizing, seen

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))


SLOW = pytest.param("long", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [SLOW if n == "long" else n for n in (*FILES, *DRAWN)])
def test_frames_clips_facts_and_signals_are_what_they_were(name: str) -> None:
    golden, cine = GOLDEN["cases"][name], cine_of(name)
    if name in FILES and digest(cine.frames) != golden["input"]:
        pytest.skip("this machine's FFmpeg or libjpeg decodes to other pixels")
    if name in RESIZED and resizing() != GOLDEN["resizing"]:
        pytest.skip("this machine's OpenCV resizes to other pixels")
    assert digest(cine.frames) == golden["input"]
    found = seen(cine)
    assert found["exact"] == golden["exact"]
    assert found["close"].keys() == golden["close"].keys()
    for key, value in golden["close"].items():
        # A heart rate is refined by small differences of large matrix products.
        rel = 1e-5 if key == "heart_rate_bpm" else 1e-6
        assert found["close"][key] == pytest.approx(value, rel=rel, abs=1e-6), key
