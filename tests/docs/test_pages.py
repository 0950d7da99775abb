"""Every page: links and anchors, its place in the index and the site, the commands it shows."""

from __future__ import annotations

import posixpath
import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import (
    DOCS,
    LINK,
    PAGES,
    ROOT,
    anchors,
    commands,
    is_part_of,
    kept,
    name_of,
    outputs,
    read,
)  # fmt: skip

SHOWN = sorted({command for page in PAGES for command in commands(read(page))})


def linked(page: Path) -> list[tuple[str, str]]:
    """The files that a page links to, from the root of the repository, and the anchors in them."""
    here = posixpath.dirname(name_of(page))
    return [
        (posixpath.normpath(posixpath.join(here, target)) if target else name_of(page), anchor)
        for target, anchor in LINK.findall(read(page))
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for name, anchor in linked(page):
        assert (ROOT / name).is_file(), name
        if anchor:
            assert anchor in anchors(read(ROOT / name)), f"{name}#{anchor}"


def test_the_index_names_every_page() -> None:
    index = {name for name, _ in linked(DOCS / "README.md")}
    assert set(map(name_of, PAGES)) - index == {"README.md", "docs/README.md"}


def test_the_site_has_every_page_once() -> None:
    tree = yaml.load(read(ROOT / "mkdocs.yml"), yaml.BaseLoader)["nav"]
    named: list[str] = []

    def collect(entry: Any) -> None:
        if isinstance(entry, str):
            named.append(entry)
            return
        for child in entry if isinstance(entry, list) else entry.values():
            collect(child)

    collect(tree)
    assert sorted(named) == sorted(map(name_of, PAGES))


def test_the_readme_leads_to_every_page_that_a_user_needs() -> None:
    of_models = {f"docs/{name}.md" for name in ("faults", "frame-rates", "stream")}
    of_developers = {name for name in map(name_of, PAGES) if name.startswith("docs/adding/")}
    found = {name for name, _ in linked(ROOT / "README.md")}
    assert set(map(name_of, PAGES)) - found - of_models - of_developers == {
        "README.md",
        "docs/releasing.md",
    }


def test_there_are_commands_to_check() -> None:
    assert len(SHOWN) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("command", SHOWN)
def test_every_command_and_option_exists(edgeecho: Any, command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)[1:]
    # These have commands of their own.
    words = [name, arguments[0]] if name in ("calibrate", "import") else [name]
    shown = edgeecho(*words, "--help")
    assert shown.returncode == 0
    for option in (a for a in arguments if a.startswith("--")):
        assert f"{option} " in shown.stdout, option


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^    |`)make ([a-z0-9-]+)", read(page), re.MULTILINE)
    assert set(named) <= targets
    for arguments in re.findall(r'make test ARGS="([^"]*)"', read(page)):
        paths = [word for word in shlex.split(arguments) if word.startswith("tests")]
        assert all((ROOT / path).exists() for path in paths)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_tests_and_sources_that_are_named_are_there(page: Path) -> None:
    folders = "tests|edgeecho|train|export|calibration|benchmarks|examples|models|docs"
    names = re.findall(rf"[` \"]((?:{folders})/[\w./-]+\.(?:py|md|toml|txt|npz))", read(page))
    made_by_recipes = {
        "edgeecho/report/markdown.py",
        "edgeecho/cli/commands/frames.py",
        "export/edgeecho_export/recipes/NAME.py",
    }
    assert [name for name in names if not (ROOT / name).exists()] in ([], *(
        [name] for name in made_by_recipes
    ))  # fmt: skip


def test_outputs_are_those_that_were_kept() -> None:
    shown = list(outputs(read(DOCS / "commands.md")))
    assert [command.split()[1] for command, _ in shown] == ["infer", "bench", "export"]
    for command, lines in shown:
        assert is_part_of(lines, kept(command)), command


def test_the_device_guide_names_engines_and_files_as_they_are() -> None:
    from edgeecho.engines import OURS

    guide = read(DOCS / "device.md")
    named = set(re.findall(r"--engine ([a-z-]+)", guide)) | {"openvino"}
    assert named <= {entry.name for entry in OURS} | {"auto"}
    assert {"tensorrt", "tensorrt-rtx", "onnxruntime-cuda"} <= named
    for extra in set(re.findall(r"\.whl\[([a-z-]+)\]", guide)):
        assert f"\n{extra} = [" in read(ROOT / "pyproject.toml")
    wheel = f"edgeecho-{version('edgeecho')}-py3-none-any.whl"
    assert set(re.findall(r"edgeecho-[\w.]+-py3-none-any\.whl", guide)) == {wheel}


def test_no_placeholder_is_left() -> None:
    # Comments mark the tables that programs write.
    for page in PAGES:
        left = re.findall(r"<!-- (?!.*(?:begin|end))[^>]*-->|TODO|FIXME|TBD", read(page))
        assert left == [], page
