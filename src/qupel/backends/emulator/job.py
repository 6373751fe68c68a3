"""A job at the emulated provider."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from qupel.backends.contract import Annealing, Program, Reading, State
from qupel.backends.emulator.calibration import Calibration
from qupel.backends.emulator.devices import Device
from qupel.backends.emulator.execution import run_program
from qupel.backends.emulator.hooks import Fate
from qupel.model.money import Money


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """What somebody asks to be run.

    Attributes
    ----------
    device
        Name.
    programs
        All circuits, or all annealings.
    shots
        Repetitions of each.
    tag
        Label that listings look for.
    settings
        Plain data; unknown ones are kept and ignored.
    """

    device: str
    programs: tuple[Program, ...]
    shots: int
    tag: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def digest(self) -> str:
        """Hash of everything that can change the result."""
        parts = [self.device, str(self.shots), *(digest_of(p) for p in self.programs)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def digest_of(program: Program) -> str:
    """Hash of a program, by which a result tells what was run."""
    digest = hashlib.sha256()
    if isinstance(program, Annealing):
        form = program.form
        pairs = form.couplings
        for part in (form.fields, pairs.indptr, pairs.indices, pairs.data):
            digest.update(np.ascontiguousarray(part, _PLAIN[part.dtype.kind]).tobytes())
        digest.update(np.float64(form.offset).tobytes())
    else:
        digest.update(repr((program.qubits, program.gates, program.measured)).encode())
    return digest.hexdigest()


_PLAIN: dict[str, str] = {"i": "<i8", "f": "<f8"}


@dataclass(slots=True, eq=False)
class EmulatedJob:
    """An accepted job: when it runs is fixed when it is accepted, its readings when asked for.

    Attributes
    ----------
    id, number
        Its name, and how many jobs were accepted before it.
    account
        Whose it is.
    device, submission, key, shots
        What was ordered; ``shots`` are those that will really be run.
    digest
        Of the submission.
    created, starts, ends
        UTC seconds since 1970.
    fate
        How it ends, unless it is cancelled.
    listed
        From when listings show it; infinity for never.
    seed
        Of its readings.
    cancelled
        When it was cancelled, if it was.
    bills
        Every bill, and every refund as a negative one.
    booked
        Bills and refunds so far.
    closed
        Whether its end is booked.
    deleted
        Whether its owner has let it be forgotten.
    """

    id: str
    number: int
    account: str
    device: Device
    submission: Submission
    key: str
    shots: int
    digest: str
    created: float
    starts: float
    ends: float
    fate: Fate
    listed: float
    seed: int
    cancelled: float | None = None
    bills: list[Money] = field(default_factory=list)
    booked: int = 0
    closed: bool = False
    deleted: bool = False
    _readings: tuple[Reading, ...] | None = None
    _running: Lock = field(default_factory=Lock)

    def state(self, now: float) -> State:
        """Where it stands."""
        if self.cancelled is not None and self.cancelled <= now:
            return State.CANCELLED
        if now < self.starts:
            return State.QUEUED
        return State.RUNNING if now < self.ends else self.fate.state

    def readings(self, device: Calibration) -> tuple[Reading, ...]:
        """What it gave on the device as it was: run once, the first time it is asked."""
        with self._running:
            if self._readings is None:
                self._readings = self.run(device)
            return self._readings

    def run(self, device: Calibration, again: int = 0) -> tuple[Reading, ...]:
        """Run it; another number ``again`` draws other shots."""
        return tuple(
            run_program(
                program,
                self.shots,
                device,
                np.random.default_rng([self.seed, self.number, place, again]),
            )
            for place, program in enumerate(self.submission.programs)
        )

    def told(self, readings: tuple[Reading, ...]) -> bool:
        """Whether these are its own readings, unchanged."""
        return readings is self._readings

    def digests(self) -> tuple[str, ...]:
        """Digest of every program."""
        return tuple(digest_of(program) for program in self.submission.programs)

    def ended(self) -> float | None:
        """When it was over or will be; None for never."""
        ends = self.ends if self.cancelled is None else self.cancelled
        return ends if math.isfinite(ends) else None
