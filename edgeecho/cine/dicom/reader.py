"""Reading a DICOM file to a `Cine`: finds, decodes and times its frames."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import MPEGTransferSyntaxes

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.dicom.ahead import decode_ahead
from edgeecho.cine.dicom.aspect import doubts_of_aspect, read_aspects
from edgeecho.cine.dicom.attributes import claimed_frames, numbers, read_layout
from edgeecho.cine.dicom.codestream import BrokenFrameError
from edgeecho.cine.dicom.damage import describe_damage
from edgeecho.cine.dicom.decode import frame_decoder
from edgeecho.cine.dicom.file import DicomFile, open_dicom
from edgeecho.cine.dicom.fragments import Fragments, read_fragments
from edgeecho.cine.dicom.frames import EncodedFrames, compressed_frames, joined, native_frames
from edgeecho.cine.dicom.kind import Other, doubts_of_kind, other_kind
from edgeecho.cine.dicom.quiet import quiet
from edgeecho.cine.dicom.regions import read_regions
from edgeecho.cine.dicom.scale import read_scale
from edgeecho.cine.dicom.syntaxes import NATIVE, RLE, syntax_name
from edgeecho.cine.dicom.timing import Numbering, Statement, read_timing
from edgeecho.cine.dicom.view import declared_view
from edgeecho.cine.store import FrameStore
from edgeecho.cine.types import Cine, DecodeLimits
from edgeecho.cine.views import SiteViews
from edgeecho.common.errors import InputError


def read(path: Path, limits: DecodeLimits, views: SiteViews) -> Cine:
    """Implements `read_dicom`."""
    with quiet():
        file = open_dicom(path, limits)
        if other := other_kind(file.dataset):
            raise other.error(file.name)
        cine = read_pictures(file, limits)
        if len(cine.frames) == 1 and not cine.missing:
            raise Other("still").error(file.name)
        return replace(cine, view=declared_view(file.dataset, views))


def read_pictures(file: DicomFile, limits: DecodeLimits) -> Cine:
    """Decode a file's frames, whatever they show."""
    # MPEG-2, H.264 and HEVC.
    video = file.syntax in MPEGTransferSyntaxes
    return _read_video(file, limits) if video else _read_frames(file, limits)


def _fragments(file: DicomFile, limits: DecodeLimits) -> Fragments:
    # Several fragments per frame are rare, and no frame needs many.
    return read_fragments(file.pixels, file.name, most=64 * limits.frames)


def _read_frames(file: DicomFile, limits: DecodeLimits) -> Cine:
    layout = read_layout(file.dataset, file.name, limits)
    claimed = claimed_frames(file.dataset)
    decode = frame_decoder(file, layout)
    if file.syntax in NATIVE:
        frames = native_frames(file.pixels, layout, claimed, file.name)
    else:
        frames = compressed_frames(
            _fragments(file, limits), file.dataset, claimed, limits, one_each=file.syntax == RLE
        )
    if frames.count > limits.frames:
        raise InputError(
            f"{file.name} has more than {limits.frames} frames: "
            "cut it shorter, or raise --max-frames"
        )
    said = read_aspects(file.dataset)
    aspect = said[0] if said else SQUARE
    aspect.check(file.name)
    limits.check_size(file.name, *aspect.square(layout.rows, layout.columns))
    frame_bytes = layout.rows * layout.columns * 3
    decodings = decode_ahead(frames.encoded, decode, file.syntax)
    pixels, kept, lost = _decode(frames, decodings, aspect, frame_bytes, file.name, limits)
    timing = read_timing(file.dataset, Numbering(np.asarray(kept), frames.count, claimed))
    pixel_mm, pixel_doubt = read_scale(file.dataset, layout.rows, layout.columns, aspect)
    return Cine(
        frames=pixels,
        timestamps_s=timing.seconds,
        fps=timing.fps,
        fps_source=timing.source,
        container="dicom",
        codec=syntax_name(file.syntax),
        regions=read_regions(file.dataset, layout.rows, layout.columns, aspect),
        damage=describe_damage(claimed, len(kept), lost, frames.notes),
        missing=max((claimed or 0) - len(kept), len(lost)),
        pixel_aspect=aspect.ratio,
        notes=(
            *aspect.note(layout.rows, layout.columns),
            *doubts_of_aspect(file.dataset, said),
            *doubts_of_kind(file.dataset),
        ),
        fps_notes=timing.notes,
        pixel_mm=pixel_mm,
        pixel_doubt=pixel_doubt,
        fps_doubt=timing.doubt,
    )


