"""Real files, written by OpenCV and pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicoms import write_dicom as write_dicom_file
from pydicom.uid import ExplicitVRLittleEndian

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), dtype=np.uint8)


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """`dicoms.write_dicom` to cine.dcm in the test's folder."""

    def write(
        pixels: np.ndarray = PIXELS,
        *,
        encoded: list[bytes] | None = None,
        syntax: str = ExplicitVRLittleEndian,
        with_offsets: bool = False,
        **attributes: object,
    ) -> Path:
        return write_dicom_file(
            tmp_path / "cine.dcm",
            pixels,
            encoded=encoded,
            syntax=syntax,
            with_offsets=with_offsets,
            **attributes,
        )

    return write


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a small moving disc; give the file's path."""

    def write(name: str, fourcc: str = "MJPG", frames: int = 40, fps: float = 50.0) -> Path:
        path = tmp_path / name
        code = cv2.VideoWriter.fourcc(*fourcc)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, (96, 64))
        assert writer.isOpened()
        for i in range(frames):
            image = np.zeros((64, 96, 3), np.uint8)
            cv2.circle(image, (20 + i, 32), 12, (40, 120, 200), -1)  # BGR
            writer.write(image)
        writer.release()
        return path

    return write
