"""What a problem family is: data in, a form out, an answer back, and a judge.

The judge computes objective and violations from the data alone. It shares no code with ``form``
and is the only source of objective and feasibility in any record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

Sense = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint, named in business terms.

    Attributes
    ----------
    constraint
        Name such as ``capacity`` or ``time window``.
    where
        The element concerned, such as ``route 3`` or ``stop 17``.
    amount
        By how much, in the constraint's own unit; above 0.
    """

    constraint: str
    where: str
    amount: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the data say of an answer.

    Attributes
    ----------
    objective
        In the KPI's unit, in the family's sense; also given for infeasible answers where it
        is defined, else NaN.
    violations
        Every broken constraint; empty for a feasible answer.
    measures
        Further business figures, such as vehicles used or waiting time.
    """

    objective: float
    violations: tuple[Violation, ...] = ()
    measures: Mapping[str, float] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "measures", dict(self.measures))

    @property
    def feasible(self) -> bool:
        """Whether no constraint is broken and the objective is a finite number."""
        return not self.violations and bool(np.isfinite(self.objective))


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Optimum(Generic[Answer]):
    """The best objective of a generated instance and an answer that has it."""

    objective: float
    answer: Answer


@runtime_checkable
class Problem(Protocol[Answer]):
    """A frozen value of one family, made from business data.

    Attributes
    ----------
    family
        Registered name of the family.
    sense
        Whether the judge's objective is to be small or large. Energies of the form are
        minimised whatever the sense.
    baselines
        Solvers of which at least one must run in any comparison: the strong ones.
    """

    family: ClassVar[str]
    sense: ClassVar[Sense]
    baselines: ClassVar[tuple[str, ...]]

    @property
    def name(self) -> str:
        """Name of this instance."""
        ...

    def form(self) -> Any:
        """Return the mathematical form: a `Model` or a `Qubo`.

        The energy of a feasible point is the judge's objective, negated where the sense is
        ``max``.
        """
        ...

    def answer(self, values: np.ndarray) -> Answer:
        """Return the answer in business terms for one row of the form's values (or a plan)."""
        ...

    def values(self, answer: Answer) -> np.ndarray:
        """Return a row of the form's values that stands for ``answer``: a warm start."""
        ...

    def judge(self, answer: Answer) -> Judgement:
        """Objective and violations of ``answer``, from the data alone."""
        ...

    def repair(self, answer: Answer) -> Answer:
        """Return a feasible answer near ``answer`` if one is found, deterministically."""
        ...

    def chart(self, answer: Answer) -> dict[str, Any]:
        """Vega-Lite specification that shows ``answer``."""
        ...

    def document(self) -> dict[str, Any]:
        """Return the data as plain JSON values: what is hashed, stored and sent to workers."""
        ...

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the problem from `document`."""
        ...

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        """Whether a file of this name that begins with ``head`` holds this family's data."""
        ...

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read an instance in one of the family's standard formats, plain or gzipped.

        Raises
        ------
        InputError
            With the file, the line, the value and the remedy.
        """
        ...

    @classmethod
    def random(cls, *args: Any, **kwargs: Any) -> tuple[Self, Optimum[Answer]]:
        """Return an instance with its known optimum: ``random(seed, **sizes)``.

        Every size has a default and every family its own names for them.
        """
        ...

    def read_answer(self, text: str) -> Answer:
        """Read a solution file of the family's standard format; `InputError` if malformed."""
        ...

    def write_answer(self, answer: Answer) -> str:
        """Write ``answer`` in the family's standard solution format."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Subproblem(Generic[Answer]):
    """A small part of a problem, cut out around an answer.

    Attributes
    ----------
    form
        A `Model` or `Qubo` of the part alone.
    start
        The form's values that leave the answer as it is; feasible in the form.
    lift
        Puts one row of the form's values back into the whole answer.
    """

    form: Any
    start: np.ndarray
    lift: Callable[[np.ndarray], Answer]


@runtime_checkable
class Decomposable(Problem[Answer], Protocol[Answer]):
    """A problem that a hybrid solver can improve part by part."""

    def subproblem(
        self, answer: Answer, size: int, rng: np.random.Generator
    ) -> Subproblem[Answer] | None:
        """Cut out a hard part of at most ``size`` variables; None if there is none."""
        ...

    def polish(self, answer: Answer, rng: np.random.Generator) -> Answer:
        """Improve a feasible ``answer`` by fast local moves; never worse."""
        ...
