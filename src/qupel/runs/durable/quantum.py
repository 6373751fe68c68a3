"""Stages that have a quantum program run and paid for: prepare, order, wait, finish, or fall back.

Between preparing and finishing a stage holds nothing: the ledger owns the order, and the
program, its encoding and the random numbers are made again from the same inputs and seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qupel.backends.contract import Order, Result
from qupel.encodings.paths import encode
from qupel.errors import ResultError, RunError
from qupel.problems.contract import Judgement, Problem, Sense
from qupel.runs.description import family_from, plain, solver_from
from qupel.runs.durable.described import contract_from, described, is_quantum, problem_of
from qupel.runs.durable.kinds import Given, Made, Settings
from qupel.runs.durable.ports import Port
from qupel.runs.durable.quantum_settings import QuantumSettings, faults_of
from qupel.runs.durable.solving import SolveSettings, solved
from qupel.runs.identity import samples_digest
from qupel.runs.provenance import revision, versions
from qupel.runs.task import Task


@dataclass(frozen=True, slots=True)
class Quantum:
    """Has a program run on a backend through the ledger."""

    role: ClassVar[str] = "decision"
    settings: ClassVar[type[Settings]] = QuantumSettings
    keeps: ClassVar[bool] = True
    is_killed: ClassVar[bool] = False

    def inputs(self, settings: QuantumSettings) -> Mapping[str, Port]:
        """The problem."""
        return {"problem": Port.of("problem")}

    def outputs(self, settings: QuantumSettings) -> Mapping[str, Port]:
        """The answer."""
        return {"answer": Port.of("answer")}

    def faults(self, settings: QuantumSettings) -> list[tuple[str, str]]:
        """Solvers that are not known or cannot be split, times and sums that are none."""
        return faults_of(settings)

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


def _with_repaired(problem: Problem[Any], answer: Any) -> tuple[Any, ...]:
    return answer, problem.repair(answer)


def _rank(judged: Judgement, sense: Sense) -> float:
    return judged.objective if sense == "min" else -judged.objective