def _decode(
    frames: EncodedFrames,
    decodings: Iterable[Future[NDArray[np.uint8]] | None],
    aspect: Aspect,
    frame_bytes: int,
    name: str,
    limits: DecodeLimits,
) -> tuple[NDArray[np.uint8], list[int], list[int]]:
    """Return pixels `(T, H, W, 3)`, their frame numbers, and the numbers of the lost frames."""
    store = FrameStore(name, limits)
    kept: list[int] = []
    lost: list[int] = []
    reason = "they are empty" if frames.count else "the file ends before the first"
    for index, decoding in enumerate(decodings):
        try:
            if decoding is None:
                raise BrokenFrameError(reason)
            store.append(aspect.stretch(decoding.result()))
            kept.append(index)
        except BrokenFrameError as error:
            reason = str(error)
            lost.append(index)
            # Detecting a broken large frame takes time, and a small file may claim many of them.
            if decoding is not None and len(lost) * frame_bytes > limits.megabytes * 1_000_000:
                raise InputError(
                    f"{name}: {len(lost)} of its first {index + 1} frames are damaged: {reason}: "
                    "copy or export it again"
                ) from error
    if not kept:
        raise InputError(
            f"{name}: none of its frames can be decoded: {reason}: copy or export it again"
        )
    return store.frames(), kept, lost


def _read_video(file: DicomFile, limits: DecodeLimits) -> Cine:
    """Read a video stream in fragments (PS3.5, A.4.6, A.4.7); its own rate is the last resort."""
    from edgeecho.cine.video import read_video_bytes

    fragments = _fragments(file, limits)
    said = read_aspects(file.dataset)
    aspect = said[0] if said else None
    stream = read_video_bytes(joined(fragments), file.name, limits, aspect)
    count, height, width = stream.frames.shape[:3]
    claimed = claimed_frames(file.dataset)
    # If all frames are there, damage reported by the container is none.
    notes = (*fragments.notes, *(() if claimed == count else stream.damage))
    damage = describe_damage(claimed, count, [], notes)
    if any(part is None for part in fragments.parts):
        damage += ("a stretch in the middle cannot be read: times after it may be wrong",)
    rows, columns = (int(numbers(file.dataset, key).sum()) for key in ("Rows", "Columns"))
    aspect = Aspect(stream.pixel_aspect)
    regions = read_regions(file.dataset, rows, columns, aspect) if min(rows, columns) > 0 else ()
    pixel_mm, pixel_doubt = None, None
    if aspect.square(rows, columns) != (height, width):
        # The stream's size is right (PS3.5, 8.2.7), so the regions' positions are unknown.
        regions = ()
        damage += (f"the header gives another frame size than {width}x{height}",)
    else:
        pixel_mm, pixel_doubt = read_scale(file.dataset, rows, columns, aspect)
    indices = _indices(stream.timestamps_s)
    own = Statement("video stream", stream.fps, stream.timestamps_s) if stream.fps else None
    timing = read_timing(file.dataset, Numbering(indices, int(indices[-1]) + 1, claimed), own)
    return Cine(
        frames=stream.frames,
        timestamps_s=timing.seconds,
        fps=timing.fps,
        fps_source=timing.source,
        container="dicom",
        codec=syntax_name(file.syntax),
        regions=regions,
        damage=damage,
        missing=stream.missing if claimed is None else max(claimed - count, 0),
        deinterlaced=stream.deinterlaced,
        pixel_aspect=stream.pixel_aspect,
        notes=(
            *stream.notes,
            *doubts_of_aspect(file.dataset, said),
            *doubts_of_kind(file.dataset),
        ),
        fps_notes=timing.notes,
        pixel_mm=pixel_mm,
        pixel_doubt=pixel_doubt,
        fps_doubt=timing.doubt,
    )


def _indices(stamps: NDArray[np.float64]) -> NDArray[np.int64]:
    """Frame numbers of a stream with lost frames, from the steps of its time stamps."""
    steps = np.diff(stamps)
    if not len(steps) or not np.isfinite(steps).all() or steps.min() <= 0:
        return np.arange(len(stamps))
    counts = np.maximum(np.rint(steps / np.median(steps)), 1).astype(np.int64)
    return np.concatenate([[0], np.cumsum(counts)])
