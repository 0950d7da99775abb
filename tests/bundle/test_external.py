"""Values that an ONNX file takes from another file: all are found that the onnx package finds."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeecho.bundle import DEMO, open_model
from edgeecho.bundle.external import MESSAGES, ExternalTensor, external_tensors
from edgeecho.common.errors import ModelError
from edgeecho.common.files import sha256_file
from edgeecho.common.seal import sealed
from edgeecho.tools.inspect import inspect_model

onnx = pytest.importorskip("onnx")
DecodeError = pytest.importorskip("google.protobuf.message").DecodeError

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy that a test may break: fp32 and its shared graph."""
    return Path(shutil.copytree(NARROW, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be written again and again."""
    return tmp_path_factory.mktemp("onnx") / "model.onnx"


def reseal(bundle: Path) -> None:
    """The manifest names the files as they are, as whoever changed them would have it."""
    value = json.loads((bundle / "manifest.json").read_text())
    for artefact in value["artefacts"].values():
        for entry in (artefact, artefact["shared"]):
            if entry:
                entry["sha256"] = sha256_file(bundle / entry["file"])
    (bundle / "manifest.json").write_text(json.dumps(sealed(value)))


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        open_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_that_were_moved_out_of_a_plain_file_are_refused(bundle: Path) -> None:
    model = onnx.load(bundle / "fp32.onnx")
    onnx.save_model(model, bundle / "fp32.onnx", save_as_external_data=True, location="w.bin")
    reseal(bundle)
    message = refused(bundle)
    assert "fp32.onnx takes the values of " in message
    assert "from w.bin, which no hash covers: save the model as one file" in message
    assert message == refused(bundle / "fp32.onnx")
    for path in (bundle, bundle / "fp32.onnx"):
        with pytest.raises(ModelError, match=r"from w\.bin, which no hash covers"):
            inspect_model(path)


def test_a_shared_graph_takes_its_weights_from_its_own_plain_file(bundle: Path) -> None:
    shared = open_model(bundle).shared
    assert shared is not None
    assert {tensor.location for tensor in external_tensors(shared.path)} == {"fp32.onnx"}
    # Alone, nothing says that the file beside it is the right one.
    assert "from fp32.onnx, which no hash covers" in refused(shared.path)
    with pytest.raises(ModelError, match=r"from fp32\.onnx, which no hash covers"):
        inspect_model(shared.path)


@pytest.mark.parametrize(
    "location",
    ["w.bin", "/etc/passwd", "../bundle/fp32.onnx", "./fp32.onnx", "FP32.onnx", "", None],
)
def test_a_shared_graph_that_takes_them_from_elsewhere_is_refused(
    bundle: Path, location: str | None
) -> None:
    file = bundle / "fp32-shared.onnx"
    model = onnx.load(file, load_external_data=False)
    last = [tensor for tensor in model.graph.initializer if tensor.external_data][-1]
    entry = next(entry for entry in last.external_data if entry.key == "location")
    if location is None:
        last.external_data.remove(entry)
    else:
        entry.value = location
    file.write_bytes(model.SerializeToString())
    reseal(bundle)
    message = refused(bundle)
    assert f"from {location or 'a file that it does not name'}, not from fp32.onnx" in message


def test_a_second_location_of_one_tensor_is_seen(bundle: Path) -> None:
    file = bundle / "fp32-shared.onnx"
    model = onnx.load(file, load_external_data=False)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.external_data)
    tensor.external_data.add(key="location", value="w.bin")
    file.write_bytes(model.SerializeToString())
    reseal(bundle)
    assert "from w.bin, not from fp32.onnx" in refused(bundle)


@pytest.mark.parametrize("name", ["fp32.onnx", "fp32-shared.onnx"])
def test_a_shared_graph_and_its_weights_are_no_links(bundle: Path, name: str) -> None:
    target = bundle.with_name("elsewhere") / name
    target.parent.mkdir()
    (bundle / name).rename(target)
    (bundle / name).symlink_to(target)
    assert f"{name} is a link, but a shared graph and its weights" in refused(bundle)


def test_a_plain_file_may_be_a_link_to_the_very_bytes_of_the_manifest(bundle: Path) -> None:
    value = json.loads((bundle / "manifest.json").read_text())
    value["artefacts"]["fp32"]["shared"] = None
    (bundle / "manifest.json").write_text(json.dumps(sealed(value)))
    target = (bundle / "fp32.onnx").rename(bundle.with_name("elsewhere.onnx"))
    (bundle / "fp32.onnx").symlink_to(target)
    assert open_model(bundle).shared is None
    target.write_bytes(target.read_bytes() + b"\x08\x09")
    assert "was changed after export" in refused(bundle)


def test_another_format_whose_weights_are_in_a_second_file_is_refused(bundle: Path) -> None:
    import openvino

    network = openvino.Core().read_model(bundle / "fp32.onnx")
    openvino.save_model(network, bundle / "fp32.xml")
    (bundle / "fp32.xml").replace(bundle / "fp32.onnx")
    openvino.Core().read_model(bundle / "fp32.onnx")  # whatever it is called
    reseal(bundle)
    assert "is not an ONNX model" in refused(bundle)
    assert "is not an ONNX model" in refused(bundle / "fp32.onnx")


@pytest.mark.parametrize("name", ["fp32.xml", "fp32.pb", "fp32"])
def test_an_artefact_that_is_not_called_onnx_is_refused(bundle: Path, name: str) -> None:
    (bundle / "fp32.onnx").rename(bundle / name)
    value = json.loads((bundle / "manifest.json").read_text())
    value["artefacts"]["fp32"]["file"] = name
    (bundle / "manifest.json").write_text(json.dumps(sealed(value)))
    assert f"manifest names '{name}', which is not an .onnx file of the bundle" in refused(bundle)


def external(name: str) -> Any:
    tensor = onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [1000], bytes(4000), raw=True)
    onnx.external_data_helper.set_external_data(tensor, f"{name}.bin")
    tensor.ClearField("raw_data")
    return tensor


def model_with_one_of_each() -> Any:
    """External data wherever ONNX allows a tensor; the name of each says where."""
    helper = onnx.helper

    def graph(name: str, **parts: Any) -> Any:
        made = helper.make_graph([], name, [], [])
        for part, values in parts.items():
            getattr(made, part).extend(values)
        return made

    def node(**attributes: Any) -> Any:
        return helper.make_node("Constant", [], ["c"], **attributes)

    def sparse(name: str) -> Any:
        return helper.make_sparse_tensor(external(f"{name}-values"), external(f"{name}-at"), [9])

    branches = {
        "then_branch": graph("then", node=[node(value=external("constant-in-if"))]),
        "else_branch": graph("else", initializer=[external("initializer-in-if")]),
    }
    main = graph(
        "main",
        initializer=[external("initializer")],
        sparse_initializer=[sparse("sparse")],
        node=[
            node(value=external("constant"), sparse_value=sparse("attribute")),
            helper.make_node("If", ["x"], ["y"], **branches),
            node(
                many=[external("tensors")],
                graphs=[graph("inner", initializer=[external("graphs")])],
                sparse=[sparse("sparse-tensors")],
            ),
        ],
    )
    function = helper.make_function(
        "own", "f", [], [], [node(value=external("function"))], [],
        attribute_protos=[helper.make_attribute("default", external("default"))],
    )  # fmt: skip
    model = helper.make_model(main, functions=[function])
    training = model.training_info.add()
    training.initialization.CopyFrom(graph("first", initializer=[external("initialization")]))
    training.algorithm.CopyFrom(graph("step", node=[node(value=external("algorithm"))]))
    return model


def test_every_place_of_a_tensor_is_looked_at(file: Path) -> None:
    model = model_with_one_of_each()
    file.write_bytes(model.SerializeToString())
    found = external_tensors(file)
    assert len(found) == len({t.name for t in found}) == 16
    assert all(t.location == f"{t.name}.bin" for t in found)
    assert sorted(found, key=str) == sorted(as_onnx_reads(model), key=str)
    known = {t.name for t in onnx.external_data_helper._get_all_tensors(model)}
    assert known < {t.name for t in found}


def as_onnx_reads(message: Any) -> Iterator[ExternalTensor]:
    """The same by protobuf's own reflection: every tensor anywhere in a message."""
    if message.DESCRIPTOR.name == "TensorProto":
        # Entries without EXTERNAL are of no effect, and nobody writes them.
        if onnx.external_data_helper.uses_external_data(message) or message.external_data:
            locations = [e.value for e in message.external_data if e.key == "location"]
            for location in locations or [""]:
                yield ExternalTensor(message.name, location)
        return
    for field, value in message.ListFields():
        if field.message_type:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from as_onnx_reads(inner)


def test_the_fields_that_are_followed_are_those_of_the_onnx_package() -> None:
    def reaches(message: Any, seen: tuple[str, ...] = ()) -> bool:
        inner = [f.message_type for f in message.fields if f.message_type]
        return message.name == "TensorProto" or any(
            reaches(m, (*seen, message.name)) for m in inner if m.name not in seen
        )

    waiting, expected = [onnx.ModelProto.DESCRIPTOR], {}
    while waiting:
        message = waiting.pop()
        inner = {f.number: f.message_type for f in message.fields if f.message_type}
        followed = {number: m for number, m in inner.items() if reaches(m)}
        waiting += [m for m in followed.values() if m.name not in (*expected, "TensorProto")]
        expected[message.name] = {number: m.name for number, m in followed.items()}
    expected["TensorProto"] = {13: "StringStringEntryProto"}
    assert {name: dict(fields) for name, fields in MESSAGES.items()} == expected


def fill(message: Any, random: Random, left: list[int]) -> None:
    """Random fields, those of every kind; `left` is how many messages may still be made."""
    kind = message.DESCRIPTOR
    for field in random.sample(list(kind.fields), len(kind.fields)):
        times = random.choice([0, 0, 1, 3])
        if kind.name == "StringStringEntryProto":
            words = ["location", "offset", "w.bin", "../w", "ö" * 400]
            setattr(message, field.name, random.choice(words))
        elif field.message_type and times and left[0] > 0:
            value = getattr(message, field.name)
            repeated = hasattr(value, "add")
            for _ in range(times if repeated else 1):
                left[0] -= 1
                inner = value.add() if repeated else value
                inner.SetInParent()
                fill(inner, random, left)
        elif field.name in ("name", "doc_string") and times:
            setattr(message, field.name, random.choice(["", "a", "weight" * 50]))
        elif field.name in ("raw_data", "s") and times:
            setattr(message, field.name, random.randbytes(random.choice([0, 5, 5000])))
        elif field.name in ("ints", "dims", "int32_data", "int64_data"):
            getattr(message, field.name).extend([-1, 2**31 - 1][: times + 1])
        elif field.name in ("floats", "float_data"):
            getattr(message, field.name).extend([0.5] * times)
        elif field.name == "data_location" and times:
            message.data_location = random.choice([0, 1])


@settings(deadline=None)
@given(st.integers(0, 1 << 32))
def test_of_any_model_it_finds_what_onnx_finds(file: Path, seed: int) -> None:
    model = onnx.ModelProto()
    fill(model, Random(seed), [60])
    model.ir_version = 10
    file.write_bytes(model.SerializeToString())
    assert sorted(external_tensors(file), key=str) == sorted(as_onnx_reads(model), key=str)


def damaged(content: bytes, flips: list[tuple[int, int]], cut: int) -> bytes:
    changed = bytearray(content)
    for place, byte in flips:
        changed[place % len(changed)] ^= byte
    return bytes(changed[: len(changed) - cut % len(changed)])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), max_size=3),
    st.one_of(st.just(0), st.integers(0, 1 << 16)),
)
@example([], 0)
def test_of_a_damaged_file_it_never_says_less_than_onnx(
    file: Path, flips: list[tuple[int, int]], cut: int
) -> None:
    content = damaged(model_with_one_of_each().SerializeToString(), flips, cut)
    file.write_bytes(content)
    try:
        found = {t.location for t in external_tensors(file)}
    except ModelError:
        return
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        return
    expected = {t.location for t in as_onnx_reads(model)}
    # A name that is no UTF-8 is another text in either; that it is there is what counts.
    assert len(found) >= len(expected)
    assert {e for e in expected if e.isascii()} <= found


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_an_answer_or_one_line(file: Path, content: bytes) -> None:
    file.write_bytes(b"\x08\x0a" + content)
    with suppress(ModelError):
        external_tensors(file)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | 0x80 if value else low)
        if not value:
            return bytes(groups)


