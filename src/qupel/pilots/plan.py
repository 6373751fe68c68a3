"""The plan of a pilot: its arms with the placebos Qupel adds, and a task for every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.benchmarks.arms import Arm, Kind, Tuning
from qupel.pilots import charter as words
from qupel.pilots.cases import Problems
from qupel.pilots.charter import Charter
from qupel.problems.contract import Problem
from qupel.problems.registry import family
from qupel.runs.contract import Contract
from qupel.runs.description import describe
from qupel.runs.task import Task
from qupel.solvers.placebo import placebos
from qupel.solvers.registry import solver_for


@dataclass(frozen=True, slots=True)
class Entry:
    """An arm of the comparison with what its tasks need beside the solver."""

    arm: Arm
    repair: bool
    polish: bool


def entries(
    charter: Charter, problem: Problem[Any], tuned: Mapping[str, tuple[Mapping[str, Any], Tuning]]
) -> list[Entry]:
    """The charter's arms with their tuned settings, each quantum one followed by its placebos.

    A placebo is the same solver value with its quantum step replaced; encoding, repair, polish
    and settings stay as they are.
    """
    found: list[Entry] = []
    for arm in charter.arms:
        settings, tuning = tuned.get(arm.name, (arm.settings, Tuning()))
        solver = solver_for(arm.solver, type(problem), threaded(arm, settings, charter, problem))
        description = describe(solver, type(problem))
        found.append(
            Entry(
                Arm(arm.name, Kind(arm.kind), description, tuning=tuning), arm.repairs, arm.polish
            )
        )
        for kind, placebo in placebos(solver).items():
            mirrored = Arm(
                f"{arm.name} · {kind}",
                Kind.PLACEBO,
                describe(placebo, type(problem)),
                placebo_of=arm.name,
                placebo_kind=kind,
                tuning=tuning,
            )
            found.append(Entry(mirrored, arm.repairs, arm.polish))
    return found


def threaded(
    arm: words.Arm, settings: Mapping[str, Any], charter: Charter, problem: Problem[Any]
) -> dict[str, Any]:
    """Settings with the budget's threads, where the solver has such a field and none is set."""
    plain = dict(settings)
    made = solver_for(arm.solver, type(problem), plain)
    if hasattr(made, "threads") and "threads" not in plain:
        plain["threads"] = charter.budget.threads
    return plain


def tasks(charter: Charter, arms: Sequence[Entry], problems: Problems) -> list[Task]:
    """One task for each arm, case and seed, in an order shuffled by the first seed.

    The order mixes arms, so that a machine that slows down slows all of them down.
    """
    cells = [
        task_of(
            charter,
            problem,
            entry.arm.solver,
            arm=entry.arm.name,
            case=case,
            seed=seed,
            seconds=charter.budget.seconds,
            store_samples=True,
            repair=entry.repair,
            polish=entry.polish,
        )
        for case, problem in problems.items()
        for seed in charter.seeds
        for entry in arms
    ]
    order = np.random.default_rng(charter.seeds[0]).permutation(len(cells))
    return [cells[i] for i in order]


def task_of(
    charter: Charter, problem: Problem[Any], solver: Mapping[str, Any], **more: Any
) -> Task:
    """A task under the charter's contract, threads and fallback."""
    fallback = solver_for(
        charter.fallback.solver, family(charter.family), charter.fallback.settings
    )
    return Task.of(
        problem,
        solver,
        threads=charter.budget.threads,
        fallback=fallback,
        fallback_seconds=charter.fallback.seconds,
        contract=contract_of(charter),
        **more,
    )


def contract_of(charter: Charter) -> Contract:
    """The data contract that every attempt of a pilot is under."""
    limits = charter.contract
    return Contract(
        input=limits.input,
        result=limits.result,
        max_variables=limits.max_variables,
        max_qubits=limits.max_qubits,
        max_shots=limits.max_shots,
        max_payload_bytes=limits.max_payload_bytes,
        max_seconds=limits.max_seconds,
        needs_fallback=True,
    )
