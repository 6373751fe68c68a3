"""PyVRP, ruin-and-recreate annealing and the hybrid on ten instances of the X set."""

from __future__ import annotations

import statistics
from typing import Any

from perf.tables import best_known, instance, publish
from qupel.benchmarks.metrics import primal_gap
from qupel.problems import read_problem
from qupel.runs import Workers
from qupel.runs.description import describe
from qupel.runs.task import Task
from qupel.solvers.registry import solver_for

NAMES = ("X-n101-k25", "X-n110-k13", "X-n115-k10", "X-n120-k6", "X-n134-k13", "X-n139-k10",
         "X-n143-k7", "X-n153-k22", "X-n157-k13", "X-n162-k11")  # fmt: skip
SECONDS = 20.0
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "pyvrp": ("pyvrp", {}),
    "annealing": ("annealing", {}),
    "hybrid from pyvrp": (
        "hybrid",
        {"start": {"solver": "pyvrp"}, "start_share": 0.8, "size": 12,
         "inner": {"solver": "qaoa", "layers": 2, "shots": 256}},
    ),
}  # fmt: skip


def main() -> None:
    """Run each arm on each instance, arms alternating, and write the table."""
    known = best_known("cvrp")
    tasks = []
    for name in NAMES:
        problem = read_problem(instance("cvrp", name))
        for arm, (solver, settings) in ARMS.items():
            described = describe(solver_for(solver, type(problem), settings), type(problem))
            tasks.append(Task.of(problem, described, seconds=SECONDS, seed=1, arm=arm, case=name))
    with Workers(2) as workers:
        found = {(record.case, record.arm): record for record in workers.run(tasks)}
    gaps = {
        arm: [100 * primal_gap(found[name, arm].objective, known[name]) for name in NAMES]
        for arm in ARMS
    }
    rows: list[list[Any]] = [
        [name, known[name], *(gaps[arm][i] for arm in ARMS)] for i, name in enumerate(NAMES)
    ]
    rows.append(["mean", "", *(statistics.mean(gaps[arm]) for arm in ARMS)])
    publish(
        "routing",
        "Capacitated routing at 20 s",
        f"Primal gap to the best known cost in percent after {SECONDS:g} s end to end, one seed, "
        "one thread each, two attempts at a time.",
        ["instance", "best known", *(f"{arm} (%)" for arm in ARMS)],
        rows,
    )
