"""Files of many formats, and a digest of the pixels that each is read to; see `arm64_check.py`."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

VIDEOS = {
    "h264.mp4": ("libx264", "yuv420p", (480, 640)),
    "hevc.mp4": ("libx265", "yuv420p", (480, 640)),
    "vp9.webm": ("libvpx-vp9", "yuv420p", (480, 640)),
    "mpeg4.mp4": ("mpeg4", "yuv420p", (480, 640)),
    "wmv2.avi": ("wmv2", "yuv420p", (480, 640)),
    "mjpeg-420.avi": ("mjpeg", "yuvj420p", (480, 640)),
    "mjpeg-422.avi": ("mjpeg", "yuvj422p", (480, 640)),
    "mjpeg-444.avi": ("mjpeg", "yuvj444p", (480, 640)),
    "ffv1-420-odd.mkv": ("ffv1", "yuv420p", (481, 641)),
    "ffv1-grey.mkv": ("ffv1", "gray", (480, 640)),
    "ffv1-rgb.mkv": ("ffv1", "bgr0", (480, 640)),
}
"""Name -> PyAV's encoder, pixel format, height and width."""


def write_files(folder: Path) -> None:
    """`VIDEOS` of ten frames of the example with noise and a patch of colour, and a DICOM file."""
    import av
    import cv2
    import numpy as np
    from pydicom.examples import get_path

    from edgeecho.bundle import EXAMPLE
    from edgeecho.cine import read_cine

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(EXAMPLE, folder / EXAMPLE.name)
    shutil.copyfile(get_path("ybr_color"), folder / "jpeg.dcm")
    random, frames = np.random.default_rng(0), read_cine(EXAMPLE).frames[:10]
    for name, (codec, pixels, (height, width)) in VIDEOS.items():
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=30)
            stream.height, stream.width, stream.pix_fmt = height, width, pixels
            for frame in frames:
                large = cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)
                noisy = large + random.integers(-9, 9, large.shape)
                noisy[: height // 8, : width // 4] = 200, 40, 60
                picture = np.clip(noisy, 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))


def digests(folder: Path) -> dict[str, str]:
    """File name -> SHA-256 of its frames as the runtime reads them."""
    from edgeecho.cine import read_cine

    return {
        path.name: hashlib.sha256(read_cine(path).frames.tobytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


if __name__ == "__main__":
    print(json.dumps(digests(Path(sys.argv[1])), indent=0))
