"""Every small fault that `make mutate` may put into a module: what is changed, and where.

The operators are poodle's (numbers, comparisons, arithmetic, signs, keywords) and two of ours that
it lacks: a condition turned round, and a statement left out (a `raise`, or a call whose result is
not used, as fsync). Left out on purpose: poodle's operators that put None for a call, a subscript
or a result (they crash at once and would only flatter the figure); strings, which are mostly words
for people; and decorators, whose `frozen=True` and `slots=True` the type checker holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from poodle.data_types import FileMutation, Mutator
from poodle.mutators import (
    AugAssignMutator,
    BinaryOperationMutator,
    ComparisonMutator,
    KeywordMutator,
    NumberMutator,
    UnaryOperationMutator,
)


@dataclass(frozen=True)
class Mutant:
    """One changed module: `source` is its whole text, `before` and `after` the changed line."""

    module: str
    line: int
    before: str
    after: str
    source: str


class _Ours(Mutator):  # type: ignore[misc]
    mutator_name = "Ours"
    mutants: list[FileMutation]

    def create_mutations(self, *_: Any, **__: Any) -> list[FileMutation]:
        raise NotImplementedError("visited node by node")

    def _turn(self, node: ast.If | ast.While | ast.IfExp) -> None:
        # poodle turns comparisons and `not` round already.
        if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            turned = ast.UnaryOp(op=ast.Not(), operand=node.test)
            self.mutants.append(self.create_file_mutation(node.test, f"({ast.unparse(turned)})"))

    def _leave_out(self, node: ast.Raise | ast.Expr) -> None:
        if isinstance(node, ast.Raise) or isinstance(node.value, ast.Call):
            self.mutants.append(self.create_file_mutation(node, "pass"))

    visit_If = visit_While = visit_IfExp = _turn  # noqa: N815
    visit_Raise = visit_Expr = _leave_out  # noqa: N815


class _Arithmetic(BinaryOperationMutator):  # type: ignore[misc]
    """poodle's, but not for paths and texts, which crash at once: `folder * "name"`."""

    def visit_BinOp(self, node: ast.BinOp) -> None:  # noqa: N802
        texts = ast.JoinedStr | ast.Constant
        sides = [side for side in (node.left, node.right) if isinstance(side, texts)]
        if not any(isinstance(getattr(side, "value", ""), str) for side in sides):
            super().visit_BinOp(node)


_OPERATORS = (
    NumberMutator,
    ComparisonMutator,
    _Arithmetic,
    AugAssignMutator,
    UnaryOperationMutator,
    KeywordMutator,
    _Ours,
)


def mutants_of(module: str, source: str, order: Random) -> Iterator[Mutant]:
    """Every mutant of a module, in a random order that depends on `order` and the text alone."""
    tree = ast.parse(source)
    skipped, whole = _decorator_lines(tree), ast.dump(tree)
    changes = [
        change
        for kind in _OPERATORS
        # Some operators change the tree that they are given.
        for change in _changes(kind(SimpleNamespace(mutator_opts={}), print), ast.parse(source))
        if change.lineno not in skipped
    ]
    order.shuffle(changes)
    seen = {source}
    for change in changes:
        mutant = _apply(module, source, change)
        if mutant.source not in seen and _is_other(mutant.source, whole):
            seen.add(mutant.source)
            yield mutant


def _is_other(source: str, whole: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) != whole
    except SyntaxError:  # as of `None = 3`
        return False


def _changes(operator: Any, tree: ast.Module) -> list[FileMutation]:
    # Node by node: poodle's own walk stops at the first that it changes, and never sees the two
    # comparisons of `a < b and c < d`.
    operator.mutants = []
    # Comparisons do not ask for it, and copy their nodes with all that these refer to.
    if not isinstance(operator, ComparisonMutator):
        operator.add_parent_attr(tree)
    for node in ast.walk(tree):
        if visit := getattr(operator, f"visit_{type(node).__name__}", None):
            visit(node)
    for node in ast.walk(tree):
        vars(node).pop("parent", None)  # all trees share the nodes of operators
    changes: list[FileMutation] = operator.mutants
    return changes


def _apply(module: str, source: str, change: FileMutation) -> Mutant:
    # Columns are in bytes, as Python's parser counts them.
    lines = source.encode().splitlines(keepends=True)
    first, last = lines[change.lineno - 1], lines[change.end_lineno - 1]
    whole = first[: change.col_offset] + change.text.encode() + last[change.end_col_offset :]
    lines[change.lineno - 1 : change.end_lineno] = [whole]
    mutated = b"".join(lines).decode()
    before = " ".join(
        part.strip() for part in source.splitlines()[change.lineno - 1 : change.end_lineno]
    )
    return Mutant(module, change.lineno, before, whole.decode().strip(), mutated)


def _decorator_lines(tree: ast.Module) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        for decorator in getattr(node, "decorator_list", ())
        for line in range(decorator.lineno, (decorator.end_lineno or decorator.lineno) + 1)
    }
