"""Who works on a job: leases, and names of workers that tell whether they still live."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path

from qupel.backends.clock import Clock, SystemClock


@cache
def boot() -> str:
    """Name of this start of this machine, under which monotonic clocks can be compared."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]
    except OSError:
        return f"process-{os.getpid()}-{secrets.token_hex(4)}"


def origin_of(clock: Clock) -> str:
    """Whose monotonic clock this is: two readings of one origin may be subtracted."""
    return boot() if isinstance(clock, SystemClock) else f"{type(clock).__name__}"


def this_worker() -> str:
    """A name for this process that no other process ever has."""
    return f"{boot()}/{_namespace()}/{os.getpid()}/{_born(os.getpid())}/{secrets.token_hex(2)}"


def is_dead(owner: str) -> bool:
    """Whether a worker is known for certain to be over; False where nobody here can tell."""
    parts = owner.split("/")
    if len(parts) != 5 or parts[0] != boot() or parts[1] != _namespace() or not parts[1]:
        return False
    return _born(int(parts[2])) != parts[3]


def _namespace() -> str:
    """Which processes are visible from here; empty where that is not known."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty if there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = told.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else rest[18]
