"""The one way to both builders, with a stand-in for their modules; no package is needed."""

from __future__ import annotations

import subprocess
import sys
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rtx import needs_rtx

from edgeecho.common.errors import EngineError, MissingDependencyError
from edgeecho_export.targets.library import RTX
from edgeecho_export.targets.network import Plan, build_engine, parse_errors


class Severity(IntEnum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class ILogger:
    Severity = Severity

    def __init__(self) -> None: ...


class StandIn:
    """A TensorRT that notes what it is asked, and answers as the test wants."""

    Logger = ILogger
    ILogger = ILogger
    __version__ = "0"
    NetworkDefinitionCreationFlag = SimpleNamespace(EXPLICIT_BATCH=0, STRONGLY_TYPED=1)
    ProfilingVerbosity = SimpleNamespace(DETAILED="detailed")
    ComputeCapability = SimpleNamespace(SM86="SM86")
    BuilderFlag = SimpleNamespace(TF32="tf32")

    def __init__(self, name: str, **answers: Any) -> None:
        self.__name__ = name
        self.answers = {"parse": True, "data": b"engine", "profile": 0, "capability": True}
        self.answers |= answers
        self.flags: int | None = None
        self.cleared: list[str] = []
        self.shapes: tuple[Any, ...] = ()
        self.config = SimpleNamespace(
            add_optimization_profile=lambda profile: self.answers["profile"],
            set_compute_capability=lambda value, place: self.answers["capability"],
            clear_flag=self.cleared.append,
            get_flag=lambda flag: flag not in self.cleared or self.answers.get("insists", False),
        )

    def Builder(self, logger: Any) -> Any:  # noqa: N802
        def create_network(flags: int) -> Any:
            self.flags = flags
            clip = SimpleNamespace(name="clip", shape=(-1, 3, 16, 56, 56))
            return SimpleNamespace(get_input=lambda i: clip)

        def build(network: Any, config: Any) -> Any:
            logger.log(Severity.VERBOSE, "one\ntwo")
            for message in self.answers.get("errors", ()):
                logger.log(Severity.ERROR, message)
            return self.answers["data"]

        def create_profile() -> Any:
            return SimpleNamespace(set_shape=lambda *shapes: setattr(self, "shapes", shapes))

        return SimpleNamespace(
            create_network=create_network,
            create_builder_config=lambda: self.config,
            create_optimization_profile=create_profile,
            build_serialized_network=build,
        )

    def OnnxParser(self, network: Any, logger: Any) -> Any:  # noqa: N802
        error = SimpleNamespace(node_name=lambda: "node_1", desc=lambda: "not\n known")
        return SimpleNamespace(
            parse=lambda data: self.answers["parse"], num_errors=1, get_error=lambda i: error
        )


def test_every_network_of_tensorrt_rtx_is_strongly_typed() -> None:
    """That TensorRT's is so too is held by the emulation, see `test_build_tensorrt`."""
    trt = StandIn("tensorrt_rtx")
    built = build_engine(trt, b"onnx", Plan((1, 4, 8)))
    assert trt.flags == 0
    assert trt.config.profiling_verbosity == "detailed"
    assert trt.shapes == ("clip", *((size, 3, 16, 56, 56) for size in (1, 4, 8)))
    assert (built.data, built.log) == (b"engine", ("one", "two"))


def test_capabilities_are_set_where_they_are_asked_for() -> None:
    trt = StandIn("tensorrt_rtx")
    build_engine(trt, b"onnx", Plan((1, 4, 8), ("sm86",)))
    assert trt.config.num_compute_capabilities == 1


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"parse": False}, "refused: node_1: not known"),
        ({"profile": -1}, "no profile"),
        ({"capability": False}, "sm86 was refused"),
        ({"data": None, "errors": ("first", "second\n line")}, "^second line$"),
        ({"data": None}, "gave no reason"),
        (
            {
                "data": None,
                "errors": (
                    "Cannot compile operation 'n' for Turing (SM75): FP8 is not supported.",
                ),
            },
            "n is FP32, and sm75 .Turing. has no FP8",
        ),
    ],
)
def test_every_refusal_is_an_error_with_its_reason(answers: dict[str, Any], says: str) -> None:
    with pytest.raises(EngineError, match=says) as caught:
        build_engine(StandIn("tensorrt_rtx", **answers), b"onnx", Plan((1, 4, 8), ("sm86",)))
    assert "\n" not in str(caught.value)


def test_parser_says_what_it_has_against_a_file() -> None:
    assert parse_errors(StandIn("tensorrt"), b"onnx") == ()
    assert parse_errors(StandIn("tensorrt", parse=False), b"onnx") == ("node_1: not known",)


@pytest.mark.parametrize("module", ["onnx", "tensorrt_rtx"])
def test_missing_package_is_named_with_its_extra(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"{module}.*'edgeecho\[tensorrt-rtx\]'"):
        RTX.load()


def test_command_without_the_package_is_one_line(
    edgeecho, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    done = edgeecho("build", tmp_path, "--compute-capability", "sm86")
    assert done.returncode == 4
    assert "pip install 'edgeecho[tensorrt-rtx]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_build_needs_no_torch() -> None:
    program = (
        "import sys\nimport edgeecho_export.targets.publish, edgeecho_export.build_cli\n"
        "print(sorted({'torch', 'tensorrt_rtx', 'onnxruntime', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("name", ["tensorrt_rtx", "tensorrt"])
def test_fp32_is_not_tf32_in_either_builder(name: str) -> None:
    with pytest.raises(EngineError, match="insists on TF32"):
        build_engine(StandIn(name, insists=True), b"", Plan((1, 4, 8)))


@needs_rtx
def test_tensorrt_rtx_would_use_tf32_and_is_forbidden_to() -> None:
    import tensorrt_rtx

    from edgeecho_export.targets.network import _forbid_tf32

    builder = tensorrt_rtx.Builder(tensorrt_rtx.Logger())
    config = builder.create_builder_config()
    flag = tensorrt_rtx.BuilderFlag.TF32
    assert config.get_flag(flag), "no longer its default: is forbidding it still needed?"
    _forbid_tf32(tensorrt_rtx, config)
    assert not config.get_flag(flag)
