"""Groups of options, and the options that a format has to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path

import pytest

from edgeecho.cli.commands.infer import infer
from edgeecho.cli.options.groups import with_groups
from edgeecho.cli.options.reports import BESIDE, ReportOptions


@dataclass(frozen=True)
class Pair:
    one: int
    two: str = "b"


def test_a_group_is_its_fields_in_their_place_and_comes_as_one() -> None:
    came = []

    @with_groups
    def command(*, before: int = 0, pair: Pair, after: int = 9) -> None:
        came.append((before, pair, after))

    shown = signature(command).parameters
    assert list(shown) == ["before", "one", "two", "after"]
    assert (shown["two"].default, shown["two"].annotation) == ("b", str)
    assert shown["one"].default is shown["one"].empty
    command(before=1, one=2, two="c", after=3)
    assert came == [(1, Pair(2, "c"), 3)]


def test_an_option_that_is_in_two_groups_is_a_mistake() -> None:
    def command(first: Pair, second: Pair) -> None:
        """Never called."""

    with pytest.raises(ValueError, match="duplicate parameter name"):
        with_groups(command)


@pytest.mark.parametrize("name", [form.name for form in BESIDE])
def test_a_format_that_is_written_beside_has_an_option_of_its_name(name: str) -> None:
    field = name.replace("-", "_")
    assert field in signature(infer).parameters
    assert replace(ReportOptions(), **{field: Path("a")}).beside() == {name: Path("a")}
