"""A bundle that somebody wrote to do harm, seals and hashes in order: one line, never a traceback.

Each value of the demo's manifest is replaced in turn. A network of one addition stands for the
demo's 31 MB, which are not what is tested.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import DEMO, open_model, read_manifest, render_card
from edgeecho.bundle.arrays import read_arrays
from edgeecho.common.errors import EdgeEchoError, ModelError
from edgeecho.common.files import sha256_file
from edgeecho.common.seal import sealed
from edgeecho.preprocess import ClipMode
from edgeecho.tools.inspect import inspect_model, to_json, to_text
from edgeecho.tools.verify.references import read_references
from edgeecho.trust import Hints, load_trust

Place = tuple[str | int, ...]

DEEP: Any = 1
for _ in range(60):
    DEEP = {"a": DEEP}
USUAL = Hints(50.0, None, None, None)
REPLACEMENTS: dict[str, Any] = {
    "null": None,
    "a list": [[1], "a"],
    "an empty list": [],
    "a huge whole number": 10**4000,
    "a huge number": 1e308,
    "infinity": float("inf"),
    "a negative number": -1,
    "a deep dict": DEEP,
    "an empty dict": {},
    "a text": "a" * 300,
    "an odd text": "../\x00\ud800\n",
    "true": True,
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's manifest and trust, and a network that is soon read."""
    onnx = pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("demo")
    helper = onnx.helper
    a, b = (helper.make_tensor_value_info(name, 1, [1]) for name in "ab")
    graph = helper.make_graph([helper.make_node("Add", ["a", "a"], ["b"])], "g", [a], [b])
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), folder / "int8.onnx")
    for name in ("int8-shared.onnx", "segmentation.int8.onnx"):
        shutil.copyfile(folder / "int8.onnx", folder / name)
    shutil.copyfile(DEMO / "trust.npz", folder / "trust.npz")
    value = json.loads((DEMO / "manifest.json").read_text())
    del value["evaluation"][1:]  # the others are like it
    digest = sha256_file(folder / "int8.onnx")
    network, masks = value["artefacts"]["int8"], value["segmentation"]["artefacts"]["int8"]
    for entry in (network, network["shared"], masks):
        entry["sha256"] = digest
    write(folder, value)
    assert load_trust(open_model(folder)) is not None
    return folder


def write(folder: Path, value: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(sealed(value)))


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Of every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in inner:
        yield (*at, key)
        if isinstance(child, dict | list):
            yield from places(child, (*at, key))


def places_of(demo: Path) -> tuple[Any, list[Place]]:
    """The manifest, and every value in it."""
    value = json.loads((demo / "manifest.json").read_text())
    return value, list(places(value))


def some(everywhere: list[Place], kind: str) -> list[Place]:
    """A quarter of them, another for each kind: every place has three kinds of twelve."""
    return everywhere[sorted(REPLACEMENTS).index(kind) % 4 :: 4]


def replaced(value: Any, at: Place, new: Any) -> Any:
    value = json.loads(json.dumps(value))
    inner = value
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return value


def use(folder: Path) -> None:
    """What the runtime does before it looks at a video, and `edgeecho slim` with the card."""
    assert render_card(read_manifest(folder))
    model = open_model(folder)
    trust = load_trust(model)
    for mode in ("center", "all", "one", "stride:8"):
        assert trust is None or trust.interval(ClipMode.parse(mode), USUAL)
    model.preprocess.sha256()
    assert model.preprocess.frames * model.preprocess.size**2 < 1 << 27


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(REPLACEMENTS))
def test_any_value_of_another_kind_is_one_line_or_a_model(demo: Path, kind: str) -> None:
    (value, everywhere), wrong, refused = places_of(demo), [], 0
    for at in some(everywhere, kind):
        write(demo, replaced(value, at, REPLACEMENTS[kind]))
        try:
            use(demo)
        except EdgeEchoError as error:
            refused += isinstance(error, ModelError)
        except Exception as error:  # noqa: BLE001 - which ones there are is what is asked
            wrong.append(f"{at}: {type(error).__name__}: {str(error)[:200]}")
    write(demo, value)
    assert wrong == []
    assert refused > 7


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(REPLACEMENTS))
def test_inspect_shows_it_or_says_why_not(demo: Path, kind: str) -> None:
    (value, everywhere), wrong, shown = places_of(demo), [], 0
    for at in some([at for at in everywhere if at[0] != "evaluation"], kind):
        write(demo, replaced(value, at, REPLACEMENTS[kind]))
        try:
            found = inspect_model(demo)
            json.loads(to_json(found))
            shown += bool(to_text(found))
        except ModelError:
            pass
        except Exception as error:  # noqa: BLE001 - as above
            wrong.append(f"{at}: {type(error).__name__}: {str(error)[:200]}")
    write(demo, value)
    assert wrong == []
    assert shown > 7


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"schema_version": 1, "name": ' + b"1" * 5000 + b"}",
        b"\xff",
        b'"text"',
        b"null",
    ],
)
def test_a_manifest_that_is_hard_to_parse_is_one_line(demo: Path, content: bytes) -> None:
    file = demo / "manifest.json"
    before = file.read_bytes()
    file.write_bytes(content)
    try:
        with pytest.raises(ModelError, match="export the bundle again"):
            read_manifest(demo)
    finally:
        file.write_bytes(before)


