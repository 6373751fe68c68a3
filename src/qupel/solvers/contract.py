"""What a solver is: a frozen value that searches one form until a stop rule says so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from qupel.errors import InputError
from qupel.model.samples import Samples

Form_contra = TypeVar("Form_contra", contravariant=True)


@dataclass(slots=True)
class Stop:
    """Says when a search ends: a callable from best energy to bool.

    A solver asks once a round. How much work a round is depends on the form and the solver
    alone, never on the clock, so that a search ended by ``rounds`` repeats byte for byte.
    Engines that want their limits beforehand read `seconds_left`, `target` and `rounds`.

    Attributes
    ----------
    deadline
        Reading of ``time.monotonic`` at which to stop; infinite for none.
    target
        Energy that is good enough; minus infinity for none.
    rounds
        How many more times the rule may be asked before it says stop; None for no limit.
    """

    deadline: float = math.inf
    target: float = -math.inf
    rounds: int | None = None
    asked: int = field(default=0, init=False)

    def __call__(self, best: float) -> bool:
        """Whether to stop, given the best energy so far (infinite if none)."""
        self.asked += 1
        return (
            best <= self.target
            or (self.rounds is not None and self.asked >= self.rounds)
            or time.monotonic() >= self.deadline
        )

    def seconds_left(self) -> float:
        """Seconds until the deadline, at least zero, infinite if there is none."""
        return max(0.0, self.deadline - time.monotonic())

    def rounds_left(self) -> int | None:
        """Rounds until the rule says stop, None if they are not limited."""
        return None if self.rounds is None else max(0, self.rounds - self.asked)


def after_seconds(seconds: float) -> Stop:
    """Stop this many seconds from now."""
    if not seconds > 0:
        raise InputError(f"seconds must be above 0, got {seconds}")
    return Stop(deadline=time.monotonic() + seconds)


def after_rounds(rounds: int) -> Stop:
    """Stop when asked for the ``rounds``-th time."""
    if rounds < 1:
        raise InputError(f"rounds must be at least 1, got {rounds}")
    return Stop(rounds=rounds)


def reached(target: float) -> Stop:
    """Stop once the best energy is ``target`` or lower."""
    return Stop(target=target)


def any_of(*stops: Stop) -> Stop:
    """Stop as soon as one of ``stops`` would."""
    rounds = [stop.rounds for stop in stops if stop.rounds is not None]
    return Stop(
        deadline=min(stop.deadline for stop in stops),
        target=max(stop.target for stop in stops),
        rounds=min(rounds) if rounds else None,
    )


@dataclass(frozen=True, slots=True)
class Incumbent:
    """A better point was found: its energy, and seconds since the search began."""

    seconds: float
    energy: float


@dataclass(frozen=True, slots=True)
class Bound:
    """A better lower bound was proved, and seconds since the search began."""

    seconds: float
    energy: float


@dataclass(frozen=True, slots=True)
class Log:
    """A line for whoever watches, and seconds since the search began."""

    seconds: float
    text: str


Event = Incumbent | Bound | Log
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Drop the event."""


@dataclass(slots=True)
class Watch:
    """Keeps a search's clock and best energy, and reports each improvement once.

    The usual first line of a solver is ``watch = Watch(on_event)``.
    """

    on_event: OnEvent
    started: float = field(default_factory=time.monotonic)
    best: float = math.inf
    bound: float = -math.inf

    def seconds(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self.started

    def saw(self, energy: float) -> bool:
        """Take note of an energy; True, and an `Incumbent` sent, if it is the best so far."""
        if not energy < self.best:
            return False
        self.best = float(energy)
        self.on_event(Incumbent(self.seconds(), self.best))
        return True

    def proved(self, bound: float) -> None:
        """Take note of a lower bound; a `Bound` is sent if it is the best so far."""
        if bound > self.bound and math.isfinite(bound):
            self.bound = float(bound)
            self.on_event(Bound(self.seconds(), self.bound))


@runtime_checkable
class Solver(Protocol[Form_contra]):
    """Searches for low energies of one form.

    A solver is a frozen dataclass. Its fields are its whole configuration: equal solvers, given
    equal generators and a stop rule that counts rounds, return equal samples.

    Attributes
    ----------
    name
        The name it is registered under.
    kind
        ``classical``, ``inspired``, ``quantum`` or ``hybrid``.
    accepts
        The form it searches (`Model`, `Qubo`, `Ising`), or a problem class of its domain.
    keeps_quotas
        Whether it keeps a form's quotas by itself. If not, they become penalties.

    Notes
    -----
    A solver worth tuning also has a class attribute ``tunable``: values to try for each of its
    settings, which a pilot draws from where its charter names none.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    accepts: ClassVar[type[Any]]
    keeps_quotas: ClassVar[bool]

    def solve(
        self,
        form: Form_contra,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so, or the search is complete.

        The samples' energies are true energies of ``form``; rows that break a constraint or
        quota of the form are not returned unless nothing else was found. ``form`` is not
        changed.
        """
        ...
