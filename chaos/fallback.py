"""The fallback: the same bytes, whatever the process, its hash seed and its threads."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chaos.finding import Finding
from chaos.options import Options, Say

#: Solvers that may answer for a route, with the rounds after which they end, by family.
SOLVERS: dict[str, dict[str, int | None]] = {
    "maxcut": {"greedy": None, "tabu": 20, "tempering": 5},
    "independent-set": {"greedy": None, "annealing": 5},
    "cvrp": {"greedy": None},
    "jobshop": {"greedy": None},
}
SECONDS = 120.0


def main(options: Options, say: Say) -> list[Finding]:
    """Ask for the same answers in processes that differ in all that must not matter."""
    processes, repeats = options.size(10, 2), options.size(100, 3)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda number: _process(number, repeats), range(processes)))
    answers: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for found in told:
        for case, digests in found.items():
            answers[case] |= set(digests)
            counts[case] += len(digests)
    differing = sorted(case for case, found in answers.items() if len(found) > 1)
    least = min(counts.values())
    if differing:
        say(f"not always the same: {', '.join(differing)}")
    return [
        Finding(
            promise="fallback: the same answer every time",
            target="byte-identical",
            figure=f"{len(answers) - len(differing)} of {len(answers)} cases identical in "
            f"{least} repeats",
            n=f"{least} repeats of {len(answers)} cases, {processes} processes, each with a "
            "PYTHONHASHSEED of its own, 1 or 2 threads",
            passed=not differing and least == processes * repeats,
            details={case: sorted(found) for case, found in sorted(answers.items())},
        )
    ]


def _process(number: int, repeats: int) -> dict[str, list[str]]:
    environment = {**os.environ, "PYTHONHASHSEED": str(1000 + 77 * number)}
    environment["OMP_NUM_THREADS"] = str(1 + number % 2)
    command = [sys.executable, "-m", "chaos.fallback", str(repeats), str(1 + number % 2)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"a process of the fallback's section failed: {done.stderr[-2000:]}")
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def answers(repeats: int, threads: int) -> dict[str, list[str]]:
    """Digest of every answer, by case."""
    from qupel.runs.attempt import attempt
    from qupel.runs.task import Task

    found: dict[str, list[str]] = defaultdict(list)
    for family, problem in _problems():
        for solver, rounds in SOLVERS[family].items():
            description = {"solver": solver}
            task = Task.of(
                problem, description, seconds=SECONDS, seed=7, rounds=rounds, threads=threads
            )
            for _ in range(repeats):
                record = attempt(task)
                told = f"{record.status} {record.objective!r} {record.solution}"
                case = f"{family}, {solver}"
                found[case].append(hashlib.sha256(told.encode()).hexdigest()[:16])
    return found


def _problems() -> Iterator[tuple[str, Any]]:
    from qupel.problems.cvrp import CapacitatedRouting
    from qupel.problems.independent_set import IndependentSet
    from qupel.problems.jobshop import JobShop
    from qupel.problems.maxcut import MaxCut

    yield "maxcut", MaxCut.random(3, nodes=20)[0]
    yield "independent-set", IndependentSet.random(3)[0]
    yield "cvrp", CapacitatedRouting.random(3)[0]
    yield "jobshop", JobShop.random(3, jobs=4, machines=4)[0]


if __name__ == "__main__":
    print(json.dumps(answers(int(sys.argv[1]), int(sys.argv[2]))))
