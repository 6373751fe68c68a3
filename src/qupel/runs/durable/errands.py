"""Work that may hang, done aside: whoever asks for it waits a moment, and comes again.

A thread that hangs cannot be stopped. It is left behind: it holds none of the engine's threads,
does not keep the process from ending, and takes room from nobody but its own group.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qupel.errors import RunError

Value = TypeVar("Value")

#: Pieces of work of one group at a time, those that hang included.
EACH = 12
#: Shortest and longest pause between two questions whether something is done, in seconds.
SHORTEST, LONGEST = 0.1, 5.0
#: Seconds in which `Errands.close` lets end what is under way and does not hang.
CLOSING = 2.0


@dataclass(slots=True, eq=False)
class Errand(Generic[Value]):
    """One piece of work, and what came of it once it is over.

    Attributes
    ----------
    work
        What is done.
    group
        With whom it shares its room.
    began
        Reading of the monotonic clock.
    over
        Set at its end.
    """

    work: Callable[[], Value]
    group: str
    began: float = field(default_factory=time.monotonic)
    over: threading.Event = field(default_factory=threading.Event)
    _value: Any = None
    _error: Exception | None = None

    @property
    def age(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self.began

    def get(self) -> Value:
        """Return what it made, or raise what it raised."""
        if self._error is not None:
            raise self._error
        value: Value = self._value
        return value

    def begin(self) -> None:
        """Do it, on a thread of its own."""
        threading.Thread(target=self._run, name=f"qupel-errand {self.group}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._value = self.work()
        except Exception as error:  # noqa: BLE001  handed to whoever asked
            self._error = error
        self.over.set()


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
        if not errand.over.wait(patience):
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
            errand.over.wait(max(0.0, until - time.monotonic()))

    def _in_group(self, group: str) -> list[Errand[Any]]:
        self._threads[:] = [errand for errand in self._threads if not errand.over.is_set()]
        return [errand for errand in self._threads if errand.group == group]


def within(seconds: float, what: str, work: Callable[[], Value]) -> Value:
    """Return what ``work`` returns.

    Raises
    ------
    RunError
        If it has not returned after so many seconds; it is left behind.
    """
    errand = Errand(work, what)
    errand.begin()
    if not errand.over.wait(seconds):
        raise RunError(f"{what} had not ended after {seconds:g} s, and was left behind")
    return errand.get()


def _pause(age: float) -> float:
    """Seconds until the next question about something of this age: it grows with the age."""
    return min(max(SHORTEST, age), LONGEST)
