"""Intervals and probabilities in all forms, and refused results, which hold no number in any."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from html.parser import HTMLParser

import media
import pytest

from edgeecho.inference import EFEstimate, answer_file, load_model
from edgeecho.preprocess import Prepared
from edgeecho.report.formats import FORMATS
from edgeecho.report.html import to_html
from edgeecho.report.structured import to_json
from edgeecho.report.table import to_csv
from edgeecho.report.text import to_text
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.results.pictures import Pictures
from edgeecho.trust import Interval, Probabilities, Refusal

NOW = datetime(2025, 1, 2, 3, 4, tzinfo=timezone.utc)
REASONS = (
    Refusal("too-short", "30 frames, but two heart beats take 90: record longer <b>"),
    Refusal("far-from-training", "=unlike the videos of training"),
)
FORMS: dict[str, Callable[[list[Outcome]], str]] = {
    name: partial(form.write, created=NOW) for name, form in FORMATS.items() if form.holds_refused
}
"""What never holds a refused number has tests of its own."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[EFEstimate, Prepared]:
    # Fewer frames than 43, the number to be looked for, so that no frame is called so.
    path = media.write_video(
        tmp_path_factory.mktemp("video") / "a.avi", frames=media.phantom_frames()[:30]
    )
    answer, prepared = answer_file(path, load_model(), clips="all")
    model = replace(answer.model, sha256="0" * 64)
    plain = replace(answer, model=model, timings_ms={"preprocess": 1.0, "engine": 2.0})
    # What the gates say of 30 frames is not what is looked at here.
    return replace(plain, refusals=(), warnings=()), prepared


def sure(estimate: EFEstimate, ef: float) -> EFEstimate:
    """`estimate` with this EF, two clips around it, interval and probabilities."""
    return replace(
        estimate,
        ef=ef,
        clip_efs=(ef - 0.5, ef + 0.5),
        interval=Interval(ef - 7, ef + 8, 0.9, "phantoms"),
        probabilities=Probabilities(round(ef / 1000, 6), round(ef / 100, 6)),
    )


def outcomes(ran: tuple[EFEstimate, Prepared], ef: float, *, show: bool = False) -> list[Outcome]:
    """A refused file, alone as a report sees it."""
    estimate, prepared = ran
    refused = replace(sure(estimate, ef), refusals=REASONS)
    answer = Answer.of(refused, show_refused=show)
    return [Outcome("a.avi", answer, "1" * 64, Pictures.of(prepared, refused))]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_refused_result_is_the_same_whatever_its_number(
    ran: tuple[EFEstimate, Prepared], form: str
) -> None:
    # Curves, colours, places, lengths: whatever depended on the number would differ.
    low, high = (FORMS[form](outcomes(ran, ef)) for ef in (18.7654, 73.2109))
    assert low == high
    low, high = (FORMS[form](outcomes(ran, ef, show=True)) for ef in (18.7654, 73.2109))
    assert low != high


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_number_is_in_no_form(ran: tuple[EFEstimate, Prepared], form: str) -> None:
    estimate = outcomes(ran, 43.2109)
    text = FORMS[form](estimate)
    # Style, script, pictures and the policy's hashes are the same for every number (see above).
    rest = re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>|data:image[^\"]*|sha256-[^']*", "",
                  text)  # fmt: skip
    for number in ("43", "43.2", "43.21", "36.2", "36", "51.2", "51", "42.7", "43.7", "0.043"):
        assert not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", rest), number
    for word in ("interval", "reduced", "preserved", "probab"):
        assert word not in rest.lower().replace("intervallow,intervalhigh", ""), word
    assert "refused" in rest.lower()
    shown = FORMS[form](outcomes(ran, 43.2109, show=True))
    assert "43.2" in shown
    assert "refused" in shown.lower()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("show", [False, True])
def test_every_form_tells_all_reasons(
    ran: tuple[EFEstimate, Prepared], form: str, show: bool
) -> None:
    text = FORMS[form](outcomes(ran, 43.2109, show=show))
    if form == "html":
        text = text.replace("&lt;b&gt;", "<b>")
    for reason in REASONS:
        assert reason.reason in text
        assert reason.gate in text or reason.gate.replace("-", " ") in text


def test_text_says_refused_before_every_number(ran: tuple[EFEstimate, Prepared]) -> None:
    one, two, done, *_ = to_text(outcomes(ran, 43.2109)).splitlines()
    assert one == f"a.avi  refused: too short: {REASONS[0].reason}"
    assert two == f"    refused: far from training: {REASONS[1].reason}"
    assert done.startswith("    50.0 fps")
    lines = to_text(outcomes(ran, 43.2109, show=True)).splitlines()
    assert lines[2:5] == [
        "    shown although refused: EF  43.2 %  (90 % interval 36.2 to 51.2; 2 clips, sd 0.7)",
        "    shown although refused: the interval was measured on phantoms",
        "    shown although refused: mildly reduced; EF <= 40: 4 %, EF < 50: 43 %",
    ]


def test_text_of_an_answer_with_and_without_an_interval(ran: tuple[EFEstimate, Prepared]) -> None:
    answer = sure(ran[0], 47.6)
    lines = to_text([Outcome("a.avi", Answer.of(answer))]).splitlines()
    assert lines[:3] == [
        "a.avi  EF  47.6 %  (90 % interval 40.6 to 55.6; 2 clips, sd 0.7)",
        "    the interval was measured on phantoms",
        "    mildly reduced; EF <= 40: 5 %, EF < 50: 48 %",
    ]
    bare = replace(answer, interval=None, probabilities=None)
    lines = to_text([Outcome("a.avi", Answer.of(bare))]).splitlines()
    assert lines[0] == "a.avi  EF  47.6 %  (2 clips, sd 0.7, 47.1 to 48.1)"
    assert lines[1].startswith("    50.0 fps")


