"""Gram matrices of a quantum feature map beside other libraries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perf.alternate import Case, Entrant, Timing, alternate, field_of_workers
from perf.options import Options
from perf.page import OURS, Page, Table, against, everybody

SAMPLES, REPETITIONS = 500, 2
AIMS = {"10 qubits": 15.0, "16 qubits": 8.0}

ENTRANTS = (
    Entrant(OURS, "qupel", "qupel"),
    Entrant("squlearn", "squlearn", "squlearn"),
    Entrant("qiskit-machine-learning", "qiskit-machine-learning", "qiskit_kernels"),
    Entrant("pennylane", "lightning", "pennylane"),
)
NUMPY = Entrant("plain numpy", "numpy", "plain")

TEXT = f"""Gram matrix of fidelities of {SAMPLES} samples under the ZZ feature map with
{REPETITIONS} repetitions and all pairs entangled, from the samples to the matrix. Features are
uniform between 0 and 1. Circuits are built outside the clock where a library keeps them; states are
made anew every time. Matrices must agree to 1e-4. Plain NumPy is what one writes without a library;
the first table compares with libraries only, the second with it."""


def main(options: Options) -> None:
    """Measure all cases and write the page."""
    page = Page("kernels", "Quantum kernels beside their peers", TEXT, options.whole)
    measured = []
    with field_of_workers(limit=60.0) as workers:
        for case in cases(quick=options.quick):
            if not options.takes(case.name):
                continue
            entrants = options.entrants((*ENTRANTS, NUMPY))
            timings = alternate(workers, case, entrants, rounds=options.rounds)
            check(timings)
            page.keep(case, timings)
            measured.append((case, timings))
    libraries = [
        (case, [timing for timing in timings if timing.entrant != NUMPY.name])
        for case, timings in measured
    ]
    page.tables = [against(libraries, AIMS), _beside_numpy(measured), everybody(measured)]
    page.publish()


def cases(*, quick: bool) -> list[Case]:
    """Ten qubits, then sixteen."""
    if quick:
        return [_case(8, 1)]
    return [_case(10, 1), _case(10, 2), _case(16, 1)]


def check(timings: Sequence[Timing]) -> None:
    """Take out whoever does not agree with the median of all."""
    grams = [timing.answer["gram"] for timing in timings if timing.answer]
    if not grams:
        return
    middle = np.median(grams, axis=0)
    for timing in timings:
        if timing.answer:
            away = float(np.abs(timing.answer["gram"] - middle).max())
            if not away < 1e-4:
                timing.failure = f"the matrix is {away:.2g} away from the others"


def _case(qubits: int, threads: int) -> Case:
    samples = np.random.default_rng(qubits).random((SAMPLES, qubits))
    instance = {"samples": samples, "repetitions": np.array(REPETITIONS)}
    return Case(f"{qubits} qubits", "gram", instance, threads)


def _beside_numpy(measured: Sequence[tuple[Case, Sequence[Timing]]]) -> Table:
    rows = []
    for case, timings in measured:
        by_name = {timing.entrant: timing for timing in timings}
        ours, plain = by_name[OURS].wall_median(), by_name.get(NUMPY.name, Timing("")).wall_median()
        rows.append([case.name, case.threads, 1e3 * ours, 1e3 * plain, plain / ours])
    columns = ["case", "threads", "Qupel (ms)", "plain NumPy (ms)", "ratio"]
    return Table("Qupel and plain NumPy", columns, rows)
