from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from released import as_of_gpu, echonet, rewrite_pickle, segmentation, weights
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint
from edgeecho_train.network import R2Plus1D18

GIVEN = CheckpointOptions(mean=(32.64, 32.9, 33.15), std=(49.98, 49.97, 50.24))


def assert_holds(network: R2Plus1D18, expected: dict[str, torch.Tensor]) -> None:
    found = network.state_dict()
    counts = {k for k in found if k.endswith("num_batches_tracked")}
    assert found.keys() - counts == expected.keys() - counts
    assert all(torch.equal(found[k], expected[k]) for k in expected)
    assert not network.training


@pytest.mark.slow
def test_our_checkpoint_brings_everything(narrow_run: Path) -> None:
    source = read_checkpoint(narrow_run / "best.pt", CheckpointOptions())
    stored = torch.load(narrow_run / "best.pt", weights_only=True)
    assert_holds(source.network, stored["state_dict"])
    assert source.preprocess == PreprocessSpec.from_dict(stored["preprocess"])
    assert source.training["recipe"]["epochs"] == 1
    assert source.reference["file"] == "reference_clips.npz"


def test_our_checkpoint_is_not_overruled(narrow_run: Path) -> None:
    for given in (GIVEN, CheckpointOptions(frames=32), CheckpointOptions(period=2)):
        with pytest.raises(UsageError, match="has its own"):
            read_checkpoint(narrow_run / "best.pt", given)


