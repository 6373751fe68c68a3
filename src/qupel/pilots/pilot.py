"""A pilot from its file to its verdict: lock, tune, run every cell, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qupel.benchmarks.comparison import Comparison
from qupel.pilots.cases import Cases, load_cases
from qupel.pilots.charter import Charter
from qupel.pilots.pilot_file import read_charter
from qupel.pilots.readiness import check_ready
from qupel.runs.record import Record


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pilot is, after each finished cell.

    Attributes
    ----------
    phase
        ``tuning`` or ``comparing``.
    done, total
        Cells of the phase.
    record
        The cell that was just finished; None at the start of a phase.
    """

    phase: str
    done: int
    total: int
    record: Record | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """What a pilot has found."""

    run: str
    charter: Charter
    comparison: Comparison
    records: tuple[Record, ...]
    cases: Cases


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pilot that is ready to run: charter and cases, checked."""

    path: Path
    charter: Charter
    cases: Cases


def prepare(path: Path) -> Prepared:
    """Read a pilot file and its cases, and check that it may run.

    Raises
    ------
    PilotFileError
        With the line of every fault in the file.
    InputError
        If a case cannot be loaded.
    """
    charter = read_charter(path)
    check_ready(charter, path)
    return Prepared(path, charter, load_cases(charter, path.parent))
