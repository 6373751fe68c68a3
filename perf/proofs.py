"""How fast CP-SAT proves classic job shops optimal, with one thread."""

from __future__ import annotations

from perf.tables import best_known, instance, publish
from qupel.problems import read_problem
from qupel.runs import Workers, solve

NAMES = ("ft06", "ft10", "la01", "la05", "la06", "la10", "la15", "la16", "la18", "la19", "la20",
         "la23")  # fmt: skip
SECONDS = 60.0


def main() -> None:
    """Prove each instance and write the table."""
    known = best_known("jobshop")
    rows = []
    with Workers(1, preload=("qupel.solvers.classical.cpsat_jobshop",)) as workers:
        for name in NAMES:
            problem = read_problem(instance("jobshop", name))
            record = solve(problem, "cpsat", seconds=SECONDS, seed=1, workers=workers)
            rows.append(
                [name, known[name], record.objective, record.claimed_bound, record.outcome.lower(),
                 record.end_to_end]
            )  # fmt: skip
    publish(
        "proofs",
        "Proofs of job shops",
        f"CP-SAT on the job shop itself, one thread, at most {SECONDS:g} s end to end. The "
        "makespan is the judge's.",
        ["instance", "best known", "makespan", "bound", "outcome", "seconds"],
        rows,
    )