@pytest.fixture(scope="module")
def rounded(narrow_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our checkpoint as `edgeecho release` publishes it."""
    from edgeecho_train.release import release_checkpoint

    out = tmp_path_factory.mktemp("rounded") / "small.safetensors"
    release_checkpoint(narrow_run / "best.pt", out)
    return out


def test_rounded_checkpoint_brings_everything(narrow_run: Path, rounded: Path) -> None:
    from edgeecho_export.reference_clips import select_clips

    exact, found = (
        read_checkpoint(p, CheckpointOptions()) for p in (narrow_run / "best.pt", rounded)
    )
    assert_holds(
        found.network,
        {
            name: value.half().float() if name in dict(exact.network.named_parameters()) else value
            for name, value in exact.network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        },
    )
    assert (found.preprocess, found.reference) == (exact.preprocess, exact.reference)
    assert found.training is not None
    assert found.training["rounded_from_sha256"] == exact.sha256
    assert len(select_clips(rounded, found, None, None, []).clips.clips) == found.reference["n"]
    with pytest.raises(UsageError, match="has its own"):
        read_checkpoint(rounded, GIVEN)


def test_rounded_checkpoint_is_inspected(edgeecho: Any, rounded: Path) -> None:
    done = edgeecho("inspect", rounded)
    assert (done.returncode, done.stderr) == (0, "")
    assert "123,552" in done.stdout


def change_header(path: Path, out: Path, **changes: Any) -> Path:
    """The same tensors with other facts; None: without that one."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["edgeecho"])
    facts = {k: v for k, v in {**facts, **changes}.items() if v is not None}
    save_file(load_file(path), out, metadata={"edgeecho": json.dumps(facts)})
    return out


FOREIGN: dict[str, Callable[[Path, Path], object]] = {
    "cut in the weights": lambda path, out: out.write_bytes(path.read_bytes()[:-100]),
    "cut in the header": lambda path, out: out.write_bytes(path.read_bytes()[:1000]),
    "damaged header": lambda path, out: out.write_bytes(
        path.read_bytes().replace(b'"dtype"', b'"btype"', 1)
    ),
    "no metadata": lambda path, out: save_file(load_file(path), out),
    "other metadata": lambda path, out: save_file(load_file(path), out, metadata={"format": "pt"}),
    "no JSON": lambda path, out: save_file(load_file(path), out, metadata={"edgeecho": "{"}),
    "a later format": lambda path, out: change_header(path, out, format="edgeecho-checkpoint-2"),
    "no preprocess": lambda path, out: change_header(path, out, preprocess=None),
    "half a preprocess": lambda path, out: change_header(path, out, preprocess={"frames": 32}),
    "no head": lambda path, out: save_file(
        {k: v for k, v in load_file(path).items() if k != "fc.bias"},
        out,
        metadata=safe_open(path, framework="pt").metadata(),
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_safetensors_are_a_model_error_of_one_line(
    kind: str, rounded: Path, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    FOREIGN[kind](rounded, path)
    with pytest.raises(ModelError) as caught:
        read_checkpoint(path, CheckpointOptions())
    assert "\n" not in str(caught.value)
    assert kind == "half a preprocess" or str(path) in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"])
def test_echonets_release_is_read_whichever_numpy_wrote_it(module: bytes, tmp_path: Path) -> None:
    path = echonet(tmp_path / "echonet.pt")
    scalar = re.compile(rb"cnumpy\.(?:_core|core)\.multiarray\nscalar\n")

    def respell(data: bytes) -> bytes:
        assert len(scalar.findall(data)) == 1
        return scalar.sub(b"c" + module + b".multiarray\nscalar\n", data)

    rewrite_pickle(path, respell)
    source = read_checkpoint(path, GIVEN)
    assert_holds(source.network, weights())
    assert source.preprocess == PreprocessSpec(GIVEN.mean, GIVEN.std, frames=32, period=2)
    assert source.training is None
    assert source.reference is None


def test_checkpoint_saved_on_a_gpu_is_read_on_the_cpu(tmp_path: Path) -> None:
    path = as_of_gpu(echonet(tmp_path / "echonet.pt"))
    assert_holds(read_checkpoint(path, GIVEN).network, weights())


def test_file_format_of_old_torch_is_read(tmp_path: Path) -> None:
    path = echonet(tmp_path / "echonet.pt", zipped=False)
    assert_holds(read_checkpoint(path, GIVEN).network, weights())


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("width", [0.0625, 0.3])
def test_bare_state_dict_takes_what_is_given(prefix: str, width: float, tmp_path: Path) -> None:
    bare = weights(width)
    torch.save({prefix + k: v for k, v in bare.items()}, tmp_path / "bare.pt")
    given = CheckpointOptions(GIVEN.mean, GIVEN.std, frames=16, period=3)
    source = read_checkpoint(tmp_path / "bare.pt", given)
    assert_holds(source.network, bare)
    assert (source.preprocess.frames, source.preprocess.period) == (16, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [CheckpointOptions(), CheckpointOptions(mean=GIVEN.mean), CheckpointOptions(std=GIVEN.std)],
)
def test_mean_and_std_must_be_given(given: CheckpointOptions, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--mean and --std"):
        read_checkpoint(echonet(tmp_path / "echonet.pt"), given)


@pytest.mark.parametrize("option", ["frames", "period"])
def test_contradiction_is_a_usage_error(option: str, tmp_path: Path) -> None:
    path = echonet(tmp_path / "echonet.pt", frames=24, period=4)
    agreeing = CheckpointOptions(GIVEN.mean, GIVEN.std, frames=24, period=4)
    assert read_checkpoint(path, agreeing).preprocess.period == 4
    given = CheckpointOptions(GIVEN.mean, GIVEN.std, **{option: 16})
    with pytest.raises(UsageError, match=f"--{option} 16: the checkpoint says"):
        read_checkpoint(path, given)


class Program:
    """Pickles as a call of `function`."""

    def __init__(self, function: Callable[..., Any], argument: str) -> None:
        self.call = (function, (argument,))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return self.call


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("function", [os.mkdir, eval], ids=["mkdir", "eval"])
def test_program_is_refused_and_not_run(
    function: Callable[..., Any], zipped: bool, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    argument = str(trap) if function is os.mkdir else f"__import__('os').mkdir({str(trap)!r})"
    path = echonet(tmp_path / "evil.pt", zipped=zipped, loss=Program(function, argument))
    with pytest.raises(ModelError, match=function.__name__) as caught:
        read_checkpoint(path, GIVEN)
    assert "weights_only" not in str(caught.value), "advises to run it"
    assert not trap.exists()
    # The trap works, for a reader that falls into it.
    torch.load(path, weights_only=False)
    assert trap.exists()


def without(name: str) -> Callable[[dict[str, torch.Tensor]], Any]:
    return lambda value: {k: v for k, v in value.items() if k != name}


NO_EF_NETWORK: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "400 outputs": lambda v: {**v, "fc.weight": torch.zeros(400, 32), "fc.bias": torch.zeros(400)},
    "one shape changed": lambda v: {**v, "layer2.1.conv1.1.weight": torch.zeros(7)},
    "far too wide": lambda v: {**v, "stem.3.weight": torch.zeros(64_000, 1, 1, 1, 1)},
    "far too narrow": lambda v: {**v, "stem.3.weight": torch.zeros(1, 1, 1, 1, 1)},
    "no batch norm": without("layer1.0.conv1.0.1.weight"),
    "no stem": without("stem.3.weight"),
    "no head": without("fc.weight"),
    "no bias": without("fc.bias"),
    "one key too many": lambda v: {**v, "layer5.weight": torch.zeros(1)},
    "scalar head": lambda v: {**v, "fc.weight": torch.tensor(1.0)},
    "numbered keys": lambda v: dict(enumerate(v.values())),
    "list": lambda v: list(v.values()),
    "tensor": lambda v: v["fc.weight"],
    "empty dict": lambda v: {},
    "no tensors": lambda v: dict.fromkeys(v, 1.0),
    "state_dict is a list": lambda v: {"state_dict": list(v.values())},
    "ours without preprocess": lambda v: {"format": "edgeecho-checkpoint-1", "state_dict": v},
}


@pytest.mark.parametrize("kind", NO_EF_NETWORK)
def test_what_is_no_ef_network_is_a_model_error_of_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save(NO_EF_NETWORK[kind](weights()), path)
    with pytest.raises(ModelError) as caught:
        read_checkpoint(path, GIVEN)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_segmentation_checkpoint_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds a segmentation network, which gives masks and no"):
        read_checkpoint(segmentation(tmp_path / "deeplabv3.pt"), GIVEN)


@pytest.mark.parametrize(
    "content",
    [b"", b"EF,Split\n55,TRAIN\n", b"hello", b"\x80\x02G\x00", b"PK\x03\x04", b"\x89PNG\r\n"],
)
def test_file_that_is_no_checkpoint_is_a_model_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "some.pt").write_bytes(content)
    with pytest.raises(ModelError, match="damaged") as caught:
        read_checkpoint(tmp_path / "some.pt", GIVEN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_truncated_checkpoint_is_a_model_error(part: float, zipped: bool, tmp_path: Path) -> None:
    path = echonet(tmp_path / "echonet.pt", zipped=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ModelError, match="damaged"):
        read_checkpoint(path, GIVEN)


def test_missing_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such checkpoint"):
        read_checkpoint(tmp_path / "nowhere.pt", GIVEN)
