"""Faults that are put into the TensorRT engine on purpose: the emulated GPU finds each of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

from emulate import emulate, put_engine
from held import MisuseError
from tiny import SHAPE, tiny_bundle

from edgeecho.bundle import open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import find_engine
from edgeecho.engines.tensorrt import engine, plan

CLIPS = np.random.default_rng(0).standard_normal((8, *SHAPE)).astype(np.float32)

MUTANTS: dict[str, tuple[str, str, str]] = {
    "results are read before the stream is done": (
        "            self._stream.synchronize()\n        return len(clips)",
        "        return len(clips)",
        "not a number",
    ),
    "no upload": (
        "self._buffers[self._input].upload(size, self._stream)\n",
        "pass\n",
        "not a number",
    ),
    "no download": (
        "        for name in self._outputs:\n            self._buffers[name].download(",
        "        for name in ():\n            self._buffers[name].download(",
        "an ef that is not a number",
    ),
    "no download of the second output": (
        "        for name in self._outputs:\n            self._buffers[name].download(",
        "        for name in self._outputs[:1]:\n            self._buffers[name].download(",
        "an embedding that is not a number",
    ),
    "addresses are not set": (
        "        for name, buffer in self._buffers.items():\n",
        "        for name, buffer in ():\n",
        "the address of .* was not set",
    ),
    "one address is not set": (
        "self._buffers.items():\n            self._require(context.set",
        "list(self._buffers.items())[:-1]:\n            self._require(context.set",
        "the address of .* was not set",
    ),
    "host memory is given to TensorRT": (
        "context.set_tensor_address(name, buffer.device)",
        "context.set_tensor_address(name, buffer.host.ctypes.data)",
        "is no device memory",
    ),
    "the default stream": (
        "execute_async_v3(self._stream.handle)",
        "execute_async_v3(0)",
        "the default stream",
    ),
    "a stream that is not there": (
        "execute_async_v3(self._stream.handle)",
        "execute_async_v3(4711)",
        "is no stream",
    ),
    "another stream for the results": (
        "            self._buffers[name].download(size, self._stream)\n",
        "            self._buffers[name].download(size, type(self._stream)())\n",
        "not a number",
    ),
    "buffers for the smallest batch": (
        "self._set_shape(self._context, tuple(largest), self._input)",
        "self._set_shape(self._context, tuple(smallest), self._input)",
        "too small|could not broadcast",
    ),
    "the engine before its context": (
        "        self._context = None\n        self._engine = None\n        self._runtime = None\n",
        "        self._engine = None\n        self._context = None\n        self._runtime = None\n",
        "engine is freed before its execution context",
    ),
    "the runtime before its engine": (
        "        self._context = None\n        self._engine = None\n        self._runtime = None\n",
        "        self._runtime = None\n        self._context = None\n        self._engine = None\n",
        "runtime is freed before its engine",
    ),
    "buffers are not given back": (
        "            self._buffers.popitem()[1].close()\n",
        "            self._buffers.popitem()\n",
        "leaks",
    ),
    "TensorRT before the probe": (
        "        trt, machine =",
        "        import tensorrt as t\n        t.Runtime(t.ILogger())\n        trt, machine =",
        "before a GPU was looked for",
    ),
    "a name that this version lacks": (
        "context.execute_async_v3(",
        "context.execute_async_v2(",
        "no execute_async_v2",
    ),
    "an argument of another type": (
        "context.set_input_shape(name, shape)",
        "context.set_input_shape(0, shape)",
        "set_input_shape takes",
    ),
}
GRAPH_MUTANTS: dict[str, tuple[str, str, str]] = {
    "one context for all graphs": (
        "        context = self._new_context()\n        self._set_up(",
        "        context = self._context\n        self._set_up(",
        "whose context was changed",
    ),
    "no run before the recording": (
        "        self._execute(context, size)\n        self._stream.synchronize()\n",
        "",
        "cannot be recorded",
    ),
    "the shape is set in the recording": (
        "capture(lambda: self._execute(context, size))",
        "capture(lambda: (self._set_up(context, size), self._execute(context, size)))",
        "cannot be recorded",
    ),
    "the recording itself is synchronized": (
        "capture(lambda: self._execute(context, size))",
        "capture(lambda: (self._execute(context, size), self._stream.synchronize()))",
        "synchronized while it records",
    ),
}


def mutant(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`TensorRTEngine` of its two modules, in one of which `old` is `new`."""
    sources = {module.__name__: Path(module.__file__).read_text() for module in (plan, engine)}
    assert sum(s.count(old) for s in sources.values()) == 1, "the mutant fits the code no longer"
    for name, source in sources.items():
        module = ModuleType(name)
        exec(compile(source.replace(old, new), name, "exec"), vars(module))
        # The second one imports the first.
        monkeypatch.setitem(sys.modules, name, module)
    return module.TensorRTEngine  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [*MUTANTS, *GRAPH_MUTANTS])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_emulation_finds_out(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    model = open_model(bundle, precision="fp16")
    gpu = emulate(monkeypatch, "10.3")
    put_engine(bundle, gpu)
    old, new, says = {**MUTANTS, **GRAPH_MUTANTS}[name]
    found = []
    try:
        loaded = mutant(old, new, monkeypatch)(
            find_engine("tensorrt"), model, "tensorrt", cuda_graph=name in GRAPH_MUTANTS
        )
        for size in (2, 8, 2):
            loaded.run(CLIPS[:size])
        loaded.close()
    except (MisuseError, EngineError, AttributeError, TypeError, ValueError) as error:
        found.append(str(error))
    found += gpu.misuses
    found += ["leaks"] if gpu.leaks() else []
    assert any(re.search(says, text) for text in found), found
