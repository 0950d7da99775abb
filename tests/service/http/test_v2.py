"""The Open Inference Protocol (V2), spoken by NVIDIA's own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import wait
from pydicom.examples import get_path
from served import PHANTOMS, Process

from edgeecho import RESEARCH_USE
from edgeecho.bundle import open_model
from edgeecho.engines import load_engine

triton = pytest.importorskip("tritonclient.http")
utils = pytest.importorskip("tritonclient.utils")

pytestmark = pytest.mark.slow

CLIP = (3, 32, 112, 112)


@pytest.fixture(scope="module")
def v2(service: Process) -> Any:
    with triton.InferenceServerClient(service.url.removeprefix("http://")) as client:
        yield client


def file_input(content: bytes, *, binary: bool = True) -> Any:
    tensor = triton.InferInput("file", [1], "BYTES")
    return tensor.set_data_from_numpy(np.array([content], object), binary_data=binary)


def clips_input(clips: Any, *, binary: bool = True) -> Any:
    tensor = triton.InferInput("clip", list(clips.shape), utils.np_to_triton_dtype(clips.dtype))
    return tensor.set_data_from_numpy(clips, binary_data=binary)


def some_clips(number: int) -> Any:
    return np.random.default_rng(3).normal(size=(number, *CLIP)).astype(np.float32)


def files_left(service: Process) -> list[str]:
    return [file.name for file in (service.state / "files").iterdir()]


def test_health_and_metadata(v2: Any) -> None:
    assert v2.is_server_live()
    assert v2.is_server_ready()
    server = v2.get_server_metadata()
    assert (server["name"], server["extensions"]) == ("edgeecho", ["binary_tensor_data"])
    for name, given in (("edgeecho", "file"), ("edgeecho-clips", "clip")):
        assert v2.is_model_ready(name)
        assert v2.is_model_ready(name, "1")
        assert not v2.is_model_ready(name, "7")
        about = v2.get_model_metadata(name, "1")
        assert (about["name"], about["versions"], about["platform"]) == (name, ["1"], "edgeecho")
        assert [tensor["name"] for tensor in about["inputs"]] == [given]
    assert about["inputs"][0] == {"name": "clip", "datatype": "FP32", "shape": [-1, *CLIP]}
    assert [t["name"] for t in about["outputs"]] == ["ef", "embedding"]
    assert not v2.is_model_ready("other")


@pytest.mark.parametrize("binary", [True, False])
def test_a_file_gets_the_answer_of_infer(
    v2: Any, edgeecho: Any, service: Process, binary: bool
) -> None:
    wanted = [triton.InferRequestedOutput(name, binary_data=binary)
              for name in ("status", "ef", "interval", "refusals", "result")]  # fmt: skip
    inputs = [file_input(PHANTOMS[0].read_bytes())]
    found = v2.infer("edgeecho", inputs, request_id="42", outputs=wanted)
    (expected,) = json.loads(edgeecho("infer", PHANTOMS[0], "--json", "--threads", 1).stdout)[
        "results"
    ]
    assert found.as_numpy("status").tolist() in ([b"answered"], ["answered"])
    assert found.as_numpy("ef").dtype == np.float64
    assert found.as_numpy("ef").tolist() == [expected["ef"]]
    assert found.as_numpy("refusals").shape == (0,)
    document = json.loads(found.as_numpy("result")[0])
    assert document["research_use"] == RESEARCH_USE
    assert document["results"][0]["clip_efs"] == expected["clip_efs"]
    about = found.get_response()
    assert (about["id"], about["model_name"], about["model_version"]) == ("42", "edgeecho", "1")
    assert about["parameters"]["research_use"] == RESEARCH_USE
    assert files_left(service) == []


def test_a_refused_file_has_reasons_and_no_number(v2: Any) -> None:
    for wanted in (None, [triton.InferRequestedOutput(name, binary_data=False)
                          for name in ("ef", "interval", "refusals", "reasons")]):  # fmt: skip
        content = Path(get_path("ybr_color")).read_bytes()
        found = v2.infer("edgeecho", [file_input(content)], outputs=wanted)
        assert found.as_numpy("ef").shape == found.as_numpy("interval").shape == (0,)
        gates, reasons = found.as_numpy("refusals"), found.as_numpy("reasons")
        assert len(gates) == len(reasons) > 0
        with pytest.raises(IndexError):
            found.as_numpy("ef")[0]


@pytest.mark.parametrize("binary", [True, False])
def test_clips_get_what_the_engine_says(v2: Any, toy_bundle: Path, binary: bool) -> None:
    clips = some_clips(6 if binary else 1)
    found = v2.infer("edgeecho-clips", [clips_input(clips, binary=binary)])
    engine = load_engine("auto", open_model(toy_bundle), threads=1)
    expected = engine.run(clips)
    # In batches of four, as all clips; JSON has the digits that a float32 needs.
    assert found.as_numpy("ef") == pytest.approx(expected.ef, abs=1e-4)
    assert found.as_numpy("embedding").shape == expected.embedding.shape
    assert found.as_numpy("ef").dtype == np.float32
    assert found.get_response()["parameters"]["gates"] is False


def test_what_is_no_video_is_an_error_of_one_line(v2: Any, service: Process) -> None:
    with pytest.raises(utils.InferenceServerException) as caught:
        v2.infer("edgeecho", [file_input(b"no video, by Jane Doe")])
    assert caught.value.status() == "400"
    assert "\n" not in caught.value.message()
    assert "Jane" not in caught.value.message()
    assert wait(lambda: not files_left(service))


def test_what_does_not_fit_is_said(v2: Any, service: Process) -> None:
    clips = some_clips(1)
    unknown = triton.InferRequestedOutput("x")
    unsupported = triton.InferRequestedOutput("ef", class_count=3)
    for model, inputs, outputs, status, words in (
        ("other", [file_input(b"x")], None, "404", "no model of that name"),
        ("edgeecho", [clips_input(clips)], None, "400", "one input, file"),
        ("edgeecho", [file_input(b"x")] * 2, None, "400", "one input, file"),
        ("edgeecho", [file_input(b"x", binary=False)], None, "400", "binary"),
        ("edgeecho-clips", [clips_input(clips.astype(np.float64))], None, "400", "FP32"),
        ("edgeecho-clips", [clips_input(clips[:, :, :8])], None, "400", "(b, 3, 32, 112, 112)"),
        ("edgeecho-clips", [clips_input(clips * np.nan)], None, "400", "not finite"),
        ("edgeecho-clips", [clips_input(clips)], [unknown], "400", "outputs"),
        ("edgeecho-clips", [clips_input(clips)], [unsupported], "400", "classification"),
    ):  # fmt: skip
        with pytest.raises(utils.InferenceServerException) as caught:
            v2.infer(model, inputs, outputs=outputs)
        assert (caught.value.status(), words in caught.value.message()) == (status, True), words
    with pytest.raises(utils.InferenceServerException, match="sequence"):
        v2.infer("edgeecho-clips", [clips_input(clips)], sequence_id=4)
    assert files_left(service) == []
