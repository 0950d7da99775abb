"""The page of a run: complete, and harmless whatever the file is called."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edgeecho import RESEARCH_USE
from edgeecho.tools.bench.advice import advise
from edgeecho.tools.bench.measure import Request, measure
from edgeecho.tools.bench.page import to_html
from edgeecho.tools.bench.run import BenchRun
from edgeecho.tools.bench.subject import Subject

pytestmark = pytest.mark.slow

NOW = datetime(2025, 3, 4, 5, 6, tzinfo=timezone.utc)
EVIL = "<script>alert(1)</script>\"'>&<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def run(video: Path, tiny_model: Path) -> BenchRun:
    """A real one, of two engines."""
    return measure(
        Request(
            scenario="single",
            videos=(video,),
            model=tiny_model,
            subjects=(Subject("openvino", "fp32"), Subject("onnxruntime", "fp32")),
            clips="center",
            every_ms=None,
            rounds=3,
            warmup=0,
            cold_starts=1,
            threads=1,
        ),
        lambda line: None,
    )


def test_the_command_writes_it(
    edgeecho: Any, video: Path, tiny_model: Path, tmp_path: Path
) -> None:
    page = tmp_path / "run.html"
    done = edgeecho("bench", video, "--model", tiny_model, "--runs", 1, "--warmup", 0,
                    "--cold-starts", 0, "--html", page)  # fmt: skip
    assert done.returncode == 0
    assert page.read_text().count(f'role="note">{RESEARCH_USE}') == 2


def entry(clips: str, mae: float) -> dict[str, Any]:
    return {"data": EVIL, "split": "TEST", "clips": clips, "n": 9, "mae": mae, "model_sha256": "",
            "mae_interval": {"low": mae - 1, "high": mae + 1}}  # fmt: skip


def test_every_sample_and_stage_is_drawn(run: BenchRun) -> None:
    page = to_html(run, NOW)
    assert page.count('class="sample"') == 6
    assert page.count('class="median"') == 2
    for stage in ("read", "preprocess", "engine", "decide"):
        assert page.count(f'<rect class="stage-{stage}" x=') == 2
    assert "onnxruntime:fp32 against openvino:fp32" in page
    assert "process start to answer" in page
    assert "Accuracy against speed" not in page  # a lone file has none


def test_it_asks_no_network_and_runs_no_script(run: BenchRun) -> None:
    series = tuple(replace(s, accuracy=(entry("center", 4.0),)) for s in run.series)
    page = to_html(replace(run, video=EVIL, series=series), NOW)
    tags: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))  # type: ignore[method-assign]
    parser.feed(page)
    assert not {tag for tag, _ in tags} & {"script", "img", "link", "iframe"}
    assert not any(name in facts for _, facts in tags for name in ("src", "href", "onerror"))
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page


def test_accuracy_is_drawn_against_speed_where_the_clips_are_the_same(run: BenchRun) -> None:
    first, second = run.series
    both = (
        replace(first, accuracy=(entry("center", 4.0), entry("all", 3.0))),
        replace(second, accuracy=(entry("center", 5.0),)),
    )
    assert to_html(replace(run, series=both), NOW).count('class="dot"') == 2
    other = (replace(first, accuracy=(entry("all", 3.0),)), second)
    page = to_html(replace(run, series=other), NOW)
    assert 'class="dot"' not in page
    assert "measured with all, not with center" in page


def test_a_stream_shows_its_deadline(run: BenchRun) -> None:
    page = to_html(replace(run, scenario="stream", every_ms=40.0), NOW)
    assert page.count('class="deadline"') == 1
    assert "in time" in page


def with_samples(run: BenchRun, **samples: float) -> BenchRun:
    first = run.series[0]
    stages = {stage: (samples.get(stage, 1.0),) * 12 for stage in first.samples_ms}
    total = tuple(map(sum, zip(*list(stages.values())[:-1], strict=True)))
    return replace(run, series=(replace(first, samples_ms={**stages, "total": total}),))


@pytest.mark.parametrize("stage", ["read", "preprocess", "engine", "decide"])
def test_a_stage_that_dominates_is_named(run: BenchRun, stage: str) -> None:
    assert any(f"{stage} takes 97 %" in line for line in advise(with_samples(run, **{stage: 97.0})))
    assert not any("takes" in line for line in advise(with_samples(run)))


def test_times_that_vary_are_named(run: BenchRun) -> None:
    steady = with_samples(run)
    first = steady.series[0]
    totals = (*first.samples_ms["total"][:9], 40.0, 40.0, 40.0)
    shaky = replace(first, samples_ms={**first.samples_ms, "total": totals})
    assert not any("one run in ten" in line for line in advise(steady))
    assert any("one run in ten" in line for line in advise(replace(steady, series=(shaky,))))


def test_more_threads_than_cores_are_named(run: BenchRun) -> None:
    steady = with_samples(run)
    environment = replace(steady.environment, cores_usable=2, cpu_quota=1.5)
    many = replace(steady.series[0], engine=replace(steady.series[0].engine, threads=8))
    said = advise(replace(steady, environment=environment, series=(many,)))
    assert any("8 threads on 2 usable cores" in line for line in said)
    assert any("--threads 1" in line for line in said)
