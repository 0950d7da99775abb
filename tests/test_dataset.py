from __future__ import annotations

from pathlib import Path

import pytest

from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho.errors import InputError

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


def test_other_columns_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    dataset(tmp_path, "50,TRAIN,a,x\n", header="\ufeffEF,Split,FileName,Site\n")
    assert read_dataset(tmp_path)[0].ef == 50


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,fifty,1,2,3,4,5,6,TRAIN\n", "FileList.csv:2: EF"),
        ("a,,1,2,3,4,5,6,TRAIN\n", "EF"),
        ("a,101,1,2,3,4,5,6,TRAIN\n", "0..100"),
        ("a,nan,1,2,3,4,5,6,TRAIN\n", "0..100"),
        ("a,50,1,2,3,4,5,6,holdout\n", "holdout"),
        ("a,50\n", "Split"),
        ("a,50,1,2,3,4,5,6,TRAIN\nd,50,1,2,3,4,5,6,TRAIN\n", "1 of 2 videos.*d.avi"),
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
