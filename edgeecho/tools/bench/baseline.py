"""Comparing a benchmark with a saved one: has the machine become slower?"""

from __future__ import annotations

from dataclasses import dataclass

from edgeecho.common.errors import UsageError
from edgeecho.tools.bench.run import BenchRun
from edgeecho.tools.bench.statistics import Ratio, unpaired_ratio


@dataclass(frozen=True)
class Change:
    """The time from file to answer of one subject, compared with the baseline."""

    label: str
    times_as_long: Ratio
    """Ratio of the times; above 1 is slower than the baseline."""
    allowed: float
    """Largest ratio that passes, such as 1.1."""

    @property
    def slower(self) -> bool:
        """Whether even the lower end of the interval is above the allowed ratio."""
        low = self.times_as_long.low
        return low is not None and low > self.allowed


def compare_with(baseline: BenchRun, run: BenchRun, *, percent: float) -> tuple[Change, ...]:
    """Compare the subjects that both runs have; `percent` more time is allowed.

    `UsageError` if the runs did not measure the same thing on the same kind of machine, or if one
    has a single sample, which does not show how much it varies.
    """
    for what, then, now in _conditions(baseline, run):
        if then != now:
            raise UsageError(
                f"the baseline has {what} {then}, this run {now}: "
                "measure the baseline again in the same way"
            )
    old = {series.label: series for series in baseline.series}
    pairs = [(old[series.label], series) for series in run.series if series.label in old]
    if not pairs:
        raise UsageError(
            f"the baseline holds {', '.join(old)}, this run "
            f"{', '.join(s.label for s in run.series)}: compare the same ones"
        )
    changes = []
    for then_series, now_series in pairs:
        ratio = unpaired_ratio(now_series.samples_ms["total"], then_series.samples_ms["total"])
        if ratio.low is None:
            raise UsageError("a single run says nothing of how much it varies: take more --runs")
        changes.append(Change(now_series.label, ratio, 1 + percent / 100))
    return tuple(changes)


def _conditions(baseline: BenchRun, run: BenchRun) -> list[tuple[str, object, object]]:
    def facts(one: BenchRun) -> dict[str, object]:
        return {
            "scenario": one.scenario,
            "video": one.video,
            "frames": one.frames,
            "clips": one.clips,
            "every": one.every_ms,
            "cpu": one.environment.cpu,
            "usable cores": one.environment.cores_usable,
            "threads": sorted({series.engine.threads for series in one.series}),
        }

    now = facts(run)
    return [(what, then, now[what]) for what, then in facts(baseline).items()]
