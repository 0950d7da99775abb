"""Inference: a video is prepared, cut into clips, run through the engine, and judged.

ready.py       everything before the network: decode, preprocess, measure
clips.py       running clips through an engine in small batches
sharing.py     which clips are answered together, so that nothing is computed twice
tracing.py     the left ventricle in every frame, and the beats in these masks
warnings.py    problems that make an EF less reliable but do not refuse it
loaded.py      a model with its engines
estimation.py  all of it: from a model and a video to an `EFEstimate`
"""

from edgeecho.inference.clips import BATCH, ClipRun, ProgressCallback, run_clips, run_normalised
from edgeecho.inference.estimation import (
    DEFAULT_CLIPS,
    EFEstimate,
    answer_clips,
    answer_file,
    estimate,
    estimate_file,
    estimate_ready,
)
from edgeecho.inference.loaded import LoadedModel, load_model, load_opened
from edgeecho.inference.ready import (
    ReadyVideo,
    make_ready,
    measure_prepared,
    read_ahead,
    read_ready,
)
from edgeecho.inference.sharing import Sharing
from edgeecho.inference.tracing import Traced, find_masks, trace

__all__ = [
    "BATCH",
    "DEFAULT_CLIPS",
    "ClipRun",
    "EFEstimate",
    "LoadedModel",
    "ProgressCallback",
    "ReadyVideo",
    "Sharing",
    "Traced",
    "answer_clips",
    "answer_file",
    "estimate",
    "estimate_file",
    "estimate_ready",
    "find_masks",
    "load_model",
    "load_opened",
    "make_ready",
    "measure_prepared",
    "read_ahead",
    "read_ready",
    "run_clips",
    "run_normalised",
    "trace",
]
