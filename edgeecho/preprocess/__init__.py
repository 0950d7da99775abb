"""Preprocessing from decoded frames to network input: the same code in training and inference."""

from edgeecho.preprocess.clips import ClipMode, clip_starts, gather_clips
from edgeecho.preprocess.facts import VideoFacts
from edgeecho.preprocess.frames import IN_CACHE, fit_frames, normalise, pad_short
from edgeecho.preprocess.motion import repeated_frames, squared_distances
from edgeecho.preprocess.prepare import PLAUSIBLE_FPS, Handling, Prepared, prepare
from edgeecho.preprocess.spec import PreprocessSpec

__all__ = [
    "IN_CACHE",
    "PLAUSIBLE_FPS",
    "ClipMode",
    "Handling",
    "Prepared",
    "PreprocessSpec",
    "VideoFacts",
    "clip_starts",
    "fit_frames",
    "gather_clips",
    "normalise",
    "pad_short",
    "prepare",
    "repeated_frames",
    "squared_distances",
]
