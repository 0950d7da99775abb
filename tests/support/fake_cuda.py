"""A strict stand-in for `cuda.bindings.runtime` that computes on the CPU.

Work on a stream is done only when the stream is synchronized; fresh and freed memory is NaN;
addresses of device memory mean nothing to the host. What a GPU would answer with garbage or a
fault is a `MisuseError`, also kept in `FakeGPU.misuses`, since an error in `__del__` is lost.
It says nothing about time: each piece of work counts as a millisecond.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from held import MisuseError, make_enum, read_api

Work = Callable[[], None]


class Handle:
    """Of a stream or graph. No int: code must say `int(...)` where an int is wanted."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __int__(self) -> int:
        return self.number


class FakeGPU:
    """One GPU and its driver."""

    name = b"emulated Orin"
    capability = (8, 7)
    multiprocessors = 8
    trt: Any
    """TensorRT's module, see `emulate`."""

    def __init__(self, api: str = "cuda-13.5") -> None:
        self.api = read_api(api)
        self.driver = True
        self.devices = 1
        self.fail: dict[str, str] = {}
        """By function the error that it answers with."""
        self.calls: list[str] = []
        self.misuses: list[str] = []
        self.pinned: dict[int, np.ndarray] = {}
        self.device: dict[int, np.ndarray] = {}
        self.streams: dict[int, list[Work]] = {}
        self.graphs: dict[int, list[Work]] = {}
        self.executables: dict[int, list[Work]] = {}
        self.events: dict[int, int | None] = {}
        """By event the work done when it came, None before; the clock of this GPU."""
        self._done = 0
        self._capturing: dict[int, list[Work]] = {}
        # Kept: a view of freed memory must read NaN, not crash the test.
        self._graves: list[np.ndarray] = []
        self._next = 0x7000_0000_0000

    def misuse(self, text: str) -> MisuseError:
        self.misuses.append(text)
        return MisuseError(text)

    def leaks(self) -> dict[str, int]:
        """What was not given back."""
        kinds = ("pinned", "device", "streams", "graphs", "executables", "events")
        return {kind: len(getattr(self, kind)) for kind in kinds if getattr(self, kind)}

    def number(self, size: int = 1) -> int:
        found, self._next = self._next, self._next + 4096 + size
        return found

    def memory(self, address: int, size: int) -> np.ndarray:
        """Device memory `[address, address + size)` as bytes."""
        return self._find(self.device, address, size, "device")

    def _find(self, where: dict[int, np.ndarray], address: int, size: int, kind: str) -> np.ndarray:
        for start, block in where.items():
            if start <= address < start + len(block):
                if address + size > start + len(block):
                    raise self.misuse(f"{kind} memory of {len(block)} bytes is too small: {size}")
                return block[address - start :][:size]
        raise self.misuse(f"{address:#x} is no {kind} memory, or was freed")

    def queue(self, stream: Any, work: Work) -> None:
        """Put work on a stream, or into the graph that it is recording."""
        number = int(stream)
        if number not in self.streams:
            raise self.misuse(f"{number:#x} is no stream, or was destroyed")
        self._capturing.get(number, self.streams[number]).append(work)

    # What follows has the names of the functions that it stands in for.

    def cudaGetDeviceCount(self) -> Any:
        return ("cudaSuccess", self.devices) if self.devices else ("cudaErrorNoDevice", None)

    def cudaDriverGetVersion(self) -> Any:
        return "cudaSuccess", 12060

    def cudaGetDeviceProperties(self, device: int) -> Any:
        facts = SimpleNamespace(
            name=self.name.ljust(256, b"\0"),
            major=self.capability[0],
            minor=self.capability[1],
            multiProcessorCount=self.multiprocessors,
            pciDomainID=0,
            pciBusID=0x3B,
            pciDeviceID=0,
        )
        assert set(vars(facts)) <= set(self.api["cudaDeviceProp"])
        return "cudaSuccess", facts

    def cudaGetErrorString(self, error: Any) -> Any:
        return "cudaSuccess", f"emulated {error.name}".encode()

    def cudaMalloc(self, size: int) -> Any:
        address = self.number(size)
        self.device[address] = np.full(size, 0xFF, np.uint8)
        return "cudaSuccess", address

    def cudaMallocHost(self, size: int) -> Any:
        block = np.full(size, 0xFF, np.uint8)
        self.pinned[block.ctypes.data] = block
        return "cudaSuccess", block.ctypes.data

    def cudaFree(self, devPtr: int) -> Any:
        return self._free(self.device, devPtr, "device")

    def cudaFreeHost(self, ptr: int) -> Any:
        return self._free(self.pinned, ptr, "pinned")

    def _free(self, where: dict[int, np.ndarray], address: int, kind: str) -> Any:
        if address not in where:
            raise self.misuse(f"{address:#x} is freed, but is no {kind} memory")
        block = where.pop(address)
        block[:] = 0xFF
        self._graves.append(block)
        return ("cudaSuccess",)

    def cudaMemcpyAsync(self, dst: int, src: int, count: int, kind: Any, stream: Any) -> Any:
        upload = kind.name == "cudaMemcpyHostToDevice"
        host, device = (src, dst) if upload else (dst, src)

        def copy() -> None:
            pinned = self._find(self.pinned, host, count, "pinned")
            memory = self.memory(device, count)
            if upload:
                memory[:] = pinned
            else:
                pinned[:] = memory

        self._find(self.pinned, host, count, "pinned")
        self.memory(device, count)
        self.queue(stream, copy)
        return ("cudaSuccess",)

    def cudaStreamCreateWithFlags(self, flags: int) -> Any:
        number = self.number()
        self.streams[number] = []
        return "cudaSuccess", Handle(number)

    def cudaStreamSynchronize(self, stream: Any) -> Any:
        if int(stream) in self._capturing:
            raise self.misuse("a stream is synchronized while it records")
        work = self.streams[int(stream)]
        while work:
            work.pop(0)()
            self._done += 1
        return ("cudaSuccess",)

    def cudaStreamDestroy(self, stream: Any) -> Any:
        if self.streams.pop(int(stream)):
            raise self.misuse("a stream is destroyed before its work is done")
        return ("cudaSuccess",)

    def cudaStreamBeginCapture(self, stream: Any, mode: Any) -> Any:
        self._capturing[int(stream)] = []
        return ("cudaSuccess",)

    def cudaStreamEndCapture(self, stream: Any) -> Any:
        number = self.number()
        self.graphs[number] = self._capturing.pop(int(stream))
        return "cudaSuccess", Handle(number)

    def cudaGraphInstantiate(self, graph: Any, flags: int) -> Any:
        number = self.number()
        self.executables[number] = self.graphs[int(graph)]
        return "cudaSuccess", Handle(number)

    def cudaGraphLaunch(self, graphExec: Any, stream: Any) -> Any:
        if int(graphExec) not in self.executables:
            raise self.misuse("a graph is launched that was destroyed")
        for work in self.executables[int(graphExec)]:
            self.queue(stream, work)
        return ("cudaSuccess",)

    def cudaGraphDestroy(self, graph: Any) -> Any:
        del self.graphs[int(graph)]
        return ("cudaSuccess",)

    def cudaGraphExecDestroy(self, graphExec: Any) -> Any:
        del self.executables[int(graphExec)]
        return ("cudaSuccess",)

    def cudaEventCreate(self) -> Any:
        number = self.number()
        self.events[number] = None
        return "cudaSuccess", Handle(number)

    def cudaEventRecord(self, event: Any, stream: Any) -> Any:
        number = int(event)
        if int(stream) in self._capturing:
            raise self.misuse("an event of a recording has no time")

        def stamp() -> None:
            self._done -= 1  # it is no work
            # An event may be destroyed before it has come.
            if number in self.events:
                self.events[number] = self._done

        self.events[number] = None
        self.queue(stream, stamp)
        return ("cudaSuccess",)

    def cudaEventElapsedTime(self, start: Any, end: Any) -> Any:
        first, last = self.events[int(start)], self.events[int(end)]
        if first is None or last is None:
            return "cudaErrorNotReady", None
        return "cudaSuccess", float(last - first)

    def cudaEventDestroy(self, event: Any) -> Any:
        del self.events[int(event)]
        return ("cudaSuccess",)


def cuda_module(gpu: FakeGPU) -> ModuleType:
    """`cuda.bindings.runtime` of `gpu`, with the functions, arguments and enums of the real one."""
    module = ModuleType("cuda.bindings.runtime")
    module.__spec__ = ModuleSpec(module.__name__, None)
    for name, members in gpu.api["enums"].items():
        setattr(module, name, make_enum(name, members))
    for name, value in gpu.api["constants"].items():
        setattr(module, name, value)
    errors: Any = module.cudaError_t  # type: ignore[attr-defined]
    for name, parameters in gpu.api["functions"].items():
        own = getattr(gpu, name)
        assert list(inspect.signature(own).parameters) == parameters, name
        setattr(module, name, _function(gpu, name, own, errors))
    return module


def _function(gpu: FakeGPU, name: str, own: Any, errors: Any) -> Any:
    def call(*args: Any) -> Any:
        gpu.calls.append(name)
        if name == "cudaGetErrorString":
            return errors.cudaSuccess, own(*args)[1]
        if not gpu.driver:
            return errors.cudaErrorInsufficientDriver, None
        if name in gpu.fail:
            return errors[gpu.fail[name]], None
        code, *results = own(*args)
        return errors[code], *results

    return call
