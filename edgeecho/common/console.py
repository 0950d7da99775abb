"""The console for messages and progress bars. They go to stderr; stdout is for data."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# Without markup and emoji, because a file may be called "[red]" or ":heart:".
words = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


class _Bar(Progress):
    def stop(self) -> None:
        # Up to 14.1 rich ends a bar that is switched off with an empty line.
        if not self.disable:
            super().stop()


def progress_bar() -> Progress:
    """A progress bar on stderr; it draws nothing if stderr is not a terminal."""
    return _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=words,
        transient=True,
        disable=not words.is_terminal,
    )
