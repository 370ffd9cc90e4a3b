"""The machine that the figures were measured on, and whether it was quiet enough for them to mean something."""

import os
import time
from pathlib import Path

QUIET_SHARE = 0.15
"""Of all cores: what may be busy with something else while we measure."""


def describe() -> str:
    """Cores, memory and kernel, in a line."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "CPU"
    )
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return f"{os.cpu_count()} x {model}, {memory / 2**20:.0f} GiB, Linux {os.uname().release}"


def busy_share(*, seconds: float = 3.0) -> float:
    """The share of all cores' time that is in use now, measured over so many seconds.

    Load averages would still tell of what we ourselves did a minute ago.
    """
    before = _cpu_times()
    time.sleep(seconds)
    after = _cpu_times()
    total = after[0] - before[0]
    return (after[1] - before[1]) / total if total else 0.0


def _cpu_times() -> tuple[float, float]:
    """Of all cores together: jiffies in all, and jiffies in use or stolen by the hypervisor."""
    fields = [int(field) for field in _lines("/proc/stat")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return float(sum(fields)), float(sum(fields) - idle)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
