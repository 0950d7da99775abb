"""How often the traced EF catches a wrong one of the network, and what that costs.

    python benchmarks/cross_check.py DATA --model BUNDLE --out cross_check.md

BUNDLE has a segmentation and was calibrated with it (`edgeecho calibrate trust`). Clean phantoms of
DATA are answered as they are, and altered so that the network errs; hearts of another simulator are
answered too. An answer is wrong if it is more than 10 EF points from the truth. Of the wrong ones
that all other gates let pass, the cross-check must refuse half, and all gates together at most 2 %
of the clean videos; otherwise the exit code is 1. `--json FILE` keeps every answer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from fault_videos import Video
from faults import MOST_REFUSED, _spread, _write
from other_heart import other_heart
from wrong_videos import ALTERED

from edgeecho import RESEARCH_USE, __version__
from edgeecho.cine import read_cine
from edgeecho.common.console import progress_bar
from edgeecho.common.errors import InputError
from edgeecho.common.files import write_json, write_text
from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho.inference import DEFAULT_CLIPS, LoadedModel, estimate_file, load_model
from edgeecho.trust.learned_gates import ANSWERS_DISAGREE
from edgeecho.trust.traced import REFUSED

WRONG = 10.0
LEAST_CAUGHT = 0.5
CHECKS = {
    ANSWERS_DISAGREE, "no-ventricle", "still-ventricle", "no-traced-beat", "ventricle-cut",
}  # fmt: skip
"""The gates that need masks."""


@dataclass(frozen=True)
class Answer:
    """One video that was answered, or refused."""

    video: str
    """What was done to it, or "clean"."""
    name: str
    truth: float
    ef: float
    traced: float | None
    reason: str | None
    gates: tuple[str, ...]

    @property
    def others(self) -> bool:
        """Whether a gate that needs no masks refuses it."""
        return not set(self.gates) <= CHECKS

    @property
    def checked(self) -> bool:
        """Whether one that needs masks does."""
        return bool(set(self.gates) & CHECKS)

    @property
    def wrong(self) -> bool:
        return abs(self.ef - self.truth) > WRONG


def main() -> None:
    """Measure, write, and say whether it suffices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--precision")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--split", default="TEST")
    parser.add_argument("--clips", default=DEFAULT_CLIPS)
    parser.add_argument("--n", type=int, default=24, help="videos an alteration; clean: all")
    parser.add_argument("--out", type=Path, required=True, help="page (Markdown)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model = load_model(
        given.model, engine=given.engine, precision=given.precision, threads=given.threads
    )
    if model.masks is None or model.trust is None or ANSWERS_DISAGREE not in model.trust.limits:
        sys.exit("the bundle has no cross-check: give one that was calibrated with a segmentation")
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        total = len(read_dataset(given.data, split=given.split)) + given.n * (1 + len(ALTERED))
        videos = progress.track(_videos(given, Path(folder)), total=total, description="videos")
        answers = [a for video in videos if (a := _answer(video, model, given.clips))]
    write_text(given.out, _page(answers, model, given))
    if given.json:
        write_json(given.json, {"answers": [asdict(answer) for answer in answers]})
    print("\n".join(table(answers)))
    sys.exit(0 if suffices(answers) else 1)


@dataclass(frozen=True)
class _Labelled:
    video: str
    name: str
    truth: float
    path: Path


def _videos(given: argparse.Namespace, folder: Path) -> Iterator[_Labelled]:
    videos = read_dataset(given.data, split=given.split)
    for video in videos:
        yield _Labelled("clean", video.name, video.ef, video.path)
    path = folder / "wrong.avi"
    for video in _spread(videos, given.n):
        cine = read_cine(video.path)
        for kind, alter in ALTERED.items():
            # The same draws for a video and an alteration, whichever others are made.
            rng = np.random.default_rng(list(f"0 {video.name} {kind}".encode()))
            _write(path, alter(Video(cine.frames, cine.fps or 50.0, None), rng))
            yield _Labelled(kind, video.name, video.ef, path)
    for number in range(given.n):
        heart, ef = other_heart(np.random.default_rng(number))
        _write(path, heart)
        yield _Labelled("another simulator", f"{number:03d}", ef, path)


