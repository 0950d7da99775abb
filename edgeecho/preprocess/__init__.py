"""From decoded frames to what the network sees: one code for training and the bedside."""

from edgeecho.preprocess.clips import ClipMode, clip_starts, gather_clips
from edgeecho.preprocess.frames import fit_frames, normalise, pad_short
from edgeecho.preprocess.spec import PreprocessSpec

__all__ = [
    "ClipMode",
    "PreprocessSpec",
    "clip_starts",
    "fit_frames",
    "gather_clips",
    "normalise",
    "pad_short",
]
