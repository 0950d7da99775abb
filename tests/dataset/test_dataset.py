from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dicoms import write_dicom
from media import phantom_frames

from edgeecho.common.errors import InputError
from edgeecho.dataset import (
    describe_dataset,
    naming,
    prepare_labelled,
    read_dataset,
    read_labelled,
)
from edgeecho.preprocess import PreprocessSpec

HEADER = "FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split\n"


def dataset(root: Path, rows: str, header: str = HEADER, videos: str = "abc") -> Path:
    (root / "Videos").mkdir()
    for name in videos:
        (root / "Videos" / f"{name}.avi").write_bytes(b"x")
    (root / "FileList.csv").write_text(header + rows)
    return root


def test_names_with_and_without_suffix_and_any_case_of_split(tmp_path: Path) -> None:
    rows = (
        "a,55.5,1,2,112,112,50,100,TRAIN\n"
        "b.avi,30,1,2,112,112,51.5,100,val\n"
        "c.AVI,10,1,2,112,112,,100,Test\n"
    )
    videos = read_dataset(dataset(tmp_path, rows))
    assert [v.name for v in videos] == ["a", "b", "c"]
    assert [v.split for v in videos] == ["TRAIN", "VAL", "TEST"]
    assert [v.ef for v in videos] == [55.5, 30, 10]
    assert [v.fps for v in videos] == [50, 51.5, None]
    assert all(v.path.is_file() for v in videos)
    assert [v.name for v in read_dataset(tmp_path, split="val")] == ["b"]


def test_the_extreme_values_that_a_row_may_have(tmp_path: Path) -> None:
    rows = "a,0,TEST,0.5\nb,100,TEST,9999.5\n"
    videos = read_dataset(dataset(tmp_path, rows, header="FileName,EF,Split,FPS\n"))
    assert [(v.ef, v.fps) for v in videos] == [(0, 0.5), (100, 9999.5)]


