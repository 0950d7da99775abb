"""FFV1: damage that FFmpeg reports and shows nevertheless."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from media import phantom_frames, write_video, zero_middle

from edgeecho.cine import read_cine
from edgeecho.cine.ffv1 import is_whole

CHECKED = {
    "3, checksums": {"level": "3", "slicecrc": "1", "g": "12"},
    "4, checksums": {"level": "4", "slicecrc": "1", "g": "12", "strict": "experimental"},
    "4, other checksums": {"level": "4", "slicecrc": "2", "g": "12", "strict": "experimental"},
}
UNCHECKED = {
    "1": {"level": "1", "g": "1"},
    "3, none": {"level": "3", "slicecrc": "0", "g": "1"},
}


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("name", [*CHECKED, *UNCHECKED])
def test_a_whole_file_is_read_whole(name: str, tmp_path: Path) -> None:
    options = (CHECKED | UNCHECKED)[name]
    path = write_video(tmp_path / "a.mkv", "ffv1", "yuv444p", options)
    cine = read_cine(path)
    assert (len(cine.frames), cine.damage) == (100, ())


@pytest.mark.parametrize("name", CHECKED)
def test_every_changed_byte_is_noticed(name: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", "ffv1", "yuv444p", CHECKED[name])
    whole = packets(path)[5]
    assert is_whole(whole)
    for place in range(0, len(whole), 7):
        broken = bytearray(whole)
        broken[place] ^= 0x10
        assert not is_whole(bytes(broken)), place
    assert not is_whole(whole[:-1])
    assert not is_whole(whole[3:])


def test_a_frame_that_is_damaged_and_those_that_refer_to_it_are_left_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", "ffv1", "yuv444p", CHECKED["3, checksums"])
    whole, data = read_cine(path).frames, path.read_bytes()
    broken = packets(path)[40]  # frames 36 to 47 refer to each other
    assert data.count(broken) == 1
    path.write_bytes(data.replace(broken, zero_middle(broken)))
    cine = read_cine(path)
    assert cine.damage
    assert np.array_equal(cine.frames, np.delete(whole, range(40, 48), axis=0))


def test_phantoms_of_a_lossless_codec_stay_as_they_are(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", "ffv1", "bgr0", CHECKED["3, checksums"])
    assert np.array_equal(read_cine(path).frames, phantom_frames())
