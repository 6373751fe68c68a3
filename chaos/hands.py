"""What the processes do that are killed: plan orders and drive them to their ends."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.contract import Order
from qupel.backends.http import HttpTransport
from qupel.errors import BudgetError
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger, Patience, Retry
from qupel.runs.ledger.drive import all_still, due
from qupel.runs.tables import jobs

#: Name of every order; its number follows.
KEY = "chaos-{}"
ACCOUNT = "team:chaos"
#: Two qubits, the first of them 1.
PROGRAM = Circuit(2).x(0)
SHOTS = 10
#: What the emulator asks for it: 0.30 and 10 times 0.00035.
PRICE = Money.of("0.3035")
#: A campaign must not last hours: everything that is a minute by default is a moment here.
RETRY = Retry(attempts=12, pause=0.02, longest=0.5)
PATIENCE = Patience(first=0.01, longest=0.5, probe=0.1, lease=4.0, unknown=60)


def drive_jobs(given: Mapping[str, Any]) -> None:
    """Plan orders and drive every job, until nothing is left to do.

    Parameters
    ----------
    given
        ``database``, ``url`` and ``token`` of the provider, ``orders`` wanted, ``timeout`` and
        ``lag`` of the provider, ``seed``, ``deadly``: share of the ledger's named points at which
        this process kills itself, and ``deaths``: the file that counts them.
    """
    rng = random.Random(given["seed"])
    with Database.open(given["database"]) as database:
        ledger = Ledger(
            database,
            retry=RETRY,
            patience=PATIENCE,
            rng=np.random.default_rng(given["seed"]),
            reached=_deadly(rng, given["deadly"], Path(given["deaths"])),
        )
        backend = Neutral(
            "ideal",
            HttpTransport(given["url"], lambda: {"Authorization": f"Bearer {given['token']}"}),
            timeout=given["timeout"],
            lag_seconds=given["lag"],
        )
        wanted = _missing(database, given["orders"])
        rng.shuffle(wanted)
        while wanted or not all_still(ledger, bills=True):
            for _ in range(min(4, len(wanted))):
                _plan(ledger, wanted.pop())
            ids = due(ledger, 8)
            for job_id, _ in ids:
                ledger.advance(job_id, backend)
            if not (ids or wanted):
                time.sleep(0.01)


def _deadly(rng: random.Random, share: float, deaths: Path) -> Callable[[str], None]:
    def reached(point: str) -> None:
        if rng.random() < share:
            with deaths.open("a") as lines:
                lines.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def _missing(database: Database, orders: int) -> list[str]:
    """Keys of orders that nobody has planned yet."""
    with database.reading() as connection:
        known = set(connection.execute(sa.select(jobs.c.key)).scalars())
    return [key for key in map(KEY.format, range(orders)) if key not in known]


def _plan(ledger: Ledger, key: str) -> None:
    order = Order((PROGRAM,), SHOTS, key, key)
    try:
        ledger.plan(order, backend="emulator:ideal", accounts=[ACCOUNT], bound=PRICE)
    except BudgetError:
        return  # decided: there is no money for it
