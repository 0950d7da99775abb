"""What `edgeecho stream` prints while frames arrive."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from types import FrameType

import typer

from edgeecho.common.console import words
from edgeecho.report.stream import in_sum, to_json_line, to_text_line
from edgeecho.report.text import to_text
from edgeecho.results import Answer, Outcome
from edgeecho.stream import Played, Player


@dataclass(frozen=True)
class Show:
    """Prints updates of the stream `name`, as text or as JSON lines."""

    name: str
    sha256: str | None
    """Of the file that is played."""
    json: bool
    show_refused: bool

    def update(self, played: Played) -> Outcome:
        """Print an update in one line. As text, the final one is the whole answer."""
        answer = Answer.of(played.update.estimate, show_refused=self.show_refused)
        outcome = Outcome(self.name, answer, self.sha256)
        if self.json:
            typer.echo(to_json_line(outcome, played))
        elif played.update.end:
            typer.echo(f"\n{to_text([outcome])}")
        else:
            typer.echo(to_text_line(answer, played))
        sys.stdout.flush()
        return outcome


def play(player: Player, show: Show, stop: Event) -> Outcome:
    """Print every update, and return the final one.

    Ctrl-C and SIGTERM end the stream in order: they set `stop`, which ends the source.
    """
    latest = 0.0
    with _interruptible():
        try:
            for played in player.play():
                latest = max(latest, played.behind_s)
                show.update(played)
        except KeyboardInterrupt:
            stop.set()
            words.print("stopped: the last answer is of the frames so far")
    played = player.finish()
    outcome = show.update(played)
    words.print(in_sum(played, latest))
    return outcome


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat SIGTERM, which stops a service, like Ctrl-C."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
