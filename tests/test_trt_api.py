"""The recorded API of the bindings, and the stand-ins that are held to it."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import dump_trt_api
import pytest
from dump_trt_api import CUDA_FUNCTIONS, TARGETS, read
from held import Held, read_api
from rtx import needs_rtx

TENSORRT = [name for name in TARGETS if not name.startswith("cuda")]


@needs_rtx
def test_record_of_tensorrt_rtx_is_what_is_installed() -> None:
    import tensorrt_rtx_bindings

    recorded = read_api("rtx-1.7")
    if tensorrt_rtx_bindings.__version__ != recorded["version"]:
        pytest.skip(f"{tensorrt_rtx_bindings.__version__} is installed")
    assert read("tensorrt_rtx_bindings") == recorded


@pytest.mark.parametrize("name", TENSORRT)
def test_record_has_the_calls_of_every_run(name: str) -> None:
    classes = read_api(name)["classes"]
    context = classes["IExecutionContext"]
    assert context["execute_async_v3"][0].startswith("(self: IExecutionContext, stream_handle: ")
    assert (
        "(self: IExecutionContext, name: str, shape: tuple) -> bool" in context["set_input_shape"]
    )
    assert classes["ICudaEngine"]["num_io_tensors"] == "property"


def test_record_knows_what_went_with_tensorrt_11() -> None:
    before, after = read_api("10.16"), read_api("11.4")
    assert {"FP16", "INT8", "TF32"} <= set(before["enums"]["BuilderFlag"])
    assert {"FP16", "INT8"}.isdisjoint(after["enums"]["BuilderFlag"])
    assert "TF32" in after["enums"]["BuilderFlag"]
    assert "int8_calibrator" in before["classes"]["IBuilderConfig"]
    assert "int8_calibrator" not in after["classes"]["IBuilderConfig"]
    assert "EXPLICIT_BATCH" not in after["enums"]["NetworkDefinitionCreationFlag"]


def test_record_of_cuda_has_every_function_in_both_versions() -> None:
    for name in ("cuda-12.9", "cuda-13.5"):
        assert tuple(read_api(name)["functions"]) == CUDA_FUNCTIONS


class Thing(Held):
    _api: ClassVar[Any] = {
        "size": "property",
        "fixed": "property",
        "set": ["(self: Thing, name: str, sizes: tuple = (1, 2), count: int = 0) -> bool"],
    }

    def __init__(self) -> None:
        self._size = 1

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, value: int) -> None:
        self._size = value

    def set(self, name: str, sizes: tuple[int, ...] = (), count: int = 0) -> tuple[Any, ...]:
        return name, sizes, count

    def invented(self) -> None: ...


def test_stand_in_has_what_was_recorded_and_no_more() -> None:
    thing = Thing()
    thing.size = 3
    assert thing.size == 3
    assert thing.set("a", (4,), 5) == ("a", (4,), 5)
    assert thing.set("a") == ("a", (), 0)
    with pytest.raises(AttributeError, match="the real Thing has no invented"):
        thing.invented()
    with pytest.raises(AttributeError, match="the real Thing has no other"):
        thing.other = 1
    for wrong in (("a", [4]), (1,), (), ("a", (4,), 5, 6), ("a", (4,), 5.0)):
        with pytest.raises(TypeError, match=r"Thing\.set takes"):
            thing.set(*wrong)


@pytest.mark.parametrize(("change", "code"), [({}, 0), ({"version": "10.3.1"}, 1)])
def test_comparison_shows_a_difference_and_fails(
    change: dict[str, str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dump_trt_api, "TARGETS", {"10.3": TARGETS["10.3"]})
    monkeypatch.setattr(dump_trt_api, "fetch", lambda target: {**read_api("10.3"), **change})
    monkeypatch.setattr(sys, "argv", ["dump_trt_api.py"])
    assert dump_trt_api.main() == code
    assert ("10.3.1" in capsys.readouterr().out) == bool(change)
