"""Stages that have a quantum program run and paid for: prepare, order, wait, finish, or fall back.

Between preparing and finishing a stage holds nothing: the ledger owns the order, and the
program, its encoding and the random numbers are made again from the same inputs and seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from qupel.backends.catalogue.tiers import tiers
from qupel.backends.contract import Order, Result
from qupel.backends.registry import provider_of
from qupel.encodings.paths import encode
from qupel.errors import InputError, ResultError, RunError
from qupel.model.money import Money
from qupel.problems.contract import Judgement, Problem, Sense
from qupel.runs.description import family_from, plain, solver_from
from qupel.runs.durable.kinds import Given, Made, Settings
from qupel.runs.durable.ports import Port
from qupel.runs.durable.solving import (
    Described,
    SolveSettings,
    contract_faults,
    contract_from,
    count_faults,
    described,
    is_quantum,
    problem_of,
    solved,
    solver_faults,
)
from qupel.runs.durable.timetable import shortest
from qupel.runs.identity import samples_digest
from qupel.runs.ledger.accounts import checked_names
from qupel.runs.provenance import revision, versions
from qupel.runs.task import Task


class QuantumSettings(Settings):
    """Settings of ``quantum``.

    Attributes
    ----------
    solver
        A hosted solver, one that is split around its order, with its settings.
    backend
        ``provider:device``; the solver's own setting unless given.
    deadline_seconds
        From the beginning of the stage to its answer. The order is given up early enough for the
        fallback: ``fallback_seconds``, and what surrounds its search, before.
    late
        What becomes of an order that is late: ``keep`` takes its result into the ledger, to be
        compared with the fallback's; ``cancel`` asks for it not to be run.
    accounts
        Accounts of the ledger that pay.
    bound
        What it may cost at most, such as ``2.50 USD``; the backend's own estimate unless given.
    tier
        Which machines it may use; see `qupel.backends.catalogue.tiers`.
    fallback
        Solver that answers if the order is refused, fails, or is late.
    fallback_seconds, fallback_rounds
        Its budget; it repeats byte for byte if it ends by rounds and not by the clock.
    keep
        How many of the best distinct samples are decoded, judged and repaired.
    contract
        Fields of a `qupel.runs.contract.Contract`, checked before anything is ordered.
    """

    solver: Described
    backend: str = ""
    deadline_seconds: float = 3600.0
    late: Literal["keep", "cancel"] = "keep"
    accounts: list[str] = Field(default_factory=list)
    bound: str | float | None = None
    tier: str = "local simulator"
    fallback: Described | None = None
    fallback_seconds: float = 5.0
    fallback_rounds: int | None = None
    keep: int = 32
    contract: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Quantum:
    """Has a program run on a backend through the ledger."""

    role: ClassVar[str] = "decision"
    settings: ClassVar[type[Settings]] = QuantumSettings
    keeps: ClassVar[bool] = True

    def inputs(self, settings: QuantumSettings) -> Mapping[str, Port]:
        """The problem."""
        return {"problem": Port.of("problem")}

    def outputs(self, settings: QuantumSettings) -> Mapping[str, Port]:
        """The answer."""
        return {"answer": Port.of("answer")}

    def faults(self, settings: QuantumSettings) -> list[tuple[str, str]]:
        """Solvers that are not known or cannot be split, times and sums that are none."""
        found = [("solver", fault) for fault in solver_faults(settings.solver)]
        if not found and not _is_hosted(settings.solver):
            found.append(
                ("solver", "is not split around its order; use a hosted one, or the kind 'solve'")
            )
        if settings.fallback is not None:
            found += [("fallback", fault) for fault in solver_faults(settings.fallback)]
        needed = shortest(settings.fallback_seconds)
        if not settings.fallback_seconds > 0:
            found.append(("fallback_seconds", f"must be above 0, got {settings.fallback_seconds}"))
        elif settings.deadline_seconds < needed:
            found.append(
                (
                    "deadline_seconds",
                    f"must be at least {needed:.3g} s with a fallback of "
                    f"{settings.fallback_seconds:g} s, which is to answer by then; got "
                    f"{settings.deadline_seconds:g}",
                )
            )
        checks = (
            ("bound", bound_of),
            ("tier", lambda _: tiers().named(settings.tier)),
            ("accounts", lambda _: checked_names(settings.accounts)),
            ("backend", _check_provider),
        )
        for place, check in checks:
            try:
                check(settings)
            except InputError as error:
                found.append((place, str(error)))
        found += contract_faults(settings.contract)
        return found + count_faults(settings, "fallback_rounds", "keep")

    def code(self, settings: QuantumSettings) -> Any:
        """Versions of every engine and of Qupel itself."""
        return ["quantum 1", versions(), revision()]

    def uses_quantum(self, settings: QuantumSettings) -> bool:
        """Yes."""
        return True

    def has_fallback(self, settings: QuantumSettings) -> bool:
        """Whether one is named that runs no quantum program."""
        return settings.fallback is not None and not is_quantum(settings.fallback)

    def run(self, given: Given, settings: QuantumSettings) -> Made:
        """Raise an error: its parts are run apart."""
        raise RunError("a quantum stage is prepared, ordered and finished; it is not run at once")

    def order(self, given: Given, settings: QuantumSettings, key: str) -> Order:
        """Make the order, the same whenever it is asked for.

        Raises
        ------
        ContractError
            If the stage's contract forbids it, with the field.
        """
        solver, form, _ = self._encoded(given, settings)
        self._check_contract(given, settings, solver, form)
        programs, more = solver.program(form, given.rng())
        return Order(programs, solver.shots, key=key, tag=f"qupel-{key[:24]}", settings=more)

    def finish(self, given: Given, settings: QuantumSettings, result: Result) -> Made:
        """Decode a result, repair and judge what it holds, and give the best that is feasible.

        Raises
        ------
        ResultError
            If it is not of this order, or nothing in it can be made feasible.
        ContractError
            If the answer is not what the stage's contract promises.
        """
        solver, form, back = self._encoded(given, settings)
        problem = problem_of(given.inputs["problem"])
        samples = solver.samples(form, result)
        rows = back(samples.values[: settings.keep])
        best: tuple[float, Any] | None = None
        raw = 0
        for row in rows:
            for place, answer in enumerate(_with_repaired(problem, problem.answer(row))):
                judged = problem.judge(answer)
                raw += judged.feasible and not place
                if judged.feasible and (best is None or _rank(judged, problem.sense) < best[0]):
                    best = (_rank(judged, problem.sense), answer)
        if best is None:
            raise ResultError(f"job {result.job}: no sample could be made feasible")
        solution = problem.write_answer(best[1])
        if (contract := contract_from(settings.contract)) is not None:
            contract.check_answer(problem, best[1], solution)
        answer = {
            "family": given.inputs["problem"]["family"],
            "solution": solution,
            "answer": plain(best[1]),
            "answered_by": "primary",
        }
        facts = {
            "samples": samples_digest(samples),
            "evidence": str(result.evidence),
            "device": result.device,
            "provider_job": result.job,
            "billed": None if result.billed is None else str(result.billed),
            "calibration": result.calibration,
            "raw": {"count": raw, "of": len(rows)},
            "seeds": {"stage": given.stage_seed()},
        }
        return Made({"answer": answer}, facts=facts)

    def fall_back(
        self, given: Given, settings: QuantumSettings, why: str, seconds: float | None = None
    ) -> Made:
        """Let the fallback answer, within ``seconds`` if not in all of its budget."""
        if settings.fallback is None:
            raise RunError(f"{why}, and there is no fallback")
        promised = (settings.contract or {}).get("result")
        made = solved(
            given,
            SolveSettings(
                solver=settings.fallback,
                seconds=settings.fallback_seconds if seconds is None else seconds,
                rounds=settings.fallback_rounds,
                keep=settings.keep,
                contract=None if promised is None else {"result": promised},
            ),
        )
        answer = {**made.outputs["answer"], "answered_by": "fallback"}
        return Made({"answer": answer}, "fallback", why, made.facts)

    def _check_contract(
        self, given: Given, settings: QuantumSettings, solver: Any, form: Any
    ) -> None:
        contract, held = contract_from(settings.contract), given.inputs["problem"]
        if contract is None:
            return
        kind = family_from(held["family"])
        task = Task(
            held["family"],
            held["document"],
            described(self._placed(settings), kind),
            given.stage_seed(),
            settings.deadline_seconds,
            fallback=None if settings.fallback is None else described(settings.fallback, kind),
        )
        contract.check_task(task)
        contract.check_solver(solver)
        contract.check_form(form, solver)
        contract.check_answers(problem_of(held))

    def _encoded(self, given: Given, settings: QuantumSettings) -> tuple[Any, Any, Any]:
        """Return solver, the form it takes, and the way back to the problem's values."""
        problem = problem_of(given.inputs["problem"])
        kind = family_from(given.inputs["problem"]["family"])
        solver = solver_from(described(self._placed(settings), kind), kind)
        encoded = encode(problem.form(), into=solver.accepts, keep_quotas=solver.keeps_quotas)
        return solver, encoded.form, encoded.back

    def _placed(self, settings: QuantumSettings) -> dict[str, Any]:
        """The solver's description, with the backend in it."""
        solver = settings.solver
        found = {"solver": solver} if isinstance(solver, str) else dict(solver)
        return {**found, "backend": settings.backend} if settings.backend else found


def backend_of(settings: QuantumSettings, kind: type[Problem[Any]]) -> str:
    """Name of the backend that an order goes to."""
    if settings.backend:
        return settings.backend
    return str(getattr(solver_from(described(settings.solver, kind), kind), "backend", ""))


def bound_of(settings: QuantumSettings) -> Money | None:
    """What an order may cost at most; `InputError` if it is no sum of money."""
    return None if settings.bound is None else Money.parse(str(settings.bound))


def _check_provider(settings: QuantumSettings) -> None:
    """Refuse a backend whose name is none, or whose provider is not known here."""
    if settings.backend:
        provider_of(settings.backend)


def _is_hosted(solver: Described) -> bool:
    from qupel.solvers.registry import implementations

    name = solver if isinstance(solver, str) else str(solver.get("solver", ""))
    made = (family_from(name),) if ":" in name else implementations(name)
    return any(hasattr(one, "program") and hasattr(one, "samples") for one in made)


def _with_repaired(problem: Problem[Any], answer: Any) -> tuple[Any, ...]:
    return answer, problem.repair(answer)


def _rank(judged: Judgement, sense: Sense) -> float:
    return judged.objective if sense == "min" else -judged.objective
