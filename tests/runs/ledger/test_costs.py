"""Costs by job, experiment, team and outcome: whichever way, they add up to the ledger's total."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from qupel.runs.ledger.accounts import KINDS
from qupel.runs.ledger.costs import GROUPS, Cost, CostReport
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import BELL, finish

accounts = st.lists(
    st.builds("{}:{}".format, st.sampled_from(KINDS), st.sampled_from("ab")),
    max_size=4,
    unique=True,
)
wanted = st.tuples(
    accounts,
    st.integers(1, 500),  # shots
    st.integers(0, 3_000_000),  # price in millionths
    st.sampled_from(["USD", "EUR", ""]),
    st.sampled_from(["done", "open", "cancelled"]),
    st.sampled_from(["north", "south", ""]),
)


def sums(lines: tuple[Cost, ...]) -> dict[str, tuple[int, ...]]:
    """Jobs, shots, billed and held by currency; nothing where all are 0."""
    found: dict[str, list[int]] = {}
    for line in lines:
        parts = found.setdefault(line.currency, [0, 0, 0, 0])
        for place, value in enumerate((line.jobs, line.shots, line.billed, line.held)):
            parts[place] += value
    return {currency: tuple(parts) for currency, parts in found.items() if any(parts)}


def less(report: CostReport) -> dict[str, tuple[int, ...]]:
    """Lines of a report less what stands in several of them."""
    lines, shared = sums(report.lines), sums(report.shared)
    return {
        currency: tuple(a - b for a, b in zip(parts, shared.get(currency, (0,) * 4), strict=True))
        for currency, parts in lines.items()
    }


# Each example has a database of its own, so that shrinking one would take minutes.
@settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(wanted, min_size=1, max_size=6))
def test_whichever_way_costs_are_grouped_they_add_up_to_the_books(
    migrated: Path, work: list[tuple[list[str], int, int, str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated, Path(folder) / "qupel.db")
        with Database.open(folder) as database:
            clock = ManualClock()
            ledger = Ledger(database, clock, owner="worker")
            fakes = {
                code: Fake(clock, currency=code, device=code or "none")
                for code in ("USD", "EUR", "")
            }
            money = {"USD": "a", "EUR": "b", "": "free"}
            for number, (names, shots, price, code, end, region) in enumerate(work):
                # Accounts count in one currency; those of another have names of their own.
                named = [f"{name}{money[code]}" for name in names]
                job = ledger.plan(
                    Order((BELL,), shots, f"k{number}", "t"),
                    backend=f"fake:{code or 'none'}",
                    accounts=named,
                    bound=Money(3_000_000, code) if code else None,
                    purpose={"region": region},
                )
                fakes[code].price = price
                if end == "cancelled":
                    ledger.cancel(job.id)
                if end != "open":
                    finish(ledger, fakes[code], job)
            ways = [*GROUPS, "purpose.region"]
            reports = {way: ledger.costs(way) for way in ways}
            jobs = ledger.jobs()
            held = {account.name: account for account in ledger.accounts()}

    total = sums(reports["job"].total)
    for code, fake in fakes.items():
        mine = [job for job in jobs if job.backend == f"fake:{code or 'none'}"]
        done = [job for job in mine if job.state is JobState.DONE]
        opened = [job for job in mine if not job.state.final]
        assert total.get(code, (0, 0, 0, 0)) == (
            len(mine),
            sum(job.shots for job in mine),
            sum(known.price for known in fake.jobs.values()) if code else 0,
            3_000_000 * len(opened) if code else 0,
        )
        assert len(done) == len(fake.jobs)
    for way, report in reports.items():
        assert sums(report.total) == total, way
        assert less(report) == total, way
    assert sums(reports["job"].lines) == total  # no job account is shared: names are jobs' ids
    assert reports["job"].shared == reports["backend"].shared == ()
    for report in (reports[kind] for kind in KINDS if kind != "job"):
        for line in report.lines:
            if line.name:
                assert line.billed == held[line.name].spent.money + held[line.name].over
                assert line.held == held[line.name].held.money


def test_a_job_of_two_teams_stands_with_both_and_is_paid_once(ledger: Ledger, fake: Fake) -> None:
    job = ledger.plan(
        Order((BELL,), 100, "k", "t"),
        backend="fake:one",
        accounts=["team:a", "team:b", "outcome:fewer-hours"],
        bound=Money.of(2),
    )
    finish(ledger, fake, job)
    report = ledger.costs("team")
    assert [(line.name, line.billed) for line in report.lines] == [
        ("team:a", 1_000_000),
        ("team:b", 1_000_000),
    ]
    assert [line.billed for line in report.shared] == [1_000_000]
    assert [line.billed for line in report.total] == [1_000_000]
    [outcome] = ledger.costs("outcome").lines
    assert (outcome.name, outcome.billed) == ("outcome:fewer-hours", 1_000_000)
