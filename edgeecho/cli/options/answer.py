"""Options for answering files: model and engine, video options, limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.batch import Task
    from edgeecho.beats import Rule
    from edgeecho.bundle import ModelFile
    from edgeecho.cine import DecodeLimits, Region
    from edgeecho.preprocess import ClipMode, Handling

Model = Annotated[
    Path | None,
    typer.Option(
        help="Bundle folder or .onnx file; default: $EDGEECHO_MODEL, or else the demo model."
    ),
]
EngineName = Annotated[
    str,
    typer.Option(help="auto, openvino, onnxruntime, onnxruntime-cuda, tensorrt, ... (see doctor)."),
]
Precision = Annotated[
    str | None,
    typer.Option(help="Which of the bundle's models to run; default: fp32, or its only one."),
]
Clips = Annotated[str, typer.Option(help="Clips to average: one, center, all or stride:N.")]
BeatRule = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        help="How beats are found, if the model has a segmentation: default, published or none.",
    ),
]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0: the engine's choice.")]
Time = Annotated[
    str | None,
    typer.Option(help="native (frames by index) or resample; default: as the model was trained."),
]
MaxFrames = Annotated[int, typer.Option(min=1, help="Refuse videos with more frames.")]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse frames with more pixels.")]


@dataclass(frozen=True)
class EngineOptions:
    """The model, the engine, and which clips are run."""

    model: Model = None
    engine: EngineName = "auto"
    precision: Precision = None
    clips: Clips = "stride:16"
    beats: BeatRule = None
    threads: Threads = 0

    def rule(self) -> Rule | None:
        """How beats are found, None: not at all; `UsageError` if there is no such way."""
        from edgeecho.common.errors import UsageError

        rules: dict[str, Rule | None] = {
            "default": "default",
            "published": "published",
            "none": None,
        }
        if self.beats is None:
            return "default"
        if self.beats not in rules:
            raise UsageError(
                f"--beats {self.beats!r} is not known: choose default, published or none"
            )
        return rules[self.beats]

    def check_beats(self, model: ModelFile) -> None:
        """`ModelError` if beats were asked for, and the model cannot find them."""
        from edgeecho.common.errors import ModelError

        if self.beats and self.rule() and model.segmentation is None:
            raise ModelError(
                f"--beats {self.beats}: {model.name} has no segmentation, which finds the left "
                "ventricle: export the bundle with `--segmentation CHECKPOINT`, or leave it out"
            )


@dataclass(frozen=True)
class VideoOptions:
    """The user's choices for a video."""

    fps: Annotated[
        float | None, typer.Option(help="Frames/s of the video, instead of what the file says.")
    ] = None
    time: Time = None
    crop: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Cut out this rectangle (pixels) as the sector."),
    ] = None
    no_crop: Annotated[
        bool, typer.Option("--no-crop", help="Take the central square; look for no sector.")
    ] = False
    views: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSON: what this site's texts and codes of views mean in DICOM."
        ),
    ] = None

    def handling(self) -> Handling:
        """Check the options together, with `fps`; `UsageError` if they contradict each other."""
        from edgeecho.cine import NO_SITE, SiteViews
        from edgeecho.common.errors import UsageError
        from edgeecho.preprocess import Handling

        if self.fps is not None and not 1 <= self.fps <= 1000:
            raise UsageError(f"--fps {self.fps:g} is no frame rate: give 1 to 1000 frames/s")
        region = None if self.crop is None else _region(self.crop)
        site = NO_SITE if self.views is None else SiteViews.read(self.views)
        return Handling(self.time, region, not self.no_crop, site)


@dataclass(frozen=True)
class LimitOptions:
    """How much of a file is decoded before it is refused. The defaults are those of
    `cine.DEFAULT_LIMITS`, which `--help` need not import."""

    max_frames: MaxFrames = 4000
    max_pixels: MaxPixels = 16_777_216
    max_mb: Annotated[
        int, typer.Option(min=1, help="Refuse files, or decoded frames, above it.")
    ] = 800

    def limits(self) -> DecodeLimits:
        from edgeecho.cine import DecodeLimits

        return DecodeLimits(self.max_pixels, self.max_frames, self.max_mb)


@dataclass(frozen=True)
class Choices:
    """The options of all three groups, checked before a model is opened, so that typing errors are
    reported at once."""

    engine: EngineOptions
    mode: ClipMode
    beats: Rule | None
    handling: Handling
    fps: float | None
    limits: DecodeLimits

    @classmethod
    def of(cls, engine: EngineOptions, video: VideoOptions, limits: LimitOptions) -> Choices:
        """Check the options; `UsageError` if they make no sense."""
        from edgeecho.preprocess import ClipMode

        mode, rule = ClipMode.parse(engine.clips), engine.rule()
        return cls(engine, mode, rule, video.handling(), video.fps, limits.limits())

    def task(self, *, show_refused: bool = False, frames: int = 0) -> Task:
        """Open the model. `frames`: see `Task`."""
        from edgeecho.bundle import open_model

        # Before the import of the task, which takes longer: a missing model is reported at once.
        model = open_model(self.engine.model, precision=self.engine.precision)
        self.engine.check_beats(model)
        from edgeecho.batch import Task

        return Task(
            model=model,
            engine=self.engine.engine,
            clips=str(self.mode),
            beats=self.beats,
            handling=self.handling,
            fps=self.fps,
            limits=self.limits,
            show_refused=show_refused,
            frames=frames,
        )


def _region(text: str) -> Region:
    from edgeecho.cine import Region
    from edgeecho.common.errors import UsageError

    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return Region(x, y, width, height)
    except ValueError as error:
        raise UsageError(
            f"--crop {text!r} is no rectangle: give X,Y,W,H in pixels, such as 80,30,480,400"
        ) from error