def test_other_columns_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    dataset(tmp_path, "50,TRAIN,a,x\n", header="\ufeffEF,Split,FileName,Site\n")
    assert read_dataset(tmp_path)[0].ef == 50


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,fifty,1,2,3,4,5,6,TRAIN\n", "FileList.csv:2: EF"),
        ("a,,1,2,3,4,5,6,TRAIN\n", "EF"),
        ("a,100.01,1,2,3,4,5,6,TRAIN\n", "0..100"),
        ("a,-0.01,1,2,3,4,5,6,TRAIN\n", "0..100"),
        ("a,50,1,2,3,4,0,6,TRAIN\n", "FPS is 0"),
        ("a,50,1,2,3,4,10000,6,TRAIN\n", "FPS is 10000"),
        ("a,nan,1,2,3,4,5,6,TRAIN\n", "0..100"),
        ("a,50,1,2,3,4,5,6,holdout\n", "holdout"),
        ("a,50\n", "Split"),
        ("a,50,1,2,3,4,5,6,TRAIN\nd,50,1,2,3,4,5,6,TRAIN\n", r"1 of 2 videos.*is d \(.*\.dcm"),
        ("a,50,1,2,3,4,nan,6,TRAIN\n", "FPS is nan"),
        ("a,50,1,2,3,4,-3,6,TRAIN\n", "FPS is -3"),
        ("../Videos/a,50,1,2,3,4,5,6,TRAIN\n", "not the name of a file"),
        ("a,50,1,2,3,4,5,6,TRAIN\na.avi,50,1,2,3,4,5,6,TEST\n", "lists a more than once"),
        ("", "no rows"),
    ],
)
def test_a_row_that_cannot_be_used_is_an_error_not_a_gap(
    tmp_path: Path, rows: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_dataset(dataset(tmp_path, rows))


def test_a_folder_without_a_listing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no FileList\.csv"):
        read_dataset(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column Split"):
        read_dataset(dataset(tmp_path, "a,50\n", header="FileName,EF\n"))


def test_a_listing_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "FileList.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="not a CSV"):
        read_dataset(tmp_path)


def test_a_description_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert "without a description" in describe_dataset(tmp_path)
    (tmp_path / "DESCRIPTION.txt").write_text("synthetic\n  phantoms\n")
    assert describe_dataset(tmp_path) == "synthetic phantoms"


def files_of(root: Path, *names: str) -> Path:
    """A data set whose FileName `x` is to be found among these files."""
    dataset(root, "", videos="")
    for name in names:
        (root / "Videos" / name).write_bytes(b"x")
    return root


@pytest.mark.parametrize(
    ("given", "files", "found", "name"),
    [
        ("a", "a.mp4 b.avi", "a.mp4", "a"),
        ("a.dcm", "a.dcm a.avi", "a.dcm", "a"),
        ("a.MP4", "a.mp4", "a.mp4", "a"),
        ("a", "a.Dcm", "a.Dcm", "a"),
        ("a", "a a.avi", "a", "a"),  # the exact name goes first
        ("a.mp4", "a.mp4 a.mp4.avi", "a.mp4", "a"),
        ("a.mp4", "a.mp4.avi", "a.mp4.avi", "a.mp4"),
        ("1.2.840.113", "1.2.840.113 1.2.840.114", "1.2.840.113", "1.2.840.113"),
        ("1.2.840.113", "1.2.840.113.dcm", "1.2.840.113.dcm", "1.2.840.113"),
        ("a.ogv", "a.ogv", "a.ogv", "a.ogv"),  # no suffix of ours, and a file all the same
    ],
)
def test_the_file_of_a_name(tmp_path: Path, given: str, files: str, found: str, name: str) -> None:
    root = files_of(tmp_path, *files.split())
    (root / "FileList.csv").write_text(f"FileName,EF,Split\n{given},50,TEST\n")
    (video,) = read_dataset(root)
    assert (video.path, video.name) == (root / "Videos" / found, name)


@pytest.mark.parametrize(
    ("given", "files", "words"),
    [
        ("a", "a.mp4 a.dcm", "FileList.csv:2: FileName a fits a.dcm and a.mp4: write the suffix"),
        ("a.MP4", "a.mp4 a.Mp4", "a.MP4 fits a.Mp4 and a.mp4"),
        ("a.mp4", "a.avi", r"is a.mp4 \(looked for under this name, and with .avi, .dcm"),
        ("a", "a.txt", "1 of 1 videos"),
        ("a.mp4\na.avi", "a.mp4 a.avi", "lists a.mp4 and a.avi, which are one name"),
        ("a\na.mp4", "a.mp4", "lists a more than once"),
    ],
)
def test_a_file_that_is_not_clear_is_an_error(
    tmp_path: Path, given: str, files: str, words: str
) -> None:
    root = files_of(tmp_path, *files.split())
    rows = "".join(f"{name},50,TEST\n" for name in given.split())
    (root / "FileList.csv").write_text(f"FileName,EF,Split\n{rows}")
    with pytest.raises(InputError, match=words):
        read_dataset(root)


def test_folders_and_dead_links_are_no_videos(tmp_path: Path) -> None:
    root = files_of(tmp_path, "a.mp4")
    (root / "Videos" / "a").mkdir()
    (root / "Videos" / "a.dcm").symlink_to(tmp_path / "gone")
    (root / "FileList.csv").write_text("FileName,EF,Split\na,50,TEST\n")
    assert read_dataset(root)[0].path.name == "a.mp4"
    (root / "Videos" / "a.mp4").unlink()
    with pytest.raises(InputError, match="1 of 1 videos"):
        read_dataset(root)
    shutil.rmtree(root / "Videos")
    with pytest.raises(InputError, match="1 of 1 videos"):
        read_dataset(root)


def test_the_listings_rate_counts_where_the_file_says_none(tmp_path: Path) -> None:
    dataset(tmp_path, "x,50,TEST,40\ny,50,TEST,40\nz,50,TEST,\n", "FileName,EF,Split,FPS\n", "")
    pixels = phantom_frames()[:30]
    write_dicom(tmp_path / "Videos" / "x.dcm", pixels)
    write_dicom(tmp_path / "Videos" / "y.dcm", pixels, FrameTime=20)
    write_dicom(tmp_path / "Videos" / "z.dcm", pixels)
    videos = read_dataset(tmp_path)
    rates = [(cine.fps, cine.fps_source) for cine in map(read_labelled, videos)]
    assert rates == [(40, "FileList.csv"), (50, "FrameTime"), (None, "unknown")]
    spec = PreprocessSpec((0, 0, 0), (1, 1, 1), time="resample(20)")
    assert len(prepare_labelled(videos[0], spec).frames) == 15
    with pytest.raises(InputError, match=r"^z\.dcm: the file does not say its frame rate"):
        prepare_labelled(videos[2], spec)
    with pytest.raises(InputError, match=r"^no x\.dcm$"), naming(videos[0]):
        raise InputError("no x.dcm")
