"""Kinds of stages: what each takes, gives and does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from qupel.errors import unknown_name
from qupel.runs.durable.ports import Port
from qupel.runs.streams import Streams

if TYPE_CHECKING:
    from qupel.runs.durable.hands import Hands
    from qupel.runs.durable.pipeline import Stage

Values = Mapping[str, Any]


class Settings(BaseModel):
    """What a kind asks for, checked strictly."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a stage is run with.

    Attributes
    ----------
    stage
        The stage.
    inputs
        Value of each input port.
    seed
        The pipeline's seed.
    folder
        What relative paths start from.
    hands
        Runs solvers and functions in processes that can be killed.
    """

    stage: Stage
    inputs: Values
    seed: int
    folder: Path
    hands: Hands

    def stage_seed(self) -> int:
        """Seed of this stage; another stage's does not change it."""
        return Streams(self.seed).stage_seed(self.stage.name)

    def rng(self) -> np.random.Generator:
        """Generator of this stage."""
        return np.random.default_rng(self.stage_seed())


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What a stage gave.

    Attributes
    ----------
    outputs
        Value of each output port. Only they are hashed; times and other facts that differ from
        run to run stay out of them.
    answered_by
        ``primary`` or ``fallback``.
    why
        Why the fallback answered.
    facts
        Plain data worth keeping: clocks, seeds, bills.
    """

    outputs: Values
    answered_by: str = "primary"
    why: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Kind(Protocol):
    """A kind of stage.

    Attributes
    ----------
    role
        The usual role of its stages.
    settings
        Model of what it asks for.
    keeps
        Whether its results may be used again; not where it reads or writes the world outside.
    is_killed
        Whether it works in a process that is killed when its own time is over; what works in the
        worker itself is left behind if it does not return.
    """

    role: ClassVar[str]
    settings: ClassVar[type[Settings]]
    keeps: ClassVar[bool]
    is_killed: ClassVar[bool]

    def inputs(self, settings: Any) -> Mapping[str, Port] | None:
        """Input ports; None if it takes any."""
        ...

    def outputs(self, settings: Any) -> Mapping[str, Port]:
        """Output ports."""
        ...

    def faults(self, settings: Any) -> list[tuple[str, str]]:
        """Setting and message of all that can be known to be wrong before a run."""
        ...

    def code(self, settings: Any) -> Any:
        """Plain data that change whenever the same inputs may give other outputs."""
        ...

    def uses_quantum(self, settings: Any) -> bool:
        """Whether quantum programs are run."""
        ...

    def has_fallback(self, settings: Any) -> bool:
        """Whether somebody answers if the quantum program does not."""
        ...

    def run(self, given: Given, settings: Any) -> Made:
        """Do it; may be done twice for one run."""
        ...


@dataclass(frozen=True, slots=True)
class Classical:
    """The answers of kinds that neither run quantum programs nor have anything to check."""

    keeps: ClassVar[bool] = True
    is_killed: ClassVar[bool] = False

    def faults(self, settings: Any) -> list[tuple[str, str]]:
        """Nothing to say."""
        return []

    def uses_quantum(self, settings: Any) -> bool:
        """No."""
        return False

    def has_fallback(self, settings: Any) -> bool:
        """No."""
        return False


def kinds() -> dict[str, Kind]:
    """Every kind by name."""
    from qupel.runs.durable.files import Export, Load
    from qupel.runs.durable.functions import Function
    from qupel.runs.durable.quantum import Quantum
    from qupel.runs.durable.solving import Judge, Solve

    return {
        "load": Load(),
        "solve": Solve(),
        "quantum": Quantum(),
        "judge": Judge(),
        "function": Function(),
        "export": Export(),
    }


def kind_named(name: str) -> Kind:
    """Return the kind of a name; `InputError` if there is none."""
    known = kinds()
    if name not in known:
        raise unknown_name("kind of stage", name, known)
    return known[name]


def settings_of(stage: Stage) -> Any:
    """Return a stage's settings as its kind's model; pydantic's error if they are none."""
    return kind_named(stage.kind).settings.model_validate(dict(stage.settings))
