"""Adding nodes to a shared graph, each with a unique name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

TIME = 2
"""Axis of `(n, C, T, H, W)`."""


class Nodes:
    """Grows a graph; every method adds nodes and returns the name of their output."""

    def __init__(self, initializers: Iterable[TensorProto]) -> None:
        self._initializers = {tensor.name: tensor for tensor in initializers}
        self.added: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self._used: dict[str, int] = {}

    def copy(
        self,
        node: NodeProto,
        sources: Sequence[str | None],
        part: str,
        *,
        pads: tuple[int, int] | None = None,
    ) -> str | None:
        """Copy a node of the plain graph to one part of its inputs, with its own padding in time.

        None if that part is empty.
        """
        if None in sources:
            return None
        copy = NodeProto()
        copy.CopyFrom(node)
        for position, name in enumerate(sources):
            copy.input[position] = str(name)
        copy.name = self._unique(f"{node.name}/{part}")
        copy.output[0] = self._unique(f"{node.output[0]}/{part}")
        if node.op_type == "Conv" and len(node.input) == 3:
            # OpenVINO fuses a bias, and all that follows it, only if nothing else reads it.
            copy.input[2] = self._own(node.input[2], copy.name)
        if pads is not None:
            (padding,) = (a.ints for a in copy.attribute if a.name == "pads")
            padding[0], padding[3] = pads
        self.added.append(copy)
        return str(copy.output[0])

    def add(self, op: str, inputs: list[str], *, output: str | None = None, **more: Any) -> str:
        """Add a node that the plain graph does not have."""
        name = output or self._unique(f"shared/{op}")
        self.added.append(helper.make_node(op, inputs, [name], name=f"{name}/node", **more))
        return name

    def constant(self, value: int | list[int]) -> str:
        """An integer or a list of them."""
        kind = "scalar" if isinstance(value, int) else "row"
        name = f"shared/{kind}/" + "_".join(map(str, np.atleast_1d(value)))
        self.constants[name] = numpy_helper.from_array(np.array(value, np.int64), name)
        return name

    def rows(self, long: str, base: str, offsets: list[int]) -> str | None:
        """States `base + offsets` of `long (1, C, T, H, W)`: `(clips, C, offsets, H, W)`."""
        if not offsets:
            return None
        first = self.add("Unsqueeze", [base, self.constant([1])])
        index = self.add("Add", [first, self.constant(offsets)])
        rows = self.add("Gather", [long, index], axis=TIME)
        rows = self.add("Squeeze", [rows, self.constant([0])])  # (C, clips, offsets, H, W)
        return self.add("Transpose", [rows], perm=[1, 0, 2, 3, 4])

    def joined(self, names: Sequence[str | None], *, output: str | None = None) -> str | None:
        """Concatenate in time, leaving out None."""
        found = [name for name in names if name is not None]
        if len(found) > 1 or (found and output):
            return self.add("Concat", found, axis=TIME, output=output)
        return found[0] if found else None

    def trimmed(self, name: str, front: int, back: int) -> str:
        """Remove this many states at either end."""
        if not front and not back:
            return name
        end = -back if back else int(np.iinfo(np.int64).max)
        return self.add("Slice", [name, *(self.constant([v]) for v in (front, end, TIME))])

    def _own(self, initializer: str, reader: str) -> str:
        tensor = TensorProto()
        tensor.CopyFrom(self._initializers[initializer])
        tensor.name = f"{reader}/bias"
        self.constants[tensor.name] = tensor
        return tensor.name

    def _unique(self, name: str) -> str:
        self._used[name] = self._used.get(name, 0) + 1
        return name if self._used[name] == 1 else f"{name}/{self._used[name]}"
