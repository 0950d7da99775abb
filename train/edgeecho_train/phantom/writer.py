"""Writing a data set of phantoms in EchoNet-Dynamic's folder layout.

ROOT/FileList.csv, ROOT/VolumeTracings.csv, ROOT/Videos/*.avi (MJPG), ROOT/DESCRIPTION.txt
"""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import MissingDependencyError, OutputError
from edgeecho.common.files import atomic_folder
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render
from edgeecho_train.phantom.truth import tracings
from edgeecho_train.phantom.world import SyntheticVideo, Tracing, World

FILE_LIST_HEADER = (
    "FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split",
)  # fmt: skip
TRACINGS_HEADER = ("FileName", "X1", "Y1", "X2", "Y2", "Frame")


@dataclass(frozen=True, eq=False)
class WrittenVideo:
    """The entries of one video in the two tables."""

    name: str
    """File name without suffix."""
    ef: float
    """Ejection fraction in %."""
    esv_ml: float
    edv_ml: float
    height: int
    width: int
    fps: float
    frames: int
    split: str
    tracings: tuple[Tracing, ...]
    """End diastole, end systole, then others."""


def phantom_video(recipe: PhantomRecipe, index: int) -> SyntheticVideo:
    """Video `index` of the painted phantoms."""
    phantom, rng = draw_phantom(recipe, index)
    clip = render(phantom, rng)
    return SyntheticVideo(
        name=phantom.name,
        frames=clip.frames,
        fps=phantom.fps,
        split=phantom.split,
        ef=phantom.ef,
        esv_ml=clip.esv_ml,
        edv_ml=clip.edv_ml,
        # A stream of its own: the pictures do not depend on what is traced.
        tracings=tracings(phantom, recipe.traced, np.random.default_rng((recipe.seed, index))),
    )


PHANTOM = World("edgeecho phantom", phantom_video)


def write_dataset(
    root: Path,
    recipe: PhantomRecipe,
    count: int,
    *,
    workers: int,
    world: World = PHANTOM,
    overwrite: bool = False,
    on_video: Callable[[], None] | None = None,
) -> tuple[WrittenVideo, ...]:
    """Render videos 0 .. count - 1 and write the data set atomically.

    The files do not depend on `workers`. `on_video` is called after each video.
    """
    with atomic_folder(root, marker="DESCRIPTION.txt", overwrite=overwrite) as folder:
        videos = folder / "Videos"
        videos.mkdir()
        written = _write_videos(videos, recipe, count, workers, world, on_video)
        _write_tables(folder, written)
        traced = "" if recipe.traced == 2 else f", {recipe.traced} traced frames"
        (folder / "DESCRIPTION.txt").write_text(
            f"synthetic phantoms, never patients ({world.command}, seed {recipe.seed}, "
            f"{recipe.distribution} EF, n {count}{traced})\n",
            encoding="utf-8",
        )
    return written


def _write_videos(
    folder: Path,
    recipe: PhantomRecipe,
    count: int,
    workers: int,
    world: World,
    on_video: Callable[[], None] | None,
) -> tuple[WrittenVideo, ...]:
    # Spawned, not forked: OpenCV's threads do not survive a fork.
    executor = ProcessPoolExecutor(
        min(workers, count), multiprocessing.get_context("spawn"), cv2.setNumThreads, (1,)
    )
    try:
        futures = [
            executor.submit(write_video, folder, recipe, index, world) for index in range(count)
        ]
        for done in as_completed(futures):
            done.result()
            if on_video:
                on_video()
        return tuple(future.result() for future in futures)
    finally:
        # After an error or Ctrl-C, do not render the rest of the queue.
        executor.shutdown(cancel_futures=True)


def write_video(
    folder: Path, recipe: PhantomRecipe, index: int, world: World = PHANTOM
) -> WrittenVideo:
    """Render video `index` of a recipe into `folder`."""
    video = world.video(recipe, index)
    encode(folder / f"{video.name}.avi", video.frames, video.fps)
    frames, height, width = video.frames.shape
    return WrittenVideo(
        name=video.name,
        ef=video.ef,
        esv_ml=video.esv_ml,
        edv_ml=video.edv_ml,
        height=height,
        width=width,
        fps=video.fps,
        frames=frames,
        split=video.split,
        tracings=video.tracings,
    )


def encode(path: Path, frames: NDArray[np.uint8], fps: float) -> None:
    """Write grey frames (T, H, W) as MJPG.

    FFmpeg is used because the runtime also decodes with it. At this frame size its quantiser is at
    the finest step: grey levels are recovered to within 2 or 3 on average.
    """
    height, width = frames.shape[1:]
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    video = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, (width, height))
    if not video.isOpened():
        raise MissingDependencyError(
            "this build of OpenCV cannot write MJPG through FFmpeg: "
            "install opencv-python-headless from PyPI"
        )
    try:
        for frame in frames:
            video.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    finally:
        video.release()
    # OpenCV does not report write errors, such as a full disk, so count the written frames.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
    if count != len(frames):
        raise OutputError(
            f"{path.name}: only {count} of {len(frames)} frames were written: is the disk full?"
        )


def _write_tables(folder: Path, videos: Sequence[WrittenVideo]) -> None:
    with (folder / "FileList.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(FILE_LIST_HEADER)
        for video in videos:
            volumes = (f"{video.esv_ml:.4f}", f"{video.edv_ml:.4f}")
            size = (video.height, video.width)
            table.writerow(
                (video.name, f"{video.ef:.2f}", *volumes, *size, f"{video.fps:.2f}", video.frames,
                 video.split)
            )  # fmt: skip
    with (folder / "VolumeTracings.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(TRACINGS_HEADER)
        for video in videos:
            for tracing in video.tracings:
                for (x1, y1), (x2, y2) in tracing.lines_px:
                    line = (f"{value:.4f}" for value in (x1, y1, x2, y2))
                    table.writerow((f"{video.name}.avi", *line, tracing.frame))
