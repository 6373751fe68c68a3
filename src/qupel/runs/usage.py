"""Processor seconds and peak memory of one attempt, of this process and its children."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

#: How a peak was found.
SINCE_START = "peak resident set since the attempt began"
WHOLE_LIFE = "peak resident set of the worker's whole life: the peak could not be reset"


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading at the start of an attempt, to be compared with the end.

    Attributes
    ----------
    cpu
        Processor seconds used before, children that ended included.
    reset
        Whether the kernel's peak was set back, so that it speaks of this attempt alone.
    """

    cpu: float
    reset: bool

    @classmethod
    def begin(cls) -> Self:
        """Read the processor time and set the peak back to what is resident now."""
        return cls(cpu_seconds(), _reset_peak())

    def seconds(self) -> float:
        """Processor seconds since `begin`, all threads and ended children together."""
        return cpu_seconds() - self.cpu

    def peak(self) -> tuple[int, str]:
        """Peak resident bytes, and how they were found."""
        if self.reset and (found := peak_of("self")):
            return found, SINCE_START
        return _lifetime_peak(), WHOLE_LIFE


def cpu_seconds() -> float:
    """Processor seconds of this process and of its children that ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_of(pid: int | str) -> int:
    """Peak resident bytes that Linux tells of a process; 0 if it tells nothing."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@cache
def peak_method() -> str:
    """How peaks of workers are found on this machine."""
    return SINCE_START if _reset_peak() and peak_of("self") else WHOLE_LIFE


def tidy() -> None:
    """Give memory of the last attempt back to the system, so that it is not the next one's."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _lifetime_peak() -> int:
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024
