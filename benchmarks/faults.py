"""How often the gates refuse what they must, and what they must not.

    python benchmarks/faults.py DATA --model BUNDLE --out docs/faults.md

Clean phantoms of DATA are answered as they are, and after each built-in fault: real frames, written
as MJPG AVI, read and answered on the path of `edgeecho infer`. `--json FILE` keeps every figure.
Exit code 1 where a video that shows no heart is refused less than 95 times of 100, one of an
implausible time or picture less than 90 times or answered surely and wrongly, or where more than
2 % of the clean ones are refused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from fault_videos import FAULTS, TOLD, Video
from wrong_videos import REPORTED, UNSEEABLE

from edgeecho import RESEARCH_USE, __version__
from edgeecho.cine import read_cine
from edgeecho.common.console import progress_bar
from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file, write_json, write_text
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.inference import DEFAULT_CLIPS, EFEstimate, LoadedModel, estimate_file, load_model

LEAST_REFUSED = {**dict.fromkeys(FAULTS, 0.95), **dict.fromkeys(REPORTED, 0.9)}
"""By fault; nothing is required of the others."""
ALL = FAULTS | REPORTED | TOLD | UNSEEABLE
SURE = 0.99
"""A probability above it says on which side of 40 % the EF lies."""
MOST_REFUSED = 0.02
"""Of clean videos."""


@dataclass(frozen=True)
class Row:
    """What became of the videos with one fault."""

    fault: str
    n: int
    refused: int
    """By a gate, or because the file cannot be used."""
    gates: dict[str, int]
    """How many each gate refused; one video may be refused by several."""
    surely_wrong: int
    """Answered with a probability above 99 % that the EF is on the wrong side of 40 %."""


_NO_PROMISE = (
    "The faults are edgeecho's own, and so are the phantoms that they are made of: 100 % here says "
    "nothing of other videos: [another world](trust.md#a-world-that-it-does-not-know) was refused "
    "in 61 of 100 cases only."
)


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
    parser.add_argument("--n", type=int, default=60, help="videos a fault; clean: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="page (Markdown)")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model = load_model(
        given.model, engine=given.engine, precision=given.precision, threads=given.threads
    )
    videos = read_dataset(given.data, split=given.split)
    chosen = _spread(videos, given.n)
    with progress_bar() as progress:
        task = progress.add_task("videos", total=len(videos) + len(chosen) * len(ALL))
        asked = _Asked(model, given.clips, lambda: progress.advance(task))
        answers = {video.name: asked.file(video.path) for video in videos}
        rows = [_row("clean", [(video.ef, answers[video.name]) for video in videos])]
        for fault in ALL:
            found = [(v.ef, asked.fault(v, answers[v.name], fault, given.seed)) for v in chosen]
            rows.append(_row(fault, [(ef, answer) for ef, answer in found if answer is not None]))
    write_text(given.out, _page(rows, model, given))
    if given.json:
        write_json(given.json, _document(rows, model, given))
    print("\n".join(_table(rows)))
    sys.exit(0 if all(map(_suffices, rows)) else 1)


class _Asked:
    """A model that answers files and faulty copies of them."""

    def __init__(self, model: LoadedModel, clips: str, step: Callable[[], None]) -> None:
        self._model, self._clips, self._step = model, clips, step
        self._folder = tempfile.TemporaryDirectory()

    def file(self, path: Path) -> EFEstimate | InputError:
        """What `infer` would say of it."""
        self._step()
        try:
            return estimate_file(path, self._model, clips=self._clips)
        except InputError as error:
            return error

    def fault(
        self, video: LabelledVideo, clean: EFEstimate | InputError, fault: str, seed: int
    ) -> EFEstimate | InputError | None:
        """The same with a fault; None where the fault cannot be made of this video."""
        cine = read_cine(video.path)
        rate = clean.video.heart_rate_bpm if isinstance(clean, EFEstimate) else None
        # The same draws for a video and a fault, whichever others are run.
        word = f"{seed} {video.name} {fault}"
        rng = np.random.default_rng(list(word.encode()))
        made = ALL[fault](Video(cine.frames, cine.fps or 50.0, rate), rng)
        if made is None:
            self._step()
            return None
        path = Path(self._folder.name) / "fault.avi"
        _write(path, made)
        return self.file(path)


def _write(path: Path, video: Video) -> None:
    height, width = video.frames.shape[1:3]
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, video.fps, (width, height))
    for frame in video.frames:
        writer.write(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR))
    writer.release()


def _spread(videos: Sequence[LabelledVideo], n: int) -> list[LabelledVideo]:
    places = np.unique(np.linspace(0, len(videos) - 1, n).astype(int))
    return [videos[place] for place in places]


def _row(fault: str, answers: Sequence[tuple[float, EFEstimate | InputError]]) -> Row:
    """Of true EFs and answers."""
    gates: Counter[str] = Counter()
    refused = surely_wrong = 0
    for truth, answer in answers:
        if isinstance(answer, InputError):
            names = ["file cannot be used"]
        else:
            names = [refusal.gate for refusal in answer.refusals]
            surely_wrong += _surely_wrong(answer, truth)
        gates.update(names)
        refused += bool(names)
    return Row(fault, len(answers), refused, dict(gates.most_common()), surely_wrong)


def _surely_wrong(answer: EFEstimate, truth: float) -> bool:
    if answer.probabilities is None:
        return False
    low = answer.probabilities.at_most_40
    return low > SURE if truth > 40 else 1 - low > SURE


def _suffices(row: Row) -> bool:
    if row.fault == "clean":
        return row.refused <= MOST_REFUSED * row.n
    enough = row.refused >= LEAST_REFUSED.get(row.fault, 0) * row.n
    return enough and not (row.fault in REPORTED and row.surely_wrong)


def _table(rows: Sequence[Row]) -> list[str]:
    lines = ["| video | n | refused | surely wrong | by (of n) |", "|---|---|---|---|---|"]
    for row in rows:
        gates = ", ".join(f"{name} {count}" for name, count in row.gates.items())
        told = row.fault in TOLD or row.fault in UNSEEABLE
        note = " (nothing required)" if told else ""
        lines.append(
            f"| {row.fault}{note} | {row.n} | {row.refused / max(row.n, 1):.1%} | "
            f"{row.surely_wrong} | {gates} |"
        )
    return lines


def _document(
    rows: Sequence[Row], model: LoadedModel, given: argparse.Namespace
) -> dict[str, object]:
    return {
        "research_use": RESEARCH_USE,
        "edgeecho": __version__,
        "data": describe_dataset(given.data),
        "file_list_sha256": sha256_file(given.data / "FileList.csv"),
        "split": given.split,
        "clips": given.clips,
        "seed": given.seed,
        "model_sha256": model.file.sha256,
        "precision": model.file.precision,
        "trust_sha256": (model.file.uncertainty or {}).get("sha256"),
        "rows": [asdict(row) for row in rows],
    }


def _page(rows: Sequence[Row], model: LoadedModel, given: argparse.Namespace) -> str:
    told = (
        f"Written by `python benchmarks/faults.py` with edgeecho {__version__}, model "
        f"{model.file.name} {model.file.version} {model.file.precision} on "
        f"{model.engine.facts.name} {model.engine.facts.version}, --clips {given.clips}: "
        f"{given.split} of {describe_dataset(given.data)}. Each fault is made of "
        "clean phantoms, written as MJPG AVI and answered as `edgeecho infer` does. Phantoms say "
        f"nothing of patients. {RESEARCH_USE}"
    )
    lines = ["# What the gates refuse", "", *textwrap.wrap(told, 100), "", *_table(rows), ""]
    lines += textwrap.wrap(
        f"Required: at most {MOST_REFUSED:.0%} of the clean ones and at least 95% of each fault, "
        "90% where time or picture is implausible; of the latter none that is answered with a "
        f"probability above {SURE:.0%} that its EF is on the wrong side of 40 % (surely wrong). "
        "Half a beat is cut by the heart rate that was found, so videos in which "
        "none was found are left out there. A mirrored view is told only: some laboratories show "
        "the four chambers so. Neither is anything required where a video looks as another heart "
        "does: at another speed, smeared a little, or squeezed a little.",
        100,
    )
    lines += ["", *textwrap.wrap(_NO_PROMISE, 100)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
