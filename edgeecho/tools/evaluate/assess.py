"""Computing everything that is reported about an evaluation from its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.common.bootstrap import RESAMPLES, SEED, Measured, bootstrap_mean
from edgeecho.tools.evaluate.agreement import Band, BlandAltman, Efs, PrecisionDrift, errors_by_band
from edgeecho.tools.evaluate.groups import Group, in_groups
from edgeecho.tools.evaluate.mask_report import MaskReport, report_masks
from edgeecho.tools.evaluate.metrics import EFMetrics
from edgeecho.tools.evaluate.run import Evaluation, Run
from edgeecho.tools.evaluate.statistics import Coverage, bootstrap, coverage


@dataclass(frozen=True)
class Speed:
    """Speed as medians over the videos, which a slow first video does not affect."""

    ms_per_clip: float
    """Engine time."""
    ms_per_video: float
    """Time for decoding, preprocessing and engine."""
    clips_per_video: float
    """Mean number of clips."""

    @classmethod
    def of(cls, run: Run) -> Speed:
        """Compute from the predictions of a run."""
        return cls(
            float(np.median([p.engine_ms / len(p.clip_efs) for p in run.timed])),
            float(np.median([p.seconds * 1e3 for p in run.timed])),
            float(np.mean([len(p.clip_efs) for p in run.predictions])),
        )


@dataclass(frozen=True)
class Assessed:
    """The results of one model in one clip mode. Accuracy includes refused videos."""

    run: Run
    metrics: EFMetrics
    measured: Mapping[str, Measured | None]
    """`mae`, `rmse`, `r2`, `auroc_35` ... with bootstrap intervals; None if undefined."""
    bands: tuple[Band, ...]
    agreement: BlandAltman
    coverage: Coverage | None
    """None if no prediction has an interval."""
    refused: int
    accepted: EFMetrics | None
    """Over the videos that no gate refused; None if all were refused."""
    speed: Speed
    drift: PrecisionDrift | None
    """From the first model in the same clip mode; None for the first model."""
    mae_change: Measured | None
    """Paired change of the MAE from the first model; None for the first model."""
    groups: tuple[Group, ...]
    masks: MaskReport | None
    """None without a segmentation, and in a coarser clip mode."""

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
            "groups": [asdict(group) for group in self.groups],
            "speed": asdict(self.speed),
            "drift": self.drift and asdict(self.drift),
            "mae_change": self.mae_change and asdict(self.mae_change),
            **({"masks": self.masks.to_dict()} if self.masks else {}),
        }


@dataclass(frozen=True)
class EvaluationReport:
    """The results of all models in all clip modes on one split."""

    evaluation: Evaluation
    models: tuple[tuple[Assessed, ...], ...]
    """For each model, the requested clip mode, then the coarser ones."""

    def to_dict(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
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


def assess(evaluation: Evaluation) -> EvaluationReport:
    """Compare all predictions with their labels. Needs the extra `evaluate`."""
    truth = np.array([video.ef for video in evaluation.videos])
    first = evaluation.runs[0]
    return EvaluationReport(
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
    """The predicted EFs of a run, `(n,)` in %."""
    return np.array([prediction.ef for prediction in run.predictions])


def _assess(run: Run, truth: Efs, reference: Run | None) -> Assessed:
    predicted = efs_of(run)
    accepted = np.array([not prediction.refusals for prediction in run.predictions])
    drift, change = None, None
    if reference is not None:
        other = efs_of(reference)
        drift = PrecisionDrift.of(predicted, truth, other, reference.model.precision)
        change = bootstrap_mean(np.abs(predicted - truth) - np.abs(other - truth))
    return Assessed(
        run=run,
        metrics=EFMetrics.of(predicted, truth),
        measured=bootstrap(predicted, truth),
        bands=errors_by_band(predicted, truth),
        agreement=BlandAltman.of(predicted, truth),
        coverage=coverage([p.interval for p in run.predictions], truth),
        refused=int((~accepted).sum()),
        accepted=EFMetrics.of(predicted[accepted], truth[accepted]) if accepted.any() else None,
        speed=Speed.of(run),
        drift=drift,
        mae_change=change,
        groups=in_groups(run.predictions, truth),
        masks=report_masks(run.predictions, truth, run.clips),
    )
