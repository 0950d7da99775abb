"""The repository's README."""

from __future__ import annotations

from edgeecho.bundle import ModelFile
from edgeecho.common.about import RESEARCH_USE
from edgeecho.tools.triton.config import ANSWERS, MASKS, MOST

_PLANS = """
The networks' plans are not here: they belong to one TensorRT and one kind of GPU. Make each beside
its `.onnx`, with the `trtexec` of the TensorRT that your Triton has (its release notes say which):

    trtexec --onnx=NAME.onnx --saveEngine=NAME.plan --minShapes={clip} \\
        --optShapes={clip4} --maxShapes={most}

and for `{masks}`, if there is one, with `{frame}` and so on.
"""


def readme(model: ModelFile, backend: str) -> str:
    """What whoever starts the server has to know."""
    spec = model.preprocess
    dims = f"3x{spec.frames}x{spec.size}x{spec.size}"
    plans = _PLANS.format(
        clip=f"clip:1x{dims}",
        clip4=f"clip:4x{dims}",
        most=f"clip:{MOST}x{dims}",
        masks=MASKS,
        frame=f"frame:1x3x{spec.size}x{spec.size}",
    )
    return f"""# {model.name} {model.version}, {model.precision}, for Triton

{RESEARCH_USE}

    tritonserver --model-repository=. --http-address=127.0.0.1 --grpc-address=127.0.0.1 \\
        --metrics-address=127.0.0.1

Without these addresses Triton listens on all of the machine's, and asks nobody who they are.

The Python of Triton's Python backend needs the edgeecho that wrote this. The networks run in the
backend `{backend}`.
{plans if backend == "tensorrt" else ""}
- `{ANSWERS}` takes a file (`file`, BYTES, one element) and gives `status`, `ef`, `interval`,
  `refusals`, `reasons`, `warnings` and `result`; what a gate refused has no number. Ask this one.
- The others are its networks. They take normalised pixels and know no gate: nothing stands between
  a bad video and its number.
"""
