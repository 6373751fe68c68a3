"""How often something has failed in the same way: what may pass by itself is not counted here."""

from __future__ import annotations

import threading
import traceback
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Failures:
    """Failures of this process, by what failed.

    Two are the same if they are of one type and were raised at one place: messages may hold times
    and addresses.
    """

    _counts: dict[str, tuple[str, int]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def count(self, about: str, error: Exception) -> int:
        """Take note of a failure; return how many like it there were in a row."""
        manner = _manner(error)
        with self._lock:
            before, count = self._counts.get(about, ("", 0))
            count = count + 1 if before == manner else 1
            self._counts[about] = (manner, count)
        return count

    def forget(self, about: str) -> None:
        """Forget what failed, as it is done."""
        with self._lock:
            self._counts.pop(about, None)


def _manner(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} at {place}"
