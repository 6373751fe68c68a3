"""One piece of work that may hang, done in another thread than the one that wants it.

A thread that hangs cannot be stopped. It is left behind, and does not keep the process from ending.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qupel.errors import TransientError

Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class Errand(Generic[Value]):
    """One piece of work, and what came of it once it is done.

    Attributes
    ----------
    work
        What is done.
    name
        Whose it is, for whoever looks at a process that hangs.
    since
        Reading of the monotonic clock when it was asked for.
    done
        Set at its end.
    dropped
        Whether it is not begun any more.
    """

    work: Callable[[], Value]
    name: str = ""
    since: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    _value: Any = field(default=None, init=False, repr=False)
    _error: Exception | None = field(default=None, init=False, repr=False)

    @property
    def age(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self.since

    def begin(self) -> None:
        """Do it on a thread of its own; `RuntimeError` if none can be started."""
        threading.Thread(target=self.do, name=f"qupel-errand {self.name}", daemon=True).start()

    def do(self) -> None:
        """Do it here and now, unless it was dropped."""
        if not self.dropped:
            try:
                self._value = self.work()
            except Exception as error:  # noqa: BLE001  handed to whoever asked
                self._error = error
        self.done.set()

    def outcome(self, seconds: float | None = None) -> Value:
        """Return what it made or raise what it raised; `TransientError` if not done in time."""
        if not self.done.wait(seconds):
            raise TransientError(f"{self.name}: nothing came back within {seconds:.3g} s")
        if self._error is not None:
            raise self._error
        value: Value = self._value
        return value
