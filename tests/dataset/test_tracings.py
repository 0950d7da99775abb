from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgeecho.common.errors import InputError
from edgeecho.dataset.tracings import (
    Tracing,
    diastole_and_systole,
    fill_polygon,
    read_tracings,
)

# Filled by skimage.draw.polygon of scikit-image 0.26.
FILLED = json.loads((Path(__file__).parent / "polygons.json").read_text())
HEADER = "FileName,X1,Y1,X2,Y2,Frame\n"


@pytest.mark.parametrize("case", FILLED, ids=lambda case: case["what"])
def test_a_polygon_is_filled_as_scikit_image_does(case: dict[str, list]) -> None:
    filled = fill_polygon(np.array(case["points"]), 12, 12)
    assert ["".join(".#"[int(pixel)] for pixel in row) for row in filled] == case["mask"]


def written(root: Path, *rows: str) -> Path:
    (root / "VolumeTracings.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return root


def test_the_outline_leaves_out_the_long_axis_and_goes_back_up_the_other_ends(
    tmp_path: Path,
) -> None:
    rows = ("a.avi,5,0,5,99,7", "a.avi,4,1,6,1,7", "a.avi,3,2,7,2,7", "a.avi,2.5,3,8.5,3,7")
    ((name, (tracing,)),) = read_tracings(written(tmp_path, *rows)).items()
    assert (name, tracing.frame) == ("a", 7)
    assert tracing.points.tolist() == [[4, 1], [3, 2], [2.5, 3], [8.5, 3], [7, 2], [6, 1]]
    # Rounded to the nearest even, as numpy does: x 2 to 8.
    assert np.argwhere(tracing.mask(6, 10)[3]).ravel().tolist() == list(range(2, 9))


def test_names_have_a_suffix_or_none_and_rows_of_a_frame_need_not_be_together(
    tmp_path: Path,
) -> None:
    rows = ("a.avi,5,0,5,9,7", "a,1,1,2,1,30", "A.b.AVI,1,1,2,1,0", "a,4,1,6,1,7", "a,4,2,6,2,7")
    found = read_tracings(written(tmp_path, *rows))
    assert {name: [t.frame for t in found[name]] for name in found} == {"a": [7, 30], "A.b": [0]}
    assert len(found["a"][0].points) == 4


def square(frame: int, side: float) -> Tracing:
    return Tracing(frame, np.array([[1, 1], [1 + side, 1], [1 + side, 1 + side], [1, 1 + side]]))


def test_diastole_is_the_larger_one_in_whatever_order() -> None:
    small, large = square(3, 4), square(40, 6)
    for order in ((small, large), (large, small), (small, square(9, 5), large)):
        assert diastole_and_systole(order) == (large, small)
    assert diastole_and_systole([small]) is None
    assert diastole_and_systole([]) is None


def test_the_area_is_that_of_the_polygon() -> None:
    assert square(0, 4).area == 16
    assert Tracing(0, square(0, 4).points[::-1]).area == 16


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        ([[1, 1], [9, 1], [9, 9], [1, 9]], None),
        # A pixel beyond the picture is the other way to count.
        ([[-1, 1], [12, 1], [12, 9], [-1, 9]], None),
        ([[-1.1, 1], [9, 1], [9, 9]], "an outline that leaves the picture"),
        ([[1, 1], [9, 1], [9, 10.1]], "an outline that leaves the picture"),
        ([[1, 1], [9, 9], [9, 1], [1, 9.5]], "an outline that crosses itself"),
        # The ends of one chord are swapped.
        ([[4, 1], [3, 2], [7, 3], [2, 4], [8, 4], [3, 3], [7, 2], [6, 1]],
         "an outline that crosses itself"),
        # The first chord is a point.
        ([[4, 1], [3, 2], [7, 2], [4, 1]], None),
        ([[4, 1], [4, 1]], "an empty outline"),
        ([], "an empty outline"),
    ],
)  # fmt: skip
def test_faults(points: list, fault: str | None) -> None:
    tracing = Tracing(5, np.array(points, float).reshape(-1, 2))
    assert tracing.fault(frames=6, height=10, width=12) == fault


def test_a_frame_beyond_the_end_is_a_fault() -> None:
    assert square(5, 4).fault(frames=5, height=10, width=12) == "a frame that the video lacks"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("FileName,X1,Y1,X2,Frame\n", "no column Y2"),
        (HEADER + "a,1,2,3,x,4\n", "VolumeTracings.csv:2: X1, Y1, X2, Y2 and Frame must be"),
        (HEADER + "a,1,2,3,4,\n", "must be numbers"),
        (HEADER + "a,1,2,3,nan,4\n", "not a chord"),
        (HEADER + "a,1,2,3,4,-1\n", "not a chord"),
        (HEADER + ",1,2,3,4,1\n", "not a chord"),
        (None, "has no VolumeTracings.csv"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_input_error(
    tmp_path: Path, text: str | None, says: str
) -> None:
    if text is not None:
        (tmp_path / "VolumeTracings.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        read_tracings(tmp_path)
