"""Budgets: no cap is exceeded, whoever reserves at the same time, and whoever dies meanwhile."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from pathlib import Path

from chaos.campaign import Campaign, run_campaign
from chaos.crowd import account
from chaos.finding import Finding
from chaos.hands import PRICE
from chaos.nursery import nursery
from chaos.options import Options, Say
from chaos.paid_once import FAULTS, details
from chaos.places import Place, places
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger

PROCESSES = 8
#: Decisions in each account; about half of them find room.
EACH = 200
CAP = Money.of(100)


def main(options: Options, say: Say) -> list[Finding]:
    """Reserve on every database there is; then spend with workers that are killed."""
    found = [crowded(name, place, options, say) for name, place in places(options).items()]
    [(name, place), *_] = places(options, both=False).items()
    return [*found, spent(name, place, options, say)]


def crowded(name: str, place: Place, options: Options, say: Say) -> Finding:
    """Decide at the edge of one cap after the other, all workers at once."""
    decisions = options.size(100_000, 800)
    threads = options.size(8, 2)
    accounts, workers = max(1, decisions // EACH), PROCESSES * threads
    with place() as database, tempfile.TemporaryDirectory() as folder:
        with Database.open(database) as opened:
            ledger = Ledger(opened)
            for number in range(accounts):
                ledger.set_budget(account(number), money=CAP)
        began = time.monotonic()
        ended = _reserve(database, Path(folder), decisions, accounts, threads, options.seed, say)
        seconds = time.monotonic() - began
        granted: dict[str, int] = defaultdict(int)
        counts = {"granted": 0, "refused": 0, "undecided": 0}
        for told in Path(folder).glob("granted-*"):
            for line in told.read_text().splitlines():
                number, micros = map(int, line.split())
                granted[account(number)] += max(0, micros)
                word = "granted" if micros > 0 else "refused" if micros == 0 else "undecided"
                counts[word] += 1
        with Database.open(database) as opened:
            books = {held.name: held.held.money for held in Ledger(opened).accounts()}
    over = sum(max(0, micros - CAP.micros) for micros in granted.values())
    apart = sum(abs(books[name] - granted[name]) for name in books)
    told_of = counts["granted"] + counts["refused"]
    return Finding(
        promise=f"budget: decisions at once, {name}",
        target="0.00 over any cap",
        figure=f"{over / 1e6:.2f} USD over, {apart / 1e6:.2f} apart from the workers' own sums, "
        f"{counts['undecided']} undecided, {told_of / seconds:.0f} decisions/s",
        n=f"{told_of} decisions, {workers} workers in {PROCESSES} processes, {accounts} caps",
        passed=ended and not (over or apart or counts["undecided"]) and told_of == decisions,
        seconds=seconds,
        details={**counts, "held": sum(books.values()) / 1e6, "caps": accounts * 100},
    )


def _reserve(
    database: str, folder: Path, decisions: int, accounts: int, threads: int, seed: int, say: Say
) -> bool:
    with nursery(folder / "said") as forked:
        alive = set()
        for number in range(PROCESSES):
            given = {
                "database": database,
                "accounts": accounts,
                "decisions": decisions,
                "threads": threads,
                "process": number,
                "workers": PROCESSES * threads,
                "seed": seed,
                "granted": str(folder / f"granted-{number}"),
            }
            alive.add(forked.start("chaos.crowd:reserve_much", given))
        failed = 0
        while alive:
            ended = forked.over()
            failed += sum(status != 0 for status in ended.values())
            alive -= set(ended)
            time.sleep(0.05)
        if failed:
            say((folder / "said").read_text()[-2000:])
        return not failed


def spent(name: str, place: Place, options: Options, say: Say) -> Finding:
    """Order twice what the cap has room for, with deaths; the provider's books say what it cost."""
    room = options.size(150, 8)
    cap = Money(PRICE.micros * room + 1, PRICE.currency)
    campaign = Campaign(
        orders=2 * room,
        kills=options.size(60, 3),
        seed=options.seed + 1,
        faults=FAULTS,
        timeout=1.0,
        cap=cap,
    )
    with place() as database:
        outcome = run_campaign(campaign, database, say)
    seen = outcome.judgement
    over = max(0, seen.billed - cap.micros)
    return Finding(
        promise=f"budget: billed under a cap, {name}",
        target="0.00 over; all the cap has room for is used",
        figure=f"{over / 1e6:.2f} USD over, {seen.billed / 1e6:.4f} of {cap.micros / 1e6:.4f} "
        "billed",
        n=f"{2 * room} orders, {outcome.kills} kills",
        passed=outcome.ended
        and not outcome.crashes
        and not over
        and seen.billed == PRICE.micros * room
        and seen.billed == seen.booked,
        seconds=outcome.seconds,
        details=details(outcome),
    )
