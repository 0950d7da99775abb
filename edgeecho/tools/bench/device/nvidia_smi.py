"""Lines of `nvidia-smi --query-gpu`."""

from __future__ import annotations

from edgeecho.tools.bench.device.reading import Reading

FIELDS = {
    "memory.used": "MiB",
    "memory.total": "MiB",
    "utilization.gpu": "%",
    "clocks.sm": "MHz",
    "clocks.max.sm": "MHz",
    "clocks.mem": "MHz",
    "temperature.gpu": "C",
    "power.draw": "W",
    "power.limit": "W",
}
# Drivers from 535 on call it clocks_event_reasons.active, and know this name too.
_REASONS = "clocks_throttle_reasons.active"
_BITS = {
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}
"""Of NVML. The others slow nothing down: idle, and clocks that somebody has set."""


def command(gpu: str, every_ms: int) -> list[str]:
    """Lines of the GPU at the PCI address `gpu`, until it is stopped."""
    query = f"--query-gpu={','.join((*FIELDS, _REASONS))}"
    return [
        "nvidia-smi",
        "-i",
        gpu,
        query,
        "--format=csv,noheader,nounits",
        f"--loop-ms={every_ms}",
    ]


def read(line: str) -> Reading | None:
    """None: no line of values. What a GPU does not tell is left out."""
    *cells, mask = (cell.strip() for cell in line.split(","))
    if len(cells) != len(FIELDS) or not mask.startswith(("0x", "[")):
        return None
    values = {}
    for (name, unit), cell in zip(FIELDS.items(), cells, strict=True):
        try:
            values[f"{name}, {unit}"] = float(cell)
        except ValueError:  # [N/A], [Not Supported]
            continue
    active = int(mask, 16) if mask.startswith("0x") else 0
    return Reading(values, tuple(name for bit, name in _BITS.items() if active & bit))
