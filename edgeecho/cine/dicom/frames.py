"""Assigning bytes to frames. NumberOfFrames is only a claim: the data decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import Layout
from edgeecho.cine.dicom.file import PixelData
from edgeecho.cine.dicom.fragments import ITEM, Fragment, Fragments
from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.cine.types import DecodeLimits
from edgeecho.common.errors import InputError

# JPEG and JPEG-LS (SOI), JPEG 2000 (SOC and SIZ, or the signature box of JP2).
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")
Encoded = bytes | memoryview


@dataclass(frozen=True)
class EncodedFrames:
    """The encoded frames of a file."""

    count: int
    """Number of frames, lost ones included, except those at the end, which nothing shows."""
    encoded: Iterable[Encoded | None]
    """The frames in order; None for a lost one."""
    notes: tuple[str, ...] = ()
    """Damage that does not concern single frames."""


def native_frames(
    pixels: PixelData, layout: Layout, claimed: int | None, name: str
) -> EncodedFrames:
    """Frames of uncompressed pixels; `InputError` if header and length contradict each other."""
    size = layout.native_bytes
    in_items = pixels.buffer.startswith(ITEM, pixels.start)
    if pixels.claimed_bytes is None or in_items or size < 1:
        raise InputError(
            f"{name}: its header says that its pixels are not compressed, but they are in "
            "fragments as compressed ones: export it again"
        )
    if claimed is not None and _is_other_layout(pixels.claimed_bytes, size * claimed):
        raise InputError(
            f"{name}: its header describes {claimed} frames of {layout.columns}x{layout.rows} in "
            f"{size * claimed} bytes, but it holds {pixels.claimed_bytes}: export it again"
        )
    view = memoryview(pixels.buffer)[pixels.start : pixels.stop]
    if pixels.big_endian and pixels.words and layout.bits_allocated == 8:
        words = np.frombuffer(view[: len(view) // 2 * 2], np.uint16)
        view = memoryview(words.byteswap().tobytes())
    count = len(view) // size
    return EncodedFrames(count, _cut(view, size, count))


def _is_other_layout(there: int, claimed: int) -> bool:
    """Whether wrong bits, samples or subsampling, not missing frames, explain the length."""
    ratios = ((1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2))
    return any(abs(there * a - claimed * b) <= a for a, b in ratios)  # one byte may be padding


def _cut(view: memoryview, size: int, count: int) -> Iterator[Encoded | None]:
    for start in range(0, count * size, size):
        frame = view[start : start + size]
        # No frame is all zeros: a disk or a transfer lost these bytes.
        yield frame if np.frombuffer(frame, np.uint8).any() else None


def compressed_frames(
    fragments: Fragments,
    dataset: Dataset,
    claimed: int | None,
    limits: DecodeLimits,
    *,
    one_each: bool,
) -> EncodedFrames:
    """Frames of compressed pixels.

    A complete offset table decides. Without one, each fragment is a frame if their number is the
    claimed one or with `one_each` (RLE: PS3.5, A.4.2). Otherwise a frame begins with each fragment
    that starts with a codestream's signature.
    """
    notes = fragments.notes
    offsets = _offsets(fragments, dataset)
    if len(offsets) == claimed and _fits(offsets, fragments):
        frames = _by_offsets(offsets, fragments)
        return EncodedFrames(len(frames), frames, notes)
    whole = sum(part is not None for part in fragments.parts)
    runs = [_group(run, one_each or whole == claimed) for run in _runs(fragments.parts)]
    frames, lost = runs[0], (claimed or 0) - sum(map(len, runs))
    if len(runs) == 2 and fragments.ended and 0 <= lost <= limits.frames:
        # After the only gap, frames can be numbered from the end.
        frames = frames + [None] * lost + runs[1]
    elif len(runs) > 1:
        left_out = sum(map(len, runs[1:]))
        notes = (
            *notes,
            f"a stretch in the middle cannot be read, and {left_out} frames behind it were left "
            "out since their times are not known",
        )
    return EncodedFrames(len(frames), frames, notes)


def joined(fragments: Fragments) -> bytes:
    """All fragments' bytes in order: a video stream (PS3.5, A.4.6)."""
    return b"".join(part.data for part in fragments.parts if part is not None)


def _offsets(fragments: Fragments, dataset: Dataset) -> NDArray[np.uint64]:
    try:
        table = bytes(dataset.get("ExtendedOffsetTable") or b"")
    except DAMAGE:
        table = b""
    return np.frombuffer(table, "<u8") if table and len(table) % 8 == 0 else fragments.offsets


def _fits(offsets: NDArray[np.uint64], fragments: Fragments) -> bool:
    """Whether the offset table matches the fragments: tables are wrong more often than items."""
    found = [part.at for part in fragments.parts if part is not None]
    hits = np.isin(np.asarray(found, np.uint64), offsets).sum()
    return bool(
        offsets[0] == 0
        and np.all(offsets[1:] > offsets[:-1])
        and hits * 2 >= min(len(offsets), len(found)) > 0
    )


def _by_offsets(offsets: NDArray[np.uint64], fragments: Fragments) -> list[Encoded | None]:
    frames: list[list[Fragment]] = [[] for _ in offsets]
    starts = set(offsets.tolist())
    for part in fragments.parts:
        if part is None:
            continue
        frame = frames[int(np.searchsorted(offsets, part.at, "right")) - 1]
        if frame or part.at in starts:  # a frame whose start is lost is lost
            frame.append(part)
    joined_frames = [_join(frame) if frame else None for frame in frames]
    while joined_frames and joined_frames[-1] is None:
        joined_frames.pop()
    return joined_frames


def _runs(parts: list[Fragment | None]) -> list[list[Fragment]]:
    """The runs of fragments between gaps; a single run if there is no gap."""
    runs: list[list[Fragment]] = [[]]
    for part in parts:
        if part is None:
            runs.append([])
        else:
            runs[-1].append(part)
    return runs


def _group(run: list[Fragment], one_each: bool) -> list[Encoded | None]:
    frames: list[list[Fragment]] = []
    for part in run:
        if one_each or not frames or bytes(part.data[:8]).startswith(_STARTS):
            frames.append([part])
        else:
            frames[-1].append(part)
    return [_join(frame) for frame in frames]


def _join(frame: list[Fragment]) -> Encoded:
    return frame[0].data if len(frame) == 1 else b"".join(part.data for part in frame)
