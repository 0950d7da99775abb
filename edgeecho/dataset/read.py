"""Decoding and preparing a labelled video, in the same way for every stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from edgeecho.cine import RATES_AGREE, Cine, read_cine
from edgeecho.common.errors import InputError
from edgeecho.dataset.listing import LabelledVideo
from edgeecho.preprocess import Prepared, PreprocessSpec, prepare

LISTED = "FileList.csv"
"""`Cine.fps_source` of a rate that comes from the listing."""


@contextmanager
def naming(video: LabelledVideo) -> Iterator[None]:
    """Add the video's file name to an `InputError` raised inside."""
    try:
        yield
    except InputError as error:
        if video.path.name in str(error):
            raise
        raise InputError(f"{video.path.name}: {error}") from error


def read_labelled(video: LabelledVideo) -> Cine:
    """Decode a labelled video; the listing's frame rate is used if the file has none."""
    return with_listed_rate(read_cine(video.path), video.fps)


def with_listed_rate(cine: Cine, fps: float | None) -> Cine:
    """The cine with the listing's frame rate, in frames/s, if the file has none.

    If both contradict each other, `fps_doubt` is set.
    """
    if fps is None:
        return cine
    if cine.fps is None:
        return cine.at_rate(fps, LISTED)
    if max(cine.fps / fps, fps / cine.fps) <= RATES_AGREE:
        return cine
    doubt = f"{cine.fps_source} says {cine.fps:.1f} frames/s, {LISTED} {fps:.1f}"
    return replace(cine, fps_doubt=cine.fps_doubt or doubt)


def prepare_labelled(video: LabelledVideo, spec: PreprocessSpec) -> Prepared:
    """Decode and prepare a labelled video; errors name the file."""
    with naming(video):
        return prepare(read_labelled(video), spec)