FACTS = {
    "name": "a",
    "version": "1",
    "precision": "int8",
    "preprocess": json.loads((DEMO / "manifest.json").read_text())["preprocess"],
}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "1" * 5000,
        "[]",
        "null",
        json.dumps({**FACTS, "name": None}),
        json.dumps({**FACTS, "version": ["a"]}),
        json.dumps({**FACTS, "precision": 8}),
        json.dumps({**FACTS, "preprocess": None}),
        json.dumps({**FACTS, "preprocess": {**FACTS["preprocess"], "frames": 10**9}}),
    ],
)
def test_a_lone_file_that_says_something_else_of_itself_is_one_line(
    demo: Path, tmp_path: Path, text: str
) -> None:
    onnx = pytest.importorskip("onnx")
    model, file = onnx.load(demo / "int8.onnx"), tmp_path / "lone.onnx"
    for facts in (json.dumps(FACTS), text):
        onnx.helper.set_model_props(model, {"edgeecho.model": facts})
        onnx.save(model, file)
        if facts != text:
            assert open_model(file).name == "a"
    for read in (open_model, inspect_model):
        with pytest.raises(ModelError):
            read(file)


@pytest.mark.parametrize("part", ["plain", "shared", "trust", "references"])
@pytest.mark.parametrize("sha256", [None, 7, "", "abc", "A" * 64, ["a"]])
def test_a_hash_that_is_none_is_named(demo: Path, part: str, sha256: Any) -> None:
    value = json.loads((demo / "manifest.json").read_text())
    value["references"] = {"file": "references.npz", "sha256": "0" * 64, "clips": 8}
    artefact = value["artefacts"]["int8"]
    {"plain": artefact, "shared": artefact["shared"], "trust": value["uncertainty"],
     "references": value["references"]}[part]["sha256"] = sha256  # fmt: skip
    with pytest.raises(ModelError, match=r"as the sha256 of [a-z0-9-]+\.[a-z]+, which is none"):
        open_sealed(demo, value)


@pytest.mark.parametrize("name", ["../x.onnx", "sub/x.onnx", "./x.onnx", "/x.onnx", "x\n.onnx", 7])
def test_no_file_of_a_bundle_lies_outside_its_folder(demo: Path, name: Any) -> None:
    value = json.loads((demo / "manifest.json").read_text())
    value["references"] = {"file": "references.npz", "sha256": "0" * 64, "clips": 8}
    named = [at for at in places(value) if at[-1] == "file"]
    artefact = ("artefacts", "int8")
    assert {at[:-1] for at in named} == {
        *(artefact, (*artefact, "shared"), ("segmentation", *artefact), ("uncertainty",)),
        ("references",),
    }
    for at in named:
        with pytest.raises(ModelError, match=r"x.*, which is not a file of the bundle|names 7,"):
            open_sealed(demo, replaced(value, at, name))


def test_the_key_of_a_shared_graph_changes_with_the_weights_alone(
    demo: Path, tmp_path: Path
) -> None:
    """They are in the plain file, so that a graph compiled of one bundle is not another's."""
    keys = set()
    for changed in (None, "int8.onnx", "int8-shared.onnx"):
        folder = Path(shutil.copytree(demo, tmp_path / str(changed)))
        value = json.loads((folder / "manifest.json").read_text())
        artefact = value["artefacts"]["int8"]
        for entry in (artefact, artefact["shared"]):
            file = folder / entry["file"]
            if file.name == changed:
                file.write_bytes(file.read_bytes() + b"\x12\x01a")  # another producer's name
            entry["sha256"] = sha256_file(file)
        write(folder, value)
        opened = open_model(folder).shared
        assert opened is not None
        keys.add(opened.sha256)
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("frames", 1_000_000_000),
        ("frames", 1e9),
        ("frames", 10**4000),
        ("size", 100_000),
        ("period", 5000),
        ("training_fps", 10**4000),
        ("training_fps", True),
        ("time", "resample(1000000000)"),
        ("time", "resample(" + "9" * 4000 + ")"),
        ("mean", [10**4000, 1, 1]),
        ("mean", [1e300, 1, 1]),
    ],
)
def test_numbers_that_no_clip_has_are_refused(demo: Path, name: str, given: Any) -> None:
    value = json.loads((demo / "manifest.json").read_text())
    value["preprocess"][name] = given
    with pytest.raises(ModelError, match="preprocess spec: ") as caught:
        open_sealed(demo, value)
    assert len(str(caught.value)) < 300


