"""Braket's own local simulator as a line: tasks run when they come, in this process."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from qupel.backends.adapters.kept import Kept
from qupel.backends.contract import JobStatus
from qupel.errors import InputError, RefusedError


@dataclass(slots=True, eq=False)
class Simulator:
    """Results are kept for as long as the process lives, as the service would write them."""

    _device: Any = field(default=None, init=False, repr=False)
    _program: Any = field(default=None, init=False, repr=False)
    _kept: Kept[bytes] = field(default_factory=Kept, init=False, repr=False)
    _tokens: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from braket.devices import LocalSimulator
                from braket.ir.openqasm import Program
        except ImportError as error:
            raise InputError(
                "amazon-braket-sdk is not installed; install it by: pip install amazon-braket-sdk"
            ) from error
        self._device, self._program = LocalSimulator(), Program

    def create(self, source: str, shots: int, token: str, tag: str) -> str:
        """Run a program; a token that is known gives the first one's task."""
        if token in self._tokens:
            return self._tokens[token]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                task = self._device.run(self._program(source=source), shots=shots)
                held = _document(task.result())
        # Its own words for a gate or statement that it does not know.
        except (ValueError, TypeError, NotImplementedError) as error:
            raise RefusedError(f"Braket's simulator refuses the program: {error!s:.200}") from error
        self._tokens[token] = job = self._kept.keep(tag, held)
        return job

    def find(self, tag: str) -> list[str]:
        """Tasks under a tag."""
        return self._kept.find(tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Tasks whose tag begins so, each with it."""
        return self._kept.listed(prefix)

    def status(self, job: str) -> tuple[JobStatus, int | None]:
        """Done, if it is known."""
        return self._kept.status(job), None

    def fetch(self, job: str, tag: str) -> bytes:
        """Result document of a task."""
        return self._kept.of(job, tag)

    def cancel(self, job: str) -> None:
        """Do nothing: tasks are over at once."""


def _document(result: Any) -> bytes:
    """A result in the schema in which the service stores it."""
    from braket.task_result import GateModelTaskResult

    kept = GateModelTaskResult(
        measurements=result.measurements.tolist(),
        measuredQubits=result.measured_qubits,
        taskMetadata=result.task_metadata,
        additionalMetadata=result.additional_metadata,
    )
    return kept.json().encode()
