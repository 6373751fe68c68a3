"""Annealing, tempering and tabu on Gset and bqp instances."""

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

CUTS = ("G14", "G32", "G55")
QUBOS = ("bqp250-1", "bqp250-2", "bqp500-1", "bqp500-2", "bqp500-3", "bqp500-5", "bqp1000-2",
         "bqp1000-5", "bqp1000-7", "bqp1000-8")  # fmt: skip
SOLVERS = ("annealing", "tempering", "tabu")
SECONDS = 10.0


def main() -> None:
    """Run each solver on each instance, solvers alternating, and write the table."""
    known = {**best_known("maxcut"), **best_known("qubo")}
    tasks = []
    for name in (*CUTS, *QUBOS):
        problem = read_problem(instance("maxcut" if name in CUTS else "qubo", name))
        for solver in SOLVERS:
            described = describe(solver_for(solver, type(problem)), type(problem))
            tasks.append(
                Task.of(problem, described, seconds=SECONDS, seed=1, arm=solver, case=name)
            )
    with Workers(2) as workers:
        found = {(record.case, record.arm): record for record in workers.run(tasks)}
    names = (*CUTS, *QUBOS)
    gaps = {
        solver: [100 * primal_gap(found[name, solver].objective, known[name]) for name in names]
        for solver in SOLVERS
    }
    rows: list[list[Any]] = [
        [
            name,
            known[name],
            *(found[name, s].objective for s in SOLVERS),
            *(gaps[s][i] for s in SOLVERS),
        ]
        for i, name in enumerate(names)
    ]
    rows.append(["mean", "", "", "", "", *(statistics.mean(gaps[s]) for s in SOLVERS)])
    publish(
        "search",
        "Ising search at 10 s",
        f"Judged objective and primal gap in percent after {SECONDS:g} s end to end, one seed, "
        "one thread each, two attempts at a time. Cuts are to be large, energies small.",
        ["instance", "best known", *SOLVERS, *(f"{solver} gap (%)" for solver in SOLVERS)],
        rows,
    )
