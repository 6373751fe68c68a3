"""Stages that search for an answer, and judge one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qupel.errors import InputError, RunError
from qupel.runs.description import family_from, plain
from qupel.runs.durable.described import (
    Described,
    contract_faults,
    contract_from,
    count_faults,
    described,
    is_quantum,
    ordered_from,
    problem_of,
    solver_faults,
)
from qupel.runs.durable.kinds import Classical, Given, Made, Settings
from qupel.runs.durable.ports import Port
from qupel.runs.provenance import revision, versions
from qupel.runs.record import Status
from qupel.runs.task import Task


class SolveSettings(Settings):
    """Settings of ``solve``.

    Attributes
    ----------
    solver
        A registered name, or a mapping with the key ``solver`` and the solver's settings.
    seconds
        Budget, end to end.
    rounds
        Ends the search too; a run repeats byte for byte if it ends so and not by the clock.
    threads
        Threads the solver may use.
    fallback
        Solver that answers if the first does not; None for none.
    fallback_seconds
        Its own budget.
    repair, polish, keep
        See `qupel.runs.task.Task`.
    contract
        Fields of a `qupel.runs.contract.Contract` that the attempt is held to.
    """

    solver: Described
    seconds: float = 10.0
    rounds: int | None = None
    threads: int = 1
    fallback: Described | None = None
    fallback_seconds: float = 5.0
    repair: bool = True
    polish: bool = False
    keep: int = 32
    contract: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Solve:
    """Searches in a worker process that is killed at its deadline."""

    role: ClassVar[str] = "decision"
    settings: ClassVar[type[Settings]] = SolveSettings
    keeps: ClassVar[bool] = True
    is_killed: ClassVar[bool] = True

    def inputs(self, settings: SolveSettings) -> Mapping[str, Port]:
        """The problem."""
        return {"problem": Port.of("problem")}

    def outputs(self, settings: SolveSettings) -> Mapping[str, Port]:
        """The answer."""
        return {"answer": Port.of("answer")}

    def faults(self, settings: SolveSettings) -> list[tuple[str, str]]:
        """Solvers that are not known, budgets that are none."""
        found = []
        for place in ("solver", "fallback"):
            if (described := getattr(settings, place)) is not None:
                found += [(place, fault) for fault in solver_faults(described)]
        if not found and (backend := ordered_from(settings.solver)):
            said = f"orders from {backend!r}, and a 'solve' stage pays for nothing"
            found.append(("solver", f"{said}; use the kind 'quantum'"))
        for place in ("seconds", "fallback_seconds"):
            if not getattr(settings, place) > 0:
                found.append((place, f"must be above 0, got {getattr(settings, place)}"))
        found += contract_faults(settings.contract)
        return found + count_faults(settings, "rounds", "threads", "keep")

    def code(self, settings: SolveSettings) -> Any:
        """Versions of every engine and of Qupel itself."""
        return ["solve 1", versions(), revision()]

    def uses_quantum(self, settings: SolveSettings) -> bool:
        """Whether the solver, or one within it, is of the kind quantum."""
        return is_quantum(settings.solver)

    def has_fallback(self, settings: SolveSettings) -> bool:
        """Whether one is named that runs no quantum program."""
        return settings.fallback is not None and not is_quantum(settings.fallback)

    def run(self, given: Given, settings: SolveSettings) -> Made:
        """Make one attempt, and one of the fallback if that gives nothing."""
        return solved(given, settings)


def solved(given: Given, settings: SolveSettings) -> Made:
    """Answer of a worker; `RunError` if neither solver has one."""
    held = given.inputs["problem"]
    kind = family_from(held["family"])
    task = Task(
        held["family"],
        held["document"],
        described(settings.solver, kind),
        given.stage_seed(),
        settings.seconds,
        rounds=settings.rounds,
        threads=settings.threads,
        repair=settings.repair,
        polish=settings.polish,
        keep=settings.keep,
        fallback=None if settings.fallback is None else described(settings.fallback, kind),
        fallback_seconds=settings.fallback_seconds,
        contract=contract_from(settings.contract),
    )
    record = given.hands.attempt(task)
    if record.status is not Status.ANSWERED or not record.solution:
        raise RunError(f"no answer: {record.status}, {record.why}")
    answer = {
        "family": held["family"],
        "solution": record.solution,
        "answer": plain(record.answer),
        "answered_by": record.answered_by,
    }
    return Made({"answer": answer}, record.answered_by, record.why, {"record": record.to_json()})


class JudgeSettings(Settings):
    """``judge`` asks for nothing."""


@dataclass(frozen=True, slots=True)
class Judge(Classical):
    """Judges an answer from the problem's data alone."""

    role: ClassVar[str] = "governance"
    settings: ClassVar[type[Settings]] = JudgeSettings

    def inputs(self, settings: JudgeSettings) -> Mapping[str, Port]:
        """The problem and the answer."""
        return {"problem": Port.of("problem"), "answer": Port.of("answer")}

    def outputs(self, settings: JudgeSettings) -> Mapping[str, Port]:
        """The judgement."""
        return {"judgement": Port.of("judgement")}

    def code(self, settings: JudgeSettings) -> Any:
        """Versions, as families are part of them."""
        return ["judge 1", versions(), revision()]

    def run(self, given: Given, settings: JudgeSettings) -> Made:
        """Judge."""
        problem = problem_of(given.inputs["problem"])
        answer = given.inputs["answer"]
        if answer["family"] != given.inputs["problem"]["family"]:
            raise InputError(
                f"the answer is of the family {answer['family']!r}, the problem of "
                f"{given.inputs['problem']['family']!r}"
            )
        found = problem.judge(problem.read_answer(answer["solution"]))
        judgement = {
            "objective": plain(found.objective),
            "feasible": found.feasible,
            "violations": plain(list(found.violations)),
            "measures": plain(found.measures),
        }
        return Made({"judgement": judgement})
