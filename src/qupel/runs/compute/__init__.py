"""Fan-out: `compute` gives processes of this machine, or a Ray cluster where one is named."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from qupel.errors import InputError
from qupel.runs.compute.contract import Cell, Compute, Options
from qupel.runs.compute.journal import Journal
from qupel.runs.compute.processes import Processes

if TYPE_CHECKING:
    from qupel.runs.compute.cluster import Ray

_ADDRESS = re.compile(r"ray://[^\s/:]+:\d{1,5}")

__all__ = ["Cell", "Compute", "Journal", "Options", "Processes", "compute"]


def compute(where: str | None = None, processes: int | None = None) -> Processes | Ray:
    """Return what fans work out.

    Parameters
    ----------
    where
        ``processes``; ``ray`` for Ray on this machine; ``auto`` or ``ray://host:port`` for a
        cluster. The environment's ``QUPEL_COMPUTE`` unless given, else ``processes``.
    processes
        How many at a time on this machine; one for each core unless given.

    Raises
    ------
    InputError
        If ``where`` is none of these, or Ray is asked for and not installed.
    """
    asked = where if where is not None else os.environ.get("QUPEL_COMPUTE", "")
    if asked in ("", "processes"):
        return Processes(processes)
    if asked not in ("ray", "auto") and not _ADDRESS.fullmatch(asked):
        raise InputError(
            f"QUPEL_COMPUTE is 'processes', 'ray', 'auto' or 'ray://host:port', got {asked!r}"
        )
    from qupel.runs.compute.cluster import Ray, installed

    installed()
    return Ray("" if asked == "ray" else asked, processes)
