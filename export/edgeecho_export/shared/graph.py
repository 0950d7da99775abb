"""The shared graph: it answers many overlapping clips of one video and computes nothing twice.

A convolution over time depends on the clip only near the clip's two ends, because of the zero
padding; each such convolution moves that influence one frame further in. So every tensor of the
early layers is kept in three parts:

- `long`, `(1, C, T, H, W)`: the states that no padding has reached, of all frames, once;
- `head` and `tail`, `(clips, C, h, H, W)` and `(clips, C, t, H, W)`: the first `h` and last `t`
  states of each clip, which are that clip's own.

A convolution over three steps, without padding, makes `long` two states shorter; a `head` takes
its next two states from `long` and grows by one, and so does a `tail`. Every node of the plain
graph is repeated this way with the same weights, quantization and zeros at a clip's ends, so the
EFs are the plain graph's. After the second stage too little can be shared; there the clips are
assembled, and the plain graph continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx
from onnx import NodeProto, TensorProto, helper

from edgeecho.common.errors import UsageError
from edgeecho_export.shared.nodes import Nodes

_WITHOUT_EXTENT = ("Add", "Cast", "DequantizeLinear", "QuantizeLinear", "Relu")
SHORTEST = 12
"""Minimum number of frames in a clip."""
_STARTS, _HALVED_STARTS = "starts", "starts/halved"


class _TooShortError(Exception):
    """Clips have no states left that are free of both ends."""


@dataclass(frozen=True)
class _Parts:
    """One tensor of the plain graph in its three parts."""

    long: str
    head: str | None
    """None if `h` is 0; `tail` likewise."""
    tail: str | None
    h: int
    t: int
    length: int
    """Number of a clip's states in the plain graph."""
    base: str
    """Name of `(clips,)`: the index in `long` of each clip's state `h`."""
    dequantized: tuple[NodeProto, _Parts] | None = None
    """Node and source that made it, so that states can be gathered as single bytes."""


def share(plain: onnx.ModelProto) -> onnx.ModelProto:
    """Make the shared graph of a plain one, with the weights still inside.

    `frames (1, 3, F, S, S)` are every `period`-th frame of a video; `starts (n,) int64` are the
    clips' first frames, in any order. They must be even, because clips that begin at an odd frame
    meet in other states after the first stage that halves. The outputs are those of the plain
    graph, a row for each clip. `UsageError` if clips are too short.
    """
    for stages in (2, 1):
        try:
            return _Sharer(plain).run(_input_of_stage(plain.graph.node, stages))
        except _TooShortError:
            continue
    raise UsageError(f"--shared needs clips of at least {SHORTEST} frames: leave it out")


def _input_of_stage(nodes: Sequence[NodeProto], number: int) -> str:
    """The input of the `number`-th halving stage, as single bytes if it is quantized.

    Such a stage begins with a 1x1x1 convolution beside its block.
    """
    beside = [n for n in nodes if n.op_type == "Conv" and _ints(n, "kernel_shape") == [1, 1, 1]]
    name = beside[number - 1].input[0]
    made_by = {output: node for node in nodes for output in node.output}
    dequantized = made_by[name].op_type == "DequantizeLinear"
    return str(made_by[name].input[0] if dequantized else name)


