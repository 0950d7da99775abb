"""Which engine is chosen, from engines that are made up."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeecho.bundle import ModelFile, SharedCost, SharedFile
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines import EngineFacts, PassedOver, registry
from edgeecho.engines.descriptor import EngineDescriptor, cpu_arithmetic
from edgeecho.engines.registry import (
    engines,
    find_engine,
    load_engine,
    load_limit_s,
    load_on_cpu,
    load_shared,
    shares,
)
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((32, 32, 32), (50, 50, 50))
MODEL = ModelFile(Path("a.onnx"), "1" * 64, "a", "1", "fp32", SPEC, "")


class Opened:
    """Remembers how it was opened, and what it ran."""

    def __init__(self, engine: EngineDescriptor, model: ModelFile, *given: Any) -> None:
        self.how = (engine.name, model.path.name, model.sha256[:1], *given)
        self.facts = EngineFacts(engine.name, "1", "here", "f32", 1)
        self.ran: list[Any] = []

    def run(self, clips: Any) -> Any:
        self.ran.append((clips.shape, clips.any()))


def how(name: str, model: ModelFile, **options: Any) -> Any:
    loaded: Any = load_engine(name, model, **options)
    return loaded.how


def passed(engine: Any) -> list[tuple[str, str]]:
    return [(one.name, one.why) for one in engine.facts.passed_over]


def engine(name: str, **facts: Any) -> EngineDescriptor:
    """One whose package, `json`, is installed."""
    return EngineDescriptor(name, "json", f"pip install {name}", "a CPU", Opened, **facts)


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
    assert how("auto", MODEL) == ("first", "a.onnx", "1", 0, False)
    ours(engine("never"), last, replace(first, package="no_such_package"))
    assert how("auto", MODEL, threads=3, cached=True) == ("last", "a.onnx", "1", 3, True)
    assert passed(load_engine("auto", MODEL)) == [], "what is not installed is no candidate"
    card = engine("card", auto=1, device="nvidia")
    ours(*(replace(one, package="no_such_package") for one in (card, last)))
    with pytest.raises(EngineError, match="no engine is installed: pip install last"):
        load_engine("auto", MODEL)


def failing(error: Exception) -> Any:
    def fail(*_: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (EngineError("no card"), "no card"),
        (ImportError("/home/me/libcuda.so: gone"), "engine a is installed but cannot be loaded"),
        (AttributeError("_ARRAY_API not found"), "_ARRAY_API not found"),
        (OSError("/opt/x/libnvinfer.so: no"), "engine a is installed but cannot be loaded (libnv"),
        (ModelError("a.onnx has an operator that it lacks"), "a.onnx has an operator"),
    ],
)
def test_auto_passes_over_whatever_fails_and_says_why(
    ours: Any, error: Exception, why: str
) -> None:
    ours(replace(engine("a", auto=1), open=failing(error)), engine("b", auto=2))
    ready = load_engine("auto", MODEL)
    ((name, reason),) = passed(ready)
    assert (ready.facts.name, name) == ("b", "a")
    assert reason.startswith(why)
    assert "/home" not in reason
    with pytest.raises(EngineError if isinstance(error, ImportError | OSError) else type(error)):
        load_engine("a", MODEL)
    assert passed(load_engine("b", MODEL)) == [], "a named one passes over nobody"


def test_auto_has_a_gpu_run_a_clip_before_it_is_taken(
    ours: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = engine("card", auto=1, device="nvidia")
    ours(card, engine("cpu", auto=2))
    ready: Any = load_engine("auto", MODEL)
    assert ready.ran == [((1, 3, SPEC.frames, SPEC.size, SPEC.size), False)]
    ours(engine("cpu", auto=2))
    ready = load_engine("auto", MODEL)
    assert ready.ran == [], "which on a CPU costs as much as an answer"
    ours(card, engine("cpu", auto=2))
    monkeypatch.setattr(Opened, "run", failing(EngineError("no cuDNN")))
    assert passed(load_engine("auto", MODEL)) == [("card", "no cuDNN")]


def test_where_none_runs_each_says_why_and_a_bad_file_is_named_first(ours: Any) -> None:
    a, b = (
        replace(engine(name, auto=i), open=failing(EngineError(f"{name} has no card")))
        for i, name in enumerate("ab")
    )
    ours(a)
    with pytest.raises(EngineError, match=r"^a has no card$"):
        load_engine("auto", MODEL)
    ours(a, b)
    with pytest.raises(
        EngineError, match=r"no engine can run a\.onnx here.*\(a: a has no card; b: b has no card\)"
    ):
        load_engine("auto", MODEL)
    ours(a, replace(b, open=failing(ModelError("a.onnx is damaged"))))
    with pytest.raises(ModelError, match=r"^a\.onnx is damaged$"):
        load_engine("auto", MODEL)


def test_facts_survive_json(ours: Any) -> None:
    ours(replace(engine("a", auto=1), open=failing(EngineError("x"))), engine("b", auto=2))
    facts = load_engine("auto", MODEL).facts
    assert facts.passed_over == (PassedOver("a", "x"),)
    assert EngineFacts.from_dict(json.loads(json.dumps(asdict(facts)))) == facts


def test_a_named_engine_is_taken_or_is_an_error(ours: Any) -> None:
    ours(engine("a", auto=1), engine("b"), replace(engine("c"), package="no_such_package"))
    assert how("b", MODEL)[0] == "b"
    with pytest.raises(EngineError, match="engine c is not installed: pip install c"):
        load_engine("c", MODEL)
    with pytest.raises(EngineError, match="engine 'd' is not known: choose auto, a, b, c"):
        load_engine("d", MODEL)


def test_a_package_that_cannot_be_loaded_is_one_line(ours: Any) -> None:
    def fail(*_: object) -> Any:
        raise ImportError("libcuda.so")

    ours(replace(engine("a"), open=fail))
    with pytest.raises(EngineError, match="engine a is installed but cannot be loaded"):
        load_engine("a", MODEL)


def test_the_limit_is_that_of_all_that_may_have_to_be_tried(ours: Any) -> None:
    absent = replace(engine("d", auto=3, load_s=50), package="no_such_package")
    a, b = engine("a", auto=1, load_s=10), engine("b", auto=2, load_s=30)
    ours(a, b, engine("c", load_s=900), absent)
    assert [load_limit_s(name) for name in ("auto", "a", "c", "unknown")] == [40, 10, 900, 300]
    ours()
    assert load_limit_s("auto") == 300
    assert (engine("a").load_s, engine("a").builder) == (300, None)


def test_results_that_hold_anywhere_are_those_of_the_first_cpu_engine_that_runs(
    ours: Any,
) -> None:
    card, cpu = engine("card", auto=1, device="nvidia"), engine("cpu", auto=2)
    late = engine("late", auto=3)
    ours(engine("named"), late, card, cpu)
    assert load_on_cpu(MODEL).facts.name == "cpu"
    ours(late, replace(cpu, open=failing(ImportError("libtbb.so"))))
    assert load_on_cpu(MODEL, threads=3).how == ("late", "a.onnx", "1", 3, False)  # type: ignore[attr-defined]
    ours(card, replace(cpu, package="no_such_package"))
    with pytest.raises(EngineError, match="no engine is installed: pip install cpu"):
        load_on_cpu(MODEL)


SHARED = replace(
    MODEL, shared=SharedFile(Path("a-shared.onnx"), "2" * 64, SharedCost(1.0, 1.0, 1.0, 1.0))
)


def test_a_shared_graph_is_opened_in_place_of_the_plain_one(ours: Any) -> None:
    ours(engine("a", shares=True), engine("b"), engine("c", shares=True))
    assert [shares(name, SHARED) for name in "abcd"] == [True, False, True, False]
    assert not shares("a", MODEL)
    shared: Any = load_shared("a", SHARED, threads=2)
    assert shared.how == ("a", "a-shared.onnx", "2", 2, False)
    shared = load_shared("c", SHARED, cached=True)
    assert shared.how == ("c", "a-shared.onnx", "2", 0, True)
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
    assert how("auto", MODEL)[0] == "a"


def test_an_engine_is_there_with_its_package_and_its_distribution() -> None:
    assert engine("a").available
    assert engine("a").obstacle(MODEL) is None
    assert engine("a", refuses=lambda _: "no card").obstacle(MODEL) == "no card"
    assert engine("a", distribution="pytest").available
    missing = engine("a", distribution="no-such-distribution", refuses=lambda _: "no card")
    assert not missing.available
    assert missing.obstacle(MODEL) == "not installed: pip install a"


def test_a_cpu_computes_in_f32_what_it_does_not_know() -> None:
    assert [cpu_arithmetic(p) for p in ("fp32", "fp16", "int8", "fp4")] == [
        "f32", "f32", "int8+f32", "f32",
    ]  # fmt: skip
