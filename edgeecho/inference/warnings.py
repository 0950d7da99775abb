"""Warnings: problems that make an EF less reliable but do not refuse it."""

from __future__ import annotations

from collections.abc import Iterable

from edgeecho.preprocess import PreprocessSpec, VideoFacts

# If the video's frame rate differs from training's by more than this factor, clips taken by index
# hold clearly more or less of a heart beat than the network has seen.
_RATE_RATIO = 1.25


def find_warnings(
    facts: VideoFacts, spec: PreprocessSpec, prepared_frames: int, refused: Iterable[str] = ()
) -> tuple[str, ...]:
    """Warnings about one video; `prepared_frames` is its length at the model's frame rate.

    `refused` are the gates that refused it, whose warnings would repeat the reason.
    """
    refused = set(refused)
    found = [*(f"damaged file: {damage}" for damage in facts.damage), *facts.notes]
    if prepared_frames < spec.window and "too-short" not in refused:
        found.append(
            f"short: {prepared_frames} frames, but a clip spans {spec.window}; "
            "the rest is filled with mean grey"
        )
    if facts.area == "central square":
        side = min(facts.height, facts.width)
        found.append(
            f"the central {side}x{side} of {facts.width}x{facts.height} was taken, no sector: "
            "text and what lies beside it were not masked; see `edgeecho preview`, or give --crop"
        )
    if facts.still_pictures and facts.sectors == 1:
        found.append(
            f"{facts.still_pictures + 1} pictures on the screen: the one that moves was taken; "
            "see `edgeecho preview`, or give --crop"
        )
    found += _of_frames(facts)
    found += _of_time(facts, spec, refused)
    return tuple(found)


def _of_frames(facts: VideoFacts) -> list[str]:
    found = []
    if facts.deinterlaced_frames:
        found.append(
            f"interlaced: {facts.deinterlaced_frames} of {facts.frames} frames were made of two "
            "fields and deinterlaced (bwdif)"
        )
    if facts.repeated_frames:
        found.append(f"{len(facts.repeated_frames)} of {facts.frames} frames repeat the one before")
    if facts.odd_frames:
        first = ", ".join(map(str, facts.odd_frames[:5]))
        found.append(
            f"frames that fit neither neighbour: {len(facts.odd_frames)} (from 0: {first}): "
            "damaged, or not of this cine"
        )
    return found


def _of_time(facts: VideoFacts, spec: PreprocessSpec, refused: set[str]) -> list[str]:
    if facts.fps is None:
        return []
    found = []
    if facts.time == "native" and spec.training_fps is None:
        found.append("the model does not say at what frame rate it was trained")
    elif facts.time == "native" and spec.training_fps is not None:
        ratio = max(facts.fps / spec.training_fps, spec.training_fps / facts.fps)
        if ratio > _RATE_RATIO and facts.clip_s is not None:
            found.append(
                f"{facts.fps:.0f} fps ({facts.fps_source}), but the model was trained at about "
                f"{spec.training_fps:.0f}: a clip spans {facts.clip_s:.1f} s instead of "
                f"{spec.window / spec.training_fps:.1f} s; --time resample evens that out"
            )
    if facts.heart_rate_bpm is None and "no-period" not in refused:
        found.append("no heart beat found in the motion of the frames")
    few = facts.beats_per_clip is not None and facts.beats_per_clip < 1
    if few and "under-one-beat" not in refused:
        found.append(
            f"a clip holds {facts.beats_per_clip:.2f} of a heart beat "
            f"({facts.heart_rate_bpm:.0f} beats/min): it may miss end-diastole or end-systole"
        )
    return found
