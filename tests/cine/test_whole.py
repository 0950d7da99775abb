"""A whole file is whole: every frame that a player shows, and no word of damage."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from media import write_video
from wholes import EDITS, UNEVEN, WHOLES, Plan, with_edits

from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError
from edgeecho.inference import estimate_file, load_model


def shown_by_a_player(path: Path) -> np.ndarray:
    """`(T,)` time stamps in s of the pictures that FFmpeg shows."""
    with av.open(str(path)) as container:
        video = container.streams.video
        stream = next(s for s in video if not s.disposition & Disposition.attached_pic)
        return np.array([frame.time for frame in container.decode(stream)], np.float64)


@pytest.mark.parametrize("kind", WHOLES)
def test_a_whole_file_has_all_its_frames_and_no_damage(tmp_path: Path, kind: str) -> None:
    path = WHOLES[kind](tmp_path)
    times = shown_by_a_player(path)
    cine = read_cine(path)
    assert len(cine.frames) == len(times) >= 60
    assert (cine.damage, cine.missing) == ((), 0)
    assert cine.frames.shape[1:] == (112, 112, 3)
    if np.isfinite(times).all():
        assert cine.timestamps_s == pytest.approx(times - times[0], abs=2e-3)


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("MKV, a stall", "uneven in time: no frame was recorded for 0.18 s after 0.99 s"),
        ("WebM, live, a stall, sound", "uneven in time: no frame was recorded for 0.18 s after"),
        ("MP4, a stall", "uneven in time: no frame was recorded for 0.18 s after 0.99 s"),
        ("MKV, dropped frames", ""),
        ("AVI, dropped frames", ""),
    ],
)
def test_a_pause_is_noted_and_is_no_damage(tmp_path: Path, kind: str, note: str) -> None:
    cine = read_cine(WHOLES[kind](tmp_path))
    assert cine.damage == ()
    assert len(cine.notes) == bool(note)
    assert "".join(cine.notes).startswith(note)


@pytest.mark.parametrize("suffix", [".ts", ".mpg", ".wmv"])
@pytest.mark.parametrize("even", [True, False])
def test_what_does_not_say_its_length_is_not_called_damaged(
    tmp_path: Path, suffix: str, even: bool
) -> None:
    codec = {".ts": "libx264", ".mpg": "mpeg2video", ".wmv": "wmv2"}[suffix]
    if suffix == ".mpg":  # MPEG-2 knows no other rates
        path = write_video(tmp_path / "a.mpg", codec, "yuv420p")
    else:
        options = {"g": "12"}
        plan = Plan(suffix, codec, options=options) if even else Plan(
            suffix, codec, options=options, times_ms=UNEVEN
        )  # fmt: skip
        path = plan.write(tmp_path)
    (words,) = read_cine(path).damage
    assert "does not say how many frames it holds: if some are missing" in words


@pytest.mark.parametrize("cut", EDITS)
def test_an_edit_list_says_which_frames_are_shown(tmp_path: Path, cut: str) -> None:
    suffix, edits, places = EDITS[cut]
    path = Plan(suffix).write(tmp_path)
    every = read_cine(path).frames
    assert len(every) == 60
    cine = read_cine(with_edits(path, edits))
    assert (cine.damage, cine.missing) == ((), 0)
    assert len(cine.frames) == len(places)
    assert (cine.frames == every[places]).all()
    assert cine.timestamps_s == pytest.approx(np.arange(len(places)) / 50, abs=1e-3)


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("edits", "places"), [([(0.94, 0.5)], slice(25, 72)), ([(1.2, 0.04)], slice(2, 62))]
)
def test_a_losslessly_trimmed_mp4_has_the_ef_of_its_frames_in_an_avi(
    tmp_path: Path, edits: list[tuple[float, float]], places: slice
) -> None:
    whole = write_video(tmp_path / "a.mp4", "libx264", "yuv420p", {"bf": "0", "g": "12"})
    every = read_cine(whole).frames
    model = load_model()
    trimmed = estimate_file(with_edits(whole, edits), model)
    avi = write_video(tmp_path / "b.avi", "rawvideo", "bgr24", frames=every[places])
    assert trimmed.video.frames == places.stop - places.start
    assert trimmed.ef == pytest.approx(estimate_file(avi, model).ef, abs=0.5)


@pytest.mark.parametrize("percent", [97, 80, 50, 30])
@pytest.mark.parametrize(
    "plan",
    [
        Plan(".mp4", settings={"movflags": "faststart"}),
        Plan(".mp4", "libx265", options={"x265-params": "bframes=3:keyint=12:log-level=none"},
             settings={"movflags": "faststart"}),
        Plan(".mov", settings={"movflags": "faststart"}),
        Plan(".mp4", settings={"movflags": "frag_keyframe+empty_moov"}),
        Plan(".webm", "libvpx", options={}, settings={"live": "1"}, times_ms=UNEVEN),
        Plan(".webm", "libvpx", options={}, sound=("libopus", 0, 3.0)),
        Plan(".avi", "mjpeg", "yuvj420p", {}),
        Plan(".avi", "rawvideo", "bgr24", {}),
        Plan(".mkv"),
        Plan(".mkv", settings={"live": "1"}),
    ],
    ids=lambda plan: f"{plan.suffix}, {plan.codec} {plan.settings}",
)  # fmt: skip
def test_a_file_without_its_end_is_called_that(tmp_path: Path, plan: Plan, percent: int) -> None:
    path = plan.write(tmp_path)
    whole = read_cine(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    cine = read_cine(path)
    assert cine.damage[0] == "the file is cut short"
    assert not any("in the middle" in words for words in cine.damage)
    places = np.abs(whole.timestamps_s - cine.timestamps_s[:, None]).argmin(axis=1)
    assert (cine.frames == whole.frames[places]).all()


def test_a_cut_before_the_first_frame_is_called_that(tmp_path: Path) -> None:
    path = Plan(".mp4", settings={"movflags": "faststart"}).write(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 20])
    with pytest.raises(InputError, match="is cut short and holds no frame that can be decoded"):
        read_cine(path)


@pytest.mark.parametrize("faster", [{"bf": "0"}, {"bf": "3", "g": "12"}])
def test_frames_before_a_cut_are_kept(tmp_path: Path, faster: dict[str, str]) -> None:
    path = Plan(".mp4", options=faster, settings={"movflags": "faststart"}).write(tmp_path)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    last = packets[40]
    # In the middle of the 41st packet: the 40 before it are there.
    path.write_bytes(path.read_bytes()[: (last.pos or 0) + last.size // 2])
    cine = read_cine(path)
    assert cine.damage == (
        "the file is cut short",
        f"60 frames claimed, {len(cine.frames)} decoded",
    )
    assert len(cine.frames) == 40


@pytest.mark.parametrize("sound", [None, ("aac", 0, 3.0)])
def test_a_hole_in_uneven_frames_is_said(
    tmp_path: Path, sound: tuple[str, float, float] | None
) -> None:
    path = Plan(".mkv", sound=sound, times_ms=UNEVEN).write(tmp_path)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(3000) + data[middle + 3000 :])
    cine = read_cine(path)
    assert 20 < len(cine.frames) < 60
    assert cine.damage
