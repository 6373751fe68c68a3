"""What was paid, for whom and for what: by job, experiment, team, outcome, backend or purpose."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.errors import InputError
from qupel.model.money import NO_CURRENCY, Money
from qupel.runs.ledger.accounts import KINDS
from qupel.runs.tables import holds, jobs

#: Ways to group costs that every job can be grouped by.
GROUPS = (*KINDS, "backend")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one name stands for.

    Attributes
    ----------
    name
        Of the job, account, backend or purpose; empty for jobs that name none.
    currency
        Of the money; empty where nothing is billed.
    jobs, shots
        How many, and their shots as ordered.
    billed, held
        Final bills, and what open jobs hold, in millionths.
    """

    name: str
    currency: str
    jobs: int
    shots: int
    billed: int
    held: int

    def document(self) -> dict[str, Any]:
        """The line as plain data; money in the currency's unit."""
        code = self.currency or NO_CURRENCY
        return {
            "name": self.name,
            "currency": self.currency,
            "jobs": self.jobs,
            "shots": self.shots,
            "billed": str(Money(self.billed, code).amount),
            "held": str(Money(self.held, code).amount),
        }


@dataclass(frozen=True, slots=True)
class CostReport:
    """Costs by name, and over all jobs.

    Attributes
    ----------
    by
        What the names are of.
    lines
        By name. A job that belongs to several accounts of a kind stands in each of them.
    total
        One line a currency, over all jobs, whoever pays.
    shared
        What stands in several lines, as often as it is there beyond the first: the lines add up
        to it and the total. One line a currency, none where nothing does.
    """

    by: str
    lines: tuple[Cost, ...]
    total: tuple[Cost, ...]
    shared: tuple[Cost, ...] = ()

    def document(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "by": self.by,
            "lines": [line.document() for line in self.lines],
            "total": [line.document() for line in self.total],
            "shared": [line.document() for line in self.shared],
        }


def cost_report(connection: sa.Connection, by: str) -> CostReport:
    """Report the costs of all jobs; `InputError` if ``by`` is no way to group them."""
    rows = connection.execute(sa.select(jobs).order_by(jobs.c.planned, jobs.c.id)).all()
    total = _added([("", row) for row in rows])
    if by == "job":
        named = [(row.id, row) for row in rows]
    elif by == "backend":
        named = [(row.backend, row) for row in rows]
    elif by.startswith("purpose.") and len(by) > len("purpose."):
        wanted = by.removeprefix("purpose.")
        named = [(str(json.loads(row.purpose).get(wanted, "")), row) for row in rows]
    elif by in KINDS:
        named = _by_account(connection, by, rows)
    else:
        known = ", ".join([*KINDS, "backend", "purpose.NAME"])
        raise InputError(f"costs are grouped by {known}, got {by!r}")
    lines = _added(named)
    return CostReport(by, lines, total, _beyond(lines, total))


def _beyond(lines: Sequence[Cost], total: Sequence[Cost]) -> tuple[Cost, ...]:
    """By how much lines add up to more than the total, by currency."""
    found = []
    for whole in total:
        same = [line for line in lines if line.currency == whole.currency]
        more = [
            sum(getattr(line, part) for line in same) - getattr(whole, part)
            for part in ("jobs", "shots", "billed", "held")
        ]
        if any(more):
            found.append(Cost("", whole.currency, *more))
    return tuple(found)


def _by_account(
    connection: sa.Connection, kind: str, rows: Sequence[sa.Row[Any]]
) -> list[tuple[str, sa.Row[Any]]]:
    chosen = sa.select(holds.c.job_id, holds.c.account)
    named = defaultdict(list)
    for job, account in connection.execute(
        chosen.where(holds.c.account.startswith(f"{kind}:", autoescape=True))
    ):
        named[job].append(account)
    return [(name, row) for row in rows for name in named.get(row.id, [""])]


def _added(named: list[tuple[str, sa.Row[Any]]]) -> tuple[Cost, ...]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, row in named:
        line = sums[name, row.currency]
        line[0] += 1
        line[1] += row.shots
        line[2] += row.billed if row.settled else 0
        line[3] += 0 if row.settled else row.bound or 0
    return tuple(Cost(name, currency, *line) for (name, currency), line in sorted(sums.items()))
