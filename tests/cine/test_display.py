"""Grey levels of stored values, each rule of the standard on both sides of its edges."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import Layout
from edgeecho.cine.dicom.display import Display


def show(
    stored: list[int], *, bits: int = 16, of: int = 16, signed: bool = False, samples: int = 1,
    photometric: str = "MONOCHROME2", **attributes: Any,
) -> list[int]:  # fmt: skip
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    layout = Layout(1, len(stored), samples, of, bits, signed, 0, photometric)
    file: Any = SimpleNamespace(dataset=dataset, name="a.dcm")
    values = np.array(stored, f"{'i' if signed else 'u'}{of // 8}")
    shown = Display(file, layout).show(values.reshape(1, -1))
    assert shown.shape == (1, len(stored), 3)
    assert (shown == shown[..., :1]).all()
    return [int(v) for v in shown[0, :, 0]]


def test_eight_bits_are_shown_as_they_are_whatever_the_window() -> None:
    window = {"WindowCenter": 100, "WindowWidth": 10}
    assert show([0, 7, 255], bits=8, of=8, **window) == [0, 7, 255]
    assert show([0, 7, 255, 300], bits=8, of=16, **window) == [0, 7, 255, 255]
    assert show([0, 7, 255], bits=8, of=8, photometric="MONOCHROME1") == [255, 248, 0]


def test_without_a_window_the_whole_range_is_shown() -> None:
    assert show([0, 2048, 4095, 5000], bits=12) == [0, 128, 255, 255]
    assert show([-2048, 0, 2047, 3000], bits=12, signed=True) == [0, 128, 255, 255]
    assert show([-128, 0, 127], bits=8, of=8, signed=True) == [0, 128, 255]
    # A window narrower than 1, or half a window, is none.
    for half in ({"WindowCenter": 100}, {"WindowWidth": 10},
                 {"WindowCenter": 100, "WindowWidth": 0.9}):  # fmt: skip
        assert show([0, 2048, 4095], bits=12, **half) == [0, 128, 255]


def test_a_linear_window() -> None:
    window = {"WindowCenter": 100, "WindowWidth": 52}
    # From 74 to 125: (v - 99.5) / 51 + 0.5.
    assert show([73, 74, 75, 99, 100, 125, 126], bits=12, **window) == [0, 0, 5, 125, 130, 255, 255]
    exact = {**window, "VOILUTFunction": "LINEAR_EXACT"}
    assert show([74, 75, 100, 126], bits=12, **exact) == [0, 5, 128, 255]
    sigmoid = {**window, "VOILUTFunction": "SIGMOID"}
    assert show([100, 113, 87, 4000, 0], bits=12, **sigmoid) == [128, 186, 69, 255, 0]


def test_a_window_of_1_is_a_threshold() -> None:
    assert show([99, 100, 101], bits=12, WindowCenter=100, WindowWidth=1) == [0, 255, 255]


def test_values_are_rescaled_before_the_window() -> None:
    window = {"WindowCenter": 100, "WindowWidth": 52}
    assert show([37, 50, 63], bits=12, RescaleSlope=2, RescaleIntercept=0, **window) == [
        0, 130, 255,
    ]  # fmt: skip
    assert show([0, 10], bits=12, RescaleIntercept=90, **window) == [80, 130]
    assert show([50], bits=12, RescaleSlope=2, **window) == [130]
    assert show([90], bits=12, RescaleSlope=0, RescaleIntercept=100, **window) == [130]


def test_the_first_of_several_windows_counts() -> None:
    window = {"WindowCenter": [100, 3000], "WindowWidth": [52, 10]}
    assert show([100], bits=12, **window) == [130]


def test_colour_has_no_window() -> None:
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth = 100, 10
    layout = Layout(1, 1, 3, 16, 12, False, 0, "RGB")
    file: Any = SimpleNamespace(dataset=dataset, name="a.dcm")
    shown = Display(file, layout).show(np.array([[[0, 2048, 4095]]], np.uint16))
    assert shown.tolist() == [[[0, 128, 255]]]


def test_colour_of_eight_bits_is_not_copied() -> None:
    layout = Layout(1, 1, 3, 8, 8, False, 0, "RGB")
    file: Any = SimpleNamespace(dataset=Dataset(), name="a.dcm")
    stored = np.array([[[1, 2, 3]]], np.uint8)
    assert Display(file, layout).show(stored) is stored


@pytest.mark.parametrize("dtype", [">u2", "<u2"])
def test_big_endian_values_are_the_same(dtype: str) -> None:
    layout = Layout(1, 2, 1, 16, 12, False, 0, "MONOCHROME2")
    file: Any = SimpleNamespace(dataset=Dataset(), name="a.dcm")
    shown = Display(file, layout).show(np.array([[2048, 4095]], dtype))
    assert shown[0, :, 0].tolist() == [128, 255]
