"""Which engines stop `edgeecho verify`, and which are only named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines import OURS, EngineDescriptor, load_on_cpu, registry
from edgeecho.tools.verify import references_of
from edgeecho.tools.verify.run import verify_bundle

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NARROW, DATA = ROOT / "models" / "narrow" / "bundle", ROOT / "examples" / "phantoms"


class FailsInARun:
    def __init__(self, _engine: EngineDescriptor, model: Any, *_: object) -> None:
        self.facts = load_on_cpu(model).facts

    def run(self, _clips: object) -> Any:
        raise EngineError("it ran out of memory")


def failing(error: Exception) -> Any:
    def fail(*_: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("opens", "why", "failed"),
    [
        (failing(OSError("libnvinfer.so.10: cannot open")), "cannot be loaded (libnvinf", False),
        (failing(EngineError("CUDA lacks a kernel")), "CUDA lacks a kernel", False),
        (failing(ModelError("fp32.onnx is damaged")), "fp32.onnx is damaged", True),
        (FailsInARun, "it ran out of memory", True),
    ],
)
def test_one_that_cannot_be_opened_is_named_and_stops_nothing(
    opens: Any, why: str, failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(OURS[0], name="beads", open=opens, auto=None)
    monkeypatch.setattr(registry, "OURS", (broken, *OURS[:1]))
    references = references_of(NARROW, DATA, split="TEST", n=2)
    report = verify_bundle(NARROW, references=references)
    assert [row.engine.name for row in report.rows] == ["openvino"]
    (left,) = (one for one in report.not_run if one.engine == "beads")
    assert why in left.reason
    assert (left.failed, bool(report.failed)) == (failed, failed)
    with pytest.raises((EngineError, ModelError)):
        verify_bundle(NARROW, references=references, engine="beads")
