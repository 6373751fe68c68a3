"""Data contracts: what a stage may be given and must give back, checked before it starts.

Every check names the field it is about, so a refusal says which assumption does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qupel.errors import ContractError, InputError
from qupel.runs.description import plain, solvers_in
from qupel.runs.schema import RANGES, SHAPE, Schema, check_schema, first_fault

if TYPE_CHECKING:
    from qupel.problems.contract import Problem
    from qupel.runs.task import Task


@dataclass(frozen=True, slots=True)
class Contract:
    """What an attempt may be given and must give back. None leaves a field open.

    Attributes
    ----------
    input
        Schema of the problem's document, see `qupel.runs.schema`. Its shape is the field
        ``input``; its ranges are the field ``ranges``.
    max_variables
        Variables after encoding, for any solver.
    max_qubits
        Variables after encoding where a solver is a quantum step; for a hybrid, the size
        (``encoded_size``, else ``size``) of the parts it is set to give to its quantum step.
    max_shots
        Shots or reads that a solver, or one nested in it, is set to take.
    max_payload_bytes
        Size of the problem's document as JSON.
    max_seconds
        Longest end-to-end budget that may be asked for.
    result
        Schema of the answer as plain data.
    needs_fallback
        Whether an attempt without a fallback is refused.
    """

    input: Schema | None = None
    max_variables: int | None = None
    max_qubits: int | None = None
    max_shots: int | None = None
    max_payload_bytes: int | None = None
    max_seconds: float | None = None
    result: Schema | None = None
    needs_fallback: bool = False

    def __post_init__(self) -> None:
        limits = ("max_variables", "max_qubits", "max_shots", "max_payload_bytes", "max_seconds")
        for name in limits:
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise InputError(f"{name} must be above 0, got {limit}")

    def check_task(self, task: Task) -> None:
        """Check all that can be known without building the form."""
        if self.input is not None:
            _well_formed(self.input, "input")
            _refuse("input", first_fault(task.problem, self.input, words=SHAPE))
            _refuse("ranges", first_fault(task.problem, self.input, words=RANGES))
        if self.result is not None:
            _well_formed(self.result, "result")
        if self.max_payload_bytes is not None:
            size = len(json.dumps(task.problem, separators=(",", ":")).encode())
            _limit("max_payload_bytes", size, self.max_payload_bytes, "bytes")
        if self.max_seconds is not None:
            _limit("max_seconds", task.seconds, self.max_seconds, "seconds end to end")
        if self.needs_fallback and task.fallback is None:
            _refuse("fallback", "none is declared; name a solver that always answers")

    def check_solver(self, solver: Any) -> None:
        """Check the shots and the quantum parts that a solver is set to use."""
        for inner in solvers_in(solver):
            for name in ("shots", "reads"):
                asked = getattr(inner, name, None)
                if self.max_shots is not None and isinstance(asked, int):
                    _limit("max_shots", asked, self.max_shots, name)
            if inner is not solver and _is_quantum(inner) and self.max_qubits is not None:
                size = getattr(solver, "encoded_size", getattr(solver, "size", None))
                if isinstance(size, int):
                    _limit("max_qubits", size, self.max_qubits, "qubits for each part")

    def check_form(self, form: Any, solver: Any) -> None:
        """Check the size that a solver would be given."""
        variables = getattr(form, "variables", None)
        if not isinstance(variables, int):
            return
        if self.max_variables is not None:
            _limit("max_variables", variables, self.max_variables, "variables after encoding")
        if self.max_qubits is not None and _is_quantum(solver):
            _limit("max_qubits", variables, self.max_qubits, "qubits after encoding")

    def check_answers(self, problem: Problem[Any], form: Any = None) -> None:
        """Check before the search that the family's answers have the shape that is promised.

        Parameters
        ----------
        form
            The problem's, where it has been made already.
        """
        if self.result is None:
            return
        form = problem.form() if form is None else form
        lower = getattr(form, "lower", None)
        row = np.zeros(form.variables, np.int64) if lower is None else np.array(lower)
        _refuse("result", first_fault(plain(problem.answer(row)), self.result, words=SHAPE))

    def check_answer(self, problem: Problem[Any], answer: Any, solution: str) -> None:
        """Check what goes out: its schema, and that it survives being written and read."""
        if self.result is not None:
            _refuse("result", first_fault(plain(answer), self.result, words=SHAPE | RANGES))
        again = problem.judge(problem.read_answer(solution))
        first = problem.judge(answer)
        if (again.objective, again.feasible) != (first.objective, first.feasible):
            _refuse(
                "result",
                f"written as a solution file it is worth {again.objective}, "
                f"as it was found {first.objective}",
            )

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Contract:
        """Make a contract from plain data, its fields by name."""
        return cls(**document)


def _well_formed(schema: Schema, field: str) -> None:
    try:
        check_schema(schema)
    except InputError as error:
        _refuse(field, str(error))


def _limit(field: str, value: float, limit: float, unit: str) -> None:
    if value > limit:
        _refuse(field, f"{value:g} {unit}, at most {limit:g} allowed")


def _refuse(field: str, fault: str | None) -> None:
    if fault is not None:
        raise ContractError(f"contract field {field!r}: {fault}")


def _is_quantum(solver: Any) -> bool:
    return getattr(solver, "kind", "") == "quantum"
