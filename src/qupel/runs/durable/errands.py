"""Work that may hang, done aside: whoever asks for it waits a moment, and comes again.

What hangs holds none of the engine's threads, and takes room from nobody but its own group.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qupel.errors import RunError
from qupel.runs.errand import Errand

Value = TypeVar("Value")

#: Pieces of work of one group at a time, those that hang included: several times as many as a
#: worker has threads, so that whoever could begin has hardly ever to come again.
EACH = 64
#: Shortest and longest pause between two questions whether something is done, in seconds.
SHORTEST, LONGEST = 0.1, 5.0
#: Seconds in which `Errands.close` lets end what is under way and does not hang.
CLOSING = 2.0


@dataclass(slots=True, eq=False)
class Errands:
    """Work that is under way in this process, by the name of what it is for.

    Attributes
    ----------
    patience
        Seconds that whoever asks for something new waits for it.
    """

    patience: float = 1.0
    _named: dict[str, Errand[Any]] = field(default_factory=dict, init=False, repr=False)
    _threads: list[Errand[Any]] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def ask(
        self, name: str, group: str, work: Callable[[], Value], most: float = float("inf")
    ) -> Errand[Value] | float:
        """Have something done, unless it is under way.

        Parameters
        ----------
        name
            What it is for; what is over is forgotten as it is returned.
        group
            Of which `EACH` are done at a time.
        most
            Seconds to wait at most, where that is less than ``patience``.

        Returns
        -------
        What is over; or seconds after which to ask again.
        """
        with self._lock:
            errand, patience = self._named.get(name), 0.0
            if errand is None:
                others = self._in_group(group)
                if len(others) >= EACH:
                    return _pause(min(other.age for other in others))
                errand, patience = Errand(work, group), min(self.patience, most)
                errand.begin()
                self._named[name] = errand
                self._threads.append(errand)
        if not errand.done.wait(patience):
            return _pause(errand.age)
        self.leave(name)
        return errand

    def age(self, name: str) -> float:
        """Seconds for which something has been under way; 0 if it is not."""
        with self._lock:
            return self._named[name].age if name in self._named else 0.0

    def leave(self, name: str) -> None:
        """Leave something behind: what comes of it is lost, and asked for again it begins anew."""
        with self._lock:
            self._named.pop(name, None)

    def close(self) -> None:
        """Wait shortly for what is under way."""
        until = time.monotonic() + CLOSING
        with self._lock:
            left = [errand for errand in self._threads if errand.age < CLOSING]
        for errand in left:
            errand.done.wait(max(0.0, until - time.monotonic()))

    def _in_group(self, group: str) -> list[Errand[Any]]:
        self._threads[:] = [errand for errand in self._threads if not errand.done.is_set()]
        return [errand for errand in self._threads if errand.name == group]


def within(seconds: float, what: str, work: Callable[[], Value]) -> Value:
    """Return what ``work`` returns.

    Raises
    ------
    RunError
        If it has not returned after so many seconds; it is left behind.
    """
    errand = Errand(work, what)
    errand.begin()
    if not errand.done.wait(seconds):
        raise RunError(f"{what} had not ended after {seconds:g} s, and was left behind")
    return errand.outcome()


def _pause(age: float) -> float:
    """Seconds until the next question about something of this age: it grows with the age."""
    return min(max(SHORTEST, age), LONGEST)
