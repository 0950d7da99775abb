"""Which engine is chosen, from engines that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeecho.bundle import ModelFile, SharedCost
from edgeecho.bundle.open import SharedFile
from edgeecho.common.errors import EngineError
from edgeecho.engines import registry
from edgeecho.engines.descriptor import EngineDescriptor, cpu_arithmetic, version_of_package
from edgeecho.engines.registry import (
    cpu_engine,
    engines,
    find_engine,
    load_engine,
    load_limit_s,
    load_shared,
    shares,
)
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50))
MODEL = ModelFile(Path("a.onnx"), "1" * 64, "a", "1", "fp32", SPEC, "")


def opened(engine: EngineDescriptor, model: ModelFile, threads: int, cached: bool) -> Any:
    return engine.name, model.path.name, model.sha256[:1], threads, cached


def engine(name: str, **facts: Any) -> EngineDescriptor:
    """One whose package, `json`, is installed."""
    return EngineDescriptor(name, "json", f"pip install {name}", "a CPU", opened, **facts)


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`ours(*engines)`: what edgeecho has; nothing comes from other packages."""
    monkeypatch.setattr(registry, "entry_points", lambda **_: ())

    def put(*found: EngineDescriptor) -> None:
        monkeypatch.setattr(registry, "OURS", found)

    return put


def test_auto_takes_the_first_that_can_run_the_model_here(ours: Any) -> None:
    last, first = engine("last", auto=9), engine("first", auto=1)
    ours(engine("never"), last, first)
    assert load_engine("auto", MODEL) == ("first", "a.onnx", "1", 0, False)
    ours(engine("never"), last, replace(first, refuses=lambda _: "no card"))
    assert load_engine("auto", MODEL, threads=3, cached=True) == ("last", "a.onnx", "1", 3, True)
    ours(engine("never"), replace(last, package="no_such_package"))
    with pytest.raises(EngineError, match="no engine is installed: pip install never"):
        load_engine("auto", MODEL)


def test_a_named_engine_is_taken_or_is_an_error(ours: Any) -> None:
    ours(engine("a", auto=1), engine("b"), replace(engine("c"), package="no_such_package"))
    assert load_engine("b", MODEL)[0] == "b"  # type: ignore[index]
    with pytest.raises(EngineError, match="engine c is not installed: pip install c"):
        load_engine("c", MODEL)
    with pytest.raises(EngineError, match="engine 'd' is not known: choose auto, a, b, c"):
        load_engine("d", MODEL)


def test_a_package_that_cannot_be_imported_is_one_line(ours: Any) -> None:
    def fail(*_: object) -> Any:
        raise ImportError("libcuda.so")

    ours(replace(engine("a"), open=fail))
    with pytest.raises(EngineError, match="engine a is installed but cannot be imported"):
        load_engine("a", MODEL)


def test_the_limit_is_that_of_the_slowest_that_may_be_chosen(ours: Any) -> None:
    ours(engine("a", auto=1, load_s=10), engine("b", auto=2, load_s=30), engine("c", load_s=900))
    assert [load_limit_s(name) for name in ("auto", "a", "c", "unknown")] == [30, 10, 900, 300]
    ours()
    assert load_limit_s("auto") == 300
    assert (engine("a").load_s, engine("a").builder) == (300, None)


def test_results_that_hold_anywhere_are_those_of_the_first_cpu_engine(ours: Any) -> None:
    card, cpu = engine("card", auto=1, device="nvidia"), engine("cpu", auto=2)
    ours(engine("named"), replace(cpu, name="late", auto=3), card, cpu)
    assert cpu_engine() == "cpu"
    ours(card, replace(cpu, package="no_such_package"))
    with pytest.raises(EngineError, match="no engine for the CPU is installed: pip install card"):
        cpu_engine()


SHARED = replace(
    MODEL, shared=SharedFile(Path("a-shared.onnx"), "2" * 64, SharedCost(1.0, 1.0, 1.0, 1.0))
)


