"""How many processors this process may use: what a container's limit leaves, not what the machine has."""

import math
import os
from pathlib import Path

V2 = Path("/sys/fs/cgroup/cpu.max")
V1_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
V1_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def available_cpus() -> int:
    """Processors by affinity and by the cgroup's quota, rounded up; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def _quota() -> float | None:
    try:
        if V2.exists():
            limit, period = V2.read_text().split()
            return None if limit == "max" else int(limit) / int(period)
        limit, period = V1_QUOTA.read_text(), V1_PERIOD.read_text()
        return None if int(limit) <= 0 else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def limit_threads(cpus: int) -> None:
    """Tells OpenMP and the linear algebra libraries, which would count the machine's processors; before importing them.

    By environment rather than by a parameter: a thread count in LightGBM's parameters would end up in the model file.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(cpus))