def test_a_table_has_the_new_columns_last(ran: tuple[EFEstimate, Prepared]) -> None:
    failed = Outcome("b.avi", Failure("b.avi is empty", 3))
    answered = Outcome("c.avi", Answer.of(sure(ran[0], 47.6)))
    refused, shown = outcomes(ran, 43.2109)[0], outcomes(ran, 43.2109, show=True)[0]
    rows = list(csv.DictReader(to_csv([answered, refused, shown, failed]).splitlines()))
    assert list(rows[0])[-9:] == [
        "Status", "IntervalLow", "IntervalHigh", "Level", "PAtMost40", "PBelow50", "Refusals",
        "PassedOver", "Domain",
    ]  # fmt: skip
    assert [row["Status"] for row in rows] == ["answered", "refused", "refused", "error"]
    assert [rows[0][name] for name in list(rows[0])[-8:-2]] == [
        "40.60", "55.60", "0.9", "0.048", "0.476", "",
    ]  # fmt: skip
    numbers = ("EF", "SD", "Min", "Max", *list(rows[0])[-8:-3])
    assert {rows[1][name] for name in numbers} == {""}
    assert "" not in {rows[2][name] for name in numbers}
    assert rows[1]["Clips"] == "2"
    assert rows[1]["Refusals"] == rows[2]["Refusals"]
    assert rows[1]["Refusals"].startswith(f"too-short: {REASONS[0].reason}; far-from-training: ")


def test_a_document_holds_interval_and_probabilities(ran: tuple[EFEstimate, Prepared]) -> None:
    answered = Outcome("c.avi", Answer.of(sure(ran[0], 47.6)))
    value = json.loads(to_json([answered, *outcomes(ran, 43.2109)]))
    first, second = value["results"]
    assert first["interval"] == {"low": 40.6, "high": 55.6, "level": 0.9, "domain": "phantoms"}
    assert first["probabilities"] == {"at_most_40": 0.0476, "below_50": 0.476}
    assert (first["band"], first["refusals"]) == ("mildly reduced", [])
    assert [r["gate"] for r in second["refusals"]] == ["too-short", "far-from-training"]


class Texts(HTMLParser):
    """The text in each element of the classes that are asked for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.found: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "input", "br"):
            self.stack.append(f"{tag} {dict(attrs).get('class') or ''}")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.found.append((" > ".join(self.stack), data))

    def inside(self, name: str) -> str:
        return " ".join(text for place, text in self.found if name in place)


def test_a_page_draws_interval_and_chances(ran: tuple[EFEstimate, Prepared]) -> None:
    page = to_html([Outcome("a.avi", Answer.of(sure(ran[0], 47.6)))], NOW)
    assert (
        'aria-label="EF 47.6 % on a scale from 0 to 100 %, 90 % interval from 40.6 to 55.6 %'
        in (page)
    )
    assert '<rect class="range" x="40.60%" y="18" width="15.00%"' in page
    assert page.count('class="end-of-interval"') == 2
    texts = Texts(page)
    assert " ".join(texts.inside("table chances").split()) == (
        "Range In words Probability EF ≤ 40 %: reduced very unlikely 5 % "
        "EF < 50 %: reduced or mildly reduced about as likely as not 48 %"
    )
    assert "mildly reduced" in texts.inside("band-words")


def test_a_page_keeps_a_refused_number_in_its_box(ran: tuple[EFEstimate, Prepared]) -> None:
    answered = Outcome("b.avi", Answer.of(sure(ran[0], 61.3)))
    page = to_html([answered, *outcomes(ran, 43.2109, show=True)], NOW)
    texts = Texts(page)
    assert "43.2" in texts.inside("section shown")
    assert "refused (too short, far from training)" in texts.inside("section shown")
    outside = [t for place, t in texts.found if "43.2" in t and "section shown" not in place]
    assert outside == []
    assert "refused too short, far from training" in " ".join(texts.inside("summary").split())
    assert "2 files: 1 answered, 1 refused" in texts.inside("title")
    hidden = Texts(to_html(outcomes(ran, 43.2109), NOW))
    assert "no EF is given" in hidden.inside("article")
    assert hidden.inside("section shown") == ""


def test_an_answer_has_numbers_or_else_refusals(ran: tuple[EFEstimate, Prepared]) -> None:
    answer = Answer.of(ran[0])
    assert answer.numbers is not None
    assert (answer.numbers.ef, answer.numbers.sd) == (ran[0].ef, ran[0].sd)
    assert Outcome("a.avi", answer).status == "answered"
    refused = Answer.of(replace(ran[0], refusals=REASONS))
    assert refused.numbers is refused.although_refused is None
    assert Outcome("a.avi", refused).status == "refused"
    assert not any(f"{ran[0].ef:.3f}"[:5] in str(v) for v in vars(refused).values())
    for wrong in (
        {"refusals": REASONS},
        {"numbers": None},
        {"although_refused": answer.numbers},
    ):
        with pytest.raises(ValueError, match="expected numbers"):
            replace(answer, **wrong)
