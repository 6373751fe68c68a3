"""QAOA energies and gradients beside the state-vector simulators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perf.alternate import Case, Entrant, Timing, alternate, field_of_workers
from perf.bound import Machine
from perf.options import Options
from perf.page import OURS, Page, Table, against, everybody

LAYERS = 6
#: A linear ramp, the shape that good angles have; every peer gets the same in every round.
RAMP = (np.arange(LAYERS) + 0.5) / LAYERS
ANGLES = {"gammas": (0.6 * RAMP).tolist(), "betas": (0.6 * (1 - RAMP)).tolist()}

ENTRANTS = (
    Entrant(OURS, "qupel", "qupel"),
    Entrant("Qupel, double", "qupel", "qupel", {"precision": "double"}),
    Entrant("qsimcirq", "qsimcirq", "qsimcirq"),
    Entrant("lightning", "lightning", "lightning"),
    Entrant("jax", "jax", "jax"),
    Entrant("aer", "qiskit-aer", "aer"),
    Entrant("qokit", "qokit", "qokit"),
    Entrant("qulacs", "qulacs", "qulacs"),
)
AIMS = {"3-regular energy": 8.0, "dense energy": 4.0, "3-regular gradient": 8.0}

TEXT = f"""Expected cost, and its gradient by all {2 * LAYERS} angles, of QAOA with {LAYERS} layers,
in single precision unless an entrant says otherwise. The instances are random 3-regular graphs with
weights of one, and dense ones with normal weights over the root of n (Sherrington–Kirkpatrick),
both seeded. Every entrant runs in its own environment under one protocol (`perf/peers`), pinned to
one core or to two; all prepare and warm up, then take turns.

Outside the clock for everybody: building circuits, translating and merging them where the library
keeps the result, compiling, and the costs of all states, which every peer gets for its expectation
where that is its fastest way. What each library was told, and what it chose by measurement, is in
its module under `perf/peers` and in the notes below. The angles are the same in every round, which
spares the gate-based peers all work on their circuits that an optimiser's new angles would cost.
The three slowest peers sit out n = 24.

These forms have no fields, so complements have equal amplitudes, and Qupel holds one of each two;
no peer does so by itself. With a field on any spin it holds all and takes about twice the time.

*Bound*: the larger of memory traffic (the state read and written once a layer, at the rate at which
NumPy changes as many bytes in place in this run) and arithmetic (4 + 2n multiply-adds an amplitude
and layer, at the rate of NumPy's matrix product, whose library may not use the widest registers),
for half of the states."""


def main(options: Options) -> None:
    """Measure all cases and write the page."""
    page = Page("qaoa", "QAOA beside its peers", TEXT, options.whole)
    measured = []
    with field_of_workers() as workers:
        for case in cases(quick=options.quick):
            if not options.takes(case.name):
                continue
            entrants = [e for e in options.entrants(ENTRANTS) if _plays(e, case)]
            timings = alternate(workers, case, entrants, rounds=options.rounds)
            check(case, timings)
            page.keep(case, timings)
            measured.append((case, timings))
    page.tables = [
        against([(case, _single(timings)) for case, timings in measured], AIMS),
        _bounds(measured),
        everybody(measured),
    ]
    page.publish()


def cases(*, quick: bool) -> list[Case]:
    """Energies, then gradients."""
    if quick:
        return [_case("3-regular energy", 14, 1), _case("3-regular gradient", 12, 2)]
    sparse = [_case("3-regular energy", n, t) for n in (16, 20, 22, 24) for t in (1, 2)]
    dense = [_case("dense energy", n, t) for n in (20, 22) for t in (1, 2)]
    return [*sparse, *dense, *(_case("3-regular gradient", n, t) for n in (20, 22) for t in (1, 2))]


def check(case: Case, timings: Sequence[Timing]) -> None:
    """Take out whoever does not agree with the median to 5e-4 of the spread of costs.

    The spread is the standard deviation of the cost over all states, the root of the sum of squares
    of the weights. Gradients must agree to 1e-3 of their largest entry.
    """
    spread = float(np.sqrt((case.instance["weights"] ** 2).sum()))
    _agree("energy", timings, 5e-4 * spread)
    slopes = [np.abs(t.answer["gradient"]).max() for t in timings if "gradient" in t.answer]
    if slopes:
        _agree("gradient", timings, 1e-3 * float(np.median(slopes)))


def _agree(key: str, timings: Sequence[Timing], tolerance: float) -> None:
    middle = np.median([t.answer[key] for t in timings if key in t.answer], axis=0)
    for timing in timings:
        if key in timing.answer:
            away = float(np.abs(timing.answer[key] - middle).max())
            if away > tolerance:
                timing.failure = f"{key} is {away:.2g} away from the others"


def _case(kind: str, n: int, threads: int) -> Case:
    pairs, weights = _dense(n) if kind.startswith("dense") else (_regular(n), np.ones(3 * n // 2))
    instance = {"n": np.array(n), "pairs": pairs, "weights": weights}
    task = "qaoa-gradient" if kind.endswith("gradient") else "qaoa-energy"
    return Case(f"{kind} n={n}", task, instance, threads, options=ANGLES, arguments=ANGLES)


def _regular(n: int) -> np.ndarray:
    """Random simple 3-regular graph: half-edges paired at random until no pair is bad."""
    rng = np.random.default_rng(n)
    while True:
        pairs = np.sort(rng.permutation(np.repeat(np.arange(n), 3)).reshape(-1, 2), axis=1)
        if (pairs[:, 0] != pairs[:, 1]).all() and len(np.unique(pairs, axis=0)) == len(pairs):
            return pairs


def _dense(n: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    return pairs, np.random.default_rng(n).standard_normal(len(pairs)) / np.sqrt(n)


def _plays(entrant: Entrant, case: Case) -> bool:
    """Whether an entrant can do the task in reasonable time; the page's text tells the limits."""
    if case.task == "qaoa-gradient":
        return entrant.peer in {"qupel", "lightning", "jax"}
    slow = entrant.peer in {"qiskit-aer", "qulacs", "qokit"}
    return not slow or int(case.instance["n"]) <= 22


def _single(timings: Sequence[Timing]) -> list[Timing]:
    return [timing for timing in timings if timing.entrant != "Qupel, double"]


def _bounds(measured: Sequence[tuple[Case, Sequence[Timing]]]) -> Table:
    """How near Qupel comes to what the machine allows, and what double precision costs."""
    machines = {threads: Machine.measured(threads) for threads in {c.threads for c, _ in measured}}
    energies = {
        (case.name.replace("gradient", "energy"), case.threads): timings[0].wall_median()
        for case, timings in measured
        if case.task == "qaoa-energy"
    }
    rows = []
    for case, timings in measured:
        ours = next(t for t in timings if t.entrant == OURS).wall_median()
        double = next((t for t in timings if t.entrant == "Qupel, double"), None)
        least = machines[case.threads].qaoa_seconds(int(case.instance["n"]), LAYERS)
        energy = energies.get((case.name.replace("gradient", "energy"), case.threads))
        rows.append(
            [case.name, case.threads, 1e3 * ours, 1e3 * least,
             ours / least if case.task == "qaoa-energy" else "",
             double.wall_median() / ours if double else "",
             ours / energy if energy and case.task == "qaoa-gradient" else ""]
        )  # fmt: skip
    columns = ["case", "threads", "Qupel (ms)", "bound of an energy (ms)", "Qupel / bound",
               "double / single", "gradient / energy"]  # fmt: skip
    return Table("How near the machine's limit", columns, rows)