HEAD = b"\x08\x0a"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        HEAD + varint(7 << 3 | 2) + varint(1 << 62),  # longer than the file
        HEAD + field(7, varint(5 << 3 | 2) + varint(100)),  # longer than what it is in
        HEAD + b"\x38\x01",  # a graph that is a number
        HEAD + b"\xff" * 20,
        HEAD + varint((1 << 32 | 7) << 3 | 2) + b"\x00",  # 7, to a parser that cuts to 32 bits
        HEAD + b"\x02\x00",  # field 0
        HEAD + b"\x3b\x3c",  # a group
        HEAD + b"\x39\x00",  # 8 bytes, of which 1 is there
        b"<?xml version='1.0'?><net/>",
        b"\n<net>",
    ],
)
def test_what_no_onnx_writer_makes_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ModelError, match="is not an ONNX model that can be read"):
        external_tensors(file)


def test_values_that_are_elsewhere_by_an_unknown_or_overlong_number_are_seen(file: Path) -> None:
    for location in (b"\x01", b"\x02", b"\x81\x80\x80\x00", b"\x81" + b"\x80" * 8 + b"\x01"):
        tensor = field(8, b"w") + b"\x70" + location
        file.write_bytes(HEAD + field(7, field(5, tensor)))
        assert external_tensors(file) == (ExternalTensor("w", ""),)


@pytest.mark.slow
def test_deep_and_wide_files_end_soon(file: Path) -> None:
    content = field(5, field(8, b"deep") + field(13, field(1, b"location") + field(2, b"x")))
    for _ in range(20_000):
        content = field(1, field(5, field(6, content)))
        if len(content) > 100_000:
            break
    file.write_bytes(HEAD + field(7, content))
    assert external_tensors(file) == (ExternalTensor("deep", "x"),)
    started = time.perf_counter()
    file.write_bytes(HEAD + b"\x10\x00" * 5_000_000)
    with pytest.raises(ModelError, match="more than 1,000,000 fields"):
        external_tensors(file)
    print(f"a file of 10 MB that is all fields: {time.perf_counter() - started:.2f} s")


@pytest.mark.slow
def test_the_weights_are_not_read(file: Path) -> None:
    model = onnx.load(DEMO / "int8.onnx")
    model.graph.initializer.add(name="large", data_type=1, raw_data=bytes(125_000_000))
    file.write_bytes(model.SerializeToString())
    started = time.perf_counter()
    assert external_tensors(file) == ()
    passed = time.perf_counter() - started
    print(f"a file of {file.stat().st_size / 1e6:.0f} MB: {1e3 * passed:.1f} ms")
    file.unlink()
