"""Entrants measured in turns, A B C A B C, so that a slow minute slows all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perf.environments import UnavailableError
from perf.worker import FailedError, Worker


@dataclass(frozen=True)
class Entrant:
    """Who takes part, in what environment, with what settings."""

    name: str
    peer: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Case:
    """What everybody does: a task on an instance, with arguments, on so many threads."""

    name: str
    task: str
    instance: dict[str, np.ndarray]
    threads: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Timing:
    """What one entrant took in one case.

    Attributes
    ----------
    seconds, cpu
        Wall and process CPU seconds, one number a round.
    answer
        What the last round gave.
    note
        What the entrant chose when it prepared.
    versions
        Packages it ran on.
    failure
        Why there are no numbers; empty if there are.
    """

    entrant: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    answer: dict[str, np.ndarray] = field(default_factory=dict)
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    failure: str = ""

    def wall_median(self) -> float:
        """Median of the rounds; infinite after a failure."""
        return statistics.median(self.seconds) if self.seconds and not self.failure else np.inf

    def cpu_median(self) -> float:
        """Median of the rounds; infinite after a failure."""
        return statistics.median(self.cpu) if self.cpu and not self.failure else np.inf

    def spread(self) -> float:
        """Longest less shortest round, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / self.wall_median()


def allowed_cores() -> list[int]:
    """Cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


class Field:
    """The workers of a measurement, one an entrant and number of threads; they stay alive."""

    def __init__(self, *, limit: float) -> None:
        self.limit = limit
        self.workers: dict[tuple[str, int], Worker] = {}

    def worker(self, entrant: Entrant, threads: int) -> Worker:
        """Return the entrant's worker on that many cores, the highest this process may use."""
        key = (entrant.name, threads)
        if key not in self.workers:
            cores = tuple(allowed_cores()[-threads:])
            self.workers[key] = Worker(entrant.peer, entrant.module, cores, self.limit)
        return self.workers[key]

    def end(self) -> None:
        """End all workers."""
        for worker in self.workers.values():
            worker.end()
            worker.folder.cleanup()


@contextmanager
def field_of_workers(*, limit: float = 120.0) -> Iterator[Field]:
    """Yield workers that are ended however this ends."""
    workers = Field(limit=limit)
    try:
        yield workers
    finally:
        workers.end()


#: Seconds between turns, in which threads of whoever ran before come to rest.
REST = 0.1


def alternate(
    field: Field,
    case: Case,
    entrants: Sequence[Entrant],
    *,
    rounds: int = 5,
    block: float = 0.05,
    patience: float = 4.0,
) -> list[Timing]:
    """Prepare and warm up everybody, then measure in turns.

    Parameters
    ----------
    rounds
        Turns at most.
    block
        Quick work is repeated within a turn until it takes about this many seconds.
    patience
        Seconds of one entrant in all; a slow one gets fewer turns, one at least.
    """
    timings = [Timing(entrant.name) for entrant in entrants]
    turns, repeats = [], []
    for entrant, timing in zip(entrants, timings, strict=True):
        first = _warm(field, case, entrant, timing, patience / 2)
        repeats.append(max(1, min(200, round(block / max(first, 1e-6)))))
        left = patience / max(first * repeats[-1], 1e-9)
        done = bool(timing.failure or timing.seconds)
        turns.append(0 if done else max(1, min(rounds, int(left))))
    for turn in range(max(turns, default=0)):
        for i, (entrant, timing) in enumerate(zip(entrants, timings, strict=True)):
            if turn < turns[i] and not timing.failure:
                time.sleep(REST)
                _turn(field.worker(entrant, case.threads), case, timing, repeats[i])
    return timings


def _warm(field: Field, case: Case, entrant: Entrant, timing: Timing, longest: float) -> float:
    """Seconds of a run, the second one where the first was quick.

    A run that takes ``longest`` or more is not only a warm-up: it is the one that counts.
    """
    try:
        worker = field.worker(entrant, case.threads)
        options = {**case.options, **entrant.options}
        prepared = worker.prepare(case.task, case.instance, options)
        timing.note, timing.versions = prepared["note"], prepared["versions"]
        seconds, cpu, answer = worker.run(dict(case.arguments))
        if seconds >= longest:
            timing.seconds, timing.cpu, timing.answer = [seconds], [cpu], answer
        if seconds < 1.0:
            seconds = worker.run(dict(case.arguments))[0]
        return seconds
    except (FailedError, UnavailableError) as failure:
        timing.failure = str(failure)
        return 0.0


def _turn(worker: Worker, case: Case, timing: Timing, repeat: int) -> None:
    try:
        seconds, cpu, timing.answer = worker.run(dict(case.arguments), repeat=repeat)
    except FailedError as failure:
        timing.failure = str(failure)
    else:
        timing.seconds.append(seconds)
        timing.cpu.append(cpu)
