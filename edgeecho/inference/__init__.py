"""The way of an answer: a video is made ready, cut into clips, run, and judged.

ready.py       what is done before the network: decode, prepare, measure
clips.py       clips through an engine, a few at a time
sharing.py     which clips are answered together, computing nothing twice
warnings.py    what makes an answer worth less without refusing it
estimation.py  all of it: from a model and a video to `EFEstimate`
"""

from edgeecho.inference.clips import BATCH, ClipRun, Tell, run_clips
from edgeecho.inference.estimation import (
    DEFAULT_CLIPS,
    EFEstimate,
    LoadedModel,
    answer_clips,
    answer_file,
    estimate,
    estimate_file,
    estimate_ready,
    load_model,
    load_opened,
)
from edgeecho.inference.ready import Ready, look_at, make_ready, read_ahead, read_ready

__all__ = [
    "BATCH",
    "DEFAULT_CLIPS",
    "ClipRun",
    "EFEstimate",
    "LoadedModel",
    "Ready",
    "Tell",
    "answer_clips",
    "answer_file",
    "estimate",
    "estimate_file",
    "estimate_ready",
    "load_model",
    "load_opened",
    "look_at",
    "make_ready",
    "read_ahead",
    "read_ready",
    "run_clips",
]