class _Sharer:
    def __init__(self, plain: onnx.ModelProto) -> None:
        self.plain = plain
        self.nodes = Nodes(plain.graph.initializer)
        (clip,) = plain.graph.input
        _, channels, frames, *size = (d.dim_value for d in clip.type.tensor_type.shape.dim)
        self.inputs = [
            helper.make_tensor_value_info(
                "frames", TensorProto.FLOAT, [1, channels, "frames", *size]
            ),
            helper.make_tensor_value_info(_STARTS, TensorProto.INT64, ["clips"]),
        ]
        self.parts = {clip.name: _Parts("frames", None, None, 0, 0, frames, _STARTS)}

    def run(self, cut: str) -> onnx.ModelProto:
        for node in self.plain.graph.node:
            sources = [self.parts[name] for name in node.input if name in self.parts]
            if not sources:
                self.nodes.added.append(node)
                continue
            made = self._convolution(node, *sources) if node.op_type == "Conv" else None
            made = made or self._each(node, sources)
            if node.output[0] == cut:
                self._assemble(made, cut)
            else:
                self.parts[node.output[0]] = made
        model = onnx.ModelProto()
        model.CopyFrom(self.plain)
        graph = model.graph
        del graph.node[:], graph.value_info[:], graph.input[:]
        graph.node.extend(self.nodes.added)
        graph.initializer.extend(self.nodes.constants.values())
        graph.input.extend(self.inputs)
        for output in graph.output:
            output.type.tensor_type.shape.dim[0].dim_param = "clips"
        return model

    def _each(self, node: NodeProto, sources: list[_Parts]) -> _Parts:
        """A node that does not mix states of different times: repeated for each part."""
        if node.op_type not in (*_WITHOUT_EXTENT, "Conv"):
            raise RuntimeError(f"{node.name} ({node.op_type}) cannot be shared")
        sources = self._aligned(sources)
        long, head, tail = (
            self.nodes.copy(node, [getattr(source, part) for source in sources], part)
            for part in ("long", "head", "tail")
        )
        again = (node, sources[0]) if node.op_type == "DequantizeLinear" else None
        return replace(sources[0], long=str(long), head=head, tail=tail, dequantized=again)

    def _convolution(self, node: NodeProto, source: _Parts) -> _Parts | None:
        """None if it has no extent in time."""
        kernel, stride = _ints(node, "kernel_shape")[0], _ints(node, "strides")[0]
        if (kernel, stride) == (1, 1):
            return None
        if stride == 2 and source.base == _STARTS:
            return self._halved(node, kernel, source)
        if (kernel, stride) != (3, 1):
            raise RuntimeError(f"{node.name}: kernel {kernel} and stride {stride} in time")
        h, t = source.h + 1, source.t + 1
        wide = self._widened(source, h + 1, t + 1)
        long = self.nodes.copy(node, [source.long], "long", pads=(0, 0))
        head = self.nodes.copy(node, [wide.head], "head", pads=(1, 0))
        tail = self.nodes.copy(node, [wide.tail], "tail", pads=(0, 1))
        return _fitting(_Parts(str(long), head, tail, h, t, source.length, source.base))

    def _halved(self, node: NodeProto, kernel: int, source: _Parts) -> _Parts:
        """A convolution of stride 2 over three steps, or over one.

        State j is made of states 2j-1, 2j and 2j+1, or of 2j alone; either way parts fit together.
        """
        length = (source.length + 1) // 2
        h = source.h // 2 + 1
        behind = (source.length - source.t) // 2  # where the tail begins
        margin = kernel // 2
        wide = self._widened(source, 2 * h - 1 + margin, source.length - 2 * behind + margin)
        first = 2 * h - margin - source.h
        trimmed = self.nodes.trimmed(source.long, first, 1 - margin)
        long = self.nodes.copy(node, [trimmed], "long", pads=(0, 0))
        head = self.nodes.copy(node, [wide.head], "head", pads=(margin, 0))
        tail = self.nodes.copy(node, [wide.tail], "tail", pads=(0, margin * (source.length % 2)))
        return _fitting(_Parts(str(long), head, tail, h, length - behind, length, self._halves()))

    def _halves(self) -> str:
        if not any(_HALVED_STARTS in node.output for node in self.nodes.added):
            self.nodes.add("Div", [_STARTS, self.nodes.constant(2)], output=_HALVED_STARTS)
        return _HALVED_STARTS

    def _aligned(self, sources: list[_Parts]) -> list[_Parts]:
        """Make all heads, and all tails, as long as the longest."""
        h, t = max(s.h for s in sources), max(s.t for s in sources)
        return [
            replace(
                self._widened(source, h, t),
                long=self.nodes.trimmed(source.long, h - source.h, t - source.t),
            )
            for source in sources
        ]

    def _widened(self, source: _Parts, h: int, t: int) -> _Parts:
        """Extend head and tail to `h` and `t` states; `long` stays as it is."""
        if (h, t) == (source.h, source.t):
            return source
        if h > source.length - source.t or t > source.length - source.h:
            raise _TooShortError
        if source.dequantized:
            node, quantized = source.dequantized
            wide = self._widened(quantized, h, t)
            head = self.nodes.copy(node, [wide.head], "head")
            tail = self.nodes.copy(node, [wide.tail], "tail")
        else:
            more = self._rows(source, range(source.h, h))
            before = self._rows(source, range(source.length - t, source.length - source.t))
            head = self.nodes.joined([source.head, more])
            tail = self.nodes.joined([before, source.tail])
        return replace(source, head=head, tail=tail, h=h, t=t)

    def _assemble(self, source: _Parts, output: str) -> None:
        middle = self._rows(source, range(source.h, source.length - source.t))
        self.nodes.joined([source.head, middle, source.tail], output=output)

    def _rows(self, source: _Parts, states: range) -> str | None:
        offsets = [state - source.h for state in states]
        return self.nodes.rows(source.long, source.base, offsets)


def _fitting(parts: _Parts) -> _Parts:
    if parts.h + parts.t > parts.length:
        raise _TooShortError
    return parts


def _ints(node: NodeProto, name: str) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == name), [])
