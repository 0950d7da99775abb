"""Each gate on a video made for it, and on clean phantoms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from screens import live, rows, still

from edgeecho.cine import Cine, read_cine
from edgeecho.cli.options.answer import VideoOptions
from edgeecho.preprocess import ClipMode, Handling, PreprocessSpec, VideoFacts, prepare
from edgeecho.trust import Signals, TracedSignals, Trust, judge, measure, refuse
from edgeecho.trust.learned_gates import LEARNED
from edgeecho_calibration.trust_fit import fit_trust
from edgeecho_calibration.trust_kept import LabelledAnswer

SPEC = PreprocessSpec((32, 32, 32), (48, 48, 48), training_fps=50.0, time="resample(50)")
NATIVE = replace(SPEC, time="native")


def look(cine: Cine, spec: PreprocessSpec = SPEC, handling: Handling | None = None) -> Signals:
    prepared = prepare(cine, spec, handling)
    return measure(cine, prepared, VideoFacts.of(cine, prepared, spec), spec)


def gates(signals: Signals, trust: Trust | None = None) -> set[str]:
    return {refusal.gate for refusal in refuse(signals, trust)}


def changed(cine: Cine, frames: np.ndarray) -> Cine:
    return replace(
        cine, frames=np.ascontiguousarray(frames), timestamps_s=np.arange(len(frames)) / cine.fps
    )


@pytest.fixture(scope="module")
def cines(phantoms: Path) -> list[Cine]:
    return [read_cine(path) for path in sorted((phantoms / "Videos").iterdir())]


@pytest.fixture(scope="module")
def trust(cines: list[Cine]) -> Trust:
    """Of the phantoms, with made-up answers: spread 2 points, embeddings around 0."""
    rng = np.random.default_rng(3)
    answered = []
    for number, cine in enumerate(cines):
        efs = rng.normal(50, 2, 4).astype(np.float32)
        signals = look(cine).with_clips(efs, rng.normal(size=(4, 8)).astype(np.float32))
        signals = replace(signals, traced=TracedSignals(float(rng.normal(50, 4)), None))
        answered.append(
            LabelledAnswer(
                str(number), 50 + float(rng.normal(0, 5)), {"stride:16": (50.0, signals)}
            )
        )
    return fit_trust(answered, level=0.8, least=10, precision="fp32", domain="phantoms")


@pytest.fixture(scope="module")
def clean(cines: list[Cine], trust: Trust) -> Cine:
    """One that no gate refuses, with a heart beat."""
    return next(c for c in cines if not gates(look(c), trust) and look(c).heart_rate_bpm)


@pytest.mark.slow
def test_clean_phantoms_pass(cines: list[Cine], trust: Trust) -> None:
    refused = [gates(look(cine), trust) for cine in cines]
    assert sum(map(bool, refused)) <= 1, refused


def test_a_part_of_a_clip_is_too_short(clean: Cine) -> None:
    few = round(0.5 * SPEC.window / 50 * clean.fps)
    assert "too-short" in gates(look(changed(clean, clean.frames[:few])))


def test_the_rate_must_be_known_and_plausible(clean: Cine) -> None:
    unknown = replace(
        clean, fps=None, fps_source="unknown", timestamps_s=np.full(len(clean.frames), np.nan)
    )
    assert gates(look(unknown, NATIVE)) == {"unknown-rate"}
    assert "implausible-rate" in gates(look(clean.at_rate(600.0), NATIVE))


def test_a_clip_must_hold_most_of_a_beat(clean: Cine) -> None:
    signals = look(clean)
    assert "under-one-beat" not in gates(replace(signals, beats_per_clip=0.8))
    assert "under-one-beat" in gates(replace(signals, beats_per_clip=0.7))


def test_a_black_video_is_no_sector(clean: Cine) -> None:
    assert {"sector", "frozen"} <= gates(look(changed(clean, clean.frames // 60)))


@pytest.mark.parametrize("noise", [0, 12])
def test_a_still_is_frozen_even_with_fresh_noise(clean: Cine, noise: int) -> None:
    still = np.repeat(clean.frames[:1], 60, axis=0).astype(float)
    still += np.random.default_rng(1).normal(0, noise, still.shape)
    assert "frozen" in gates(look(changed(clean, np.clip(still, 0, 255).astype(np.uint8))))


def test_resampling_repeats_frames_and_does_not_pass_noise_off_as_motion(clean: Cine) -> None:
    noise = np.random.default_rng(2).integers(0, 90, (40, 112, 112, 1), dtype=np.uint8)
    slow = changed(clean, np.repeat(noise, 3, axis=3)).at_rate(25.0)
    assert look(slow).moves < 2
    assert look(slow).frames > 60


def test_nothing_that_beats_is_refused_only_where_a_beat_would_show(clean: Cine) -> None:
    drift = np.stack([np.roll(clean.frames[0], k // 3, axis=1) for k in range(200)])
    assert "no-period" in gates(look(changed(clean, drift)))
    assert "no-period" not in gates(look(changed(clean, drift[:70])))


def test_a_file_that_lost_many_frames_is_refused(clean: Cine) -> None:
    count = len(clean.frames)
    assert "few-frames-decoded" not in gates(look(replace(clean, missing=count // 4)))
    found = refuse(look(replace(clean, missing=count)), None)
    assert [r.gate for r in found] == ["few-frames-decoded"]
    assert found[0].reason.startswith("50% of the file's frames")


def test_of_several_sectors_one_must_be_chosen() -> None:
    two = rows([live(0), live(1)], gap=20, border=10)
    cine = Cine(two, np.arange(60) / 50, 50.0, "container", "avi", "MJPG")
    refusal = next(r for r in refuse(look(cine), None) if r.gate == "several-sectors")
    words, *crops = refusal.reason.replace(" or ", " ").split(" --crop ")
    assert words == "2 sectors move in the picture: choose one with"
    assert len(crops) == 2
    handled = [Handling(find_sector=False), *(VideoOptions(crop=c).handling() for c in crops)]
    for handling in handled:
        assert "several-sectors" not in gates(look(cine, handling=handling))
    # A frozen one beside it is no choice.
    frozen = replace(cine, frames=rows([live(0), still(live(1))], gap=20, border=10))
    assert "several-sectors" not in gates(look(frozen))


def squeezed(frames: np.ndarray) -> np.ndarray:
    """To half of the width."""
    narrow = np.zeros_like(frames)
    for frame, target in zip(frames, narrow, strict=True):
        target[:, 28:84] = cv2.resize(frame, (56, 112))
    return narrow


@pytest.mark.slow
def test_every_learned_gate_fires_on_its_own_fault(clean: Cine, trust: Trust) -> None:
    rng = np.random.default_rng(7)
    frames = clean.frames
    tinted = frames.copy()
    tinted[..., 2] = 255 - tinted[..., 2]
    faults = {
        "low-contrast": frames // 3,
        "far-statistics": tinted,
        "far-picture": frames[:, ::-1],
        "sector": np.maximum(frames, 40),
        "backwards": frames[::-1],
        "squeezed": squeezed(frames),
    }
    for gate, made in faults.items():
        assert gate in gates(look(changed(clean, made)), trust), gate
    signals = look(clean)
    usual = rng.normal(size=(4, 8)).astype(np.float32)
    wide = signals.with_clips(np.array([20, 80], np.float32), usual[:2])
    assert gates(wide, trust) == {"clip-spread"}
    near, far = (signals.with_clips(np.full(4, 50.0, np.float32), usual + d) for d in (0, 30))
    assert gates(near, trust) == set()
    assert gates(far, trust) == {"far-embedding"}
    contradicted = replace(near, traced=TracedSignals(80.0, None))
    assert gates(contradicted, trust) == {"answers-disagree"}
    assert {gate.name for gate in LEARNED} == set(trust.limits)


def test_tissue_that_only_slides_is_no_heart(clean: Cine, trust: Trust) -> None:
    sector = (clean.frames.mean(axis=0) > 4).all(axis=-1)[..., None]
    tissue = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (112, 112)), (0, 0), 3)
    tissue = 60 + 25 * tissue / tissue.std()
    slide = [round(2 * np.sin(2 * np.pi * k / 40)) for k in range(120)]
    frames = np.stack([np.roll(tissue, s, axis=1) for s in slide])[..., None] * sector
    signals = look(changed(clean, np.repeat(np.clip(frames, 0, 255).astype(np.uint8), 3, -1)))
    assert signals.moves > 2
    assert signals.changing < 0.8 * trust.limits["frozen/share"]
    assert "frozen" in gates(signals, trust)


def test_the_share_that_changes_does_not_depend_on_the_gain(clean: Cine) -> None:
    dark = look(changed(clean, (clean.frames * 0.7).astype(np.uint8)))
    assert dark.moves < 0.75 * look(clean).moves
    assert dark.changing == pytest.approx(look(clean).changing, rel=0.1)


@pytest.fixture
def untraced(trust: Trust) -> Trust:
    """Measured with a model that has no segmentation."""
    return replace(trust, limits={k: v for k, v in trust.limits.items() if k != "answers-disagree"})


def test_an_answer_gets_its_interval_and_a_refused_one_none(clean: Cine, untraced: Trust) -> None:
    signals = look(clean).with_clips(np.full(4, 50.0, np.float32), np.zeros((4, 8), np.float32))
    mode = ClipMode("stride", 16)
    good = judge(signals, 50.0, mode, untraced, precision="fp32")
    assert good.interval is not None
    assert good.interval.low < 50 < good.interval.high
    assert good.probabilities is not None
    assert (good.refusals, good.warnings) == ((), ())
    bad = judge(replace(signals, moves=0.0), 50.0, mode, untraced, precision="fp32")
    assert (bad.interval, bad.probabilities) == (None, None)
    assert [r.gate for r in bad.refusals] == ["frozen"]


def test_what_was_measured_otherwise_is_said(clean: Cine, untraced: Trust) -> None:
    signals = look(clean).with_clips(np.full(4, 50.0, np.float32), np.zeros((4, 8), np.float32))

    def said(mode: str, trust: Trust | None = untraced, precision: str = "fp32") -> str:
        found = judge(signals, 50.0, ClipMode.parse(mode), trust, precision=precision)
        return "; ".join(found.warnings)

    assert "it is the one of stride:16, which averages fewer clips" in said("all")
    assert "no interval was measured for --clips one" in said("one")
    assert "measured with fp32, not with int8" in said("stride:16", precision="int8")
    assert said("stride:16") == ""
    assert "this model has no measured uncertainty" in said("stride:16", trust=None)
