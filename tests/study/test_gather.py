"""Which files are of one study."""

from __future__ import annotations

from pathlib import Path

from dicoms import write_dicom
from media import phantom_frames

from edgeecho.cine import study_of
from edgeecho.study import gather


def cine(path: Path, uid: str | None) -> Path:
    path.parent.mkdir(exist_ok=True)
    given = {} if uid is None else {"StudyInstanceUID": uid}
    return write_dicom(path, phantom_frames()[:2], **given)


def test_dicom_files_are_of_one_study_by_their_identifier_and_videos_by_their_folder(
    tmp_path: Path,
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    files = [
        cine(a / "1.dcm", "1.2.3"),
        cine(a / "2", "1.2.4"),
        cine(b / "3.dcm", "1.2.3"),
        cine(a / "4.dcm", None),
        cine(a / "5.dcm", None),
        *(folder / name for folder, name in [(a, "x.avi"), (b, "y.avi"), (a, "z.mp4")]),
    ]
    for file in files[5:]:
        file.write_bytes(b"no DICOM file")
    assert gather(files) == [[0, 2], [1], [3], [4], [5, 7], [6]]
    assert gather([]) == []


def test_the_identifier_itself_is_not_told(tmp_path: Path) -> None:
    key = study_of(cine(tmp_path / "1.dcm", "1.2.3"))
    assert key is not None
    assert "1.2.3" not in key
    assert study_of(cine(tmp_path / "2.dcm", "1.2.3")) == key
    assert study_of(cine(tmp_path / "3.dcm", "1.2.30")) != key


def test_files_that_cannot_be_read_are_left_to_who_reads_them(tmp_path: Path) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    assert study_of(broken) is None
    assert gather([tmp_path / "missing.dcm", broken]) == [[0], [1]]
