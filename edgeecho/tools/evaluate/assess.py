"""From answers to numbers: everything that is reported of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.tools.evaluate.agreement import Band, BlandAltman, Drift, Efs, errors_by_band
from edgeecho.tools.evaluate.metrics import Metrics
from edgeecho.tools.evaluate.run import Evaluation, Run
from edgeecho.tools.evaluate.statistics import (
    RESAMPLES,
    SEED,
    Coverage,
    Measured,
    bootstrap,
    bootstrap_mean,
    coverage,
)


@dataclass(frozen=True)
class Speed:
    """Medians over the videos, which a slow first one does not move."""

    ms_per_clip: float
    """The engine's time."""
    ms_per_video: float
    """Decoding, preprocessing and engine."""
    clips_per_video: float
    """Mean."""

    @classmethod
    def of(cls, run: Run) -> Speed:
        """Of answers on one machine."""
        return cls(
            float(np.median([p.engine_ms / len(p.clip_efs) for p in run.timed])),
            float(np.median([p.seconds * 1e3 for p in run.timed])),
            float(np.mean([len(p.clip_efs) for p in run.predictions])),
        )


@dataclass(frozen=True)
class Assessed:
    """One model in one clip mode. Accuracy is over all videos, refused ones included."""

    run: Run
    metrics: Metrics
    measured: Mapping[str, Measured | None]
    """`mae`, `rmse`, `r2`, `auroc_35` ... with bootstrap intervals; None: not defined."""
    bands: tuple[Band, ...]
    agreement: BlandAltman
    coverage: Coverage | None
    """None: no answer carries an interval."""
    refused: int
    accepted: Metrics | None
    """Over the videos that no gate refused; None: all were."""
    speed: Speed
    drift: Drift | None
    """From the first model, in the same clip mode; None: it is the first."""
    mae_change: Measured | None
    """Paired change of the MAE against the first model; None as above."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON."""
        run, model = self.run, self.run.model
        return {
            "model": f"{model.name} {model.version}",
            "precision": model.precision,
            "model_sha256": model.sha256,
            "bytes": model.path.stat().st_size,
            "engine": asdict(run.engine),
            "clips": run.clips,
            "videos_computed_from_finer_clips": run.computed,
            "over_all_videos": {
                **asdict(self.metrics),
                "intervals": {k: v and asdict(v) for k, v in self.measured.items()},
                "bands": [asdict(band) for band in self.bands],
                "bland_altman": asdict(self.agreement),
            },
            "coverage": self.coverage and asdict(self.coverage),
            "refused": self.refused,
            "over_accepted_videos": self.accepted and asdict(self.accepted),
            "speed": asdict(self.speed),
            "drift": self.drift and asdict(self.drift),
            "mae_change": self.mae_change and asdict(self.mae_change),
        }


@dataclass(frozen=True)
class Report:
    """All models in all modes on one split."""

    evaluation: Evaluation
    models: tuple[tuple[Assessed, ...], ...]
    """For each model: the mode that was asked for, then the coarser ones."""

    def to_dict(self) -> dict[str, Any]:
        """What `metrics.json` holds."""
        evaluation = self.evaluation
        return {
            "research_use": RESEARCH_USE,
            "edgeecho": VERSION,
            "data": evaluation.data,
            "file_list_sha256": evaluation.file_list_sha256,
            "split": evaluation.split,
            "videos": len(evaluation.videos),
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED},
            "results": [found.to_dict() for modes in self.models for found in modes],
        }


def assess(evaluation: Evaluation) -> Report:
    """Compare every answer with its label. Needs the extra `evaluate`."""
    truth = np.array([video.ef for video in evaluation.videos])
    first = evaluation.runs[0]
    return Report(
        evaluation,
        tuple(
            tuple(
                _assess(run, truth, reference if runs is not first else None)
                for run, reference in zip(runs, first, strict=True)
            )
            for runs in evaluation.runs
        ),
    )


def efs_of(run: Run) -> Efs:
    """Its answers, `(n,)` in %."""
    return np.array([prediction.ef for prediction in run.predictions])


def _assess(run: Run, truth: Efs, reference: Run | None) -> Assessed:
    predicted = efs_of(run)
    accepted = np.array([not prediction.refusals for prediction in run.predictions])
    drift, change = None, None
    if reference is not None:
        other = efs_of(reference)
        drift = Drift.of(predicted, truth, other, reference.model.precision)
        change = bootstrap_mean(np.abs(predicted - truth) - np.abs(other - truth))
    return Assessed(
        run=run,
        metrics=Metrics.of(predicted, truth),
        measured=bootstrap(predicted, truth),
        bands=errors_by_band(predicted, truth),
        agreement=BlandAltman.of(predicted, truth),
        coverage=coverage([p.interval for p in run.predictions], truth),
        refused=int((~accepted).sum()),
        accepted=Metrics.of(predicted[accepted], truth[accepted]) if accepted.any() else None,
        speed=Speed.of(run),
        drift=drift,
        mae_change=change,
    )
