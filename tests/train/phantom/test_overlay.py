from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeecho_train.phantom.overlay import (
    EcgStrip,
    Label,
    Overlay,
    ScannerExport,
    Screen,
    Ticks,
    picture_times,
)
from edgeecho_train.phantom.population import Phantom, PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import RenderedVideo, render
from edgeecho_train.phantom.truth import Tracing, tracings

BLACK = np.zeros((112, 112), np.uint8)
STRIP = EcgStrip(left_px=0, width_px=100, baseline_px=105, height_px=8, sweep_s=2.0)


def _rendered(export: ScannerExport, **changes: object) -> tuple[Phantom, RenderedVideo]:
    phantom, rng = draw_phantom(PhantomRecipe(seed=1, frames=24), 0)
    phantom = replace(phantom, export=export, **changes)
    return phantom, render(phantom, rng)


def _traced(phantom: Phantom) -> tuple[Tracing, ...]:
    return tracings(phantom, 2, np.random.default_rng(0))


@pytest.mark.parametrize("every", [3, 7])
def test_repeated_frames_show_the_latest_picture_while_time_goes_on(every):
    times = picture_times(60, 50.0, every)
    repeated = np.flatnonzero(np.diff(times) == 0) + 1
    assert list(repeated) == list(range(1, 60, every))
    late = np.arange(60) / 50 - times
    assert late.min() >= -1e-9
    assert late.max() <= 1 / 50 + 1e-9


def test_equal_times_are_equal_frames_and_the_tracings_follow():
    phantom, clip = _rendered(ScannerExport(95, repeat_every=3))
    same = [np.array_equal(a, b) for a, b in zip(clip.frames, clip.frames[1:], strict=False)]
    assert np.flatnonzero(same).tolist() == list(range(0, 23, 3))
    pictures = clip.frames[[i for i in range(24) if i % 3 != 1]]
    # The same heart at the scanner's own rate: the same pictures, the same contours.
    slower, own = _rendered(ScannerExport(95), fps=phantom.fps * 2 / 3, frames=16)
    np.testing.assert_array_equal(pictures, own.frames)
    for one, other in zip(_traced(phantom), _traced(slower), strict=True):
        np.testing.assert_allclose(one.lines_px, other.lines_px)


def _trace(screen: Screen, time_s: float) -> np.ndarray:
    """Rows of the highest lit pixel of each column."""
    lit = screen.show(BLACK, time_s) > 60
    return np.where(lit.any(axis=0), lit.argmax(axis=0), 200)


def test_the_r_waves_of_the_strip_come_at_the_rr_intervals():
    rr = (0.8, 0.7, 0.9)
    export = ScannerExport(100, overlay=Overlay(200, ecg=STRIP))
    trace = _trace(Screen(export, 112, rr, 0.5, p_wave=True), 1.9)
    columns = np.flatnonzero(trace < 100)
    peaks = [run.mean() for run in np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1)]
    # R waves 0.3, 1.0 and 1.9 s after the start of the clip, 50 pixels a second.
    assert peaks == pytest.approx([15, 50, 94], abs=2)


def test_the_trace_is_written_on_and_erased_ahead():
    export = ScannerExport(100, overlay=Overlay(200, ecg=STRIP))
    screen = Screen(export, 112, (0.8,) * 5, 0.0, p_wave=False)
    for time_s in (0.5, 1.0, 3.0):
        cursor = round(time_s % 2 * 50)
        lit = _trace(screen, time_s) < 200
        assert lit[:cursor].all()
        assert not lit[cursor + 2 : cursor + 5].any()
        assert lit[cursor + 8 : 99].all()


@pytest.mark.slow
def test_marks_are_burnt_in_and_stand_still():
    overlay = Overlay(220, (Label("12 CM", 4, 10),), Ticks(106, 4, 7.0, 15))
    marked = _rendered(ScannerExport(100, overlay=overlay))[1].frames.astype(int)
    bare = _rendered(ScannerExport(100))[1].frames.astype(int)
    assert marked[:, 2:11, 2:30].mean() > bare[:, 2:11, 2:30].mean() + 8
    assert np.ptp(marked[:, 2:11, 2:20], axis=0).max() < 10
    # A tick a centimetre, and nothing between two.
    column = marked[0, :, 107]
    assert column[[4, 11, 18]].min() > 100
    assert column[[7, 14, 21]].max() < 40


@pytest.mark.slow
def test_a_coarser_jpeg_is_further_from_the_picture():
    fine, coarse = (
        _rendered(ScannerExport(quality))[1].frames.astype(float) for quality in (98, 70)
    )
    exact = _rendered(ScannerExport(100))[1].frames
    assert 2 * np.abs(fine - exact).mean() < np.abs(coarse - exact).mean() < 6
