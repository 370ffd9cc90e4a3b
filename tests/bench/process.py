"""What a process has used, as the kernel counts it."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """cpu_seconds: of user and system. rss, peak_rss: MiB now, and at the most so far."""

    cpu_seconds: float
    rss: float
    peak_rss: float


def usage(pid: int) -> Usage:
    """The usage of a process that runs. Raises FileNotFoundError if it does not."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Vm")
    )
    return Usage(
        cpu_seconds=(int(stat[11]) + int(stat[12])) / _TICKS,
        rss=int(status["VmRSS"].split()[0]) / 1024,
        peak_rss=int(status["VmHWM"].split()[0]) / 1024,
    )


def stop(process: "subprocess.Popen[bytes]", *, seconds: float = 20.0) -> int:
    """End a process of ours as Kubernetes would; returns its exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
