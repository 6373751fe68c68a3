"""General circuits beside other state-vector simulators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perf.alternate import Case, Entrant, Timing, alternate, field_of_workers
from perf.circuits import PlainGate, fourier, hardware_efficient, random_pairs
from perf.options import Options
from perf.page import OURS, Page, against, everybody

DEPTH, LAYERS = 10, 6

ENTRANTS = (
    Entrant(OURS, "qupel", "qupel"),
    Entrant("qsimcirq", "qsimcirq", "qsimcirq"),
    Entrant("lightning", "lightning", "lightning"),
    Entrant("aer", "qiskit-aer", "aer"),
    Entrant("qulacs", "qulacs", "qulacs"),
)

TEXT = f"""Final state, from all zeros, of the quantum Fourier transform with its swaps, of random
circuits ({DEPTH} layers of rotations on every qubit and `cz` on random pairs) and of
hardware-efficient ones ({LAYERS} layers of rotations and a chain of `cx`). Single precision, unless
an entrant says otherwise. Circuits are built outside the clock; planning and fusing gates is inside
where a library does not keep its result. A thousand probabilities of each state must agree to 1e-3
of the largest."""


def main(options: Options) -> None:
    """Measure all cases and write the page."""
    page = Page("statevectors", "State vectors beside their peers", TEXT, options.whole)
    measured = []
    with field_of_workers() as workers:
        for case in cases(quick=options.quick):
            if not options.takes(case.name):
                continue
            entrants = options.entrants(ENTRANTS)
            timings = alternate(
                workers, case, entrants, rounds=min(options.rounds, 5), patience=4.0
            )
            check(timings)
            page.keep(case, timings)
            measured.append((case, timings))
    page.tables = [against(measured, {}), everybody(measured)]
    page.publish()


def cases(*, quick: bool) -> list[Case]:
    """Three circuits of 20 and 22 qubits."""
    sizes = [(12, 1)] if quick else [(20, 1), (20, 2), (22, 2)]
    return [
        Case(f"{name} n={n}", "circuit-state", {"n": np.array(n)}, t, options={"gates": gates})
        for n, t in sizes
        for name, gates in _circuits(n).items()
    ]


def _circuits(n: int) -> dict[str, list[PlainGate]]:
    return {
        "Fourier": fourier(n),
        "random": random_pairs(n, DEPTH),
        "hardware-efficient": hardware_efficient(n, LAYERS),
    }


def check(timings: Sequence[Timing]) -> None:
    """Take out whoever does not agree with the median of all."""
    found = [timing.answer["probabilities"] for timing in timings if timing.answer]
    if not found:
        return
    middle = np.median(found, axis=0)
    for timing in timings:
        if timing.answer:
            away = float(np.abs(timing.answer["probabilities"] - middle).max() / middle.max())
            if not away < 1e-3:
                timing.failure = f"probabilities are {away:.2g} away from the others"
