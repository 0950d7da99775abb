"""A labelled video, decoded and prepared as every stage does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from edgeecho.cine import RATES_AGREE, Cine, read_cine
from edgeecho.common.errors import InputError
from edgeecho.dataset.listing import LabelledVideo
from edgeecho.preprocess import Prepared, PreprocessSpec, prepare

LISTED = "FileList.csv"
"""`fps_source` of a rate that the listing gives."""


@contextmanager
def naming(video: LabelledVideo) -> Iterator[None]:
    """An `InputError` inside names the file: it is one of a whole data set."""
    try:
        yield
    except InputError as error:
        if video.path.name in str(error):
            raise
        raise InputError(f"{video.path.name}: {error}") from error


def read_labelled(video: LabelledVideo) -> Cine:
    """`read_cine` of it; the listing's frame rate counts where the file says none."""
    return with_listed_rate(read_cine(video.path), video.fps)


def with_listed_rate(cine: Cine, fps: float | None) -> Cine:
    """What a listing says of its frame rate, in frames/s, counts where the file says none.

    Where they contradict each other, the cine's rate is in doubt.
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
    """`read_labelled` and `prepare`; errors name the file."""
    with naming(video):
        return prepare(read_labelled(video), spec)
