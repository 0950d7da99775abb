"""The page and the plots, of answers that need no network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeecho.bundle import open_model
from edgeecho.dataset import LabelledVideo
from edgeecho.engines import EngineFacts
from edgeecho.tools.evaluate import EvaluationReport, assess, to_text, write_results
from edgeecho.tools.evaluate.plots import PLOTS
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.tools.evaluate.run import Evaluation, Run
from edgeecho.tools.evaluate.write import VIDEO_COLUMNS
from edgeecho.trust import Hints, Interval

pytestmark = pytest.mark.slow

NOW = datetime(2025, 3, 4, 5, 6, tzinfo=timezone.utc)
BANNER = "Research use only, not for diagnosis."
EVIL = "<script>alert(1)</script>\"'>&<img src=x onerror=alert(1)> $\\frac{1$ \x1b[31m"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> EvaluationReport:
    """30 answers, 3 of them refused, two precisions, names that are no friends."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(15, 75, 30)
    model = replace(open_model(), name=EVIL, trained_on=EVIL)
    runs = []
    for precision, error in (("fp32", 4), ("int8", 5)):
        efs = np.clip(truth + rng.normal(0, error, 30), 10, 90)
        predictions = tuple(
            Prediction(f"v{i}", ef, 96, (ef,) * 3, Interval(ef - 7, ef + 7, 0.9, "phantoms"),
                       ("frozen",) if i < 3 else (), 10, 5, 120, 0, Hints(ef, 0.0, None, None))
            for i, ef in enumerate(efs.tolist())
        )  # fmt: skip
        facts = EngineFacts("openvino", "1.0", EVIL, "f32", 2)
        file, done = replace(model, precision=precision), predictions
        runs.append((Run(file, facts, "stride:16", done, ran=done, timed=done),))
    videos = tuple(
        LabelledVideo("=1+1" if i == 0 else f"v{i}", Path(f"v{i}.avi"), ef, "TEST", None)
        for i, ef in enumerate(truth.tolist())
    )
    return assess(Evaluation(EVIL, "0" * 64, "TEST", videos, tuple(runs)))


@pytest.fixture(scope="module")
def out(report: EvaluationReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "out"
    write_results(folder, report, NOW)
    return folder


def test_the_page_asks_nothing_of_a_network_and_runs_nothing(out: Path) -> None:
    text = (out / "index.html").read_text()
    page = Page(text)
    names = [tag for tag, _ in page.tags]
    assert names.count("img") == 2 * len(PLOTS)
    assert not {"script", "link", "iframe"} & set(names)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    sources = [a["src"] or "" for _, a in page.tags if "src" in a]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "://" not in text
    assert "@import" not in text
    (policy,) = (a["content"] for t, a in page.tags if "http-equiv" in a)
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"'sha256-{digest}'" in policy


def test_the_page_says_all_numbers_and_what_they_are(out: Path, report: EvaluationReport) -> None:
    page = Page((out / "index.html").read_text())
    found = report.models[0][0]
    assert page.words.count(BANNER) >= 2
    assert page.words.count(EVIL) >= 3  # data, model, trained on: as text
    for words in (f"{found.metrics.mae:.2f} (", "90 % bootstrap interval", "10,000 resamples",
                  "3 of 30 (10.0 %)", "meant 90 %", "(n 27)", "refused ones included",
                  "from fp32", "2025-03-04 05:06 UTC"):  # fmt: skip
        assert words in page.words, words
    shown = to_text(report)
    assert "\x1b" not in shown
    assert "racings" not in shown + page.words  # without a segmentation, nothing of masks
    assert shown.splitlines()[-1] == BANNER


def test_refused_answers_are_counted_in_the_accuracy_and_told_apart(
    report: EvaluationReport,
) -> None:
    found = report.models[0][0]
    assert (found.metrics.n, found.refused) == (30, 3)
    assert found.accepted is not None
    assert found.accepted.n == 27
    assert found.coverage is not None
    assert found.coverage.n == 30


def test_plots_are_drawn_in_both_forms(out: Path) -> None:
    for precision in ("fp32", "int8"):
        for name in PLOTS:
            picture = cv2.imread(str(out / precision / f"{name}.png"))
            assert picture is not None
            assert picture.shape[:2] == (840, 840)
            assert (out / precision / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_a_name_is_no_formula(out: Path) -> None:
    lines = (out / "fp32" / "videos.csv").read_text().splitlines()
    assert lines[0].split(",") == list(VIDEO_COLUMNS)  # without a segmentation, no more
    assert lines[1].startswith("'=1+1,")
    assert lines[1].split(",")[7:9] == ["yes", "frozen"]
