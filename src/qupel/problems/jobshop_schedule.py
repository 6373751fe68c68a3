"""The answer to a job shop: when each operation starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qupel.errors import InputError


@dataclass(frozen=True, slots=True)
class Schedule:
    """Start of each operation, job by job, in the shop's unit of time.

    Attributes
    ----------
    starts
        ``starts[j][k]`` is the start of operation ``k`` of job ``j``. A job that cannot be
        carried out to its end has fewer starts than operations.
    """

    starts: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        rows: Iterable[Iterable[Any]] = self.starts
        object.__setattr__(self, "starts", tuple(tuple(_whole(t) for t in row) for row in rows))

    def to_json(self) -> dict[str, Any]:
        """Return the schedule as plain JSON values."""
        return {"starts": [list(row) for row in self.starts]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Schedule:
        """Rebuild a schedule from `to_json`."""
        return cls(document["starts"])

    def to_frame(self) -> Any:
        """Return a pandas frame with a row an operation: ``job``, ``operation``, ``start``."""
        import pandas as pd

        rows = [(j, k, t) for j, row in enumerate(self.starts) for k, t in enumerate(row)]
        return pd.DataFrame(rows, columns=["job", "operation", "start"])


def _whole(time: Any) -> int:
    """Return a start as an int; `InputError` if it is not a whole number."""
    if isinstance(time, bool) or int(time) != time:
        raise InputError(f"starts are whole numbers of the unit of time, got {time!r}")
    return int(time)
