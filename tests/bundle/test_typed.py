"""What fits a declared type, what is an array, and what is a field of ONNX: each limit."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import wire
from edgeecho.bundle.arrays import as_floats, read_arrays
from edgeecho.bundle.artefact import check_file, read_artefact
from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.bundle.wire import Wire, expect, open_wire
from edgeecho.common.errors import ModelError


@dataclass(frozen=True)
class Declared:
    whole: int = 0
    number: float = 0.0
    maybe: float | None = None
    text: str = ""
    switch: bool = False
    pair: tuple[float, float] = (0.0, 0.0)
    many: tuple[int, ...] = ()
    single: tuple[int] = (0,)
    table: Mapping[str, float] | None = None
    anything: Any = None


DEFAULTS = vars(Declared())
GOOD: list[tuple[str, Any]] = [
    ("whole", (1 << 63) - 1),
    ("whole", -(1 << 63) + 1),
    ("number", 1),
    ("number", 1.5),
    ("maybe", None),
    ("maybe", 2.5),
    ("text", ""),
    ("switch", True),
    ("pair", (1, 2.5)),
    ("many", ()),
    ("many", (1, 2, 3)),
    ("single", (1,)),
    ("table", {}),
    ("table", {"a": 1.5, "b": 2}),
    ("anything", object()),
]
BAD: list[tuple[str, Any]] = [
    ("whole", 1 << 63),
    ("whole", -(1 << 63)),
    ("whole", 1.0),
    ("whole", True),
    ("whole", None),
    ("number", float("nan")),
    ("number", float("inf")),
    ("number", 1e19),
    ("number", "1"),
    ("number", False),
    ("maybe", "1"),
    ("text", 1),
    ("switch", 1),
    ("pair", (1.0,)),
    ("pair", (1.0, 2.0, 3.0)),
    ("pair", (1.0, "2")),
    ("pair", [1.0, 2.0]),
    ("many", (1, 2.5)),
    ("single", (1, 2)),
    ("single", ()),
    ("many", [1]),
    ("table", {1: 1.5}),
    ("table", {"a": "1.5"}),
    ("table", [("a", 1.5)]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_fits_is_taken(name: str, value: Any) -> None:
    assert getattr(typed(Declared, {**DEFAULTS, name: value}), name) is value


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_does_not_fit_is_named(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} cannot be "):
        typed(Declared, {**DEFAULTS, name: value})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        typed(Declared, {**DEFAULTS, "other": 1})


def test_a_field_that_is_missing_is_named_though_it_has_a_default() -> None:
    some = {k: v for k, v in DEFAULTS.items() if k not in ("text", "many")}
    with pytest.raises(TypeError, match=r"^many, text missing$"):
        typed(Declared, some)


def test_lists_become_tuples_and_nothing_else_does() -> None:
    assert tuple_of([1, [2]]) == (1, [2])
    assert tuple_of(()) == ()
    for other in ("text", {"a": 1}, 3, None):
        with pytest.raises(TypeError, match="expected a list"):
            tuple_of(other)


def test_floats_are_finite_not_empty_and_of_so_many_axes() -> None:
    found = as_floats(np.array([1, 2], np.int64))
    assert (found.dtype, found.tolist()) == (np.float32, [1, 2])
    assert as_floats(np.array(3.0), ndim=0) == 3
    assert as_floats(np.ones((2, 3)), ndim=2).shape == (2, 3)
    for bad, ndim in (
        (np.ones((2, 3)), 1),
        (np.ones(3), 2),
        (np.ones(0), 1),
        (np.array([1, np.nan]), 1),
        (np.array([1, np.inf]), 1),
        (np.array([1e39]), 1),
    ):
        with pytest.raises(ValueError, match=f"expected finite numbers on {ndim} axes"):
            as_floats(bad, ndim)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i8", "|u1", "|b1", "<f2"])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, order: str, dtype: str) -> None:
    table = np.arange(6).reshape(2, 3).astype(dtype)
    saved = {"a": np.asarray(table, order=order), "b": np.array(5.0), "c": np.zeros((0, 4))}
    np.savez_compressed(tmp_path / "x.npz", **saved)
    found = read_arrays(tmp_path / "x.npz")
    assert set(found) == {"a", "b", "c"}
    assert (found["a"] == table).all()
    assert found["a"].dtype == np.dtype(dtype)
    assert (found["b"].shape, found["c"].shape) == ((), (0, 4))


def mapped(tmp_path: Path, content: bytes) -> Wire:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with path.open("rb") as stream:
        return Wire(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def fields(tmp_path: Path, content: bytes) -> list[tuple[int, int, int, int]]:
    found = mapped(tmp_path, content)
    return list(found.fields(0, len(content)))


def test_fields_have_a_number_a_kind_and_a_place(tmp_path: Path) -> None:
    content = (
        b"\x08\x0a" + b"\x12\x03abc" + b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x80\x01\x07"
    )
    assert fields(tmp_path, content) == [
        (1, 0, 1, 2),
        (2, 2, 4, 7),
        (3, 1, 8, 16),
        (4, 5, 17, 21),
        (16, 0, 23, 24),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"\x08" + b"\x80" * 9 + b"\x01",  # ten bytes, as many as a varint may have
        b"\x08\x01" + b"\xf8\xff\xff\xff\x0f\x01",  # field 2^29 - 1, the last
        b"\x08\x01" + b"\x12\x00",
        b"\x08\x01" + b"\x12\x80\x01" + bytes(128),
    ],
)
def test_the_largest_that_is_allowed_is_read(tmp_path: Path, content: bytes) -> None:
    assert fields(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        b"\x08" + b"\x80" * 10 + b"\x01",
        b"\x08\x01" + b"\x80\x80\x80\x80\x10\x01",  # field 2^29
        b"\x08\x01" + b"\x00\x01",  # field 0
        b"\x08\x01" + b"\x12\x04abc",
        b"\x08\x01" + b"\x19" + bytes(7),
        b"\x08\x01" + b"\x25" + bytes(3),
        b"\x08\x01" + b"\x13",  # groups, and kinds that there are not
        b"\x08\x01" + b"\x14",
        b"\x08\x01" + b"\x16",
        b"\x08",
    ],
)
def test_what_is_no_field_is_damage(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="it is damaged"):
        fields(tmp_path, content)


def test_no_more_than_so_many_fields_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wire._MOST_FIELDS == 1_000_000
    monkeypatch.setattr(wire, "_MOST_FIELDS", 3)
    assert len(fields(tmp_path, b"\x08\x01" * 3)) == 3
    with pytest.raises(ValueError, match="more than 3 fields"):
        fields(tmp_path, b"\x08\x01" * 4)


def test_texts_are_cut_to_what_is_asked_for(tmp_path: Path) -> None:
    content = b"\x08\x01" + b"\x0a\x03key\x12\x05value"
    found = mapped(tmp_path, content)
    assert found.entry(2, len(content), 100) == ("key", "value")
    assert found.entry(2, len(content), 2) == ("ke", "va")
    assert found.entry(2, 2, 100) == ("", "")
    assert found.text(9, 14, 100) == "value"


def test_an_onnx_file_begins_with_its_version(tmp_path: Path) -> None:
    expect(2, 2)
    with pytest.raises(ValueError, match="it is damaged"):
        expect(0, 2)
    path = tmp_path / "a.onnx"
    for content in (b"", b"\x09\x01", b"<xml>"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="is not an ONNX model"), open_wire(path):
            raise AssertionError
    path.write_bytes(b"\x08\x01")
    with open_wire(path) as opened:
        assert list(opened.fields(0, 2)) == [(1, 0, 1, 2)]
    with pytest.raises(ModelError, match=r"\(it is odd\)"), open_wire(path):
        raise ValueError("it is odd")


@pytest.mark.parametrize("file", ["../a.onnx", "a/b.onnx", "a\n.onnx", 3, None])
def test_a_file_of_a_bundle_has_a_plain_name(file: Any) -> None:
    with pytest.raises(ModelError, match="which is not a file of the bundle"):
        check_file({"file": file, "sha256": "0" * 64})


def test_a_file_of_a_bundle_has_its_suffix_and_a_hash() -> None:
    check_file({"file": "a.onnx", "sha256": "0123456789abcdef" * 4}, ".onnx")
    check_file({"file": "a.npz", "sha256": "0" * 64})
    with pytest.raises(ModelError, match=r"which is not an \.onnx file"):
        check_file({"file": "a.npz", "sha256": "0" * 64}, ".onnx")
    for sha256 in ("0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n", 7, None):
        with pytest.raises(ModelError, match=r"as the sha256 of a\.npz, which is none"):
            check_file({"file": "a.npz", "sha256": sha256})


def test_every_entry_of_an_artefact_is_read() -> None:
    check = {
        "engine": "openvino", "version": "1", "batches": [1, 8], "clips": 8, "mean_drift": 0.1,
        "p95_drift": 0.2, "max_drift": 0.3, "tolerance": 1, "part": "engine",
        "allowed": {"max": 1.5}, "loosened": ["max"], "mae_change": -0.5,
    }  # fmt: skip
    ranged = {"tensors": 3, "clips": 8, "source": "", "tensor": "a", "largest": 1.5, "limit": 2.0}
    cost = {"frame": 1.0, "clip": 2.0, "fixed": -3.0, "plain": 4.0}
    graph = {"file": "s.onnx", "sha256": "1" * 64, "cost": cost, "verification": [{"a": 1}]}
    entry = {
        "file": "a.onnx", "sha256": "0" * 64, "precision": "fp32", "opset": 18,
        "verification": [check], "range": ranged, "shared": graph,
    }  # fmt: skip
    found = read_artefact(entry)
    (read,) = found.verification
    assert (read.batches, read.loosened, read.mae_change) == ((1, 8), ("max",), -0.5)
    assert found.range is not None
    assert found.range.largest == 1.5
    assert found.shared is not None
    assert (found.shared.cost.fixed, found.shared.verification) == (-3.0, ({"a": 1},))
    none = read_artefact({**entry, "verification": [], "range": None, "shared": None})
    assert (none.verification, none.range, none.shared) == ((), None, None)
    for name in ("range", "shared", "verification", "opset"):
        with pytest.raises((KeyError, TypeError), match=name):
            read_artefact({k: v for k, v in entry.items() if k != name})