def test_each_number_of_a_clip_may_pass_where_all_together_do_not(demo: Path) -> None:
    value = json.loads((demo / "manifest.json").read_text())
    value["preprocess"] |= {"frames": 4000, "period": 2, "size": 112}
    with pytest.raises(ModelError, match="more than a clip of a heart can be"):
        open_sealed(demo, value)


def open_sealed(folder: Path, value: Any) -> None:
    before = (folder / "manifest.json").read_bytes()
    write(folder, value)
    try:
        use(folder)
    finally:
        (folder / "manifest.json").write_bytes(before)


def npy(shape: str, descr: str = "<f4", data: bytes = b"") -> bytes:
    """An array's file with a header of one's own."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def encrypted(content: bytes) -> bytes:
    """Said to be, in both of its headers."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[content.index(signature) + offset] |= 1
    return bytes(changed)


HOSTILE = {
    "10^12 numbers": archive({"a": npy("(1000000000000,)")}),
    "10^12 in two axes": archive({"a": npy("(1000000, 1000000)", data=bytes(400))}),
    "one more than there are": archive({"a": npy("(101,)", data=bytes(400))}),
    "nothing times 2^63": archive({"a": npy(f"({1 << 63}, 0)")}),
    "less than nothing": archive({"a": npy("(-1,)", data=bytes(400))}),
    "no axis that is a number": archive({"a": npy("(True, None)", data=bytes(400))}),
    "texts of no length": archive({"a": npy("(1000000000000,)", "<U0")}),
    "objects": archive({"a": npy("(1,)", "|O", b"cos\nsystem\n(S'true'\ntR.")}),
    "a header of brackets": archive({"a": npy("(" * 5000)}),
    "a header of signs": archive({"a": npy("(" + "-" * 9000 + "1,)")}),
    "no header": archive({"a": b"\x93NUMPY"}),
    "another version": archive({"a": b"\x93NUMPY\x09\x00" + bytes(100)}),
    "another method": archive({"a": npy("(1,)", data=bytes(4))}, zipfile.ZIP_BZIP2),
    "encrypted": encrypted(archive({"a": npy("(1,)", data=bytes(4))})),
    "a text": archive({"a": npy("(1,)", "<U4", bytes(16))}),
    "more than is named": archive({"a": npy("(1,)", data=bytes(400))}),
    "cut short": archive({"a": npy("(999,)", data=bytes(range(250)) * 16)})[:-40],
    "one array alone": npy("(1000000000000,)"),
    "no zip": b"PK\x03\x04 not an archive",
    "empty": b"",
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_an_npz_that_claims_what_it_does_not_hold_is_one_line(
    demo: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "trust.npz"
    file.write_bytes(HOSTILE[kind])
    with pytest.raises(ValueError, match=r"."):
        read_arrays(file)
    folder = Path(shutil.copytree(demo, tmp_path / "bundle"))
    shutil.copyfile(file, folder / "trust.npz")
    entry = {"file": "trust.npz", "sha256": sha256_file(file)}
    value = json.loads((folder / "manifest.json").read_text())
    value["uncertainty"] |= entry
    write(folder, value)
    with pytest.raises(ModelError, match="calibrate trust"):
        load_trust(open_model(folder))
    with pytest.raises(ModelError, match="holds no references"):
        read_references(folder, entry)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_by_its_sizes(tmp_path: Path) -> None:
    file = tmp_path / "bomb.npz"
    content = bytearray(archive({"a": npy("(1,)", data=bytes(4))}))
    # Uncompressed size, in both headers.
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(signature) + offset
        content[place : place + 4] = struct.pack("<I", 4_000_000_000)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"arrays take 4\.0 GB"):
        read_arrays(file)


def test_damaged_archives_are_an_answer_or_a_value_error(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    whole = (DEMO / "trust.npz").read_bytes()
    random = np.random.default_rng(7)
    for _ in range(150):
        content = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            content[place] ^= int(random.integers(1, 256))
        # The directory and each header are where damage has most to say.
        content[-int(random.integers(1, 600))] ^= int(random.integers(1, 256))
        file.write_bytes(content)
        with suppress(ValueError):
            read_arrays(file)


def test_what_is_whole_is_read_as_numpy_reads_it(tmp_path: Path) -> None:
    with np.load(DEMO / "trust.npz") as expected:
        found = read_arrays(DEMO / "trust.npz")
        assert found.keys() == set(expected.files)
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name])
    np.savez(tmp_path / "b.npz", a=np.zeros((0, 3), np.uint8), b=np.float32(2))
    assert read_arrays(tmp_path / "b.npz")["a"].shape == (0, 3)
