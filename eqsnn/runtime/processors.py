"""How many processors this process may use."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path

_QUOTAS = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us")
"""Where Linux says how much time per period a container gets: of version 2 in one file, of version 1 in two."""


def processors() -> int:
    """As many as the process may run on, and no more than a container's share of their time is worth; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, quota()))


@functools.cache
def quota(places: tuple[str, ...] = _QUOTAS) -> float:
    """The processors that a container's share of time is worth, rounded up; infinite where there is no limit."""
    for place in places:
        try:
            time, period = " ".join(Path(p).read_text(encoding="ascii") for p in place.split()).split()
            if time not in ("max", "-1"):
                return max(1, math.ceil(int(time) / int(period)))
        except (OSError, ValueError):
            continue
    return math.inf
