"""Stages that search for an answer, and judge one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from qupel.errors import InputError, RunError, unknown_name
from qupel.problems.contract import Problem
from qupel.runs.clearance import HERE
from qupel.runs.contract import Contract
from qupel.runs.description import family_from, plain, solver_from
from qupel.runs.durable.kinds import Classical, Given, Made, Settings
from qupel.runs.durable.ports import Port
from qupel.runs.provenance import revision, versions
from qupel.runs.record import Status
from qupel.runs.schema import check_schema
from qupel.runs.task import Task
from qupel.solvers.registry import implementations

Described = str | dict[str, Any]


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
        if not found and (backend := _ordered_from(settings.solver)):
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


def contract_from(held: Mapping[str, Any] | None) -> Contract | None:
    """Return the contract of a stage; `InputError` if it is none."""
    if held is None:
        return None
    known = [part.name for part in fields(Contract)]
    for name in held:
        if name not in known:
            raise unknown_name("field of a contract", name, known)
    try:
        return Contract.of(held)
    except TypeError as error:  # a limit that is no number
        raise InputError(f"limits of a contract are numbers: {error}") from None


def contract_faults(held: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What is wrong with a stage's contract, its schemas included."""
    try:
        contract = contract_from(held)
        for schema in () if contract is None else (contract.input, contract.result):
            if schema is not None:
                check_schema(schema)
    except InputError as error:
        return [("contract", str(error))]
    return []


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


def problem_of(held: Mapping[str, Any]) -> Problem[Any]:
    """Rebuild the problem of a port's value."""
    return family_from(held["family"]).from_document(held["document"])


def described(solver: Described, kind: type[Problem[Any]]) -> dict[str, Any]:
    """A solver's description; `InputError` if it cannot be made for a family."""
    found = {"solver": solver} if isinstance(solver, str) else dict(solver)
    solver_from(found, kind)
    return found


def solver_faults(solver: Described) -> list[str]:
    """What is wrong with a solver's name, or with that of one within it."""
    found = []
    for name in solver_names(solver):
        if ":" in name:
            continue
        try:
            implementations(name)
        except InputError as error:
            found.append(str(error))
    if isinstance(solver, dict) and "solver" not in solver:
        found.append("a solver is a name, or a mapping with the key 'solver'")
    return found or list(_setting_faults(solver))


def _setting_faults(solver: Described) -> Iterator[str]:
    """What is wrong with a solver's settings, as far as that can be told without its problem."""
    from qupel.problems.maxcut import MaxCut

    try:
        described(solver, MaxCut)
    except InputError as error:
        if "cannot take" not in str(error):  # it may take the family that it is given
            yield str(error)


def count_faults(settings: Settings, *places: str) -> list[tuple[str, str]]:
    """Settings that must be whole numbers from 1, and are not."""
    held = {place: getattr(settings, place) for place in places}
    return [
        (place, f"must be at least 1, got {value}")
        for place, value in held.items()
        if value is not None and value < 1
    ]


def _ordered_from(solver: Any) -> str:
    """Backend of a solver, or of one within it, that is not on this machine; empty if none is."""
    if isinstance(solver, Mapping):
        backend = str(solver.get("backend", ""))
        if backend and not backend.startswith(f"{HERE}:"):
            return backend
        return next(filter(None, map(_ordered_from, solver.values())), "")
    if isinstance(solver, list):
        return next(filter(None, map(_ordered_from, solver)), "")
    return ""


def solver_names(solver: Any) -> Iterator[str]:
    """Yield the name of a solver and of those within it."""
    if isinstance(solver, str):
        yield solver
    elif isinstance(solver, Mapping):
        for key, value in solver.items():
            if key == "solver" and isinstance(value, str):
                yield value
            elif isinstance(value, Mapping | list):
                yield from solver_names(value)
    elif isinstance(solver, list):
        for inner in solver:
            if isinstance(inner, Mapping | list):
                yield from solver_names(inner)


def is_quantum(solver: Any) -> bool:
    """Whether a solver, or one within it, runs quantum programs."""
    from qupel.runs.description import family_from as imported

    for name in solver_names(solver):
        made = (imported(name),) if ":" in name else implementations(name)
        if any(getattr(one, "kind", "") == "quantum" for one in made):
            return True
    return False
