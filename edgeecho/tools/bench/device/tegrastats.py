"""Lines of a Jetson's `tegrastats`, as JetPack 4 to 7 print them. Never run on a Jetson."""

from __future__ import annotations

import re

from edgeecho.tools.bench.device.reading import Reading

_RAM = re.compile(r"\bRAM (\d+)/(\d+)MB")
_LOAD = re.compile(r"\bGR3D_FREQ (\d+)%")
_CLOCK = re.compile(r"\bGR3D_FREQ (?:\d+%)?@\[?(\d+)")
_HEAT = re.compile(r"(\w+)@(-?[\d.]+)C\b")
# Now, the mean since its start, and since JetPack 7 the highest; JetPack 4 leaves the unit out.
_POWER = re.compile(r"\b(\w+) (-?\d+)(?:mW)?/-?\d+(?:mW)?(?:/-?\d+(?:mW)?)?(?!\S)")
_OFF_C = -200
"""A sensor that is switched off says -256 C."""


def command(every_ms: int) -> list[str]:
    """Lines until it is stopped."""
    return ["tegrastats", "--interval", str(every_ms)]


def read(line: str) -> Reading | None:
    """None: no line of values."""
    ram = _RAM.search(line)
    if ram is None:
        return None
    values = {"RAM, MB": float(ram.group(1)), "RAM in all, MB": float(ram.group(2))}
    for name, pattern in (("GR3D_FREQ, %", _LOAD), ("GR3D_FREQ, MHz", _CLOCK)):
        if found := pattern.search(line):
            values[name] = float(found.group(1))
    values |= {f"{n}, C": float(c) for n, c in _HEAT.findall(line) if float(c) > _OFF_C}
    values |= {f"{name}, mW": float(now) for name, now in _POWER.findall(line)}
    return Reading(values)
