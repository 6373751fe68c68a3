"""Pages of side-by-side measurements: a summary, every entrant's figures, all of it as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from perf.alternate import Case, Timing
from perf.environments import BUILT
from perf.tables import FOLDER, ROOT
from qupel.runs.provenance import machine, revision, versions

OURS = "Qupel"


@dataclass(frozen=True)
class Table:
    """A table of a page; numbers are shown with three digits."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def lines(self) -> list[str]:
        """Markdown."""
        head = [f"## {self.title}", "", _line(self.columns), "|" + "---|" * len(self.columns)]
        return [*head, *(_line([_cell(value) for value in row]) for row in self.rows), ""]


@dataclass
class Page:
    """A measurement as it grows.

    Attributes
    ----------
    name, title, text
        File name, heading, and what was done, in Markdown.
    whole
        Whether nothing was left out; only then it becomes part of the documentation.
    """

    name: str
    title: str
    text: str
    whole: bool
    tables: list[Table] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    peers: dict[str, str] = field(default_factory=dict)
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def keep(self, case: Case, timings: Sequence[Timing]) -> None:
        """Take note of a case's results, and say them."""
        for timing in timings:
            self.peers.update(timing.versions)
            self.results.append(_record(case, timing))
            print(f"  {case.name}, {_threads(case)}: {_said(timing)}", flush=True)

    def publish(self) -> None:
        """Write the page and its JSON document."""
        folder = FOLDER if self.whole else BUILT / "results"
        folder.mkdir(parents=True, exist_ok=True)
        when = datetime.now(UTC).strftime("%Y-%m-%d")
        where = ", ".join(f"{key} {value}" for key, value in sorted(machine().items()))
        which = ", ".join(f"{key} {value}" for key, value in sorted(self.peers.items()))
        load = (self.load, os.getloadavg()[0])
        told = (
            f"Measured on {when} by `python -m perf {self.name}`; {where}; load average "
            f"{load[0]:.1f} before and {load[1]:.1f} after. Versions: {which}."
        )
        tables = [line for table in self.tables for line in table.lines()]
        lines = [f"# {self.title}", "", self.text, "", told, "", *tables]
        (folder / f"{self.name}.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
        document = {
            "measured": when,
            "machine": dict(machine()),
            "load": load,
            "revision": revision(),
            "versions": {**versions(), **self.peers},
            "tables": [
                {"title": t.title, "columns": list(t.columns), "rows": [list(r) for r in t.rows]}
                for t in self.tables
            ],
            "results": self.results,
        }
        (folder / f"{self.name}.json").write_text(
            json.dumps(_plain(document), indent=1) + "\n", encoding="utf-8"
        )
        print("\n".join(tables))
        print(f"written to {(folder / self.name).relative_to(ROOT)}.md", flush=True)


def against(
    measured: Sequence[tuple[Case, Sequence[Timing]]], targets: Mapping[str, float]
) -> Table:
    """Qupel beside the fastest peer of each case; ratios above 1 say that Qupel is faster.

    ``targets`` has the ratio aimed at by name of case; the first pattern that begins the name.
    """
    rows = []
    for case, timings in measured:
        ours = next(t for t in timings if t.entrant == OURS)
        peers = [t for t in timings if t.entrant != OURS and not t.failure]
        best = min(peers, key=Timing.wall_median, default=Timing("none"))
        cheapest = min((t.cpu_median() for t in peers), default=math.inf)
        wall = best.wall_median() / ours.wall_median()
        target = next((t for start, t in targets.items() if case.name.startswith(start)), None)
        rows.append(
            [case.name, case.threads, 1e3 * ours.wall_median(), best.entrant,
             1e3 * best.wall_median(), wall, cheapest / ours.cpu_median(),
             "" if target is None else f"{target:g}"]
        )  # fmt: skip
    columns = ["case", "threads", "Qupel (ms)", "fastest peer", "its time (ms)", "ratio, wall",
               "ratio, CPU", "aim"]  # fmt: skip
    return Table("Qupel and the fastest peer", columns, rows)


def everybody(measured: Sequence[tuple[Case, Sequence[Timing]]]) -> Table:
    """All entrants of all cases."""
    rows: list[list[Any]] = []
    for case, timings in measured:
        ours = next(t for t in timings if t.entrant == OURS)
        for timing in timings:
            if timing.failure:
                note = f"no result: {timing.failure}"
                rows.append([case.name, case.threads, timing.entrant, *[""] * 5, note])
                continue
            wall = timing.wall_median()
            rows.append(
                [case.name, case.threads, timing.entrant, 1e3 * wall, 1e3 * timing.cpu_median(),
                 wall / ours.wall_median(), f"{100 * timing.spread():.0f}", len(timing.seconds),
                 timing.note]
            )  # fmt: skip
    columns = ["case", "threads", "entrant", "wall (ms)", "CPU (ms)", "times Qupel's wall",
               "spread (%)", "rounds", "note"]  # fmt: skip
    return Table("Everybody", columns, rows)


def _record(case: Case, timing: Timing) -> dict[str, Any]:
    small = {key: value.tolist() for key, value in timing.answer.items() if value.size <= 64}
    return {
        "case": case.name, "task": case.task, "threads": case.threads, "entrant": timing.entrant,
        "seconds": timing.seconds, "cpu": timing.cpu, "note": timing.note,
        "failure": timing.failure, "answer": small, "load": os.getloadavg()[0],
    }  # fmt: skip


def _said(timing: Timing) -> str:
    if timing.failure:
        return f"{timing.entrant} no result: {timing.failure}"
    wall, cpu = 1e3 * timing.wall_median(), 1e3 * timing.cpu_median()
    return f"{timing.entrant} {wall:.4g} ms, CPU {cpu:.4g} ms {timing.note}"


def _threads(case: Case) -> str:
    return "1 thread" if case.threads == 1 else f"{case.threads} threads"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–"
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value).replace("|", "/").replace("\n", " ")


def _plain(value: Any) -> Any:
    """The same with null for what is not a finite number, as JSON wants it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
