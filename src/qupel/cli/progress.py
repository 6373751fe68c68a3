"""Progress of long work on stderr: cells done, best gap per arm, time left."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qupel.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qupel.pilots.pilot import Progress

#: Seconds between lines where stderr is no terminal.
EVERY = 5.0
#: Ways to show progress.
STYLES = ("auto", "lines", "jsonl", "none")


@contextmanager
def shown(style: str) -> Iterator[Callable[[Progress], None]]:
    """Show progress: a live table on a terminal, lines elsewhere, JSON lines on request."""
    if style not in STYLES:
        raise unknown_name("style of progress", style, STYLES)
    if style == "none":
        yield lambda progress: None
    elif style == "jsonl":
        yield _json_line
    elif style == "auto" and sys.stderr.isatty():
        with _live() as tell:
            yield tell
    else:
        yield Lines()


def _json_line(progress: Progress) -> None:
    document: dict[str, Any] = {
        "phase": progress.phase,
        "done": progress.done,
        "total": progress.total,
    }
    if progress.record is not None:
        document |= {
            "arm": progress.record.arm,
            "case": progress.record.case,
            "seed": progress.record.seed,
            "status": str(progress.record.status),
            "objective": progress.record.objective,
        }
    sys.stderr.write(json.dumps(document) + "\n")


class Clock:
    """Tells the time left from the pace of the cells so far."""

    def __init__(self) -> None:
        self.phase = ""
        self.began = 0.0
        self.at_start = 0

    def left(self, progress: Progress) -> float | None:
        """Seconds left in the phase; None before the first cell."""
        if progress.phase != self.phase:
            self.phase, self.began, self.at_start = progress.phase, time.monotonic(), progress.done
        done = progress.done - self.at_start
        if not done:
            return None
        return (time.monotonic() - self.began) / done * (progress.total - progress.done)


class Lines:
    """One line of text every few seconds, and one at the end of each phase."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.last = -EVERY

    def __call__(self, progress: Progress) -> None:
        """Write a line if one is due."""
        left = self.clock.left(progress)
        if progress.done < progress.total and time.monotonic() - self.last < EVERY:
            return
        self.last = time.monotonic()
        tail = "" if left is None or progress.done == progress.total else f", {left:.0f} s left"
        sys.stderr.write(f"{progress.phase}: {progress.done} of {progress.total} cells{tail}\n")
        sys.stderr.flush()


@contextmanager
def _live() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.live import Live

    gaps = Gaps()
    clock = Clock()
    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:

        def tell(progress: Progress) -> None:
            gaps.saw(progress)
            live.update(gaps.table(progress, clock.left(progress)))

        yield tell


class Gaps:
    """Mean gap of each arm to the best answer seen so far in each case."""

    def __init__(self) -> None:
        self.best: dict[str, float] = {}
        self.found: dict[str, dict[tuple[str, int], float | None]] = {}
        self.phase = ""

    def saw(self, progress: Progress) -> None:
        """Take note of a finished cell."""
        if progress.phase != self.phase:
            self.phase, self.best, self.found = progress.phase, {}, {}
        record = progress.record
        if record is None:
            return
        value = record.objective if record.feasible else None
        self.found.setdefault(record.arm, {})[record.case, record.seed] = value
        if value is not None:
            sign = -1.0 if _is_max(record.family) else 1.0
            held = self.best.get(record.case)
            if held is None or sign * value < sign * held:
                self.best[record.case] = value

    def table(self, progress: Progress, left: float | None) -> Any:
        """Everything so far as a table for the terminal."""
        from rich.table import Table

        from qupel.benchmarks.metrics import primal_gap

        tail = "" if left is None else f", about {left:.0f} s left"
        table = Table(title=f"{progress.phase}: {progress.done} of {progress.total} cells{tail}")
        table.add_column("arm")
        table.add_column("cells", justify="right")
        table.add_column("feasible", justify="right")
        table.add_column("mean gap", justify="right")
        for arm, cells in sorted(self.found.items()):
            gaps = [primal_gap(value, self.best.get(case)) for (case, _), value in cells.items()]
            feasible = sum(value is not None for value in cells.values())
            table.add_row(
                arm, str(len(cells)), str(feasible), f"{100 * sum(gaps) / len(gaps):.3g} %"
            )
        return table


def _is_max(name: str) -> bool:
    from qupel.problems.registry import family

    return family(name).sense == "max"
