"""A campaign: orders driven by processes that are killed all the time, at a provider that fails."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.hands import PATIENCE
from chaos.judge import Judgement, judge
from chaos.nursery import Nursery, nursery
from qupel.backends.emulator.process import Running, running_emulator
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Campaign:
    """How many orders, how many deaths, and what the provider does.

    Attributes
    ----------
    orders, kills
        How many; processes are killed until there were so many kills.
    seed
        Chooses the moments of the kills and the provider's faults.
    faults
        Scenarios of the emulator.
    keys
        Whether it honours idempotency keys.
    listing_lag
        Seconds until it lists a job.
    promised_lag
        Seconds after which we may be sure that a job is listed; None if nobody knows.
    timeout
        Seconds for one request.
    workers
        Processes at a time.
    deadly
        Share of the ledger's named points at which a process kills itself.
    interval
        Mean seconds between two strikes from outside.
    stops
        Share of the strikes that stop a process until its leases are over, in place of killing it.
    cap
        Of the account that pays; None for none.
    patience
        Seconds after which the campaign is given up.
    """

    orders: int
    kills: int
    seed: int = 0
    faults: tuple[str, ...] = ()
    keys: bool = True
    listing_lag: float = 0.0
    promised_lag: float | None = None
    timeout: float = 2.0
    workers: int = 4
    deadly: float = 0.01
    interval: float = 0.2
    stops: float = 0.0
    cap: Money | None = None
    patience: float = 420.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a campaign came to.

    Attributes
    ----------
    judgement
        By the provider's books.
    kills, stops
        Processes that died of SIGKILL, and how often one was stopped past its leases.
    points
        How many of them at which point of the ledger.
    crashes
        Processes that ended with an error of their own, which none may.
    said
        The end of what they said.
    ended
        Whether everything came to an end in time.
    seconds
        From the first order to the end.
    """

    judgement: Judgement
    kills: int
    stops: int
    points: Counter[str]
    crashes: int
    said: str
    ended: bool
    seconds: float


def run_campaign(campaign: Campaign, database: str, say: Say = lambda _: None) -> Outcome:
    """Run a campaign on a database that is empty, and have the provider's books judge it."""
    options = ["--seed", str(campaign.seed), "--listing-lag", str(campaign.listing_lag)]
    options += ["--keys" if campaign.keys else "--no-keys"]
    options += [word for fault in campaign.faults for word in ("--scenario", fault)]
    with (
        tempfile.TemporaryDirectory(prefix="qupel-chaos-") as place,
        running_emulator(*options) as emulator,
        nursery(Path(place) / "said") as forked,
    ):
        folder = Path(place)
        with Database.open(database) as opened:
            Ledger(opened).set_budget("team:chaos", money=campaign.cap)
        began = time.monotonic()
        running = _Running(
            campaign, forked, emulator, database, folder, random.Random(campaign.seed)
        )
        ended = running.until_over(say)
        seconds = time.monotonic() - began
        with Database.open(database) as opened:
            found = judge(emulator.ledger(), opened)
        deaths = folder / "deaths"
        points = Counter(deaths.read_text().splitlines() if deaths.exists() else ())
        said = (folder / "said").read_text()[-2000:]
        return Outcome(
            found, running.kills, running.stops, points, running.crashes, said, ended, seconds
        )


@dataclass(slots=True, eq=False)
class _Running:
    """The campaign while it runs."""

    campaign: Campaign
    forked: Nursery
    emulator: Running
    database: str
    folder: Path
    rng: random.Random
    kills: int = 0
    stops: int = 0
    crashes: int = 0
    born: int = 0
    stopped: dict[int, float] = field(default_factory=dict)

    def until_over(self, say: Say) -> bool:
        """Start, kill and start again; False if it takes too long."""
        campaign = self.campaign
        alive: dict[int, int] = {}
        until, told = time.monotonic() + campaign.patience, time.monotonic()
        next_kill = time.monotonic()
        while time.monotonic() < until:
            for pid, status in self.forked.over().items():
                orders = alive.pop(pid)
                self.stopped.pop(pid, None)
                self.kills += status == -signal.SIGKILL
                self.crashes += status > 0
                if status == 0 and orders == campaign.orders and self.kills >= campaign.kills:
                    return True
            if self.crashes > 3:
                return False
            while len(alive) < campaign.workers:
                orders = self._orders()
                alive[self._start(orders)] = orders
            if self.kills < campaign.kills and time.monotonic() >= next_kill:
                self._strike(self.rng.choice([pid for pid in alive if pid not in self.stopped]))
                next_kill = time.monotonic() + self.rng.expovariate(1 / campaign.interval)
            self._go_on()
            if time.monotonic() - told > 5:
                told = time.monotonic()
                say(f"{self._orders()} of {campaign.orders} orders, {self.kills} kills")
            time.sleep(0.005)
        return False

    def _strike(self, pid: int) -> None:
        """Kill a process, or stop it for longer than a lease; at least one goes on working."""
        if self.rng.random() < self.campaign.stops and len(self.stopped) < 2:
            os.kill(pid, signal.SIGSTOP)
            self.stops += 1
            self.stopped[pid] = time.monotonic() + 1.2 * PATIENCE.lease
        else:
            os.kill(pid, signal.SIGKILL)

    def _go_on(self) -> None:
        """Let those go on that were stopped for long enough."""
        for pid, until in list(self.stopped.items()):
            if time.monotonic() >= until:
                os.kill(pid, signal.SIGCONT)
                del self.stopped[pid]

    def _orders(self) -> int:
        """Orders wanted by now: as many as kills allow, so that neither ends before the other."""
        campaign = self.campaign
        if self.kills >= campaign.kills:
            return campaign.orders
        return min(campaign.orders, 1 + campaign.orders * (1 + self.kills) // (1 + campaign.kills))

    def _start(self, orders: int) -> int:
        self.born += 1
        campaign = self.campaign
        return self.forked.start(
            "chaos.hands:drive_jobs",
            {
                "database": self.database,
                "url": self.emulator.url,
                "token": self.emulator.token,
                "orders": orders,
                "timeout": campaign.timeout,
                "lag": campaign.promised_lag,
                "seed": campaign.seed * 1_000_003 + self.born,
                "deadly": campaign.deadly if self.kills < campaign.kills else 0.0,
                "deaths": str(self.folder / "deaths"),
            },
        )
