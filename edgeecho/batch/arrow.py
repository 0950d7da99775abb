"""pyarrow, which only Parquet needs (extra `cohort`, 176 MB)."""

from __future__ import annotations

from typing import Any

from edgeecho.common.errors import MissingDependencyError


def arrow(what: str) -> tuple[Any, Any]:
    """pyarrow and its part for Parquet; `MissingDependencyError` if it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{what} needs pyarrow: pip install 'edgeecho[cohort]', or take CSV (--format csv)"
        ) from error
    return pyarrow, pyarrow.parquet
