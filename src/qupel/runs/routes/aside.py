"""A thread for work that may hang: whoever asks for it waits so long and no longer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from qupel.errors import TransientError
from qupel.runs.errand import Errand

Value = TypeVar("Value")


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
        self._errands: queue.SimpleQueue[Errand[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._missed: Errand[Any] | None = None

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
        if self._missed is not None and not self._missed.done.is_set():
            raise TransientError(f"{self._name}: earlier work still hangs")
        errand = self.leave(work)
        try:
            return errand.outcome(max(0.0, seconds))
        finally:
            if not errand.done.is_set():
                errand.dropped, self._missed = drop, errand

    def leave(self, work: Callable[[], Value]) -> Errand[Value]:
        """Have something done when its turn comes; nobody waits for it."""
        errand = Errand(work, self._name)
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
