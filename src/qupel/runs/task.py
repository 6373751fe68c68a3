"""A task: everything one attempt is made from, as plain data that a worker can be sent."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from qupel.errors import InputError
from qupel.kernels.cpu import MOST_THREADS
from qupel.problems.contract import Problem
from qupel.runs.contract import Contract
from qupel.runs.description import describe, family_name, plain
from qupel.runs.identity import canonical, digest, document_of, problem_digest
from qupel.runs.provenance import machine, revision, versions
from qupel.runs.record import Record, Status
from qupel.solvers.contract import Solver

#: Longest budget in seconds, three years: clocks of the system do not take any number.
LONGEST = 1e8


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What to decide, by whom, with which seed, and in how much time.

    Attributes
    ----------
    family
        Registered name of the problem's family, or ``package.module:Class``.
    problem
        The problem's document.
    solver
        Description of the solver, see `qupel.runs.description`.
    seed
        The one seed of the attempt, at least 0 and below 2**53; each stage draws its own from
        it.
    seconds
        Budget from the request to the answer, in seconds.
    arm, case
        The cell of a comparison it belongs to; empty outside one.
    rounds
        The search also ends after so many rounds, whatever the clock says; results then
        repeat byte for byte as long as the budget is not reached.
    target
        Energy that is good enough to stop at; minus infinity for none.
    repair, polish
        Whether infeasible samples are repaired, and the best answer improved by fast moves.
    encoding
        Further arguments of the encoding.
    keep
        How many of the best distinct samples are decoded, judged and repaired.
    threads
        Threads that numerical libraries may use.
    fallback
        Description of the solver that answers if the primary does not; None for none.
    fallback_seconds
        Budget of the fallback, beginning when the primary has ended.
    contract
        Checked before and after; None for none.
    store_samples
        Whether the samples are kept beside the record.
    price
        What a record costs in money; None if it has no price.
    """

    family: str
    problem: Mapping[str, Any] = field(repr=False)
    solver: Mapping[str, Any]
    seed: int
    seconds: float
    arm: str = ""
    case: str = ""
    rounds: int | None = None
    target: float = -math.inf
    repair: bool = True
    polish: bool = False
    encoding: Mapping[str, Any] = field(default_factory=dict)
    keep: int = 32
    threads: int = 1
    fallback: Mapping[str, Any] | None = None
    fallback_seconds: float = 5.0
    contract: Contract | None = None
    store_samples: bool = False
    price: Callable[[Record], float | None] | None = None
    problem_hash: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not all(0 < seconds <= LONGEST for seconds in (self.seconds, self.fallback_seconds)):
            raise InputError(
                f"seconds must be above 0 and at most {LONGEST:g}, got {self.seconds} "
                f"and {self.fallback_seconds} for the fallback"
            )
        if not isinstance(self.seed, int | np.integer):
            raise InputError(f"a seed is a whole number, got {self.seed!r}")
        if not 0 <= self.seed < 2**53 or self.keep < 1 or not 1 <= self.threads <= MOST_THREADS:
            raise InputError(
                f"a task needs 0 <= seed < 2**53, keep >= 1 and threads >= 1, at most "
                f"{MOST_THREADS}, got {self.seed}, {self.keep}, {self.threads}"
            )
        for description in (self.solver, self.fallback or {}):
            canonical(plain(description))  # what has no identity is refused here, not in a worker
        if not self.problem_hash:
            object.__setattr__(self, "problem_hash", problem_digest(self.problem))

    @classmethod
    def of(
        cls,
        problem: Problem[Any],
        solver: Solver[Any] | Mapping[str, Any],
        *,
        seconds: float,
        seed: int = 0,
        **more: Any,
    ) -> Self:
        """Return a task from the values themselves, a fallback solver among ``more`` too."""
        if more.get("fallback") is not None:
            more["fallback"] = _described(more["fallback"], problem)
        return cls(
            family_name(problem),
            document_of(problem),
            _described(solver, problem),
            seed,
            seconds,
            **more,
        )

    @property
    def cell(self) -> tuple[str, str, int]:
        """Arm, case and seed, which a comparison runs once."""
        return self.arm, self.case, self.seed

    def identity(self) -> str:
        """Hash of everything that can change the result."""
        return digest(
            {
                "problem": self.problem_hash,
                "solver": {k: v for k, v in plain(self.solver).items() if k != "kind"},
                "seed": self.seed,
                "stop": {
                    "seconds": self.seconds,
                    "rounds": self.rounds,
                    "target": self.target if math.isfinite(self.target) else None,
                },
                "pipeline": {
                    "repair": self.repair,
                    "polish": self.polish,
                    "encoding": plain(self.encoding),
                    "keep": self.keep,
                    "threads": self.threads,
                },
                "fallback": None
                if self.fallback is None
                else {"solver": plain(self.fallback), "seconds": self.fallback_seconds},
                "contract": None if self.contract is None else plain(asdict(self.contract)),
                "versions": versions(),
                "revision": revision(),
            }
        )

    def record(self, status: Status, **found: Any) -> Record:
        """Return a record of this task, with what was found."""
        found.setdefault("solver", plain(self.solver))
        found.setdefault("created", datetime.now(UTC).isoformat(timespec="milliseconds"))
        return Record(
            id=_identity(self),
            arm=self.arm,
            case=self.case,
            seed=self.seed,
            family=self.family,
            problem_hash=self.problem_hash,
            status=status,
            budget=self.seconds,
            versions=versions(),
            platform=machine(),
            revision=revision(),
            **found,
        )


@functools.lru_cache(maxsize=64)
def _identity(task: Task) -> str:
    return task.identity()


def _described(solver: Solver[Any] | Mapping[str, Any], problem: Problem[Any]) -> dict[str, Any]:
    return dict(solver) if isinstance(solver, Mapping) else describe(solver, type(problem))
