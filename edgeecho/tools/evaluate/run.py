"""Answering every video of a split as `infer` does, for each model and clip mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.about import VERSION
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, describe_dataset, naming, read_dataset
from edgeecho.dataset.tracings import TRACINGS_FILE, Tracing, read_tracings
from edgeecho.engines import EngineFacts
from edgeecho.inference import LoadedModel, answer_file
from edgeecho.preprocess import ClipMode
from edgeecho.tools.evaluate.masks import measure_masks
from edgeecho.tools.evaluate.modes import derive, parse_modes
from edgeecho.tools.evaluate.predictions import Prediction, PredictionLog, resume_predictions

_TIMED = 8
"""Number of videos to run again if the time of fewer clips cannot be derived from that of many."""

Tracings = Mapping[str, Sequence[Tracing]]

Track = Callable[[Sequence[LabelledVideo], int, str], Iterable[LabelledVideo]]
"""Wraps the remaining videos in a progress bar; also gets the number done, and a description."""


@dataclass(frozen=True)
class Run:
    """The predictions of one model in one clip mode, in the order of the data set."""

    model: ModelFile
    engine: EngineFacts
    clips: str
    predictions: tuple[Prediction, ...]
    ran: tuple[Prediction, ...]
    """The predictions for which the engine ran; the others derive from another run's clips."""
    timed: tuple[Prediction, ...]
    """The predictions whose times apply to this mode."""

    @property
    def computed(self) -> int:
        """Number of predictions that were derived from another run's clips."""
        return len(self.predictions) - len(self.ran)


@dataclass(frozen=True)
class Evaluation:
    """The predictions of one or more models for the videos of one split."""

    data: str
    """Description of the data set."""
    file_list_sha256: str
    split: str
    videos: tuple[LabelledVideo, ...]
    runs: tuple[tuple[Run, ...], ...]
    """For each model, the requested clip mode, then the coarser ones."""


def evaluate(
    data: Path,
    models: Sequence[LoadedModel],
    *,
    split: str,
    clips: str,
    also: Sequence[str] = (),
    work: Path | None = None,
    track: Track = lambda videos, _done, _what: videos,
) -> Evaluation:
    """Answer every video of `split` with every model, in clip mode `clips` and the coarser `also`.

    `work` is a folder that keeps each prediction at once, so that a second call resumes where the
    first ended. Where a model has a segmentation, its masks and beats are measured too, against the
    data set's tracings if it has any. `InputError` if the data set or any of its videos cannot be
    used: without a video, it would be another evaluation. `OutputError` if `work` belongs to
    another run.
    """
    finest, others = parse_modes(clips, also)
    videos = read_dataset(data, split=split)
    facts = {
        # The description includes the choice of folds, which the hash of the listing does not.
        "data": describe_dataset(data),
        "file_list_sha256": sha256_file(data / "FileList.csv"),
        "split": split.upper(),
    }

    traced = any(model.masks for model in models) and (data / TRACINGS_FILE).is_file()
    tracings = read_tracings(data) if traced else None

    def run_mode(model: LoadedModel, mode: ClipMode, wanted: Sequence[LabelledVideo]) -> Run:
        key = {**facts, **_key(model, mode), **_masks_key(data, model)}
        file = f"{model.file.precision}-{mode}.jsonl".replace(":", "-")
        answers = resume_predictions(work / file if work else None, key, [v.name for v in wanted])
        left = wanted[len(answers.done) :]
        what = f"{model.file.precision}, {mode}"
        _answer(answers, track(left, len(answers.done), what), model, mode, tracings)
        done = tuple(answers.done)
        return Run(model.file, model.engine.facts, str(mode), done, done, done)

    runs = []
    for model in models:
        first = run_mode(model, finest, videos)
        # Masks do not depend on the clips.
        without = replace(model, masks=None) if model.masks else model
        coarser = [_coarser(first, without, mode, videos, run_mode) for mode in others]
        runs.append((first, *coarser))
    return Evaluation(videos=videos, runs=tuple(runs), **facts)


def _answer(
    answers: PredictionLog,
    videos: Iterable[LabelledVideo],
    model: LoadedModel,
    mode: ClipMode,
    tracings: Tracings | None,
) -> None:
    for video in videos:
        with naming(video):
            answer, prepared = answer_file(video.path, model, clips=str(mode), listed_fps=video.fps)
            outlines = None if tracings is None else tracings.get(video.name, ())
            masks = measure_masks(answer, prepared, model, outlines)
        answers.add(Prediction.of(video.name, len(prepared.frames), answer, masks))


def _coarser(
    first: Run,
    model: LoadedModel,
    mode: ClipMode,
    videos: Sequence[LabelledVideo],
    run_mode: Callable[[LoadedModel, ClipMode, Sequence[LabelledVideo]], Run],
) -> Run:
    """Derive a mode from the clips of the first run; videos that lack a clip are run."""
    derived = [derive(p, first.clips, mode, model) for p in first.predictions]
    shared = [i for i, p in enumerate(first.predictions) if p.clips_shared and derived[i]]
    for place in shared[:: -(-len(shared) // _TIMED) or 1]:
        derived[place] = None
    lacking = [video for video, p in zip(videos, derived, strict=True) if p is None]
    ran = run_mode(model, mode, lacking).predictions if lacking else ()
    left = iter(ran)
    predictions = tuple(next(left) if p is None else p for p in derived)
    timed = ran if shared else predictions
    return Run(first.model, first.engine, str(mode), predictions, ran, timed)


def _key(model: LoadedModel, mode: ClipMode) -> dict[str, Any]:
    """Everything that predictions and their times depend on, except for the data."""
    engine = asdict(model.engine.facts)
    del engine["passed_over"]  # changes nothing
    return {
        "model_sha256": model.file.sha256,
        "preprocess_sha256": model.file.preprocess.sha256(),
        # For intervals and refusals: the same network may have been calibrated again.
        "trust_sha256": (model.file.uncertainty or {}).get("sha256"),
        "engine": engine,
        "clips": str(mode),
        "edgeecho": VERSION,
    }


def _masks_key(data: Path, model: LoadedModel) -> dict[str, Any]:
    """What masks, beats and their comparison depend on besides; empty without a segmentation."""
    segmentation = model.file.segmentation
    if model.masks is None or segmentation is None:
        return {}
    tracings = data / TRACINGS_FILE
    return {
        "segmentation_sha256": segmentation.sha256,
        "tracings_sha256": sha256_file(tracings) if tracings.is_file() else None,
    }
