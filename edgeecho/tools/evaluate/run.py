"""Every video of a split through the same path as `infer`, once a model and clip mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.about import VERSION
from edgeecho.common.files import sha256_file
from edgeecho.dataset import LabelledVideo, describe_dataset, naming, read_dataset
from edgeecho.engines import EngineFacts
from edgeecho.inference import LoadedModel, answer_file
from edgeecho.preprocess import ClipMode
from edgeecho.tools.evaluate.modes import derive, parse_modes
from edgeecho.tools.evaluate.predictions import Answers, Prediction, resume_answers

_TIMED = 8
"""Videos that are run again where the time of fewer clips cannot be had from that of many."""

Track = Callable[[Sequence[LabelledVideo], int, str], Iterable[LabelledVideo]]
"""May wrap the videos that are left in a progress bar; also given: how many are done, of what."""


@dataclass(frozen=True)
class Run:
    """Answers of one model in one clip mode, in the order of the data set."""

    model: ModelFile
    engine: EngineFacts
    clips: str
    predictions: tuple[Prediction, ...]
    ran: tuple[Prediction, ...]
    """Those that the engine ran for; the others come from another run's clips."""
    timed: tuple[Prediction, ...]
    """Those whose time is this mode's."""

    @property
    def computed(self) -> int:
        """How many come from another run's clips, without running the engine."""
        return len(self.predictions) - len(self.ran)


@dataclass(frozen=True)
class Evaluation:
    """The answers of one or more models to the videos of one split."""

    data: str
    """What the data set says of itself."""
    file_list_sha256: str
    split: str
    videos: tuple[LabelledVideo, ...]
    runs: tuple[tuple[Run, ...], ...]
    """For each model: the mode that was asked for, then the coarser ones."""


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
    """Answer every video of `split` with every model, in mode `clips` and the coarser `also`.

    `work`: a folder that keeps each answer as soon as it is there; a second call goes on where
    the first was ended. `InputError` where the data set or one of its videos cannot be used: an
    evaluation that left videos out would be another evaluation. `OutputError` where `work` holds
    another run's answers.
    """
    finest, others = parse_modes(clips, also)
    videos = read_dataset(data, split=split)
    facts = {
        # Its words tell one choice of folds from another, which no hash of the listing does.
        "data": describe_dataset(data),
        "file_list_sha256": sha256_file(data / "FileList.csv"),
        "split": split.upper(),
    }

    def run_mode(model: LoadedModel, mode: ClipMode, wanted: Sequence[LabelledVideo]) -> Run:
        key = {**facts, **_key(model, mode)}
        file = f"{model.file.precision}-{mode}.jsonl".replace(":", "-")
        answers = resume_answers(work / file if work else None, key, [v.name for v in wanted])
        left = wanted[len(answers.done) :]
        what = f"{model.file.precision}, {mode}"
        _answer(answers, track(left, len(answers.done), what), model, mode)
        done = tuple(answers.done)
        return Run(model.file, model.engine.facts, str(mode), done, done, done)

    runs = []
    for model in models:
        first = run_mode(model, finest, videos)
        coarser = [_coarser(first, model, mode, videos, run_mode) for mode in others]
        runs.append((first, *coarser))
    return Evaluation(videos=videos, runs=tuple(runs), **facts)


def _answer(
    answers: Answers, videos: Iterable[LabelledVideo], model: LoadedModel, mode: ClipMode
) -> None:
    for video in videos:
        with naming(video):
            answer, prepared = answer_file(video.path, model, clips=str(mode), listed_fps=video.fps)
        answers.add(Prediction.of(video.name, len(prepared.frames), answer))


def _coarser(
    first: Run,
    model: LoadedModel,
    mode: ClipMode,
    videos: Sequence[LabelledVideo],
    run_mode: Callable[[LoadedModel, ClipMode, Sequence[LabelledVideo]], Run],
) -> Run:
    """Computed where the first run has the clips; the other videos are run, never approximated."""
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
    """What answers and their times depend on, beside the data."""
    return {
        "model_sha256": model.file.sha256,
        "preprocess_sha256": model.file.preprocess.sha256(),
        # Intervals and refusals: the same network may be calibrated again.
        "trust_sha256": (model.file.uncertainty or {}).get("sha256"),
        "engine": asdict(model.engine.facts),
        "clips": str(mode),
        "edgeecho": VERSION,
    }
