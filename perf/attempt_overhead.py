"""What an attempt in a warm worker costs beyond its own work.

``python -m perf.attempt_overhead`` runs the same decision many times, one after the other: a
small max-cut problem and a solver that returns its first state at once. *Own work* is form,
encode, search, decode and judge called directly in this process. *Overhead* is the time from
one record to the next, less that.
"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.encodings.paths import encode
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.problems.maxcut import MaxCut
from qupel.runs.attempt import attempt
from qupel.runs.pool import Workers
from qupel.runs.task import Task
from qupel.solvers.contract import OnEvent, Stop, after_seconds, ignore


@dataclass(frozen=True)
class Nothing:
    """Returns all spins up."""

    name: ClassVar[str] = "nothing"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Ising
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Return one row."""
        row = np.ones((1, form.variables), np.int8)
        return Samples.of(row, form.energies(row))


def own_work(problem: MaxCut) -> float:
    """Seconds of the pipeline alone."""
    begun = time.perf_counter()
    encoded = encode(problem.form(), into=Ising)
    rng = np.random.default_rng(0)
    samples = Nothing().solve(encoded.form, stop=after_seconds(1), rng=rng)
    problem.judge(problem.answer(encoded.back(samples.values)[0]))
    return time.perf_counter() - begun


def main(count: int = 300) -> None:
    problem, _ = MaxCut.random(0, nodes=24)
    solver = {"solver": "perf.attempt_overhead:Nothing"}
    tasks = [Task.of(problem, solver, seconds=1.0, seed=seed) for seed in range(count)]
    own = statistics.median(own_work(problem) for _ in range(count))
    begun = time.perf_counter()
    with Workers(1) as workers:
        started = time.perf_counter() - begun
        stamps, errors, queues = [], [], []
        for record in workers.run(tasks):
            stamps.append(time.perf_counter())
            errors.append(abs(record.clocks.total - record.end_to_end) / record.end_to_end)
            queues.append(record.clocks.queue)
    gaps = sorted(b - a for a, b in itertools.pairwise(stamps))
    inside = statistics.median(_timed(task) for task in tasks[:50])
    print(f"workers ready after           {1e3 * started:8.2f} ms")
    print(f"own work, median              {1e3 * own:8.2f} ms")
    print(f"attempt in this process       {1e3 * inside:8.2f} ms")
    print(f"record to record, median      {1e3 * statistics.median(gaps):8.2f} ms")
    print(f"record to record, 95th        {1e3 * gaps[int(0.95 * len(gaps))]:8.2f} ms")
    print(f"overhead, median              {1e3 * (statistics.median(gaps) - own):8.2f} ms")
    print(f"request to worker's start     {1e3 * statistics.median(queues):8.2f} ms")
    print(f"clocks against end to end     {max(errors):8.1e} of it at most")


def _timed(task: Task) -> float:
    begun = time.perf_counter()
    attempt(task)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
