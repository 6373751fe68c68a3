"""Work that may hang, done aside: whoever asks for it waits so long and no longer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from qupel.errors import TransientError

Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class Errand:
    """One piece of work and what came of it."""

    work: Callable[[], Any]
    done: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    value: Any = None
    error: BaseException | None = None

    def do(self) -> None:
        """Do it, unless it was dropped, and keep what came of it."""
        if not self.dropped:
            try:
                self.value = self.work()
            except Exception as error:  # noqa: BLE001  handed to whoever asked
                self.error = error

    @classmethod
    def at_once(cls, work: Callable[[], Any]) -> Errand:
        """Do something here and now; what came of it."""
        made = cls(work)
        made.do()
        made.done.set()
        return made

    def outcome(self, seconds: float | None = None) -> Any:
        """Return its value or raise its error; `TransientError` if it is not done in time."""
        if not self.done.wait(seconds):
            raise TransientError(f"it is not done within {seconds} s")
        if self.error is not None:
            raise self.error
        return self.value


class Aside:
    """A thread that does one thing after the other.

    The thread cannot be stopped while it hangs; until it is through, whoever asks is refused at
    once. It does not keep the process from ending.

    Parameters
    ----------
    name
        Of the thread, for whoever looks at a process that hangs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._errands: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._late = False

    def ask(self, work: Callable[[], Value], seconds: float, *, drop: bool = True) -> Value:
        """Return what ``work`` returns.

        Parameters
        ----------
        drop
            Whether work that was not begun in time is not begun at all.

        Raises
        ------
        TransientError
            If it is not there after so many seconds, or earlier work still hangs.
        """
        if self._late:
            raise TransientError(f"{self._name}: earlier work still hangs")
        errand = self.leave(work)
        if not errand.done.wait(max(0.0, seconds)):
            errand.dropped = drop
            self._late = not errand.done.is_set()
            raise TransientError(f"{self._name}: nothing came back within {seconds:.3g} s")
        value: Value = errand.outcome()
        return value

    def leave(self, work: Callable[[], Any]) -> Errand:
        """Have something done when its turn comes; nobody waits for it."""
        errand = Errand(work)
        if self._thread is None:
            thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            thread.start()
            self._thread = thread  # once it runs: where none can be started now, one may later
        self._errands.put(errand)
        return errand

    def close(self, seconds: float = 1.0) -> None:
        """End the thread after what is waiting; wait for that so long at most."""
        if self._thread is not None:
            self._errands.put(None)
            self._thread.join(seconds)

    def _serve(self) -> None:
        while (errand := self._errands.get()) is not None:
            errand.do()
            self._late = False
            errand.done.set()
