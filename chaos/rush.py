"""A rush: several processes that have just begun decide at the same moment, again and again."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from chaos.finding import Finding
from chaos.options import Options, Say
from chaos.places import places
from qupel.problems.maxcut import MaxCut
from qupel.runs.routes.route import Arm, Budget, Route, Slo
from qupel.runs.routes.service import Routes

NAME = "rush"
PROCESSES, DECISIONS = 8, 25
DEADLINE, LEEWAY, NODES = 1.5, 1.0, 60


@dataclass(frozen=True, slots=True)
class Made:
    """A decision as its caller has it.

    Attributes
    ----------
    seconds
        Until the caller had it.
    by, kept
        Who answered, and where it was written down.
    good
        Whether the answer is what it says it is, by the weights of the edges it cuts.
    first
        Whether it was its process's first.
    """

    seconds: float
    by: str
    kept: str
    good: bool
    first: bool


def main(options: Options, say: Say) -> list[Finding]:
    """Rush on every database there is."""
    return [rush(name, place, options, say) for name, place in places(options).items()]


def rush(name: str, place: Callable[[], Any], options: Options, say: Say) -> Finding:
    """Have all processes decide at once; the first decisions meet nothing but cold caches."""
    processes, decisions = options.size(PROCESSES, 4), options.size(DECISIONS, 4)
    with place() as database, tempfile.TemporaryDirectory(prefix="qupel-chaos-") as folder:
        with Routes(database, folder=Path(folder)) as routes:
            routes.deploy(_route(), MaxCut.random(1, nodes=12)[0], who="chaos")
        fresh = multiprocessing.get_context("spawn")
        told, ready = fresh.Queue(), fresh.Barrier(processes)
        began = time.monotonic()
        workers = [
            fresh.Process(target=decide, args=(database, folder, number, decisions, ready, told))
            for number in range(processes)
        ]
        for worker in workers:
            worker.start()
        made: list[Made] = [one for _ in workers for one in told.get(timeout=300.0)]
        for worker in workers:
            worker.join()
    slowest, by = max(one.seconds for one in made), sorted({one.by for one in made})
    late = [one for one in made if one.seconds > DEADLINE + LEEWAY]
    wrong = [one for one in made if not one.good]
    for one in {*late, *wrong}:
        say(f"{one}")
    answers = ", ".join(f"{sum(one.by == who for one in made)} {who}" for who in by)
    return Finding(
        promise=f"never stalls: processes that begin together decide at once, {name}",
        target=f"all feasible, within {DEADLINE:g} + {LEEWAY:g} s",
        figure=f"{len(made) - len({*late, *wrong})} of {len(made)} answered, slowest "
        f"{slowest:.2f} s, {sum(one.seconds <= DEADLINE for one in made)} by the deadline; "
        f"slowest first decision {max(one.seconds for one in made if one.first):.2f} s; "
        f"answers by {answers}; {sum(one.kept != 'database' for one in made)} spooled",
        n=f"{processes} processes, {decisions} decisions each (p100)",
        passed=not late and not wrong,
        seconds=time.monotonic() - began,
    )


def decide(database: str, folder: str, number: int, count: int, ready: Barrier, told: Any) -> None:
    """Decide on instances of this process's own, as soon as all processes are ready."""
    problems = [MaxCut.random(1000 * number + i, nodes=NODES)[0] for i in range(count)]
    made: list[Made] = []
    with Routes(database, folder=Path(folder)) as routes:
        ready.wait(120.0)
        for problem in problems:
            began = time.monotonic()
            decision = routes[NAME].decide(problem)
            seconds = time.monotonic() - began
            good = bool(decision.solution) and _is_true(problem, decision.solution, decision)
            by, kept = str(decision.answered_by), str(decision.kept)
            made.append(Made(seconds, by, kept, good, first=not made))
    told.put(made)


def _route() -> Route:
    return Route(
        name=NAME,
        family="maxcut",
        owner="chaos",
        slo=Slo(),
        deadline_seconds=DEADLINE,
        primary=Arm("tabu", rounds=50),
        fallback=Arm("greedy"),
        fallback_seconds=0.3,
        budget=Budget(),
    )


def _is_true(problem: MaxCut, solution: str, decision: Any) -> bool:
    side = problem.read_answer(solution).side
    edges = zip(problem.graph.edges.tolist(), problem.graph.weights.tolist(), strict=True)
    cut = sum(weight for (i, j), weight in edges if side[i] != side[j])
    return decision.objective is not None and bool(abs(decision.objective - cut) < 1e-9)
