"""A checkpoint as it is published: what is rounded, what is refused, what goes with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file as load_safetensors
from typer.testing import CliRunner

from edgeecho.common.errors import EdgeEchoError, InputError, ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho_train.checkpoint import load_checkpoint
from edgeecho_train.release import app, release_checkpoint
from edgeecho_train.rounded import FORMAT


def rewritten(source: Path, out: Path, name: str, value: float) -> Path:
    """A checkpoint that brings no clips and in which one tensor has only `value`."""
    stored = torch.load(source, weights_only=True)
    stored["reference_clips"] = None
    stored["state_dict"][name].fill_(value)
    torch.save(stored, out)
    return out


def test_every_weight_is_rounded_to_fp16_and_nothing_else_changes(
    narrow_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "small.safetensors"
    done = CliRunner().invoke(app, [str(narrow_run / "best.pt"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "123,552 weights in FP16, largest relative rounding error 0.000" in done.stdout
    assert done.stdout.splitlines()[-1] == "Research use only, not for diagnosis."
    exact, rounded = load_checkpoint(narrow_run / "best.pt"), load_checkpoint(out)
    weights = {k: v for k, v in exact["state_dict"].items() if "num_batches" not in k}
    assert rounded["state_dict"].keys() == weights.keys()
    for name, value in weights.items():
        expected = value if "running_" in name else value.half().float()
        found = rounded["state_dict"][name]
        assert found.dtype == torch.float32
        assert torch.equal(found, expected), name
    stored = {v.dtype for k, v in load_safetensors(out).items() if "running_" not in k}
    assert stored == {torch.float16}
    for key in ("format", "architecture", "width", "preprocess", "reference_clips"):
        assert rounded[key] == exact[key]
    origin = {"rounded_from_sha256": sha256_file(narrow_run / "best.pt")}
    assert rounded["provenance"] == {**exact["provenance"], **origin}
    with safe_open(out, framework="pt") as file:
        (facts,) = (file.metadata() or {}).values()
    assert json.loads(facts)["format"] == FORMAT
    clips = out.with_name(rounded["reference_clips"]["file"])
    assert sha256_file(clips) == rounded["reference_clips"]["sha256"]
    # Again, over what is there: the same bytes.
    before = out.read_bytes()
    release_checkpoint(narrow_run / "best.pt", out)
    assert out.read_bytes() == before
    assert {f.name for f in out.parent.iterdir()} == {out.name, clips.name}


LAYER = "layer2.0.conv1.0.0"
REFUSED = {
    "too large": (1e5, rf"{LAYER}\.weight reaches 1e\+05, and FP16 ends at 65504"),
    "no number": (float("nan"), rf"{LAYER}\.weight reaches nan"),
    "too small": (1e-7, rf"{LAYER} loses 19\.2% in FP16"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_fp16_cannot_hold_is_refused(kind: str, narrow_run: Path, tmp_path: Path) -> None:
    value, says = REFUSED[kind]
    path = rewritten(narrow_run / "best.pt", tmp_path / "odd.pt", f"{LAYER}.weight", value)
    with pytest.raises(ModelError, match=says):
        release_checkpoint(path, tmp_path / "out.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["odd.pt"]


def test_zeros_lose_nothing_and_clips_are_not_needed(narrow_run: Path, tmp_path: Path) -> None:
    path = rewritten(narrow_run / "best.pt", tmp_path / "zero.pt", f"{LAYER}.weight", 0.0)
    found = release_checkpoint(path, tmp_path / "out.safetensors")
    assert 0 < found.largest < 2**-11
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        ("out.pt", UsageError, r"call it \*\.safetensors"),
        ("taken/out.safetensors", UsageError, "is of another checkpoint: choose another folder"),
    ],
)
def test_wrong_places_are_one_line(
    out: str, error: type[EdgeEchoError], says: str, narrow_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "reference_clips.npz").write_bytes(b"of another")
    with pytest.raises(error, match=says):
        release_checkpoint(narrow_run / "best.pt", tmp_path / out)
    assert not (tmp_path / out).exists()
    assert (tmp_path / "taken" / "reference_clips.npz").read_bytes() == b"of another"


def test_clips_that_are_missing_are_asked_for(narrow_run: Path, tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes((narrow_run / "best.pt").read_bytes())
    with pytest.raises(InputError, match="copy them there too"):
        release_checkpoint(tmp_path / "best.pt", tmp_path / "out.safetensors")


def test_training_can_begin_with_it(narrow_run: Path, tmp_path: Path) -> None:
    from edgeecho_train.initial import build_network, read_initial

    out = tmp_path / "small.safetensors"
    release_checkpoint(narrow_run / "best.pt", out)
    weights, origin, before = read_initial(str(out))
    assert len(before) == 1
    assert origin == f"sha256:{sha256_file(out)}"
    network = build_network(0.0625, weights)
    assert torch.equal(network.fc.weight, load_checkpoint(out)["state_dict"]["fc.weight"])


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        (None, ("data that the checkpoint does not describe",)),
        ({"data": "anything"}, ("data that the checkpoint does not describe",)),
        ({"data": {"description": "hearts"}}, ("hearts",)),
        ({"data": {"description": "hearts", "n_train": 7}}, ("hearts, 7 of its videos",)),
        (
            {"data": {"description": "b", "before": ["b", "a", 3]}},  # two stages on the same
            ("b", "a"),
        ),
        (  # of `models/`, trained before it was recorded
            {"data": {"description": "b"}, "recipe": {"init": "sha256:0"}},
            ("b", "data that the checkpoint does not describe"),
        ),
    ],
)
def test_a_history_of_training_never_claims_to_be_whole(
    provenance: object, expected: tuple[str, ...]
) -> None:
    from edgeecho_train.checkpoint import training_history

    assert training_history(provenance) == expected
