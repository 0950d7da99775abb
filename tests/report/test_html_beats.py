"""Contours, beats and their pictures in the page, without a browser."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from ventricle import beating, traced

from edgeecho.bundle import EXAMPLE
from edgeecho.inference import EFEstimate, answer_file, load_model
from edgeecho.preprocess import Prepared
from edgeecho.report.html import to_html
from edgeecho.report.reasons import NO_BEATS, UNUSED
from edgeecho.results import Answer, Outcome
from edgeecho.results.pictures import Pictures
from edgeecho.trust import Refusal

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
NOW = datetime(2025, 3, 4, 5, 6, tzinfo=timezone.utc)
REFUSAL = Refusal("frozen", "all frames are one picture: record a moving one")
FRAMES = 100
FPS = 35.22
Ran = tuple[EFEstimate, Prepared]


@pytest.fixture(scope="module")
def ran() -> Ran:
    answer, prepared = answer_file(EXAMPLE, load_model(NARROW), clips="center")
    assert len(prepared.frames) == FRAMES
    return replace(answer, refusals=(), warnings=()), prepared


def page(ran: Ran, *, show: bool = False, most: int = 256, **changes: object) -> str:
    """Of an answer with these `changes`."""
    estimate = replace(ran[0], **changes)
    pictures = Pictures.of(ran[1], estimate, most)
    return to_html([Outcome("a.avi", Answer.of(estimate, show_refused=show), None, pictures)], NOW)


def body(text: str) -> str:
    """Without style and script."""
    return re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>", "", text)


def words(text: str) -> str:
    """What can be read."""
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", body(text)).split()))


def drawn(path: str) -> np.ndarray:
    """The pixels inside a path of SVG, `M x y l dx dy ... z` for each outline."""
    mask = np.zeros((112, 112), np.uint8)
    outlines = []
    for part in path.split("z")[:-1]:
        numbers = [int(n) for n in re.findall(r"-?\d+", part)]
        outlines.append(np.cumsum(np.reshape(numbers, (-1, 1, 2)), axis=0).astype(np.int32))
    cv2.drawContours(mask, outlines, -1, 1, cv2.FILLED)
    return mask > 0


def test_every_frame_has_its_mask_and_no_other(ran: Ran) -> None:
    masks = beating(FRAMES, fps=FPS)
    masks[60, 3:9, 90:99] = True
    masks[61] = False
    text = page(ran, traced=traced(masks, fps=FPS), most=80)
    (frames,) = re.findall(r'data-frames="([^"]*)"', text)
    (contours,) = re.findall(r'data-contours="([^"]*)"', text)
    indices, paths = list(map(int, frames.split())), contours.split(";")
    assert len(paths) == len(indices) < FRAMES
    assert {60, 62} <= set(indices)
    for index, path in zip(indices, paths, strict=True):
        largest, others = map(drawn, path.split("|"))
        assert ((largest | others) == masks[index]).all(), index
        assert others.any() == (index == 60)
    # Before a script runs, the frame that is shown has its own.
    still = re.search(r'class="view">.*?viewBox="(\d+) (\d+).*?class="contour" d="([^"]*)"', text)
    assert still is not None
    place = int(still[2]) // 112 * 16 + int(still[1]) // 112
    assert (drawn(still[3]) == masks[indices[place]]).all()


def test_contours_take_less_than_a_kilobyte_a_frame(ran: Ran) -> None:
    with_contours = page(ran, traced=traced(beating(FRAMES, fps=FPS), fps=FPS))
    assert len(with_contours) - len(page(ran, traced=None)) < 1000 * FRAMES


def test_without_a_segmentation_nothing_is_said_of_beats(ran: Ran) -> None:
    text = body(page(ran, traced=None))
    for word in ("contour", "Contour", "Beat by beat", "systole", "toggle", "traced"):
        assert word not in text, word


def test_the_table_has_every_beat_and_the_line_their_means(ran: Ran) -> None:
    found = traced(beating(FRAMES, fps=FPS, bpm=90), fps=FPS, spacing_mm=1.3)
    beats = found.beats
    text = page(ran, traced=found)
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', text.split("Beat by beat")[-1])
    assert [int(number) for number, _ in rows] == list(range(1, len(beats.found) + 1))
    for (_, cells), beat in zip(rows, beats.found, strict=True):
        texts = re.findall("<td>(.*?)</td>", cells)
        used = "yes" if beat.unused is None else f"no: {UNUSED[beat.unused]}"
        assert html.unescape(texts[0]).removesuffix(", index beat") == used
        if beat.ed and beat.ed.shape and beat.es and beat.es.shape:
            volumes = f"{beat.ed.shape.simpson_ml:.0f}", f"{beat.es.shape.simpson_ml:.0f}"
            assert tuple(texts[-2:]) == volumes
            assert texts[3] == f"{beat.ed.ms / 1000:.2f} s"
            assert texts[1] == f"{beat.traced_ef:.1f}"
    said = words(text)
    assert f"{len(beats.used)} of {len(beats.found)} beats used" in said
    assert f"traced EF {beats.mean_ef:.1f} % on average" in said
    assert f"; regular, {60000 / np.mean(beats.rr_ms):.0f} beats/min." in said
    assert "ED volume, mL" in said


def test_without_the_size_of_a_pixel_volumes_are_relative(ran: Ran) -> None:
    said = words(page(ran, traced=traced(beating(FRAMES, fps=FPS), fps=FPS)))
    assert "the size of a pixel is unknown, so volumes are relative" in said
    assert "mL" not in said
    assert " cm" not in said


def test_each_pair_shows_its_two_frames_with_contour_and_axis(ran: Ran) -> None:
    masks = beating(FRAMES, fps=FPS)
    found = traced(masks, fps=FPS)
    text = page(ran, traced=found)
    pairs = re.findall(r'<figure class="pair" data-beat="(\d+)"( hidden)?>(.*?)</figure>', text)
    assert len(pairs) == sum(bool(b.ed and b.es) for b in found.beats.found) > 1
    assert [hidden for _, hidden, _ in pairs].count("") == 1
    for number, _, inside in pairs:
        beat = found.beats.found[int(number)]
        contours = re.findall(r'viewBox="(\d+) (\d+).*?class="contour" d="([^"]*)"', inside)
        axes = re.findall(r'class="axis" x1="([^"]*)" y1="([^"]*)"', inside)
        for moment, (x, y, path), base in zip((beat.ed, beat.es), contours, axes, strict=True):
            assert moment is not None
            assert moment.shape is not None
            assert int(y) // 112 * 16 + int(x) // 112 == moment.frame
            assert (drawn(path) == masks[moment.frame]).all()
            assert tuple(map(float, base)) == pytest.approx(moment.shape.base, abs=0.06)


EDGE = np.pad(beating(FRAMES, fps=FPS)[:, :, 40:], ((0, 0), (0, 0), (0, 40)))
NONE = {
    "still": np.repeat(beating(1), FRAMES, axis=0),
    "no mask": np.zeros((FRAMES, 112, 112), bool),
    "no beat": np.random.default_rng(0).random((FRAMES, 112, 112)) < 0.4,
    "no whole beat": beating(140, fps=FPS, bpm=15)[40:],
    "mask at the sector's edge": EDGE,
    "implausible volumes": beating(FRAMES, fps=FPS, depth=16),
}


@pytest.mark.parametrize("reason", NO_BEATS)
def test_a_video_without_beats_says_why(ran: Ran, reason: str) -> None:
    found = traced(NONE[reason], fps=FPS)
    assert found.beats.reason == reason
    said = words(page(ran, traced=found))
    what = "No beat is used" if found.beats.found else "No beats"
    assert f"{what}: {NO_BEATS[reason]}." in said
    assert "on average" not in said


def test_the_published_rule_has_end_systoles_alone(ran: Ran) -> None:
    found = traced(beating(FRAMES, fps=FPS), fps=FPS, rule="published")
    text = page(ran, traced=found)
    assert "The published rule finds end systoles alone" in words(text)
    assert text.count("<b>End systole</b>") == len(found.beats.found) > 0
    assert "<b>End diastole</b>" not in text


def test_a_refused_answer_has_contours_and_nothing_of_its_beats(ran: Ran) -> None:
    # Volumes, curve, times, number of beats: whatever depended on them would differ.
    found = traced(beating(FRAMES, fps=FPS), fps=FPS)
    others = [replace(found, beats=traced(masks, fps=FPS).beats) for masks in NONE.values()]
    pages = {page(ran, refusals=(REFUSAL,), traced=one) for one in (found, *others)}
    assert len(pages) == 1
    (text,) = pages
    assert text.count('class="contour"') == 1
    assert "Beat by beat" not in text
    shown = words(page(ran, show=True, refusals=(REFUSAL,), traced=found))
    assert "Beat by beat, refused, shown because it was asked for" in shown
    assert f"traced EF {found.beats.mean_ef:.1f} %" in shown


def test_on_a_page_without_pictures_are_curve_and_table(ran: Ran) -> None:
    found = traced(beating(FRAMES, fps=FPS), fps=FPS)
    answer = Answer.of(replace(ran[0], traced=found))
    text = body(to_html([Outcome("a.avi", answer)], NOW))
    assert "Area of the left ventricle along the video" in text
    assert "contour" not in text
    assert f"{len(found.beats.found)} beats found" in text
