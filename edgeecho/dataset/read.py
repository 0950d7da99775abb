"""A labelled video, decoded and prepared as every stage does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgeecho.cine import Cine, read_cine
from edgeecho.dataset.listing import LabelledVideo
from edgeecho.errors import InputError
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
    cine = read_cine(video.path)
    return cine.at_rate(video.fps, LISTED) if cine.fps is None and video.fps else cine


def prepare_labelled(video: LabelledVideo, spec: PreprocessSpec) -> Prepared:
    """`read_labelled` and `prepare`; errors name the file."""
    with naming(video):
        return prepare(read_labelled(video), spec)
