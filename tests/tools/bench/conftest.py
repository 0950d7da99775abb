"""A real ONNX model, small enough to run in a millisecond, and a real video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from toy import write_toy

from edgeecho.preprocess import PreprocessSpec


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`write_toy`, under a path that nobody may repeat."""
    spec = PreprocessSpec(mean=(30.0,) * 3, std=(50.0,) * 3)
    path = tmp_path_factory.mktemp("folder-of-jane-doe") / "tiny.onnx"
    return write_toy(path, spec, name="tiny", version="1.2.3")


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70 frames of 112x112 MJPG: 8 possible clips."""
    path = tmp_path_factory.mktemp("folder-of-jane-doe") / "beat.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, (112, 112))
    assert writer.isOpened()
    frames = np.random.default_rng(0).integers(0, 256, (70, 112, 112, 3), np.uint8)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
