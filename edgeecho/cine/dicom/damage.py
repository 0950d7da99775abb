"""Describing missing DICOM frames as text for the result."""

from __future__ import annotations

from collections.abc import Iterable


def describe_damage(
    claimed: int | None, decoded: int, lost: list[int], notes: Iterable[str]
) -> tuple[str, ...]:
    """Notes on missing frames; empty for a whole file.

    `lost` are the numbers of frames that could not be decoded, counted from 0.
    """
    found = decoded + len(lost)
    words = []
    if claimed is None and found > 1:
        words.append(f"the file does not say how many frames it holds: {decoded} decoded")
    elif claimed is not None and claimed != decoded:
        words.append(f"{claimed} frames claimed, {decoded} decoded")
    if claimed is not None and claimed > found:
        words.append(f"the file holds nothing behind frame {found - 1}")
    if lost:
        words.append(f"{frame_numbers(lost)} could not be decoded")
    return (": ".join(words[:2]), *words[2:], *notes) if words else tuple(notes)


def frame_numbers(indices: list[int]) -> str:
    """Text such as `frames 41-63 and 70`, counted from 0; at most three stretches."""
    stretches: list[list[int]] = []
    for index in indices:
        if stretches and index == stretches[-1][-1] + 1:
            stretches[-1][1:] = [index]
        else:
            stretches.append([index])
    shown = ["-".join(map(str, stretch)) for stretch in stretches[:3]]
    rest = len(stretches) - len(shown)
    if rest:
        shown.append(f"{rest} more stretches" if rest > 1 else "1 more stretch")
    listed = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    return f"{'frame' if len(indices) == 1 else 'frames'} {listed}"
