"""CUDA through `cuda-bindings`: the probe that comes before anything else, and GPU memory.

Without a driver, creating a TensorRT object can end the process, so TensorRT is not touched
before `probe` has found a GPU. `cuda-bindings` itself imports and answers without a driver.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import EngineError
from edgeecho.engines.base import NoDeviceError

_FLOAT = np.dtype(np.float32)
_ADVICE = {
    "cudaErrorInsufficientDriver": "there is no NVIDIA driver here, or it is too old",
    "cudaErrorNoDevice": "is there an NVIDIA GPU, and does CUDA_VISIBLE_DEVICES show it?",
    "cudaErrorMemoryAllocation": "close what else uses the GPU, or build with a smaller --batch",
}


@dataclass(frozen=True)
class Device:
    """The first GPU that CUDA shows; CUDA_VISIBLE_DEVICES decides which one that is."""

    name: str
    """CUDA's name for it, such as `Orin`."""
    multiprocessors: int
    """Distinguishes GPUs of the same name: every Jetson Orin is called `Orin`."""
    compute_capability: str
    """Such as `sm87`."""
    cuda: str
    """Newest CUDA version that its driver supports, such as `12.6`."""

    @property
    def label(self) -> str:
        """Name with the number of multiprocessors, such as `Orin (8 SM)`."""
        return f"{self.name} ({self.multiprocessors} SM)"


def probe() -> Device:
    """Look for a GPU; `NoDeviceError` says what is missing. Safe without a driver."""
    try:
        return _probe()
    except EngineError as error:
        raise NoDeviceError(str(error)) from error


def _probe() -> Device:
    try:
        count = call("cudaGetDeviceCount")
    except ImportError as error:
        raise EngineError(
            f"cuda-bindings cannot be imported ({error}), so no GPU can be looked for: "
            "pip install 'edgeecho[tensorrt]'"
        ) from error
    except RuntimeError as error:
        # Before 12.9 the bindings raise an exception if they find no driver.
        raise EngineError(
            f"cudaGetDeviceCount failed with {error}: {_ADVICE['cudaErrorInsufficientDriver']}"
        ) from error
    if not count:
        raise EngineError(f"CUDA shows no GPU: {_ADVICE['cudaErrorNoDevice']}")
    facts = call("cudaGetDeviceProperties", 0)
    version = int(call("cudaDriverGetVersion"))
    return Device(
        name=bytes(facts.name).rstrip(b"\0").decode(errors="replace"),
        multiprocessors=int(facts.multiProcessorCount),
        compute_capability=f"sm{facts.major}{facts.minor}",
        cuda=f"{version // 1000}.{version % 1000 // 10}",
    )


def pci_address() -> str:
    """Of the GPU that `probe` found, as `nvidia-smi -i` takes it."""
    facts = call("cudaGetDeviceProperties", 0)
    return f"{facts.pciDomainID:08x}:{facts.pciBusID:02x}:{facts.pciDeviceID:02x}.0"


def call(name: str, *arguments: Any) -> Any:
    """Call a function of the CUDA runtime; `EngineError` names it if it returns an error."""
    runtime = _runtime()
    code, *results = getattr(runtime, name)(*arguments)
    if code != runtime.cudaError_t.cudaSuccess:
        meaning = bytes(runtime.cudaGetErrorString(code)[1] or b"").decode()
        unknown = f"{meaning}; see `edgeecho doctor`, and start the program again"
        raise EngineError(f"{name} failed with {code.name}: {_ADVICE.get(code.name, unknown)}")
    return results[0] if results else None


def give_back(name: str, thing: Any) -> None:
    """Call a function that frees something; its errors do not matter."""
    # CUDA also returns errors of earlier work here; those were raised when that work was awaited.
    with suppress(EngineError):
        call(name, thing)


class Stream:
    """A CUDA stream of its own, so that its work waits for nobody else's."""

    def __init__(self) -> None:
        self._stream = call("cudaStreamCreateWithFlags", _runtime().cudaStreamNonBlocking)

    @property
    def handle(self) -> int:
        return int(self._stream)

    def synchronize(self) -> None:
        """Wait until all work is done; only then may pinned memory be read or written."""
        call("cudaStreamSynchronize", self._stream)

    def capture(self, work: Callable[[], None]) -> Graph:
        """Record what `work` puts on this stream instead of running it."""
        mode = _runtime().cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        call("cudaStreamBeginCapture", self._stream, mode)
        try:
            work()
        except BaseException:
            # The stream is usable again only after the capture has ended; the first error is kept.
            with suppress(EngineError):
                give_back("cudaGraphDestroy", call("cudaStreamEndCapture", self._stream))
            raise
        graph = call("cudaStreamEndCapture", self._stream)
        try:
            return Graph(call("cudaGraphInstantiate", graph, 0), self._stream)
        finally:
            give_back("cudaGraphDestroy", graph)

    def close(self) -> None:
        give_back("cudaStreamDestroy", self._stream)


class Graph:
    """Recorded work that is launched in one call."""

    def __init__(self, executable: Any, stream: Any) -> None:
        self._executable, self._stream = executable, stream

    def launch(self) -> None:
        """Run the work on the stream where it was recorded."""
        call("cudaGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        give_back("cudaGraphExecDestroy", self._executable)


class Buffer:
    """Memory for one tensor, on the GPU and, pinned, on the host."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any] = _FLOAT) -> None:
        size = math.prod(shape) * dtype.itemsize
        self._pinned = int(call("cudaMallocHost", size))
        try:
            self.device = int(call("cudaMalloc", size))
        except EngineError:
            give_back("cudaFreeHost", self._pinned)
            raise
        memory = (ctypes.c_uint8 * size).from_address(self._pinned)
        self.host: NDArray[Any] = np.ctypeslib.as_array(memory).view(dtype).reshape(shape)
        """Has the largest shape of the profile; invalid after `close`."""

    def upload(self, rows: int, stream: Stream) -> None:
        """Queue a copy of the first `rows` to the GPU on `stream`."""
        self._copy(self.device, self._pinned, rows, "cudaMemcpyHostToDevice", stream)

    def download(self, rows: int, stream: Stream) -> None:
        """Queue a copy of the first `rows` from the GPU on `stream`."""
        self._copy(self._pinned, self.device, rows, "cudaMemcpyDeviceToHost", stream)

    def _copy(self, to: int, source: int, rows: int, kind: str, stream: Stream) -> None:
        direction = getattr(_runtime().cudaMemcpyKind, kind)
        call("cudaMemcpyAsync", to, source, self.host[:rows].nbytes, direction, stream.handle)

    def close(self) -> None:
        """Free both."""
        del self.host
        give_back("cudaFree", self.device)
        give_back("cudaFreeHost", self._pinned)


def _runtime() -> Any:
    return import_module("cuda.bindings.runtime")
