"""Rolling estimates: an EF every few frames, from frames that arrive one by one.

An update is the answer that `estimate` gives for the frames so far, or for the last seconds of
them: the same clips, the same mean, the same gates. The network's outputs are kept, so each clip is
run once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import Cine
from edgeecho.common.errors import InputError
from edgeecho.engines import Outputs
from edgeecho.inference import (
    ClipRun,
    EFEstimate,
    LoadedModel,
    answer_clips,
    measure_prepared,
    run_clips,
)
from edgeecho.preprocess import ClipMode, Prepared, clip_starts
from edgeecho.preprocess.resampling import count_resampled, places_at


@dataclass(frozen=True)
class Update:
    """The answer once a clip is complete. Frames are counted at the model's frame rate."""

    frames: int
    """Number of frames so far."""
    time_s: float
    """Time of the last frame, from the first, in s."""
    estimate: EFEstimate
    """`clip_starts` and `clip_times_s` count from the very first frame."""
    end: bool = False
    """Whether this is the final update."""


class Rolling:
    """Takes frames, tells which clips they complete, and answers. Not thread-safe.

    `origin` and `prepared` tell how the frames were made (`prepare` of the whole file, or of the
    first frames of a stream); their own frames are not used. `mode` is `stride:N`. With `over_s`,
    an update covers the last `over_s` seconds, but at least one clip.
    """

    def __init__(
        self,
        model: LoadedModel,
        origin: Cine,
        prepared: Prepared,
        mode: ClipMode,
        over_s: float | None = None,
    ) -> None:
        self._model, self._origin, self._prepared, self._mode = model, origin, prepared, mode
        self._spec = model.file.preprocess
        rate = prepared.fps
        self._rate = None if prepared.time == "native" else rate
        if over_s is not None and rate is None:
            raise InputError("the frame rate is not known: give it with --fps")
        self._keep = max(round(over_s * rate), self._spec.window) if over_s and rate else None
        self._frames: list[NDArray[np.uint8]] = []  # as they arrived, from number _first on
        self._stamps: list[float] = []
        self._first = 0
        self._places: list[int] = []  # source of each frame at the model's rate, from _start on
        self._start = 0
        self._next = 0  # first frame of the next clip
        self._cut_ms, self._engine_ms = 0.0, 0.0  # so far
        self._rows: dict[int, tuple[np.float32, NDArray[np.float32]]] = {}

    @property
    def count(self) -> int:
        """Number of frames at the model's frame rate that are final."""
        return self._start + len(self._places)

    def add(self, frame: NDArray[np.uint8], time_s: float) -> list[int]:
        """Take the next frame `(S, S, 3)`; return the starts of the clips that it completes.

        `time_s` increases from 0. The caller passes these starts to `answer` or drops them.
        """
        self._frames.append(frame)
        self._stamps.append(time_s)
        if self._rate is None:
            self._places.append(self._first + len(self._frames) - 1)
        else:
            # A resampled frame is final once a frame arrived that is not before its time.
            self._extend(int(np.floor(time_s * self._rate)) + 1)
        due = []
        while self._next + self._spec.window <= self.count:
            due.append(self._next)
            self._next += self._mode.stride
        return due

    def answer(self, starts: Sequence[int]) -> list[Update]:
        """Run the clips that begin at `starts`, in increasing order; return an update for each."""
        if not starts:
            return []
        cut_ms, engine_ms = self._cut_ms, self._engine_ms
        shared = self._run(starts)
        cut_ms, engine_ms = self._cut_ms - cut_ms, self._engine_ms - engine_ms
        each = len(starts)
        updates = []
        for start in starts:
            end = start + self._spec.window
            seen = self._places[end - 1 - self._start] + 1
            estimate = self._judge(start, end, seen, shared)
            timings = {
                "preprocess": estimate.timings_ms["preprocess"] + cut_ms / each,
                "engine": engine_ms / each,
            }
            estimate = replace(estimate, timings_ms=timings)
            updates.append(Update(end, self._time(end - 1), estimate))
        self._forget(self._after(starts[-1] + self._spec.window))
        return updates

    def finish(self) -> Update:
        """The final answer, with the clips that were not yet run.

        `InputError` if there was no frame at all.
        """
        if not self._frames:
            raise InputError("no frame came: check what sends them")
        if self._rate:
            self._extend(count_resampled(np.array(self._stamps), self._rate))
        starts = clip_starts(self.count, self._spec, self._mode)
        # If there was no answer yet, run all clips of the window; otherwise dropped clips stay out.
        least = self._next if self._rows else min(self._after(self.count), starts[-1])
        self._next = self.count
        if rest := starts[starts >= least].tolist():
            self._run(rest)
        seen = self._first + len(self._frames)
        estimate = self._judge(max(self._rows), self.count, seen, 0)
        return Update(self.count, self._time(self.count - 1), estimate, True)

    def _extend(self, count: int) -> None:
        new = np.arange(self.count, count)
        if self._rate and len(new):
            stamps = np.array(self._stamps)
            self._places += places_at(new / self._rate, stamps, first=self._first).tolist()

    def _after(self, end: int) -> int:
        """First frame of the averaging window that ends before `end`."""
        return max(self._start, end - self._keep) if self._keep else self._start

    def _run(self, starts: Sequence[int]) -> int:
        """Run clips and keep their outputs; return the number that were answered together."""
        spec, model, asked = self._spec, self._model, np.array(starts, np.intp)
        reach = self._places[
            asked[0] - self._start : asked[-1] - self._start + spec.frames * spec.period
        ]
        frames = np.stack([self._frames[place - self._first] for place in reach])
        window = replace(self._prepared, frames=frames)
        run = run_clips(window, spec, model.engine, asked - asked[0], model.sharing)
        rows = zip(run.outputs.ef, run.outputs.embedding, strict=True)
        self._rows.update(zip(starts, rows, strict=True))
        self._cut_ms += run.cut_ms
        self._engine_ms += run.engine_ms
        return run.shared

    def _judge(self, last: int, end: int, seen: int, shared: int) -> EFEstimate:
        """The answer for the frames before `end`, made of the decoded frames before `seen`, by the
        clips up to that which begins at `last`."""
        # No clip may lie in the last seconds, if they end between two: then back to the last one.
        first = min(self._after(end), last)
        begin = self._places[first - self._start]
        fitted = np.stack(self._frames[begin - self._first : seen - self._first])
        stamps = np.array(self._stamps[begin - self._first : seen - self._first])
        whole = begin == 0 and seen == len(self._origin.frames)
        cine = replace(
            self._origin,
            frames=fitted,
            timestamps_s=stamps - stamps[0],
            missing=self._origin.missing if whole else 0,
        )
        places = np.array(self._places[first - self._start : end - self._start]) - begin
        times = np.arange(first, end) / self._rate if self._rate else stamps
        prepared = replace(
            self._prepared, frames=fitted[places], fitted=fitted, times_s=times, source=places
        )
        starts = [start for start in sorted(self._rows) if first <= start <= last]
        efs, embeddings = zip(*(self._rows[start] for start in starts), strict=True)
        outputs = Outputs(np.array(efs, np.float32), np.stack(embeddings))
        run = ClipRun(np.array(starts, np.intp) - first, outputs, 0.0, 0.0, shared)
        height, width = self._origin.frames.shape[1:3]
        estimate = answer_clips(
            measure_prepared(cine, prepared, self._spec), self._model, self._mode, run
        )
        return replace(
            estimate,
            clip_starts=tuple(starts),
            video=replace(estimate.video, height=height, width=width),
        )

    def _time(self, frame: int) -> float:
        if self._rate:
            return frame / self._rate
        return self._stamps[self._places[frame - self._start] - self._first]

    def _forget(self, first: int) -> None:
        """Delete everything before frame `first`, which no later update needs."""
        del self._places[: first - self._start]
        self._start = first
        unseen = self._places[0] - self._first
        del self._frames[:unseen], self._stamps[:unseen]
        self._first += unseen
        for start in [start for start in self._rows if start < first]:
            del self._rows[start]
