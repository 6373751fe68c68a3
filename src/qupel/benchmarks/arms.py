"""Arms: the named ways to answer that a comparison puts side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from qupel.errors import InputError

UNIFORM = "uniform"
"""Placebo in which the quantum samples are replaced by as many uniform random bits."""

SAMPLER = "sampler"
"""Placebo in which a classical sampler under the same budget stands in for the quantum one."""

PLACEBOS = (UNIFORM, SAMPLER)


class Kind(StrEnum):
    """What kind of answer an arm gives, from the simplest to run to the least simple."""

    STATUS_QUO = "status quo"
    CLASSICAL = "classical"
    INSPIRED = "inspired"
    PLACEBO = "placebo"
    HYBRID = "hybrid"
    QUANTUM = "quantum"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was granted to tune an arm, and on what.

    Attributes
    ----------
    trials, seconds
        Settings that could be tried and seconds that could be spent: the allowance, equal for
        every arm that is tuned.
    cells
        ``(problem hash, seed)`` of every run that tuning looked at.
    exempt
        Why the arm is not tuned, such as ``production solver as it stands`` or
        ``has no settings``; empty for an arm that is.
    log
        Trials in order, as plain data.
    """

    trials: int = 0
    seconds: float = 0.0
    cells: tuple[tuple[str, int], ...] = ()
    exempt: str = ""
    log: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """A named way to answer.

    Attributes
    ----------
    name
        Unique in its comparison; records carry it.
    kind
        See `Kind`.
    solver
        The solver as plain data: ``solver``, ``kind`` and settings, nested solvers included.
    placebo_of, placebo_kind
        For a placebo the arm it mirrors, and ``uniform`` or ``sampler``; otherwise empty.
    tuning
        How it was tuned. A placebo takes the settings of its arm.
    """

    name: str
    kind: Kind
    solver: Mapping[str, Any] = field(default_factory=dict)
    placebo_of: str = ""
    placebo_kind: str = ""
    tuning: Tuning = Tuning()

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        if not self.name:
            raise InputError("an arm needs a name")
        is_placebo = self.kind is Kind.PLACEBO
        if is_placebo and (not self.placebo_of or self.placebo_kind not in PLACEBOS):
            raise InputError(
                f"placebo {self.name!r} must name its arm and be one of {', '.join(PLACEBOS)}; "
                f"got placebo_of={self.placebo_of!r}, placebo_kind={self.placebo_kind!r}"
            )
        if not is_placebo and (self.placebo_of or self.placebo_kind):
            raise InputError(f"arm {self.name!r} is {self.kind}, so it can be no arm's placebo")

    @property
    def has_quantum_step(self) -> bool:
        """Whether quantum samples enter the answer: the arm is then a candidate.

        A hybrid whose nested solvers are all described as classical or inspired has none.
        """
        if self.kind is Kind.QUANTUM:
            return True
        if self.kind is not Kind.HYBRID:
            return False
        inner = [part["kind"] for part in nested(self.solver) if "kind" in part]
        return Kind.QUANTUM in inner or not inner

    @property
    def is_classical(self) -> bool:
        """Whether it stands on the classical side: neither a candidate nor a placebo."""
        return self.kind is not Kind.PLACEBO and not self.has_quantum_step

    @property
    def simplicity(self) -> int:
        """Rank from the simplest, 0: ties go to the lower rank."""
        return list(Kind).index(self.kind)

    @property
    def solvers(self) -> frozenset[str]:
        """Name of its solver and of the solvers nested in it."""
        parts = (self.solver, *nested(self.solver))
        return frozenset(str(part["solver"]) for part in parts if "solver" in part)


def nested(solver: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Descriptions of the solvers inside ``solver``, at any depth."""
    for value in solver.values():
        if isinstance(value, Mapping):
            yield value
            yield from nested(value)


def placebos_of(arm: Arm, arms: Iterable[Arm]) -> dict[str, Arm]:
    """Placebos of ``arm`` by their kind."""
    return {other.placebo_kind: other for other in arms if other.placebo_of == arm.name}
