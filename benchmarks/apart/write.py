"""Write a data set folder in EchoNet-Dynamic's published layout.

`python -m apart.write OUT --n N --seed S` writes OUT/FileList.csv, OUT/VolumeTracings.csv and
OUT/Videos/*.avi (MJPG). With --truth also OUT/Truth/*.npz (masks, volumes, beats, EF of each beat),
which EchoNet-Dynamic does not have.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from apart import Case, Cine, draw, render

FILES = (
    "FileName",
    "EF",
    "ESV",
    "EDV",
    "FrameHeight",
    "FrameWidth",
    "FPS",
    "NumberOfFrames",
    "Split",
)
TRACES = ("FileName", "X1", "Y1", "X2", "Y2", "Frame")


def name_of(case: Case) -> str:
    """File name without suffix."""
    return f"0XA{case.seed:05d}{case.index:05d}"


def write_video(path: Path, cine: Cine) -> None:
    """MJPG in AVI."""
    high, wide = cine.frames.shape[1:3]
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), cine.fps, (wide, high))
    if not out.isOpened():
        raise RuntimeError(f"cannot write {path}")
    for frame in cine.frames:
        out.write(frame[..., ::-1])
    out.release()


def file_row(case: Case, cine: Cine, split: str) -> tuple[object, ...]:
    """The FileList row; EF, ESV and EDV are means over the whole beats."""
    edv = float(np.mean([cine.volumes[d] for d, _ in cine.beats]))
    esv = float(np.mean([cine.volumes[s] for _, s in cine.beats]))
    high, wide = cine.frames.shape[1:3]
    return (
        name_of(case),
        f"{cine.ef:.4f}",
        f"{esv:.4f}",
        f"{edv:.4f}",
        high,
        wide,
        f"{case.fps:.4f}",
        len(cine.frames),
        split,
    )


def trace_rows(case: Case, cine: Cine) -> list[tuple[object, ...]]:
    """Rows of the first whole beat's ED and ES frame: the long axis, then the disc diameters."""
    rows: list[tuple[object, ...]] = []
    for frame in cine.beats[0]:
        for x1, y1, x2, y2 in cine.chords[frame]:
            rows.append(
                (f"{name_of(case)}.avi", f"{x1:.4f}", f"{y1:.4f}", f"{x2:.4f}", f"{y2:.4f}", frame)
            )
    return rows


def split_of(index: int, count: int) -> str:
    """About 75 % TRAIN, 12.5 % VAL, 12.5 % TEST, by position."""
    share = (index + 0.5) / count
    return "TRAIN" if share < 0.75 else "VAL" if share < 0.875 else "TEST"


def write(out: Path, count: int, seed: int, truth: bool, split: str | None, start: int = 0) -> None:
    """Write `count` cases from index `start`; with `split` all of them get that split."""
    (out / "Videos").mkdir(parents=True, exist_ok=True)
    if truth:
        (out / "Truth").mkdir(exist_ok=True)
    with (
        (out / "FileList.csv").open("w", newline="") as f,
        (out / "VolumeTracings.csv").open("w", newline="") as g,
    ):
        files, traces = csv.writer(f), csv.writer(g)
        files.writerow(FILES)
        traces.writerow(TRACES)
        for k in range(count):
            case = draw(seed, start + k)
            cine = render(case)
            write_video(out / "Videos" / f"{name_of(case)}.avi", cine)
            files.writerow(file_row(case, cine, split or split_of(k, count)))
            traces.writerows(trace_rows(case, cine))
            if truth:
                np.savez_compressed(
                    out / "Truth" / f"{name_of(case)}.npz",
                    masks=np.packbits(cine.masks, axis=-1),
                    shape=cine.masks.shape,
                    volumes=cine.volumes,
                    beats=np.array(cine.beats),
                    beat_efs=cine.beat_efs,
                    fps=cine.fps,
                    ef=cine.ef,
                )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--start", type=int, default=0, help="first index (to write in parts)")
    parser.add_argument(
        "--truth", action="store_true", help="also write masks and volumes of every frame"
    )
    parser.add_argument("--split", choices=("TRAIN", "VAL", "TEST"), help="one split for all")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    write(given.out, given.n, given.seed, given.truth, given.split, given.start)


if __name__ == "__main__":
    main()
