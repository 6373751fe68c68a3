"""What the processes of two sections do: reserve money, and ask a dead provider."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any

from chaos.hands import PROGRAM, SHOTS
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.contract import Order
from qupel.backends.http import HttpTransport
from qupel.errors import BudgetError, RunError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Amounts, Ledger
from qupel.runs.ledger.drive import due
from qupel.runs.ledger.holds import reserve


def account(number: int) -> str:
    """Name of one of many accounts."""
    return f"experiment:chaos-{number}"


def reserve_much(given: Mapping[str, Any]) -> None:
    """Reserve money in one account after the other, by many threads; write down what was granted.

    Parameters
    ----------
    given
        ``database``, ``accounts``: how many, ``threads``, ``process``: the number of this one,
        ``workers`` in all processes, ``rounds`` in each account, ``seed``, ``granted``: a file.
    """
    with Database.open(given["database"]) as database, ThreadPoolExecutor(given["threads"]) as pool:
        numbers = range(given["threads"])
        found = list(pool.map(lambda number: list(_reserved(database, given, number)), numbers))
    lines = (f"{place} {micros}\n" for grants in found for place, micros in grants)
    Path(given["granted"]).write_text("".join(lines))


def _reserved(
    database: Database, given: Mapping[str, Any], thread: int
) -> Iterator[tuple[int, int]]:
    """Account and millionths of every decision; 0 for a refusal, -1 for no decision."""
    worker = given["process"] * given["threads"] + thread
    rng = random.Random(f"{given['seed']}/{worker}")
    decisions = given["decisions"]
    for number in range(worker, decisions, given["workers"]):
        place = number * given["accounts"] // decisions
        micros = rng.randrange(1, 2_000_000)
        try:
            with database.writing(durable=False) as connection:
                reserve(connection, [account(place)], Amounts(micros, SHOTS, 1), "USD")
        except BudgetError:
            micros = 0
        except RunError:
            micros = -1
        yield place, micros


@dataclass(frozen=True, slots=True, eq=False)
class SharedClock:
    """A clock that several processes read and one of them moves: a number in a file of 8 bytes.

    Attributes
    ----------
    memory
        The file, mapped.
    """

    memory: mmap

    def now(self) -> float:
        """UTC as seconds since 1970."""
        return 1.8e9 + self.monotonic()

    def monotonic(self) -> float:
        """Seconds from the beginning."""
        return int.from_bytes(self.memory[:8], "little") / 1e3

    def move_to(self, seconds: float) -> None:
        """Set the time."""
        self.memory[:8] = round(seconds * 1e3).to_bytes(8, "little")

    def sleep(self, seconds: float) -> None:
        """Time passes only where it is moved."""

    async def pause(self, seconds: float) -> None:
        """Time passes only where it is moved."""

    @classmethod
    def at(cls, path: Path) -> SharedClock:
        """The clock in a file."""
        with path.open("r+b") as opened:
            return cls(mmap(opened.fileno(), 8))


def ask_the_dead(given: Mapping[str, Any]) -> None:
    """Drive jobs at a provider that answers nothing, from tick to tick of a shared clock.

    Parameters
    ----------
    given
        ``database``, ``url``, ``clock``: its file, ``ready``: a file to which a byte is appended
        when all that was due is done, ``process``: the number of this one, ``jobs`` to plan at
        the tick ``begins``, ``ticks`` and seconds of each ``tick``.
    """
    clock = SharedClock.at(Path(given["clock"]))
    with Database.open(given["database"]) as database, Path(given["ready"]).open("ab", 0) as ready:
        ledger = Ledger(database, clock)
        backend = Neutral("ideal", HttpTransport(given["url"]), timeout=5.0)
        for tick in range(given["ticks"]):
            while clock.monotonic() < tick * given["tick"]:
                time.sleep(0.0005)
            for number in range(given["jobs"] if tick == given["begins"] else 0):
                key = f"{given['process']}-{number}"
                order = Order((PROGRAM,), SHOTS, key, key)
                ledger.plan(order, backend="emulator:ideal", bound=Money.of(1))
            if tick < given["begins"]:
                ready.write(b".")
                continue
            for job_id, _ in due(ledger):
                ledger.advance(job_id, backend)
            ready.write(b".")
