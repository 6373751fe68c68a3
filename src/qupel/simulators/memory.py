"""Whether a state fits in memory, asked before it is made."""

from __future__ import annotations

import os
from pathlib import Path

from qupel.errors import InputError

#: Most qubits of a state, whatever the memory: an index is a signed number of 64 bits.
MOST_QUBITS = 62


def check_memory(qubits: int, needed: int, what: str) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    qubits, needed
        Of the state, and the bytes that it takes.
    what
        What it is, in the plural, such as ``30 qubits in double precision``.

    Raises
    ------
    InputError
        With both sizes.
    """
    free = free_memory()
    if qubits > MOST_QUBITS or needed > free:
        raise InputError(
            f"{what} need {needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free; use "
            "single precision or fewer qubits (a hybrid solver cuts a form into parts), or a "
            "machine with more memory"
        )


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
