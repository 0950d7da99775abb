"""The line from answers to labels, from answers that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from edgeecho.common.errors import InputError, ModelError
from edgeecho_train import recalibrate
from edgeecho_train.recalibrate import Line, fit_line, fold


class Answers:
    """A network whose answer to a video is its `answer`."""

    def eval(self) -> Answers:
        return self

    def to(self, **_: Any) -> Answers:
        return self

    def __call__(self, video: Any) -> float:
        return float(video.answer)


def fit(monkeypatch: pytest.MonkeyPatch, answers: np.ndarray, truth: np.ndarray) -> Line:
    monkeypatch.setattr(recalibrate, "_central", lambda video, _: video)
    videos: Any = [SimpleNamespace(answer=a, ef=t) for a, t in zip(answers, truth, strict=True)]
    return fit_line(Answers(), None, videos)  # type: ignore[arg-type]


def test_a_line_and_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = np.linspace(40, 60, 30)
    wave = np.where(np.arange(30) % 2, 1.0, -1.0)
    truth = 2 * answers - 50 + wave
    found = fit(monkeypatch, answers, truth)
    slope, intercept = np.polyfit(answers, truth, 1)
    assert (found.slope, found.intercept, found.n) == (slope, intercept, 30)
    assert found.mae_before == pytest.approx(np.abs(answers - truth).mean())
    assert found.mae_after == pytest.approx(np.abs(slope * answers + intercept - truth).mean())


def test_thirty_videos_are_the_fewest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit(monkeypatch, np.arange(30.0), np.arange(30.0)).n == 30
    with pytest.raises(InputError, match="29 validation videos, a line takes 30"):
        fit(monkeypatch, np.arange(29.0), np.arange(29.0))


@pytest.mark.filterwarnings("ignore:invalid value")  # of the answers that are all the same
def test_answers_follow_the_labels_from_a_correlation_of_a_half_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(40)
    other = rng.standard_normal(40)
    truth -= truth.mean()
    other -= other.mean()
    other -= truth * ((other @ truth) / (truth @ truth))
    truth, other = truth / np.linalg.norm(truth), other / np.linalg.norm(other)

    def answers(correlation: float) -> np.ndarray:
        found: np.ndarray = correlation * truth + np.sqrt(1 - correlation**2) * other
        return found

    assert fit(monkeypatch, answers(0.51), truth).slope == pytest.approx(0.51)
    for bad in (answers(0.49), -truth, np.ones(40)):
        with pytest.raises(ModelError, match="train it longer"):
            fit(monkeypatch, bad, truth)


def test_a_line_is_folded_into_the_head_alone() -> None:
    weights = {
        "fc.weight": torch.tensor([[1.0, -2.0]]),
        "fc.bias": torch.tensor([5.0]),
        "stem": torch.tensor([7.0]),
    }
    folded = fold(weights, Line(2.0, -50.0, 30, 0.0, 0.0))
    assert folded["fc.weight"].tolist() == [[2, -4]]
    assert folded["fc.bias"].tolist() == [-40]
    assert folded["stem"].tolist() == [7]
