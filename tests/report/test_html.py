"""The page's text, without a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import media
import pytest

from edgeecho.inference import LoadedModel, answer_file, load_model
from edgeecho.report.html import to_html
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.results.pictures import Pictures, frames_each

NOW = datetime(2025, 3, 4, 5, 6, tzinfo=timezone.utc)
BANNER = "Research use only, not for diagnosis."
EVIL = "<script>alert(1)</script>\"'>&<img src=x onerror=alert(1)>\u202e.avi"


class Page(HTMLParser):
    """Tags in order, and whether they are closed in order."""

    VOID = ("meta", "img", "input", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, attribute: str) -> list[str]:
        """Values of an attribute, in whatever tag."""
        return [a[attribute] or "" for _, a in self.tags if attribute in a]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model()


@pytest.fixture(scope="module")
def outcome(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    path = media.write_video(tmp_path_factory.mktemp("video") / "a.avi")
    answer, prepared = answer_file(path, model)
    return Outcome("a.avi", Answer.of(answer), "0" * 64, Pictures.of(prepared, answer))


@pytest.mark.slow
def test_it_is_sound_html_with_one_name_for_each_thing(outcome: Outcome) -> None:
    text = to_html([outcome, Outcome("b.avi", Failure("b.avi is empty", 3)), outcome], NOW)
    page = Page(text)
    names = Counter(page.all("id"))
    assert set(names.values()) == {1}
    links = [link[1:] for link in page.all("href") if link.startswith("#")]
    assert {"file-1", "file-2", "file-3", "frames-1", "frames-3", "top"} <= set(links)
    assert set(links) | set(page.all("aria-labelledby")) <= set(names)
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert max(b - a for a, b in pairwise(headings)) == 1
    assert dict(page.tags)["html"]["lang"] == "en"


def test_a_file_name_is_text_wherever_it_stands(outcome: Outcome) -> None:
    failed = Outcome(EVIL, Failure(f"{EVIL} is not a video", 3))
    page = Page(to_html([replace(outcome, file=EVIL), failed], NOW))
    tags = Counter(tag for tag, _ in page.tags)
    assert tags["script"] == 1
    assert tags["img"] == 0
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count(EVIL) == 5
    assert f"Frames of {EVIL}" in " ".join(page.all("aria-label"))


def test_nothing_but_its_own_style_and_script_may_run(outcome: Outcome) -> None:
    text = to_html([outcome], NOW)
    policy = Page(text).all("content")[0]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert "://" not in text
    assert not re.search(r"\sstyle=", text)


def test_it_says_what_the_answer_is_and_what_is_known_of_it(outcome: Outcome) -> None:
    answer = outcome.answer
    assert isinstance(answer, Answer)
    assert answer.numbers
    page = Page(to_html([outcome], NOW))
    assert float(page.all("value")[0]) == answer.numbers.ef
    assert page.text.count(BANNER) >= 2
    for words in (
        f"{answer.numbers.ef:.1f}", "no confidence interval", "≤ 40 reduced",
        "They are no diagnosis", "50.0 frames/s (container)", "native", "whole frame",
        answer.model.sha256,
        answer.model.preprocess.sha256(), answer.model.trained_on, answer.engine.version,
        "2025-03-04 05:06 UTC", "0" * 64, *answer.warnings,
    ):  # fmt: skip
        assert words in page.text, words


def test_a_failed_file_has_its_reason_and_the_page_no_model() -> None:
    page = Page(to_html([Outcome("b.avi", Failure("b.avi is empty (0 bytes)", 3))], NOW))
    assert "No answer. b.avi is empty (0 bytes)" in page.text
    assert "Trained on" not in page.text
    assert page.text.count(BANNER) >= 2


def test_without_pictures_it_says_so(outcome: Outcome) -> None:
    page = Page(to_html([replace(outcome, pictures=None)], NOW))
    assert "No frames" in page.text
    assert "canvas" not in dict(page.tags)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 2, 9, 63])
def test_a_video_shorter_than_a_clip(model: LoadedModel, tmp_path: Path, frames: int) -> None:
    path = media.write_video(tmp_path / "a.avi", frames=media.phantom_frames()[:frames])
    answer, prepared = answer_file(path, model, clips="all")
    outcome = Outcome("a.avi", Answer.of(answer), None, Pictures.of(prepared, answer))
    page = Page(to_html([outcome], NOW))
    missing = 32 - -(-frames // 2)
    assert (f"{missing} × mean grey" in page.text) == bool(missing)


@pytest.mark.parametrize("efs", [(-3.0,), (104.0, 0.0), (50.0, 50.0, 50.0), tuple(range(100))])
def test_any_ef_can_be_drawn(outcome: Outcome, efs: tuple[float, ...]) -> None:
    answer: Any = outcome.answer
    starts = tuple(range(len(efs)))
    numbers = replace(answer.numbers, ef=sum(efs) / len(efs), clip_efs=efs)
    other = replace(answer, numbers=numbers, clip_starts=starts,
                    clip_times_s=tuple(s / 50 for s in starts))  # fmt: skip
    text = to_html([replace(outcome, answer=other, pictures=None)], NOW)
    heights = [float(h) for h in re.findall(r'height="(-?[0-9.]+)"', text)]
    assert min(heights) >= 0
    assert "nan" not in Page(text).text
    places = [float(x) for x in re.findall(r'\b(?:x|x1|x2|cx)="(-?[0-9.]+)%"', text)]
    assert min(places) >= -0.01
    assert max(places) <= 100.01


def test_unmasked_pictures_are_named_as_such(outcome: Outcome) -> None:
    answer: Any = outcome.answer
    plain = replace(answer, video=replace(answer.video, area="central square"))
    assert "may be seen" in to_html([replace(outcome, answer=plain)], NOW)
    assert "may be seen" not in to_html([outcome], NOW)


@pytest.mark.slow
def test_fifty_files_stay_below_20_mb(outcome: Outcome, model: LoadedModel, tmp_path: Path) -> None:
    path = media.write_video(tmp_path / "a.avi")
    answer, prepared = answer_file(path, model, clips="center")
    pictures = Pictures.of(prepared, answer, frames_each(50))
    page = to_html([Outcome("a.avi", Answer.of(answer), None, pictures)] * 50, NOW)
    assert len(page) < 20_000_000
