"""A provider whose books are files, so that processes that are killed share it."""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qupel.backends.contract import (
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Reading,
    Result,
    State,
)
from qupel.errors import UnknownOutcomeError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.ledger.checks import width_of


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Accepts at once, loses one reply in ten, and lists jobs with a lag."""

    folder: Path
    lookup: Lookup = Lookup.KEY
    lag: float = 0.15
    provider: str = "disk"
    device: str = "one"

    def capabilities(self) -> Capabilities:
        return Capabilities(
            Kind.CIRCUIT,
            30,
            10**6,
            10,
            self.lookup,
            0.3,
            cancels=False,
            evidence=Evidence.EMULATOR,
            currency="USD",
        )

    def estimate(self, order: Order) -> Estimate:
        return Estimate(2, 1, 0, order.shots, 0.0, 0.0, Money.of(1))

    def submit(self, order: Order) -> str:
        self.folder.mkdir(exist_ok=True)
        draw = random.random()  # noqa: S311  faults, not secrets
        name = hashlib.sha256(f"{order.key}{draw}".encode()).hexdigest()[:16]
        if self.lookup is Lookup.KEY:
            name = hashlib.sha256(order.key.encode()).hexdigest()[:16]
        path = self.folder / name
        if not path.exists():
            part = path.with_suffix(f".{draw}")
            told = {"key": order.key, "tag": order.tag, "at": time.time()}
            part.write_text(json.dumps(told))
            part.replace(path)
        if draw < 0.1:
            raise UnknownOutcomeError("reply lost")
        return name

    def find(self, order: Order) -> list[str]:
        found = []
        for path in self.folder.glob("*"):
            held = json.loads(path.read_text()) if not path.suffix else {}
            if held.get("tag") == order.tag and held["at"] + self.lag <= time.time():
                found.append(path.name)
        return found

    def status(self, job: str) -> JobStatus:
        assert (self.folder / job).exists()
        return JobStatus(State.DONE, "done", billed=Money.of(1))

    def result(self, job: str, order: Order) -> Result:
        bits = np.zeros((1, width_of(order.programs[0])), np.uint8)
        reading = Reading(bits, np.array([order.shots]))
        return Result((reading,), job, self.device, Evidence.EMULATOR, billed=Money.of(1))

    def cancel(self, job: str) -> None:
        """Jobs are done at once."""

    def keys(self) -> list[str]:
        """For every bill, the job of ours it is for."""
        held = [json.loads(path.read_text()) for path in self.folder.glob("*") if not path.suffix]
        return [one["key"].rpartition("-")[0] for one in held]
