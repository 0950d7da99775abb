"""Options of `edgeecho bench`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import EngineName, Model, Precision, Threads

if TYPE_CHECKING:
    from edgeecho.tools.bench.measure import Request

# For each scenario: clips, rounds, cold starts.
_DEFAULTS = {
    "single": ("center", 30, 3),
    "study": ("all", 6, 1),
    "offline": ("stride:16", 10, 0),
    "stream": ("center", 10, 0),
}


@dataclass(frozen=True)
class BenchOptions:
    """What is measured and how often."""

    videos: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Video or DICOM cine, several or a folder for --scenario offline; "
            "default: the demo's example clip."
        ),
    ] = None
    scenario: Annotated[
        str,
        typer.Option(
            help="single: file to answer; study: all clips of a video, with and without "
            "shared work; offline: many videos; stream: a clip every so many ms."
        ),
    ] = "single"
    model: Model = None
    engine: EngineName = "auto"
    precision: Precision = None
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SUBJECT",
            help="[ENGINE:]PRECISION[:batchN][:plain][:nobeats], instead of --precision. May "
            "be repeated: they take turns, and ratios are to the first.",
        ),
    ] = None
    clips: Annotated[
        str | None,
        typer.Option(
            help="one, center, all or stride:N; default: center for a single answer and "
            "the stream, all for a study, stride:16 offline."
        ),
    ] = None
    every: Annotated[float, typer.Option(min=1, help="stream: a clip comes every so many ms.")] = (
        500
    )
    runs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Warm runs that are timed; default: 30, of a study 6, of many "
            "videos 10, of a stream 10 times 10 clips.",
        ),
    ] = None
    warmup: Annotated[
        int | None,
        typer.Option(min=0, help="Runs before them; default: 3 of a single answer, else 1."),
    ] = None
    cold_starts: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Fresh processes for the cold start; 0: leave it out; default: "
            "3, of a study 1, else 0.",
        ),
    ] = None
    threads: Threads = 0

    def request(self) -> Request:
        """Check the options before the model is loaded; `UsageError` if they make no sense."""
        from edgeecho.bundle import EXAMPLE
        from edgeecho.cine import find_videos
        from edgeecho.common.errors import UsageError
        from edgeecho.preprocess import ClipMode
        from edgeecho.tools.bench.measure import Request
        from edgeecho.tools.bench.subject import Subject

        scenario = self.scenario
        if scenario not in _DEFAULTS:
            raise UsageError(f"--scenario {scenario!r} is not known: choose {', '.join(_DEFAULTS)}")
        if self.compare and self.precision:
            raise UsageError("--precision and --compare both say what runs: leave one out")
        usual_clips, usual_runs, usual_cold = _DEFAULTS[scenario]
        mode = str(ClipMode.parse(self.clips or usual_clips))
        if scenario == "stream" and mode != "center":
            raise UsageError("--scenario stream answers one clip at a time: leave --clips out")
        files = tuple(self.videos or [EXAMPLE])
        if scenario == "offline":
            files = find_videos(files).files
        elif len(files) > 1:
            raise UsageError(f"--scenario {scenario} takes one video: give one, or take offline")
        usual_warmup = 3 if scenario == "single" else 1
        return Request(
            scenario=scenario,
            videos=files,
            model=self.model,
            subjects=tuple(Subject.parse(text, engine=self.engine) for text in self.compare or [])
            or (Subject(self.engine, self.precision),),
            clips=mode,
            every_ms=self.every if scenario == "stream" else None,
            rounds=usual_runs if self.runs is None else self.runs,
            warmup=usual_warmup if self.warmup is None else self.warmup,
            cold_starts=usual_cold if self.cold_starts is None else self.cold_starts,
            threads=self.threads,
        )