def test_a_shared_graph_is_opened_in_place_of_the_plain_one(ours: Any) -> None:
    ours(engine("a", shares=True), engine("b"), engine("c", shares=True))
    assert [shares(name, SHARED) for name in "abcd"] == [True, False, True, False]
    assert not shares("a", MODEL)
    assert load_shared("a", SHARED, threads=2) == ("a", "a-shared.onnx", "2", 2, False)
    assert load_shared("c", SHARED, cached=True) == ("c", "a-shared.onnx", "2", 0, True)
    with pytest.raises(EngineError, match="engine b runs no shared graphs: take a or c"):
        load_shared("b", SHARED)
    with pytest.raises(EngineError, match=r"a\.onnx has no shared graph"):
        load_shared("a", MODEL)


def entry(name: str, found: Any) -> Any:
    def load() -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    return SimpleNamespace(
        name=name, value=f"pkg.{name}:X", module=f"pkg.{name}", dist=None, load=load
    )


def test_other_packages_engines_come_after_ours_by_name(
    ours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours(engine("z"))
    others = [entry("y", engine("y")), entry("b", engine("b")), entry("z", engine("z", load_s=1))]

    def look(*, group: str, name: str | None = None) -> list[Any]:
        assert group == "edgeecho.engines"
        return [one for one in others if name in (None, one.name)]

    monkeypatch.setattr(registry, "entry_points", look)
    assert [(e.name, e.load_s) for e in engines()] == [("z", 300), ("b", 300), ("y", 300)]
    assert find_engine("y") is not None
    assert find_engine("z") == engine("z"), "ours keep their names"
    assert find_engine("x") is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (ValueError("no\n  card"), r"cannot be imported \(ValueError: no card\)"),
        (engine("other"), r"is no descriptor of an engine of this name \(pkg\.b:X\)"),
        ("text", r"is no descriptor of an engine of this name \(pkg\.b:X\)"),
    ],
)
def test_a_broken_one_says_why_and_costs_nobody_else(
    ours: Any, monkeypatch: pytest.MonkeyPatch, found: Any, why: str
) -> None:
    ours(engine("a", auto=1))
    monkeypatch.setattr(registry, "entry_points", lambda **_: [entry("b", found)])
    broken = find_engine("b")
    assert broken is not None
    assert (broken.package, broken.auto) == ("pkg", None)
    words = f"engine b of the package pkg.b:X {why}: install another version"
    for call in (lambda: broken.open(broken, MODEL, 0, False), lambda: broken.probe(broken)):
        with pytest.raises(EngineError, match=words):
            call()
    assert load_engine("auto", MODEL)[0] == "a"  # type: ignore[index]


def test_an_engine_is_there_with_its_package_and_its_distribution() -> None:
    assert engine("a").available
    assert engine("a").obstacle(MODEL) is None
    assert engine("a", refuses=lambda _: "no card").obstacle(MODEL) == "no card"
    assert engine("a", distribution="pytest").available
    missing = engine("a", distribution="no-such-distribution", refuses=lambda _: "no card")
    assert not missing.available
    assert missing.obstacle(MODEL) == "not installed: pip install a"


def test_what_doctor_says_of_one_is_its_version_and_what_it_runs_on() -> None:
    assert version_of_package(replace(engine("a"), package="pytest")).endswith("; a CPU")
    import json

    json.__version__ = "1.2.3-abc-d"  # type: ignore[attr-defined]
    try:
        assert version_of_package(engine("a")) == "1.2.3; a CPU"
    finally:
        del json.__version__  # type: ignore[attr-defined]


def test_a_cpu_computes_in_f32_what_it_does_not_know() -> None:
    assert [cpu_arithmetic(p) for p in ("fp32", "fp16", "int8", "fp4")] == [
        "f32", "f32", "int8+f32", "f32",
    ]  # fmt: skip