def _answer(video: _Labelled, model: LoadedModel, clips: str) -> Answer | None:
    try:
        found = estimate_file(video.path, model, clips=clips)
    except InputError:
        return None
    assert found.traced is not None
    beats, gates = found.traced.beats, tuple(refusal.gate for refusal in found.refusals)
    asked = video.video, video.name, video.truth
    return Answer(*asked, found.ef, beats.mean_ef, beats.reason, gates)


def caught(answers: Sequence[Answer]) -> tuple[int, int]:
    """Of the wrong answers that the other gates let pass: those refused by the check, and all."""
    passed = [a for a in answers if a.wrong and not a.others]
    return sum(a.checked for a in passed), len(passed)


def suffices(answers: Sequence[Answer]) -> bool:
    """Whether half of the wrong ones are caught within the budget of clean ones."""
    clean, (some, wrong) = [a for a in answers if a.video == "clean"], caught(answers)
    refused = sum(bool(answer.gates) for answer in clean)
    return some >= LEAST_CAUGHT * wrong and refused <= MOST_REFUSED * len(clean)


def table(answers: Sequence[Answer]) -> list[str]:
    """A row for each kind of video, and one for all."""
    lines = [
        "| video | n | refused by other gates | answered | wrong by more than 10 | of these "
        "refused by the cross-check | of the right ones | no beat traced |",
        "|---|---|---|---|---|---|---|---|",
    ]
    kinds = list(dict.fromkeys(answer.video for answer in answers))
    rows = [(kind, [a for a in answers if a.video == kind]) for kind in kinds]
    rows.append(("all", list(answers)))
    for kind, some in rows:
        left = [a for a in some if not a.others]
        wrong, right = [a for a in left if a.wrong], [a for a in left if not a.wrong]
        none = sum(a.reason is not None for a in some)
        lines.append(
            f"| {kind} | {len(some)} | {len(some) - len(left)} | {len(left)} | {len(wrong)} | "
            f"{sum(a.checked for a in wrong)} | {sum(a.checked for a in right)} of {len(right)} | "
            f"{none} |"
        )
    return lines


def _page(answers: Sequence[Answer], model: LoadedModel, given: argparse.Namespace) -> str:
    assert model.trust is not None
    some, wrong = caught(answers)
    clean = [answer for answer in answers if answer.video == "clean"]
    refused = sum(bool(answer.gates) for answer in clean)
    told = (
        f"Written by `python benchmarks/cross_check.py` with edgeecho {__version__}, model "
        f"{model.file.name} {model.file.version} {model.file.precision} on "
        f"{model.engine.facts.name} {model.engine.facts.version}, --clips {given.clips}: "
        f"{given.split} of {describe_dataset(given.data)}. `{ANSWERS_DISAGREE}` refuses from "
        f"{model.trust.limits[ANSWERS_DISAGREE]:.1f} EF points on. Phantoms say nothing of "
        f"patients. {RESEARCH_USE}"
    )
    found = (
        f"The cross-check refused {some} of {wrong} wrong answers that the other gates let pass "
        f"(wanted: {LEAST_CAUGHT:.0%}), and all gates together {refused} of {len(clean)} clean "
        f"videos (at most {MOST_REFUSED:.0%}). It is `{ANSWERS_DISAGREE}` and, where no beat is "
        f"traced, the gates for {', '.join(REFUSED)}."
    )
    lines = ["# Two answers that check each other", "", *textwrap.wrap(told, 100), ""]
    return "\n".join([*lines, *table(answers), "", *textwrap.wrap(found, 100), ""])


if __name__ == "__main__":
    main()
