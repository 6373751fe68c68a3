"""Money: what a run costs by a price list, and what a gain is worth."""

from __future__ import annotations

from dataclasses import dataclass

from qupel.errors import InputError
from qupel.model.evidence import Evidence
from qupel.runs.record import Record

DEVICE_EVIDENCE = frozenset({Evidence.NOISY, Evidence.EMULATOR, Evidence.HARDWARE})
"""Evidence that stands for a device, so that the device's prices apply."""


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list.

    Attributes
    ----------
    currency
        Code such as ``EUR``.
    core_hour
        Price of one processor core for an hour, licences included.
    cores
        Cores reserved for a run.
    shot, task, quantum_second
        A device's price per shot, per job, and per second of execution.
    """

    currency: str = "EUR"
    core_hour: float = 0.0
    cores: int = 1
    shot: float = 0.0
    task: float = 0.0
    quantum_second: float = 0.0

    def __post_init__(self) -> None:
        for name in ("core_hour", "cores", "shot", "task", "quantum_second"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be at least 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Worth:
    """What the charter says a better answer is worth.

    Attributes
    ----------
    per_percent
        Money per run for one percent of improvement in the KPI.
    per_second
        Money per second that an answer comes later; 0 where lateness costs nothing.
    per_run_fixed
        Money per run for the added upkeep of the new step: people, risk, licences.
    runs_per_year
        Runs in a year; 0 where unknown.
    """

    per_percent: float
    per_second: float = 0.0
    per_run_fixed: float = 0.0
    runs_per_year: float = 0.0


@dataclass(frozen=True, slots=True)
class NetValue:
    """Net value per run of the candidate over the best classical arm, in money.

    ``per_run = gain - cost - latency - upkeep``; ``low`` and ``high`` carry the gain's interval,
    None where it has none.
    """

    currency: str
    gain: float
    cost: float
    latency: float
    upkeep: float
    per_run: float
    low: float | None
    high: float | None
    per_year: float | None = None


def cost_of(record: Record, prices: Prices | None) -> float | None:
    """Money one run cost: as billed if the record says so, else by the price list.

    A machine is paid while it is reserved, so by wall-clock without the wait in a queue. A
    device's prices apply to evidence that stands for a device; shots and tasks are read from
    ``sizes``, the shots else from the number of samples, and a run is at least one task.
    """
    if record.cost is not None:
        return record.cost
    if prices is None:
        return None
    held = max(0.0, record.end_to_end - record.clocks.queue)
    cost = prices.cores * prices.core_hour * held / 3600.0
    if record.evidence in DEVICE_EVIDENCE:
        cost += prices.shot * record.sizes.get("shots", float(record.raw.of))
        cost += prices.task * record.sizes.get("tasks", 1.0)
        cost += prices.quantum_second * record.clocks.execute
    return cost
