from __future__ import annotations

import getpass
import json
from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from traced import traced_once

from edgeecho.bundle import open_model
from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.recipes.fp32 import write_onnx
from edgeecho_train.network import R2Plus1D18

SPEC = PreprocessSpec((32.64, 32.9, 33.15), (49.98, 49.97, 50.24), 16, 4, 56, training_fps=50.5)


@pytest.fixture(scope="module", autouse=True)
def traced() -> None:
    """As it is: the tracing is what is tested."""


@pytest.fixture(scope="module")
def network() -> R2Plus1D18:
    torch.manual_seed(8)
    network = R2Plus1D18(0.0625)
    # Batch norms that do something, so that folding them leaves a bias.
    network(torch.randn(4, 3, 16, 56, 56))
    return network.eval()


@pytest.fixture(scope="module")
def file(network: R2Plus1D18, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(path, network, SPEC, name="tiny", version="3")
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> onnx.ModelProto:
    return onnx.load(file)


@pytest.mark.slow
def test_opset_is_18_and_nothing_but_the_standard(model: onnx.ModelProto) -> None:
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert not model.functions


def test_only_the_batch_is_dynamic(model: onnx.ModelProto) -> None:
    (clip,), (ef, embedding) = model.graph.input, model.graph.output
    assert (clip.name, ef.name, embedding.name) == ("clip", "ef", "embedding")
    dims = clip.type.tensor_type.shape.dim
    assert dims[0].dim_param
    assert [d.dim_value for d in dims[1:]] == [3, 16, 56, 56]
    (batch,) = ef.type.tensor_type.shape.dim
    rows, features = embedding.type.tensor_type.shape.dim
    assert batch.dim_param == rows.dim_param == dims[0].dim_param
    assert features.dim_value == 32, "512 at width 0.0625"
    kinds = {value.type.tensor_type.elem_type for value in (clip, ef, embedding)}
    assert kinds == {onnx.TensorProto.FLOAT}


def test_batch_norms_are_folded_into_37_convolutions(model: onnx.ModelProto) -> None:
    operators = Counter(node.op_type for node in model.graph.node)
    assert operators["Conv"] == 37
    assert "BatchNormalization" not in operators
    # 17 blocks of two factors, one ReLU after each but for those of the sums; 8 sums.
    assert operators["Relu"] == 2 + 8 * 4
    assert operators["Add"] == 8
    assert all(len(n.input) == 3 for n in model.graph.node if n.op_type == "Conv"), "no bias"


def test_preprocessing_travels_inside(model: onnx.ModelProto, file: Path) -> None:
    (entry,) = model.metadata_props
    assert entry.key == "edgeecho.model"
    facts = json.loads(entry.value)
    assert PreprocessSpec.from_dict(facts["preprocess"]) == SPEC
    assert (facts["name"], facts["version"], facts["precision"]) == ("tiny", "3", "fp32")
    opened = open_model(file)
    assert opened.preprocess == SPEC
    assert (opened.name, opened.version) == ("tiny", "3")


def test_nothing_of_this_machine_is_inside(file: Path) -> None:
    whole = file.read_bytes()
    for secret in (b"site-packages", b"/work", b"/home", b"Traceback", b"edgeecho_train"):
        assert secret not in whole, secret
    model = onnx.load(file)
    for initializer in model.graph.initializer:
        # Weights are any bytes; three given ones in a row come about by chance.
        initializer.ClearField("raw_data")
    words = model.SerializeToString()
    assert b"clip" in words
    for secret in (b".py", b"/tmp", b"/usr", b"/root", b"line ", b"stack", b"namespace"):
        assert secret not in words, secret
    assert f"/{getpass.getuser()}/".encode() not in words


def test_file_is_alone_and_valid(file: Path, model: onnx.ModelProto) -> None:
    assert [f.name for f in file.parent.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(model, full_check=True)
    inside = {i.data_location for i in model.graph.initializer}
    assert inside == {onnx.TensorProto.DEFAULT}


@pytest.mark.slow
def test_exporting_again_gives_the_same_bytes_and_changes_no_weight(
    file: Path, network: R2Plus1D18, tmp_path: Path
) -> None:
    before = {key: value.clone() for key, value in network.state_dict().items()}
    write_onnx(tmp_path / "again.onnx", network, SPEC, name="tiny", version="3")
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not network.training


@pytest.mark.slow
def test_what_other_tests_take_for_a_trace_gives_the_same_bytes(
    file: Path, network: R2Plus1D18, tmp_path: Path
) -> None:
    """Width, frames and size are others than those of the trace that stands for all."""
    with traced_once():
        write_onnx(tmp_path / "other.onnx", network, SPEC, name="tiny", version="3")
    assert (tmp_path / "other.onnx").read_bytes() == file.read_bytes()
